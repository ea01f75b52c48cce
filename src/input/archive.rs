//! The files of an archive. Its contents become one blob of the store, and a note says what is where: an archive is
//! unpacked once.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::base::{ContentDigest, ImagePath};
use crate::layer::read::archive;
use crate::store::{Shelf, Store, StoreError};
use crate::tree::{Content, ContentReader, Contents, Tree, dump};

use super::Arrival;
use super::error::InputError;
use crate::store::spool::{Spool, Spooler};

/// What the store remembers of an archive, or of a tar that kiln made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ArchiveNote {
    /// The tree as a dump.
    pub(super) tree: String,
    /// The blob with the contents.
    pub(super) blob: String,
    pub(super) blob_bytes: u64,
    pub(super) places: Vec<(ContentDigest, u64)>,
}

/// The files of the archive `content`, unpacked into the store if they are not there yet. `name` is for messages.
pub fn unpack(name: &str, content: Content, contents: &dyn Contents, store: &Store) -> Result<Arrival, InputError> {
    if let Some(known) = recall(&content.digest, store) {
        return Ok(known);
    }
    /// Reads of a compressed stream are small; each read of a content opens its file.
    const BUFFER_BYTES: usize = 1 << 20;
    let reader = io::BufReader::with_capacity(BUFFER_BYTES, ContentReader::new(contents, content));
    let mut spooler = Spooler::new(io::BufWriter::new(store.writer()?));
    let mut sink = |_: &ImagePath, _: u64, file: &mut dyn Read| spooler.put(file).map(drop);
    let tree = archive(reader, &mut sink)
        .map_err(|source| InputError::Archive { name: name.to_owned(), source: Box::new(source) })?;
    let (writer, places, blob_bytes, digest) = spooler.finish();
    let writer = writer
        .into_inner()
        .map_err(|error| StoreError::Write { store: store.root().to_owned(), source: error.into_error() })?;
    let blob = digest.to_string();
    writer.commit(&blob)?;
    let note = ArchiveNote {
        tree: dump::write(&tree.to_changeset()),
        blob: blob.clone(),
        blob_bytes,
        places: places.iter().map(|(digest, start)| (*digest, *start)).collect(),
    };
    store.keep_note(Shelf::Archives, &content.digest.hex(), &note)?;
    Ok(Arrival { tree, spool: Spool::of_blob(store.open_blob(&blob)?, places, blob) })
}

/// What the note about `digest` leads to, if it is whole.
pub(super) fn recall(digest: &ContentDigest, store: &Store) -> Option<Arrival> {
    let note: ArchiveNote = store.note(Shelf::Archives, &digest.hex())?;
    if !store.has_blob(&note.blob, note.blob_bytes) {
        return None;
    }
    let mut tree = Tree::new();
    tree.apply(&dump::parse(&note.tree).ok()?);
    let file = store.open_blob(&note.blob).ok()?;
    let spool = Spool::of_blob(file, note.places.into_iter().collect(), note.blob);
    Some(Arrival { tree, spool })
}
