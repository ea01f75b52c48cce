//! Contents that lie in one file, each at a known place, so that any of them can be read at any time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use crate::base::{ContentDigest, Hasher};
use crate::tree::{Content, ContentError, Contents};

/// The file and the places.
#[derive(Debug)]
pub struct Spool {
    file: File,
    places: BTreeMap<ContentDigest, u64>,
    /// The blob of the store that the file is; `None` for a file of this process's own.
    blob: Option<String>,
    /// Whether its bytes are the blob's: looked at before the first of them is used, because most builds use none.
    sound: OnceLock<bool>,
}

impl Spool {
    /// Contents that are at `places` in `file`, which this process wrote.
    pub fn new(file: File, places: BTreeMap<ContentDigest, u64>) -> Self {
        Self { file, places, blob: None, sound: OnceLock::from(true) }
    }

    /// Contents that are at `places` in a blob of the store.
    pub fn of_blob(file: File, places: BTreeMap<ContentDigest, u64>, blob: String) -> Self {
        Self { file, places, blob: Some(blob), sound: OnceLock::new() }
    }

    /// The same for a blob that this process wrote.
    pub fn of_written_blob(file: File, places: BTreeMap<ContentDigest, u64>, blob: String) -> Self {
        Self { file, places, blob: Some(blob), sound: OnceLock::from(true) }
    }

    /// The blob that the contents are in.
    pub fn blob(&self) -> Option<&str> {
        self.blob.as_deref()
    }

    /// The file that the contents are in.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where each content begins.
    pub fn places(&self) -> &BTreeMap<ContentDigest, u64> {
        &self.places
    }

    fn is_whole(&self) -> io::Result<bool> {
        let (mut hasher, mut at) = (Hasher::new(), 0);
        let mut piece = vec![0; VERIFIED_BYTES];
        loop {
            match self.file.read_at(&mut piece, at)? {
                0 => return Ok(Some(hasher.finish::<ContentDigest>().to_string()) == self.blob),
                length => {
                    hasher.update(&piece[..length]);
                    at += length as u64;
                }
            }
        }
    }
}

/// Size of the pieces that a blob is verified in.
const VERIFIED_BYTES: usize = 1 << 20;

impl Contents for Spool {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let start = self.places.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        let fail = |source| ContentError::Read { name: "a file of the store".to_owned(), source };
        if !self.sound.get_or_init(|| self.is_whole().unwrap_or(false)) {
            let blob = self.blob.as_deref().unwrap_or_default();
            return Err(fail(io::Error::other(format!("the blob {blob} in the store is damaged"))));
        }
        self.file.read_exact_at(buffer, start + offset).map_err(fail)
    }
}

/// Puts contents one behind the other.
pub struct Spooler<W> {
    writer: W,
    /// Where each content begins.
    pub places: BTreeMap<ContentDigest, u64>,
    /// How much there is.
    pub end: u64,
    /// Of all of it.
    pub hasher: Hasher,
}

/// Size of the pieces that contents are copied in.
const PIECE_BYTES: usize = 64 * 1024;

impl<W: Write> Spooler<W> {
    /// Nothing yet.
    pub fn new(writer: W) -> Self {
        Self { writer, places: BTreeMap::new(), end: 0, hasher: Hasher::new() }
    }

    /// Appends one content; says what it was.
    pub fn put(&mut self, content: &mut dyn Read) -> io::Result<Content> {
        let (start, mut digest) = (self.end, Hasher::new());
        let mut piece = [0; PIECE_BYTES];
        loop {
            let length = content.read(&mut piece)?;
            if length == 0 {
                break;
            }
            digest.update(&piece[..length]);
            self.hasher.update(&piece[..length]);
            self.writer.write_all(&piece[..length])?;
            self.end += length as u64;
        }
        let content = Content { digest: digest.finish(), size_bytes: self.end - start };
        self.places.entry(content.digest).or_insert(start);
        Ok(content)
    }

    /// The writer, the places, the length and the digest of all.
    pub fn finish(self) -> (W, BTreeMap<ContentDigest, u64>, u64, ContentDigest) {
        (self.writer, self.places, self.end, self.hasher.finish())
    }
}
