//! Gives everything that a template asks for an entry in its lock.

use std::collections::BTreeSet;

use crate::input::{Asked, Reach};
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
    for request in wanted {
        let Some(ask) = loaded.asks.get(request) else { continue };
        if terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        (terms.watch)(Event::Resolving { request });
        let pin = resolve_one(ask, &lock, wanted, reach).map_err(|source| input_error(ask, loaded, source))?;
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

fn resolve_one(ask: &Ask, lock: &Lock, moving: &[Request], reach: &Reach<'_>) -> Result<Pin, crate::input::InputError> {
    // Another platform of the same image is taken from the index that the lock has, unless that moves too.
    if let Asked::Image(wanted) = &ask.asked {
        let sibling = lock.inputs.iter().find_map(|(request, pin)| match (request, pin) {
            (Request::Image(other), Pin::Image(pin)) if other.image == wanted.image && !moving.contains(request) => {
                Some(pin)
            }
            _ => None,
        });
        if let Some(known) = sibling
            && let Ok(pin) = crate::input::image::resolve_in(wanted, &known.digest, reach)
        {
            return Ok(Pin::Image(pin));
        }
    }
    ask.asked.resolve(reach)
}

/// An input's failure with its name and its place in the template.
pub(super) fn input_error(ask: &Ask, loaded: &Loaded, source: crate::input::InputError) -> Error {
    if source.class() == crate::input::Class::Interrupted {
        return Error::Interrupted;
    }
    let file = loaded.files.get(ask.span.file);
    let place = file.map(|file| {
        let before = file.text.get(..ask.span.start).unwrap_or_default();
        format!("{}:{}", loaded.directory.join(&file.path).display(), before.matches('\n').count() + 1)
    });
    Error::Input { name: ask.name.clone(), place: place.unwrap_or_default(), source: Box::new(source) }
}
