//! Gives everything that a template asks for an entry in its lock.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::base::Class;
use crate::input::{Asked, InputError, Reach, git, image, url};
use crate::lock::{
    Change, GitPin, GitRequest, ImagePin, ImageRequest, Lock, Move, Pin, Request, drop_stale, missing, move_entry, put,
};

use super::asks::Ask;
use super::error::Error;
use super::fetch::{Wish, fetch};
use super::load::{Loaded, LockMode, write_lock};
use super::packages;
use super::provision::Commands;
use super::terms::{Event, Terms};

/// Resolves what the lock has no entry for and runs what commands have to fetch, or refuses to. Entries that are there
/// stay, unless a command was given something else. `never` are files that must not come in.
pub fn pin(
    loaded: &mut Loaded,
    mode: LockMode,
    commands: Commands,
    never: &[PathBuf],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<(), Error> {
    let wanted = missing(&concerned(loaded), loaded.lock.as_ref());
    if mode == LockMode::Locked && !wanted.is_empty() {
        let missing = wanted.iter().map(Request::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::Locked { path: loaded.lock_path.clone(), missing });
    }
    resolve(loaded, &wanted, reach, terms)?;
    packages::pin(loaded, packages::Wish { mode, anew: &[], never }, reach, terms)?;
    fetch(loaded, &Wish { mode, commands, anew: &[], never }, reach, terms)
}

/// Takes these requests anew, whatever the lock says of them; what commands fetch from them then follows.
pub fn update(
    loaded: &mut Loaded,
    wanted: &[Request],
    never: &[PathBuf],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<(), Error> {
    resolve(loaded, wanted, reach, terms)?;
    packages::pin(loaded, packages::Wish { mode: LockMode::Complete, anew: wanted, never }, reach, terms)?;
    if loaded.asks.keys().any(|request| matches!(request, Request::Fetch(_))) {
        let missing = missing(&concerned(loaded), loaded.lock.as_ref());
        resolve(loaded, &missing, reach, terms)?;
        let wish = Wish { mode: LockMode::Complete, commands: Commands::Run, anew: wanted, never };
        fetch(loaded, &wish, reach, terms)?;
    }
    Ok(())
}

/// The requests that have to be in the lock. Commands run on their platform, which not every machine can: they wait until
/// it is built.
fn concerned(loaded: &Loaded) -> BTreeSet<Request> {
    let is_built = |request: &&Request| match request {
        Request::Fetch(fetch) => loaded.platforms.contains(&fetch.platform),
        _ => true,
    };
    loaded.asks.keys().filter(is_built).cloned().collect()
}

/// Drops entries that nothing asks for any more.
pub fn drop_unused(loaded: &mut Loaded) -> Result<(), Error> {
    let requests: BTreeSet<Request> = loaded.asks.keys().cloned().collect();
    let Some(lock) = &mut loaded.lock else { return Ok(()) };
    let dropped = drop_stale(lock, &requests);
    if !dropped.is_empty() {
        write_lock(&loaded.lock_path, lock)?;
        loaded.locked.extend(dropped);
    }
    Ok(())
}

/// Resolves these requests anew, whatever the lock says of them, and writes it if anything moved. What commands fetch
/// is not among what can be asked for.
fn resolve(loaded: &mut Loaded, wanted: &[Request], reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    let Some(mut lock) = loaded.lock.clone() else { return Ok(()) };
    let mut changes: Vec<Change> = Vec::new();
    // What one address holds is the same for all who ask: the two platforms of an image, the two directories of a commit.
    for (at, request) in wanted.iter().enumerate() {
        let Some(ask) = loaded.asks.get(request) else { continue };
        if terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        (terms.watch)(Event::Resolving { request });
        let moving = wanted.get(at..).unwrap_or_default();
        let resolved = match &ask.asked {
            Asked::Image(of) => resolve_image(of, &lock, moving, reach).map(Pin::Image),
            Asked::Git(of) => resolve_git(of, &lock, moving, reach).map(Pin::Git),
            Asked::Url(of) => url::resolve(of, reach).map(Pin::Url),
            Asked::Fetch(_) | Asked::Packages(..) => continue,
        };
        changes.extend(put(&mut lock, request, resolved.map_err(|source| input_error(ask, loaded, source))?));
    }
    write(loaded, lock, changes)
}

/// Takes over a lock in which this changed.
pub(super) fn write(loaded: &mut Loaded, mut lock: Lock, mut changes: Vec<Change>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    // The image is made anew when its inputs move; a lock that is new has its time already.
    if loaded.locked.is_empty() {
        changes.extend(move_entry(&mut lock, &Move::Created(loaded.made_now)));
    }
    write_lock(&loaded.lock_path, &lock)?;
    loaded.take_lock(lock);
    loaded.locked.extend(changes);
    Ok(())
}

// Requests about the same thing get answers that fit together: all platforms of an image are from one index, all
// directories of a repository from one commit. `moving` are those whose entries no longer count.

fn resolve_image(
    wanted: &ImageRequest,
    lock: &Lock,
    moving: &[Request],
    reach: &Reach<'_>,
) -> Result<ImagePin, InputError> {
    let known = siblings(lock, moving).find_map(|entry| match entry {
        (Request::Image(other), Pin::Image(pin)) if other.image == wanted.image => Some(pin),
        _ => None,
    });
    // One that is there no more is no reason not to ask for what there is.
    let found = known.and_then(|pin| image::resolve_in(wanted, &pin.digest, reach).ok());
    found.map_or_else(|| image::resolve(wanted, reach), Ok)
}

fn resolve_git(wanted: &GitRequest, lock: &Lock, moving: &[Request], reach: &Reach<'_>) -> Result<GitPin, InputError> {
    let known = siblings(lock, moving).find_map(|entry| match entry {
        (Request::Git(other), Pin::Git(pin)) if (&other.url, &other.rev) == (&wanted.url, &wanted.rev) => Some(pin),
        _ => None,
    });
    let found = known.and_then(|pin| git::resolve_at(wanted, &pin.commit, reach).ok());
    found.map_or_else(|| git::resolve(wanted, reach), Ok)
}

fn siblings<'a>(lock: &'a Lock, moving: &[Request]) -> impl Iterator<Item = (&'a Request, &'a Pin)> {
    lock.inputs.iter().filter(move |(request, _)| !moving.contains(request))
}

/// An input's failure with its name and its place in the template.
pub(super) fn input_error(ask: &Ask, loaded: &Loaded, source: InputError) -> Error {
    if source.class() == Class::Interrupted {
        return Error::Interrupted;
    }
    Error::Input { name: ask.name.clone(), place: loaded.place(ask.span), source: Box::new(source) }
}
