//! The contents of an archive, one behind the other in one file, so that each can be read at any time.
//!
//! The file is a blob of the store, and a note beside says what is where: an archive is unpacked once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use crate::base::{ContentDigest, Hasher, ImagePath};
use crate::layer::read::{ReadError, archive};
use crate::store::{Shelf, Store, StoreError};
use crate::tree::{Content, ContentError, Contents, Tree, dump};

use super::error::Error;

/// The unpacked contents of one archive.
#[derive(Debug)]
pub struct Spool {
    file: File,
    places: BTreeMap<ContentDigest, u64>,
}

/// What the store remembers of an archive.
#[derive(Debug, Serialize, Deserialize)]
struct ArchiveNote {
    /// The tree as a dump.
    tree: String,
    /// The blob with the contents.
    blob: String,
    blob_bytes: u64,
    places: Vec<(ContentDigest, u64)>,
}

impl Contents for Spool {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let start = self.places.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        let fail = |source| ContentError::Read { name: "an unpacked archive".to_owned(), source };
        self.file.read_exact_at(buffer, start + offset).map_err(fail)
    }
}

/// Reads a content like a file.
struct ContentReader<'a> {
    contents: &'a dyn Contents,
    content: Content,
    at: u64,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.content.size_bytes.saturating_sub(self.at);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if length > 0 {
            self.contents.read_at(&self.content, self.at, &mut buffer[..length]).map_err(io::Error::other)?;
        }
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for ContentReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.content.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The tree and the contents of the archive `content`, unpacked into the store if it is not there yet. `name` is for
/// messages.
pub fn unpack(name: &str, content: Content, contents: &dyn Contents, store: &Store) -> Result<(Tree, Spool), Error> {
    if let Some(known) = recall(&content, store) {
        return Ok(known);
    }
    /// Reads of a compressed stream are small; each read of a content opens its file.
    const BUFFER_BYTES: usize = 1 << 20;
    let reader = io::BufReader::with_capacity(BUFFER_BYTES, ContentReader { contents, content, at: 0 });
    let mut writer = io::BufWriter::new(store.writer()?);
    let mut hasher = Hasher::new();
    let mut places: BTreeMap<ContentDigest, u64> = BTreeMap::new();
    let mut end = 0;
    let mut sink = |_: &ImagePath, _: u64, file: &mut dyn Read| -> io::Result<()> {
        let (start, mut digest) = (end, Hasher::new());
        let mut piece = [0; 64 * 1024];
        loop {
            let length = file.read(&mut piece)?;
            if length == 0 {
                break;
            }
            digest.update(&piece[..length]);
            hasher.update(&piece[..length]);
            writer.write_all(&piece[..length])?;
            end += length as u64;
        }
        places.entry(digest.finish()).or_insert(start);
        Ok(())
    };
    let fail = |source: ReadError| Error::Archive { name: name.to_owned(), source };
    let tree = archive(reader, &mut sink).map_err(fail)?;
    let blob = hasher.finish::<ContentDigest>().to_string();
    let writer = writer
        .into_inner()
        .map_err(|error| StoreError::Write { store: store.root().to_owned(), source: error.into_error() })?;
    writer.commit(&blob)?;
    let note = ArchiveNote {
        tree: dump::write(&tree.to_changeset()),
        blob: blob.clone(),
        blob_bytes: end,
        places: places.iter().map(|(digest, start)| (*digest, *start)).collect(),
    };
    store.keep_note(Shelf::Archives, &content.digest.hex(), &note)?;
    Ok((tree, Spool { file: store.open_blob(&blob)?, places }))
}

fn recall(content: &Content, store: &Store) -> Option<(Tree, Spool)> {
    let note: ArchiveNote = store.note(Shelf::Archives, &content.digest.hex())?;
    if !store.has_blob(&note.blob, note.blob_bytes) {
        return None;
    }
    let mut tree = Tree::new();
    tree.apply(&dump::parse(&note.tree).ok()?);
    let file = store.open_blob(&note.blob).ok()?;
    Some((tree, Spool { file, places: note.places.into_iter().collect() }))
}
