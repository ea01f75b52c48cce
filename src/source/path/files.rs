//! Regular files with their stat and digest, packed: one arena for all paths, 88 bytes for each file.

use crate::base::ContentDigest;

use super::stat::FileStat;

/// What was noticed about a file when it was digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits(u8);

impl Traits {
    /// The file is a git LFS pointer.
    pub(super) const LFS_POINTER: Self = Self(1);
    /// The file is text, and a line of it ends in CRLF.
    pub(super) const CRLF: Self = Self(2);
    /// The file has no extended attributes that enter an image. Unset: it may have some, and has to be asked.
    pub(super) const BARE: Self = Self(4);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn to_byte(self) -> u8 {
        self.0
    }

    pub(super) fn from_byte(byte: u8) -> Self {
        Self(byte)
    }
}

/// What is known about the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) digest: ContentDigest,
    pub(super) traits: Traits,
}

/// The same, and the stat that the file had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digested {
    pub(super) stat: FileStat,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
struct Record {
    digested: Digested,
    path_start: u32,
    path_bytes: u16,
}

/// Files in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Files {
    paths: Vec<u8>,
    records: Vec<Record>,
}

impl Files {
    pub(super) fn with_capacity(files: usize) -> Self {
        /// A usual length of a path, to begin with.
        const PATH_BYTES: usize = 48;
        Self { paths: Vec::with_capacity(files * PATH_BYTES), records: Vec::with_capacity(files) }
    }

    /// Adds a file. `None`: the paths together are longer than 4 GiB, or this one is longer than any path can be.
    pub(super) fn push(&mut self, path: &[u8], digested: Digested) -> Option<()> {
        let path_start = u32::try_from(self.paths.len()).ok()?;
        let path_bytes = u16::try_from(path.len()).ok()?;
        self.paths.extend_from_slice(path);
        self.records.push(Record { digested, path_start, path_bytes });
        Some(())
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The file at `place` in the order.
    pub(super) fn get(&self, place: usize) -> Option<(&[u8], &Digested)> {
        let record = self.records.get(place)?;
        let start = record.path_start as usize;
        let path = self.paths.get(start..start + usize::from(record.path_bytes))?;
        Some((path, &record.digested))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Digested)> {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}
