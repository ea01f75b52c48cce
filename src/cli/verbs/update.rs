//! `kiln update`

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Summary, Update};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::{Session, template_request};
use crate::lock::{Accept, Change, Move, Request, move_entry};
use crate::pipeline::asks::Ask;
use crate::pipeline::load::{lock_path, read_lock, template_path, write_lock};
use crate::pipeline::pin::update;
use crate::pipeline::{Loaded, Terms, load};
use crate::template::nearest;

/// What is no input and has a name of its own.
const OWN: [&str; 4] = ["epoch", "created", "profile", "platforms"];

/// Moves entries and says from what to what.
pub fn run(args: &Update, session: &Session) -> Result<ExitCode, Failure> {
    session.environment.check_source_date_epoch()?;
    let path = lock_path(&template_path(&args.template.template)?);
    let is_own = |name: &&String| OWN.contains(&name.as_str());
    let (own, inputs): (Vec<&String>, Vec<&String>) = args.names.iter().partition(is_own);
    let mut changes = move_own(&path, &own, session)?;
    if own.is_empty() || !inputs.is_empty() {
        changes.extend(move_inputs(args, &inputs, session)?);
    }
    say(&path, &changes, args.summary, session)?;
    Ok(ExitCode::SUCCESS)
}

fn move_own(path: &std::path::Path, names: &[&String], session: &Session) -> Result<Vec<Change>, Failure> {
    let mut lock = read_lock(path, Accept::AnyProfile)?.ok_or_else(|| Failure::Found {
        message: format!("there is no lock file `{}`", path.display()),
        hint: Some("write it with `kiln lock`".to_owned()),
    })?;
    let now = session.environment.lock_time();
    let mut changes = Vec::new();
    for name in names {
        let to = match name.as_str() {
            "epoch" => Move::Epoch(now),
            "created" => Move::Created(now),
            "profile" => Move::Profile,
            _ => Move::Platforms(vec![session.environment.machine.clone()]),
        };
        changes.extend(move_entry(&mut lock, &to));
    }
    // The image is made anew when something of it moves.
    if !changes.is_empty() && !names.iter().any(|name| *name == "created") {
        changes.extend(move_entry(&mut lock, &Move::Created(now)));
    }
    if !changes.is_empty() {
        write_lock(path, &lock)?;
    }
    Ok(changes)
}

fn move_inputs(args: &Update, names: &[&String], session: &Session) -> Result<Vec<Change>, Failure> {
    let store = session.store(&args.store)?;
    let progress = session.progress();
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let provision = session.provision(&args.provision)?;
    let terms = Terms { provision: &provision, ..session.plain_terms(&watch) };
    let mut loaded = load(&template_request(&args.template), &terms)?;
    let wanted = choose(&loaded, names)?;
    let network = session.network(&args.network)?;
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, loaded.directory.clone(), &news)?;
    let updated = update(&mut loaded, &wanted, &session.never(&store), &reach, &terms);
    progress.end();
    updated?;
    Ok(loaded.locked)
}

/// The requests behind the names; without a name all.
fn choose(loaded: &Loaded, names: &[&String]) -> Result<Vec<Request>, Failure> {
    let known: BTreeSet<&str> = loaded.asks.values().flat_map(Ask::names).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name.as_str())) {
        let listed: Vec<String> = known.iter().chain(&OWN).map(|name| format!("`{name}`")).collect();
        let hint = match nearest(unknown, known.iter().copied().chain(OWN)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the lock has {}", listed.join(", ")),
        };
        return Err(Failure::Usage { message: format!("nothing called `{unknown}` is locked"), hint });
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);
    let chosen = loaded.asks.iter().filter(|(_, ask)| ask.names().any(is_wanted));
    Ok(chosen.map(|(request, _)| request.clone()).collect())
}

fn say(path: &std::path::Path, changes: &[Change], summary: Option<Summary>, session: &Session) -> Result<(), Failure> {
    if changes.is_empty() {
        session.report.note(&format!("{}: nothing moved", path.display()));
    }
    for change in changes {
        session.report.note(&change.to_string());
    }
    match summary {
        None => Ok(()),
        Some(Summary::Json) => {
            let change = |change: &Change| json!({ "entry": change.entry, "old": change.old, "new": change.new });
            print_json(&changes.iter().map(change).collect::<Vec<_>>())
        }
        Some(Summary::Markdown) => {
            let row = |change: &Change| {
                format!(
                    "| {} | {} | {} |\n",
                    cell(&change.entry),
                    cell(change.old.as_deref().unwrap_or("")),
                    cell(&change.new)
                )
            };
            let rows: String = changes.iter().map(row).collect();
            print(&if rows.is_empty() { rows } else { format!("| entry | old | new |\n|--|--|--|\n{rows}") })
        }
    }
}

/// Text in a cell of a table: what comes from a registry or a template must not end it.
fn cell(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace(['|', '`', '\n'], " ")) }
}
