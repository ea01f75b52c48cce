//! `kiln log`

use std::process::ExitCode;

use crate::cli::args::Log;
use crate::cli::report::{Failure, print};
use crate::cli::session::Session;
use crate::pipeline::provision::read_log;
use crate::pipeline::{Commands, load, pin, prepare};

/// Prints what the commands of a template's layers printed when they ran last.
pub fn run(args: &Log, session: &Session) -> Result<ExitCode, Failure> {
    let store = session.store(&args.resolve.store)?;
    let request = session.request(&args.template, &args.resolve);
    let terms = session.terms(&args.resolve, &|_| {});
    let mut loaded = load(&request, &terms)?;
    let network = session.network(&args.resolve.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, loaded.directory.clone(), &news)?;
    pin(&mut loaded, request.lock, Commands::Recalled, &session.never(&store), &reach, &terms)?;
    let prepared = prepare(loaded, &[], &reach, &terms, &request, Commands::Recalled)?;
    let mut text = String::new();
    let mut known = Vec::new();
    for (name, key) in prepared.commands() {
        known.push(name.to_owned());
        if args.layer.as_ref().is_none_or(|layer| layer == name)
            && let Some(log) = read_log(key, &store)
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
