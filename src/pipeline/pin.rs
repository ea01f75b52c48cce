//! Gives everything that a template asks for an entry in its lock.

use std::collections::BTreeSet;

use crate::base::Class;
use crate::input::{Asked, InputError, Reach, git, image};
use crate::lock::{Change, Lock, Move, Pin, Request, drop_stale, missing, move_entry, put};

use super::asks::Ask;
use super::error::Error;
use super::load::{Loaded, LockMode, write_lock};
use super::terms::{Event, Terms};

/// Resolves what the lock has no entry for, or refuses to. Entries that are there stay.
pub fn pin(loaded: &mut Loaded, mode: LockMode, reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    let requests: BTreeSet<Request> = loaded.asks.keys().cloned().collect();
    let wanted = missing(&requests, loaded.lock.as_ref());
    if wanted.is_empty() {
        return Ok(());
    }
    if mode == LockMode::Locked {
        let missing = wanted.iter().map(Request::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::Locked { path: loaded.lock_path.clone(), missing });
    }
    resolve(loaded, &wanted, reach, terms)
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

/// Resolves these requests anew, whatever the lock says of them, and writes it if anything moved.
pub fn resolve(loaded: &mut Loaded, wanted: &[Request], reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    let Some(mut lock) = loaded.lock.clone() else { return Ok(()) };
    let mut changes: Vec<Change> = Vec::new();
    // What one address holds is the same for all who ask: the two platforms of an image, the two directories of a commit.
    for (at, request) in wanted.iter().enumerate() {
        let Some(ask) = loaded.asks.get(request) else { continue };
        if terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        (terms.watch)(Event::Resolving { request });
        let pin = resolve_one(ask, &lock, &wanted[at..], reach).map_err(|source| input_error(ask, loaded, source))?;
        changes.extend(put(&mut lock, request, pin));
    }
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

/// What one request means. Requests about the same thing get answers that fit together: all platforms of an image are from
/// one index, all directories of a repository from one commit. `moving` are those whose entries no longer count.
fn resolve_one(ask: &Ask, lock: &Lock, moving: &[Request], reach: &Reach<'_>) -> Result<Pin, InputError> {
    let siblings = lock.inputs.iter().filter(|(request, _)| !moving.contains(request));
    match &ask.asked {
        Asked::Image(wanted) => {
            let known = siblings.filter_map(|(request, pin)| match (request, pin) {
                (Request::Image(other), Pin::Image(pin)) if other.image == wanted.image => Some(pin),
                _ => None,
            });
            // One that is there no more is no reason not to ask for what there is.
            let found = known.take(1).find_map(|pin| image::resolve_in(wanted, &pin.digest, reach).ok());
            found.map_or_else(|| ask.asked.resolve(reach), |pin| Ok(Pin::Image(pin)))
        }
        Asked::Git(wanted) => {
            let known = siblings.filter_map(|(request, pin)| match (request, pin) {
                (Request::Git(other), Pin::Git(pin)) if (&other.url, &other.rev) == (&wanted.url, &wanted.rev) => {
                    Some(pin)
                }
                _ => None,
            });
            let found = known.take(1).find_map(|pin| git::resolve_at(wanted, &pin.commit, reach).ok());
            found.map_or_else(|| ask.asked.resolve(reach), |pin| Ok(Pin::Git(pin)))
        }
        Asked::Url(_) => ask.asked.resolve(reach),
    }
}

/// An input's failure with its name and its place in the template.
pub(super) fn input_error(ask: &Ask, loaded: &Loaded, source: InputError) -> Error {
    if source.class() == Class::Interrupted {
        return Error::Interrupted;
    }
    Error::Input { name: ask.name.clone(), place: loaded.place(ask.span), source: Box::new(source) }
}
