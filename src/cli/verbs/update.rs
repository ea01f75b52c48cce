//! `kiln update`

use std::process::ExitCode;

use crate::cli::args::{Entry, Update};
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::lock::{Accept, Lock, Move, move_entry};
use crate::pipeline::load::{lock_path, read_lock, template_path, write_lock};

use super::lock::from_environment;

/// Moves entries and says from what to what.
pub fn run(args: &Update, session: &Session) -> Result<ExitCode, Failure> {
    let path = lock_path(&template_path(&args.template)?);
    let mut lock = read_lock(&path, Accept::AnyProfile)?.ok_or_else(|| Failure::Found {
        message: format!("there is no lock file `{}`", path.display()),
        hint: Some("write it with `kiln lock`".to_owned()),
    })?;
    let changes = change(&mut lock, &args.entries, session)?;
    if changes.is_empty() {
        session.report.note(&format!("{}: nothing to move", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    write_lock(&path, &lock)?;
    for change in changes {
        session.report.note(&change.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn change(lock: &mut Lock, entries: &[Entry], session: &Session) -> Result<Vec<crate::lock::Change>, Failure> {
    let now = from_environment(session)?.unwrap_or(session.environment.now);
    let mut changes = Vec::new();
    for entry in entries {
        let to = match entry {
            Entry::Epoch => Move::Epoch(now),
            Entry::Created => Move::Created(now),
            Entry::Profile => Move::Profile,
            Entry::Platforms => Move::Platforms(vec![session.environment.machine.clone()]),
        };
        changes.extend(move_entry(lock, &to));
    }
    // The image is made anew when its inputs move.
    if !changes.is_empty() && !entries.contains(&Entry::Created) {
        changes.extend(move_entry(lock, &Move::Created(now)));
    }
    Ok(changes)
}
