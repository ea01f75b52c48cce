//! Trees that the store keeps as a tar of kiln's own making, named by the digest that the lock holds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use crate::base::{ContentDigest, ImagePath};
use crate::layer::fill::write_tar;
use crate::layer::read::{Entries, ReadError, archive, ignore};
use crate::store::{Shelf, Store, StoreError};
use crate::tree::{Contents, Kind, Tree, dump};

use super::archive::{ArchiveNote, recall};
use super::copy::{self, Digesting, Expected};
use super::{Arrival, InputError, Reach};

/// The files of a tar, if the store or a vendored layout has it. `input` is for messages.
pub(super) fn bring(input: &str, digest: &ContentDigest, reach: &Reach<'_>) -> Result<Option<Arrival>, InputError> {
    if let Some(known) = recall(digest, reach.store) {
        return Ok(Some(known));
    }
    let name = digest.to_string();
    if reach.store.open_blob(&name).is_err() {
        let Some(blob) = reach.vendor.and_then(|vendor| vendor.open(&name)) else { return Ok(None) };
        copy::take(input, Expected { digest: *digest, size_bytes: None }, blob, reach.store)?;
    }
    if let Some(known) = recall(digest, reach.store) {
        return Ok(Some(known));
    }
    list(digest, reach.store)?;
    Ok(recall(digest, reach.store))
}

/// Writes a tree as a tar into the store, with a note of what is where in it.
pub(super) fn keep(tree: &Tree, contents: &dyn Contents, store: &Store) -> Result<ContentDigest, InputError> {
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

/// Reads a tar in the store that has no note.
fn list(digest: &ContentDigest, store: &Store) -> Result<(), InputError> {
    store.verify_blob(&digest.to_string())?;
    let blob = store.open_blob(&digest.to_string())?;
    let tree = archive(io::BufReader::new(blob), &mut ignore).map_err(|source| damaged(digest, source))?;
    note(&tree, digest, store)
}
