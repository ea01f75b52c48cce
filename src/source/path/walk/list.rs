//! The names in one directory.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// For one `getdents64`: some thousand names.
const LIST_BYTES: usize = 64 * 1024;

/// A directory's names and, where the file system says so, types. A thread uses one again for each directory.
#[derive(Default)]
pub(super) struct List {
    /// Each with its terminating zero.
    names: Vec<u8>,
    entries: Vec<(Range<usize>, FileType)>,
    raw: Vec<MaybeUninit<u8>>,
}

impl List {
    /// Lists a directory.
    pub(super) fn read(&mut self, directory: &OwnedFd) -> Result<(), Errno> {
        self.names.clear();
        self.entries.clear();
        self.raw.resize(LIST_BYTES, MaybeUninit::uninit());
        let mut list = RawDir::new(directory, &mut self.raw);
        while let Some(entry) = list.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if name == b".\0" || name == b"..\0" {
                continue;
            }
            let start = self.names.len();
            self.names.extend_from_slice(name);
            self.entries.push((start..self.names.len(), entry.file_type()));
        }
        Ok(())
    }

    /// A list of one name.
    pub(super) fn set_only(&mut self, name: &[u8]) {
        self.names.clear();
        self.names.extend_from_slice(name);
        self.names.push(0);
        self.entries = vec![(0..self.names.len(), FileType::Unknown)];
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.iter().any(|(listed, _)| listed.to_bytes() == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CStr, FileType)> {
        let name = |range: &Range<usize>| CStr::from_bytes_with_nul(&self.names[range.clone()]).unwrap_or_default();
        self.entries.iter().map(move |(range, file_type)| (name(range), *file_type))
    }
}
