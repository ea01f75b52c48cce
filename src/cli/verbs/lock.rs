//! `kiln lock`

use std::process::ExitCode;

use crate::cli::args::Lock;
use crate::cli::report::Failure;
use crate::cli::session::{Session, plain_request};
use crate::pipeline::{Request, load};

/// Writes what the lock file lacks.
pub fn run(args: &Lock, session: &Session) -> Result<ExitCode, Failure> {
    let request = Request {
        epoch: args.epoch.or(from_environment(session)?),
        created: args.created.or(from_environment(session)?),
        ..plain_request(&args.template)
    };
    let loaded = load(&request, &session.plain_terms(&|_| {}))?;
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

/// The time that SOURCE_DATE_EPOCH names: read where a lock is made, and only there.
pub(super) fn from_environment(session: &Session) -> Result<Option<crate::base::Epoch>, Failure> {
    let Some(text) = &session.environment.source_date_epoch else { return Ok(None) };
    text.parse().map(Some).map_err(|error| Failure::Usage {
        message: format!("SOURCE_DATE_EPOCH: {error}"),
        hint: "unset it, or give it seconds since 1970".to_owned(),
    })
}
