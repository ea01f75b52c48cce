//! `kiln store`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::base::Epoch;
use crate::base::reference::Reference;
use crate::cli::args::{StoreCommand, StoreDir};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::sandbox::{Area, Sandbox};
use crate::store::gc::{Keep, Removal};
use crate::store::{Entry, Name, Store};

/// Lists, checks or cleans the store.
pub fn run(command: &StoreCommand, session: &Session) -> Result<ExitCode, Failure> {
    match command {
        StoreCommand::Ls { json, store } => ls(&session.store(store)?, Form::of(*json)),
        StoreCommand::Log { name, json, store } => log(name, &session.store(store)?, Form::of(*json)),
        StoreCommand::Check { json, store } => check(&session.store(store)?, Form::of(*json), session),
        StoreCommand::Gc { keep_days, max_size, dry_run, json, store } => {
            let keep = Keep { now: session.environment.now.seconds(), days: *keep_days, max_bytes: *max_size };
            let removal = if *dry_run { Removal::DryRun } else { Removal::Real };
            gc(&keep, removal, store, Form::of(*json), session)
        }
    }
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Form {
    fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

fn when(seconds: i64) -> String {
    Epoch::from_seconds(seconds).map_or_else(|| seconds.to_string(), |epoch| epoch.to_string())
}

fn as_json(name: &Name, entry: &Entry, store: &Store) -> serde_json::Value {
    json!({
        "name": name.name,
        "version": name.version,
        "digest": entry.digest,
        "media_type": entry.media_type,
        "total_bytes": entry.total_bytes,
        "when": when(entry.when),
        "frozen": store.is_frozen(name),
        "whole": store.has_blob(&entry.digest, entry.size_bytes),
    })
}

fn ls(store: &Store, form: Form) -> Result<ExitCode, Failure> {
    let held = store.names().into_iter().filter_map(|name| store.current(&name).map(|entry| (name, entry)));
    let held: Vec<(Name, Entry)> = held.collect();
    if form == Form::Json {
        print_json(&held.iter().map(|(name, entry)| as_json(name, entry, store)).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = held.iter().map(|(name, _)| name.to_string().chars().count()).max().unwrap_or_default();
    for (name, entry) in &held {
        let frozen = if store.is_frozen(name) { "  published" } else { "" };
        let gone = if store.has_blob(&entry.digest, entry.size_bytes) { "" } else { "  (removed)" };
        let (digest, size, when) = (&entry.digest, size::show(entry.total_bytes), when(entry.when));
        print(&format!("{:width$}  {size:>10}  {when}  {digest}{frozen}{gone}\n", name.to_string()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn log(text: &str, store: &Store, form: Form) -> Result<ExitCode, Failure> {
    let name = match text.parse() {
        Ok(Reference::Store { name, version }) => Name { name, version },
        _ => {
            return Err(Failure::Usage {
                message: format!("`{text}` is not a name in the store"),
                hint: "see the names with `kiln store ls`".to_owned(),
            });
        }
    };
    let (name, _) = store.find(&name)?;
    let mut entries = store.log(&name);
    entries.reverse();
    if form == Form::Json {
        print_json(&entries.iter().map(|entry| as_json(&name, entry, store)).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &entries {
        let gone = if store.has_blob(&entry.digest, entry.size_bytes) { "" } else { "  (removed)" };
        let size = size::show(entry.total_bytes);
        print(&format!("{}  {size:>10}  {}{gone}\n", when(entry.when), entry.digest))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check(store: &Store, form: Form, session: &Session) -> Result<ExitCode, Failure> {
    let report = store.check(session.environment.processors.get())?;
    if form == Form::Json {
        print_json(&report)?;
    } else {
        let (blobs, damaged) = (report.blobs, report.damaged.len());
        for digest in &report.damaged {
            print(&format!("damaged, set aside: {digest}\n"))?;
        }
        for name in &report.broken_names {
            print(&format!("not whole any more: {name}\n"))?;
        }
        print(&format!("{} read, {}, {damaged} damaged\n", size::count(blobs, "blob"), size::show(report.bytes)))?;
    }
    if report.damaged.is_empty() && report.broken_names.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::Mismatch { message: "the store was damaged; the next build makes anew what is missing".to_owned() })
}

fn gc(keep: &Keep, removal: Removal, given: &StoreDir, form: Form, session: &Session) -> Result<ExitCode, Failure> {
    let path = session.store_path(given)?;
    let waiting = || session.report.note("waiting for a build that uses the store");
    let store = Store::open_alone(&path, waiting)?;
    let report = store.gc(keep, removal)?;
    if removal == Removal::Real {
        forget_trees(&store, keep, session)?;
    }
    if form == Form::Json {
        print_json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let verb = if removal == Removal::Real { "removed" } else { "would remove" };
    print(&format!(
        "{verb} {}, {}; {} stay, {}\n",
        size::count(report.removed_blobs, "blob"),
        size::show(report.removed_bytes),
        report.kept_blobs,
        size::show(report.kept_bytes)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Removes unpacked trees that no step stood on for the days to keep. They only save time, and are not counted.
fn forget_trees(store: &Store, keep: &Keep, session: &Session) -> Result<(), Failure> {
    const DAY_SECONDS: u64 = 86_400;
    let area = Area::open(store.root()).map_err(crate::pipeline::Error::from)?;
    let old = area.trees().into_iter().filter(|(_, age)| *age >= u64::from(keep.days) * DAY_SECONDS);
    let doomed: Vec<PathBuf> = old.map(|(path, _)| path).chain(area.leftovers()).collect();
    if doomed.is_empty() {
        return Ok(());
    }
    // Files of subordinate ids can only be removed from where they were made.
    let sandbox = Sandbox::open(area, None, session.environment.user.as_deref());
    if let Err(error) = sandbox.and_then(|sandbox| sandbox.remove(doomed)) {
        session.report.warn(&format!("unpacked trees stay: {error}"), error.hint());
    }
    Ok(())
}
