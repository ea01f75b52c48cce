//! Commits: the files of each become one tar in the store, named by the digest that the lock holds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use crate::base::{ContentDigest, ImagePath};
use crate::layer::fill::write_tar;
use crate::layer::read::{Entries, ReadError, archive, ignore};
use crate::lock::{GitPin, GitRequest, Submodules};
use crate::source::git::{self, ObjectId};
use crate::store::{Shelf, Store, StoreError};
use crate::tree::{Kind, Tree, dump};

use super::archive::{ArchiveNote, recall};
use super::copy::{self, Digesting, Expected};
use super::{Arrival, InputError, Reach, Spool};
use crate::store::spool::Spooler;

/// Asks which commit a branch or tag is now, and reads it: its tree is part of the pin.
pub fn resolve(request: &GitRequest, reach: &Reach<'_>) -> Result<GitPin, InputError> {
    let commit = git::resolve(&asked(request)?, &reach.remote.git_terms())?;
    let tree = read(request, &commit, reach)?;
    Ok(GitPin { commit: commit.to_string(), tree })
}

/// Reads a commit that another entry of the same repository names already.
pub fn resolve_at(request: &GitRequest, commit: &str, reach: &Reach<'_>) -> Result<GitPin, InputError> {
    let id = commit_id(request, commit)?;
    Ok(GitPin { commit: commit.to_owned(), tree: read(request, &id, reach)? })
}

fn commit_id(request: &GitRequest, commit: &str) -> Result<ObjectId, InputError> {
    commit.parse().map_err(|source| InputError::Commit { url: request.url.clone(), source })
}

/// The files of a pinned commit.
pub fn bring(request: &GitRequest, pin: &GitPin, reach: &Reach<'_>) -> Result<Arrival, InputError> {
    if let Some(known) = recall(&pin.tree, reach.store) {
        return Ok(known);
    }
    let digest = pin.tree.to_string();
    if reach.store.open_blob(&digest).is_err() {
        match reach.vendor.and_then(|vendor| vendor.open(&digest)) {
            Some(blob) => {
                let expected = Expected { digest: pin.tree, size_bytes: None };
                copy::take(&request.url, expected, blob, reach.store)?;
            }
            None => {
                let found = read(request, &commit_id(request, &pin.commit)?, reach)?;
                if found != pin.tree {
                    let input = format!("{} {}", request.url, pin.commit);
                    return Err(InputError::Mismatch { input, expected: digest, found: found.to_string() });
                }
            }
        }
    }
    match recall(&pin.tree, reach.store) {
        Some(arrival) => Ok(arrival),
        None => list(request, &pin.tree, reach.store),
    }
}

fn asked(request: &GitRequest) -> Result<git::GitRequest, InputError> {
    let bad = |subdir: &String| InputError::Subdir { subdir: subdir.clone() };
    let subdir = request.subdir.as_ref();
    let subdir = subdir.map(|subdir| ImagePath::parse(subdir.as_bytes()).map_err(|_| bad(subdir))).transpose()?;
    Ok(git::GitRequest {
        url: request.url.clone(),
        rev: request.rev.clone(),
        subdir,
        submodules: match request.submodules {
            Submodules::Skip => git::Submodules::Skip,
            Submodules::Take => git::Submodules::Take,
        },
    })
}

/// Fetches a commit and keeps its files; gives the digest of their tar.
fn read(request: &GitRequest, commit: &ObjectId, reach: &Reach<'_>) -> Result<ContentDigest, InputError> {
    let store = reach.store;
    let mut spooler = Spooler::new(io::BufWriter::new(store.scratch()?));
    let scratch = store.scratch_directory()?;
    let mut sink = |_: &ImagePath, _: u64, content: &mut dyn Read| spooler.put(content).map(drop);
    let read = git::read(&asked(request)?, commit, &reach.remote.git_terms(), scratch.path(), &mut sink)?;
    let full =
        |error: io::Error| InputError::Store(StoreError::Write { store: store.root().to_owned(), source: error });
    let (writer, places, _, _) = spooler.finish();
    let file = writer.into_inner().map_err(|error| full(error.into_error()))?;
    keep(&read.tree, &Spool::new(file, places), store)
}

/// Writes a tree as a tar into the store, with a note of what is where in it.
fn keep(tree: &Tree, contents: &Spool, store: &Store) -> Result<ContentDigest, InputError> {
    let full = |source| InputError::Store(StoreError::Write { store: store.root().to_owned(), source });
    let mut writer = Digesting::new(store.writer()?);
    write_tar(&tree.to_changeset(), 0, contents, &mut writer).map_err(full)?;
    let (writer, digest, _) = writer.finish();
    writer.commit(&digest.to_string())?;
    note(tree, &digest, store)?;
    Ok(digest)
}

/// Remembers what is where in a tar of the store.
fn note(tree: &Tree, digest: &ContentDigest, store: &Store) -> Result<(), InputError> {
    let blob = digest.to_string();
    let (places, blob_bytes) = places(tree, store.open_blob(&blob)?).map_err(|source| damaged(digest, source))?;
    let note =
        ArchiveNote { tree: dump::write(&tree.to_changeset()), blob, blob_bytes, places: places.into_iter().collect() };
    Ok(store.keep_note(Shelf::Archives, &digest.hex(), &note)?)
}

fn damaged(digest: &ContentDigest, source: ReadError) -> InputError {
    InputError::Archive { name: digest.to_string(), source: Box::new(source) }
}

/// Where each content begins in a plain tar, and how long the tar is.
fn places(tree: &Tree, tar: File) -> Result<(BTreeMap<ContentDigest, u64>, u64), ReadError> {
    let fail = |source| ReadError::Io { offset: 0, source };
    let blob_bytes = tar.metadata().map_err(fail)?.len();
    let mut entries = Entries::seeking(&tar);
    let mut places = BTreeMap::new();
    while let Some(entry) = entries.next_entry()? {
        let node = ImagePath::parse(&entry.name).ok().and_then(|path| tree.get(&path));
        if let Some(Kind::File { content, .. }) = node.map(|node| &node.kind)
            && entry.is_contiguous()
        {
            places.entry(content.digest).or_insert(entry.offset);
        }
    }
    Ok((places, blob_bytes))
}

/// The files of a tar in the store that has no note.
fn list(request: &GitRequest, digest: &ContentDigest, store: &Store) -> Result<Arrival, InputError> {
    store.verify_blob(&digest.to_string())?;
    let blob = store.open_blob(&digest.to_string())?;
    let tree = archive(io::BufReader::new(blob), &mut ignore).map_err(|source| damaged(digest, source))?;
    note(&tree, digest, store)?;
    recall(digest, store).ok_or_else(|| InputError::Gone { input: request.url.clone(), digest: digest.to_string() })
}
