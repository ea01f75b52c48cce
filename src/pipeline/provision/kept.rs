//! What layers with commands became: kept by key, with the contents in a blob, so that nothing runs twice.

use std::io::BufWriter;

use serde::{Deserialize, Serialize};

use crate::base::{ContentDigest, LayerKey};
use crate::store::spool::Spooler;
use crate::store::{Shelf, Spool, Store, StoreError};
use crate::tree::{Changeset, Content, ContentReader, Contents, Kind, Node, dump};

use crate::pipeline::error::Error;
use crate::pipeline::landing::{Key, read_keys, written_keys};

/// What the store remembers.
#[derive(Serialize, Deserialize)]
struct RunNote {
    /// The changes as a dump.
    tree: String,
    /// The blob with the contents.
    blob: String,
    blob_bytes: u64,
    places: Vec<(ContentDigest, u64)>,
    /// The files that its commands wrote with a whole private key in them, each with the kind. A note without it is from
    /// before keys were noted: that layer is made again.
    private_keys: Vec<(String, String)>,
}

/// What a layer became the last time.
pub(crate) struct Kept {
    pub(crate) changes: Changeset,
    pub(crate) spool: Spool,
    /// The private keys that its commands wrote, whether they were allowed then or not.
    pub(crate) keys: Vec<Key>,
}

/// What is known of a layer, if all of it is there.
pub(crate) fn recall(key: &LayerKey, store: &Store) -> Option<Kept> {
    let note: RunNote = store.note(Shelf::Runs, &key.hex())?;
    if !store.has_blob(&note.blob, note.blob_bytes) {
        return None;
    }
    let changes = dump::parse(&note.tree).ok()?;
    let file = store.open_blob(&note.blob).ok()?;
    let keys = read_keys(&note.private_keys)?;
    Some(Kept { changes, spool: Spool::of_blob(file, note.places.into_iter().collect(), note.blob), keys })
}

/// Keeps what a layer became. `contents` has everything that its files hold, `keys` is as in [`Kept`].
pub(super) fn keep(
    key: &LayerKey,
    changes: &Changeset,
    keys: &[Key],
    contents: &dyn Contents,
    store: &Store,
) -> Result<Spool, Error> {
    let mut writer = spooler(store)?;
    fill(changes, contents, &mut writer, store)?;
    let (writer, places, blob_bytes, digest) = writer.finish();
    let writer = writer.into_inner().map_err(|error| store.write_failed(error.into_error()))?;
    let blob = digest.to_string();
    writer.commit(&blob)?;
    let note = RunNote {
        tree: dump::write(changes),
        blob: blob.clone(),
        blob_bytes,
        places: places.iter().map(|(digest, start)| (*digest, *start)).collect(),
        private_keys: written_keys(keys),
    };
    store.keep_note(Shelf::Runs, &key.hex(), &note)?;
    Ok(Spool::of_written_blob(store.open_blob(&blob)?, places, blob))
}

fn spooler(store: &Store) -> Result<Spooler<BufWriter<crate::store::BlobWriter<'_>>>, StoreError> {
    Ok(Spooler::new(BufWriter::with_capacity(1 << 20, store.writer()?)))
}

/// All contents of `changes` in one file of this process's own.
pub(crate) fn spool(changes: &Changeset, contents: &dyn Contents, store: &Store) -> Result<Spool, Error> {
    let mut writer = Spooler::new(BufWriter::with_capacity(1 << 20, store.scratch()?));
    fill(changes, contents, &mut writer, store)?;
    let (writer, places, _, _) = writer.finish();
    let file = writer.into_inner().map_err(|error| store.write_failed(error.into_error()))?;
    Ok(Spool::new(file, places))
}

fn fill<W: std::io::Write>(
    changes: &Changeset,
    contents: &dyn Contents,
    into: &mut Spooler<W>,
    store: &Store,
) -> Result<(), Error> {
    for (path, node) in changes.nodes() {
        let Some(content) = content_of(node).filter(|content| !into.places.contains_key(&content.digest)) else {
            continue;
        };
        // One that is not where it was is told by name; everything else is a matter of the store.
        contents.read_at(&content, 0, &mut []).map_err(|source| Error::Content { path: path.clone(), source })?;
        into.put(&mut ContentReader::new(contents, content)).map_err(|error| store.write_failed(error))?;
    }
    Ok(())
}

/// What a file holds.
pub(super) fn content_of(node: &Node) -> Option<Content> {
    match &node.kind {
        Kind::File { content, .. } => Some(*content),
        _ => None,
    }
}
