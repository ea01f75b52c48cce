//! `kiln lock`

use std::process::ExitCode;

use crate::cli::args::Lock;
use crate::cli::report::Failure;
use crate::cli::session::{Session, plain_request};
use crate::pipeline::pin::{drop_unused, pin};
use crate::pipeline::{Commands, LockMode, Request, Terms, load};

/// Writes what the lock file lacks, and drops what nothing asks for any more.
pub fn run(args: &Lock, session: &Session) -> Result<ExitCode, Failure> {
    session.environment.check_source_date_epoch()?;
    let store = session.store(&args.store)?;
    let request = Request { epoch: args.epoch, created: args.created, ..plain_request(&args.template) };
    let progress = session.progress();
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let provision = session.provision(&args.provision)?;
    let terms = Terms { provision: &provision, ..session.plain_terms(&watch) };
    let mut loaded = load(&request, &terms)?;
    let network = session.network(&args.network)?;
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, loaded.directory.clone(), &news)?;
    let pinned = pin(&mut loaded, LockMode::Complete, Commands::Run, &session.never(&store), &reach, &terms);
    progress.end();
    pinned?;
    drop_unused(&mut loaded)?;
    let path = loaded.lock_path.display();
    if loaded.locked.is_empty() {
        let why = if loaded.lock_path.exists() { "is complete" } else { "is not needed: the template says everything" };
        session.report.note(&format!("{path} {why}"));
    } else {
        session.report.note(&format!("wrote {path}"));
        for change in &loaded.locked {
            session.report.note(&format!("  {change}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
