//! `kiln log`

use std::process::ExitCode;

use crate::cli::args::Log;
use crate::cli::opening::Opening;
use crate::cli::report::{Failure, print};
use crate::cli::session::Session;
use crate::pipeline::provision::read_log;
use crate::pipeline::{Commands, Prepared};
use crate::store::Store;

/// Prints what the commands of a template's layers printed when they ran last.
pub fn run(args: &Log, session: &Session) -> Result<ExitCode, Failure> {
    let opening = Opening::new(&args.template, &args.resolve, None);
    opening.act(session, |loaded, opened| show(args, &opened.prepare(loaded, Commands::Recalled)?, opened.reach.store))
}

fn show(args: &Log, prepared: &Prepared, store: &Store) -> Result<ExitCode, Failure> {
    let mut text = String::new();
    let mut known = Vec::new();
    for (name, key) in prepared.commands() {
        known.push(name.to_owned());
        if args.layer.as_ref().is_none_or(|layer| layer == name)
            && let Some(log) = read_log(key, store)
        {
            text.push_str(&format!("layer {name}\n{log}"));
        }
    }
    if text.is_empty() {
        let message = match &args.layer {
            Some(layer) if !known.contains(layer) => format!("no layer `{layer}` of this template runs commands"),
            _ => "no commands of this template, as it is now, have run here".to_owned(),
        };
        let hint = if known.is_empty() { None } else { Some(format!("layers with commands: {}", known.join(", "))) };
        return Err(Failure::Found { message, hint });
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
