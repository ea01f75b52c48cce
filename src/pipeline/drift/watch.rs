//! What is to be asked for.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::{BlobDigest, Epoch};
use crate::input::image::Named;
use crate::lock::{self, Accept, Lock, Request};
use crate::pipeline::error::Error;
use crate::publish::drift::{Basis, Pin, Pinned, Place, Spot, Unread, scan};
use crate::publish::tags::is_of_tools;
use crate::registry::{ImageName, Repository, Tag};
use crate::store::Store;

/// Pins, each once, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Watched {
    pins: Vec<Pinned>,
    known: BTreeMap<(Pin, Basis), usize>,
}

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Within {
    /// How many pins, with those that were found before.
    pub count: usize,
    /// Digests whose name cannot be read.
    pub unread: Vec<Unread>,
}

impl Watched {
    /// All of them.
    pub fn pins(&self) -> &[Pinned] {
        &self.pins
    }

    fn add(&mut self, pin: Pin, basis: Basis, place: Place) {
        let next = self.pins.len();
        let at = *self.known.entry((pin.clone(), basis)).or_insert(next);
        match self.pins.get_mut(at) {
            Some(pinned) if pinned.places.contains(&place) => {}
            Some(pinned) => pinned.places.push(place),
            None => self.pins.push(Pinned { pin, basis, places: vec![place] }),
        }
    }

    /// What a file holds: the images of a lock that come from registries; of any other file, every image that stands there
    /// with a digest.
    pub fn file(&mut self, path: &Path) -> Result<Within, Error> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::File { doing: "read", path: path.to_owned(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(lock) = read_lock(path, &text)? {
            let count = self.lock_file(path, &text, &lock);
            return Ok(Within { count, unread: Vec::new() });
        }
        let found = scan(&text);
        let count = found.pins.len();
        for (pin, spot) in found.pins {
            self.add(pin, Basis::Tag, Place::File { path: path.to_owned(), spot: Some(spot) });
        }
        Ok(Within { count, unread: found.unread })
    }

    fn lock_file(&mut self, path: &Path, text: &str, lock: &Lock) -> usize {
        let mut count = 0;
        for (request, pin) in &lock.inputs {
            let (Request::Image(request), lock::Pin::Image(pin)) = (request, pin) else { continue };
            let Ok(Named::Registry(name)) = Named::parse(&request.image, Path::new("")) else { continue };
            let Ok(digest) = pin.digest.parse::<BlobDigest>() else { continue };
            count += 1;
            for place in places(path, text, &request.image) {
                self.add(Pin::new(name.clone(), digest), Basis::Digest, place);
            }
        }
        count
    }

    /// What was published from here into a repository, under one tag or all; gives how many names that are. What tools
    /// keep there for a while is none of it.
    pub fn repository(&mut self, repository: &Repository, tag: Option<&Tag>, store: &Store) -> usize {
        let mut count = 0;
        for note in store.all_published() {
            let Ok(name) = note.name.parse::<ImageName>() else { continue };
            let Ok(digest) = note.digest.parse::<BlobDigest>() else { continue };
            let held = name.tag.as_deref().unwrap_or_default();
            let is_meant = tag.is_none_or(|tag| tag.as_str() == held) && !is_of_tools(held);
            if name.repository == *repository && is_meant {
                count += 1;
                let place = Place::Store { published: Epoch::from_seconds(note.when) };
                self.add(Pin::new(name, digest), Basis::Tag, place);
            }
        }
        count
    }
}

/// Whether a file is a lock of kiln's. Others have locks too; one that has kiln's name has to be one.
fn read_lock(path: &Path, text: &str) -> Result<Option<Lock>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.ends_with(".lock") {
        return Ok(None);
    }
    match Lock::parse(text, Accept::AnyProfile) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if name == "kiln.lock" || name.ends_with(".kiln.lock") => {
            Err(Error::Lock { path: path.to_owned(), error })
        }
        Err(_) => Ok(None),
    }
}

/// Where a lock has an image: once for each platform.
fn places(path: &Path, text: &str, image: &str) -> Vec<Place> {
    let place = |spot| Place::File { path: path.to_owned(), spot };
    let mut places = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(value) = line.trim().strip_prefix("image").and_then(|rest| rest.trim_start().strip_prefix('=')) else {
            continue;
        };
        if value.trim().trim_matches(['"', '\'']) == image {
            let column = line.find(image).map_or(1, |at| line.get(..at).unwrap_or_default().chars().count() + 1);
            places.push(place(Some(Spot { line: index + 1, column })));
        }
    }
    if places.is_empty() { vec![place(None)] } else { places }
}
