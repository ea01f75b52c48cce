//! `kiln drift`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::Class;
use crate::cli::args::Drift;
use crate::cli::report::{Failure, code, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::Error;
use crate::pipeline::drift::{Watched, ask};
use crate::publish::drift::{Basis, Grade, Pinned, Place, State, Strictness, Unread};
use crate::store::Store;

use super::repository;

/// A digest whose name cannot be read, and the file.
type Unreadable = (PathBuf, Unread);

/// Asks for everything that is pinned, and prints what is not as it was.
pub fn run(args: &Drift, session: &Session) -> Result<ExitCode, Failure> {
    let (watched, unread) = gather(args, session)?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let client = network.client(&news).map_err(Error::from)?;
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    progress.stage("asking registries");
    let states = ask(watched.pins(), &client, session.plain_terms(&watch).interrupted);
    progress.end();
    let states = states?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Usual };
    let graded: Vec<(&Pinned, &State, Grade)> = watched
        .pins()
        .iter()
        .zip(&states)
        .map(|(pinned, state)| (pinned, state, state.grade(pinned.basis, strictness)))
        .collect();
    if args.json {
        print_json(&as_json(&graded, &unread))?;
    } else {
        print(&as_text(&graded))?;
    }
    for (pinned, state, _) in graded.iter().filter(|(_, _, grade)| *grade == Grade::News) {
        let place = pinned.places.first().map(|place| format!("{place}: ")).unwrap_or_default();
        session.report.note(&format!("note: {place}{}; `kiln update` takes it", state.told(&pinned.pin)));
    }
    hints(&states, session);
    if !graded.is_empty() {
        session.report.note(&summary(&graded));
    }
    if graded.is_empty() {
        // A check that looks at nothing must not look like one that found nothing.
        return Err(Failure::Found { message: "nothing was checked".to_owned(), hint: None });
    }
    let worst = graded.iter().map(|(_, _, grade)| *grade).max();
    Ok(match worst.unwrap_or(Grade::Fine) {
        Grade::Fine | Grade::News => ExitCode::SUCCESS,
        Grade::Broken => ExitCode::from(code(Class::Mismatch)),
        Grade::Unknown => ExitCode::from(code(Class::Unavailable)),
    })
}

/// Reads files and the store, and says where nothing is pinned.
fn gather(args: &Drift, session: &Session) -> Result<(Watched, Vec<Unreadable>), Failure> {
    let (mut watched, mut unread) = (Watched::default(), Vec::new());
    let mut store: Option<Store> = None;
    let nothing = |message: String, hint: &str| session.report.warn(&message, Some(hint.to_owned()));
    for word in &args.what {
        let path = Path::new(word);
        if path.is_dir() {
            return Err(Failure::Usage {
                message: format!("`{word}` is a directory"),
                hint: "name the files in it: `kiln.lock`, or what holds `NAME@sha256:..`".to_owned(),
            });
        }
        if path.exists() {
            let within = watched.file(path)?;
            for one in within.unread {
                let text = if one.text.is_empty() { "nothing".to_owned() } else { format!("`{}`", one.text) };
                let message = format!("{word}:{}: {text} before a digest is no name: it is not checked", one.spot);
                session.report.warn(&message, None);
                unread.push((path.to_owned(), one));
            }
            if within.count == 0 {
                let hint = "images count if they stand there with a digest: `NAME:TAG@sha256:..`";
                nothing(format!("there is nothing to check in `{word}`"), hint);
            }
            continue;
        }
        let (repository, tag) = repository::with_tag(word).map_err(|_| Failure::Usage {
            message: format!("`{word}` is neither a file nor `HOST/REPOSITORY[:TAG]`"),
            hint: "see `kiln drift --help`".to_owned(),
        })?;
        let store = match &mut store {
            Some(store) => store,
            none => none.insert(session.store(&args.store)?),
        };
        if watched.repository(&repository, tag.as_ref(), store) == 0 {
            let hint = "only the store that something was pushed from remembers it; elsewhere, name a file";
            nothing(format!("this store remembers nothing that was published as `{word}`"), hint);
        }
    }
    Ok((watched, unread))
}

fn is_told((_, _, grade): &&(&Pinned, &State, Grade)) -> bool {
    matches!(grade, Grade::Broken | Grade::Unknown)
}

/// A line for each place of each problem.
fn as_text(graded: &[(&Pinned, &State, Grade)]) -> String {
    let mut text = String::new();
    for (pinned, state, _) in graded.iter().filter(is_told) {
        for place in &pinned.places {
            text.push_str(&format!("{place}: {}\n", state.told(&pinned.pin)));
        }
    }
    text
}

/// Each thing that can be done about what nobody knows, once.
fn hints(states: &[State], session: &Session) {
    let mut told: Vec<&str> = Vec::new();
    for state in states {
        if let State::Unknown { hint: Some(hint), .. } = state
            && !told.contains(&hint.as_str())
        {
            told.push(hint);
        }
    }
    for hint in told {
        session.report.note(&format!("help: {hint}"));
    }
}

fn summary(graded: &[(&Pinned, &State, Grade)]) -> String {
    let mut parts = vec![size::count(graded.len(), "image")];
    let fine = graded.iter().filter(|(_, state, _)| **state == State::AsPinned).count();
    parts.push(if fine == graded.len() { "all as pinned".to_owned() } else { format!("{fine} as pinned") });
    for word in ["moved", "vanished", "unknown"] {
        let count = graded.iter().filter(|(_, state, _)| state.word() == word).count();
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

fn as_json(graded: &[(&Pinned, &State, Grade)], unread: &[Unreadable]) -> Value {
    let place = |place: &Place| match place {
        Place::File { path, spot } => json!({
            "file": path.display().to_string(),
            "line": spot.map(|spot| spot.line),
            "column": spot.map(|spot| spot.column),
        }),
        Place::Store { published } => json!({ "published": published }),
    };
    let pin = |(pinned, state, grade): &(&Pinned, &State, Grade)| {
        let pin = &pinned.pin;
        let (now, why) = match state {
            State::AsPinned => (pin.tag.as_ref().map(|_| pin.digest), None),
            State::Moved(now) => (Some(*now), None),
            State::Gone(now) => (*now, None),
            State::TagGone => (None, None),
            State::Unknown { why, .. } => (None, Some(why)),
        };
        let there = match state {
            State::AsPinned | State::Moved(_) | State::TagGone => Some(true),
            State::Gone(_) => Some(false),
            State::Unknown { .. } => None,
        };
        json!({
            "repository": pin.repository.to_string(),
            "tag": pin.tag,
            "digest": pin.digest,
            "state": state.word(),
            "tag_holds": now,
            "digest_is_there": there,
            "why": why,
            "decides": match pinned.basis { Basis::Tag => "tag", Basis::Digest => "digest" },
            "is_wrong": matches!(grade, Grade::Broken | Grade::Unknown),
            "places": pinned.places.iter().map(place).collect::<Vec<_>>(),
        })
    };
    let unread = unread.iter().map(|(path, unread)| {
        json!({
            "file": path.display().to_string(),
            "line": unread.spot.line,
            "column": unread.spot.column,
            "text": unread.text,
        })
    });
    json!({ "pins": graded.iter().map(pin).collect::<Vec<_>>(), "unread": unread.collect::<Vec<_>>() })
}
