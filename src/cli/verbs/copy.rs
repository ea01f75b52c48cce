//! `kiln copy`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::Copy;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::pipeline::publish::Sent;
use crate::pipeline::{Event, copy, find};
use crate::transport::News;

use super::inspect::parse;
use super::push::tell::{destination, tell_left, told};

/// Copies an image, prints the names of the copies.
pub fn run(args: &Copy, session: &Session) -> Result<ExitCode, Failure> {
    let reference = parse(&args.image, "copy")?;
    let store = session.store(&args.store)?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: News| progress.news(&news);
    let reach = network.reach(&store, PathBuf::new(), &news)?;
    let watch = |event: Event<'_>| progress.show(event);
    let terms = session.plain_terms(&watch);
    progress.stage("copying");
    let copied = find(&reference, &reach).and_then(|whole| {
        let results = copy(&whole, &args.destinations, &reach, &terms)?;
        Ok((whole.top.digest, results))
    });
    progress.end();
    let (digest, results) = copied?;
    let (mut failures, mut all): (Vec<Failure>, Vec<Sent>) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(sent) => {
                tell(&sent, session);
                all.push(sent);
            }
            Err(error) => failures.push(error.into()),
        }
    }
    if args.json {
        print_json(&json!({ "digest": digest, "destinations": all.iter().map(destination).collect::<Vec<_>>() }))?;
    } else {
        let names: Vec<String> = all.iter().flat_map(names).map(|name| format!("{name}\n")).collect();
        print(&names.concat())?;
    }
    session.report.worst(failures)?;
    Ok(ExitCode::SUCCESS)
}

fn names(sent: &Sent) -> Vec<String> {
    match sent.full_names() {
        names if names.is_empty() => vec![format!("{}@{}", sent.place, sent.receipt.digest)],
        names => names,
    }
}

fn tell(sent: &Sent, session: &Session) {
    session.report.note(&told(sent));
    tell_left(sent, session);
}
