//! Reads the files of a source again, when the layer that holds them is written.

use std::io;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::path::readable;
use crate::tree::{Content, ContentError, Contents};

use super::files::{Digested, Files};
use super::open::Root;
use super::stat::FileStat;

/// Where the contents of a scanned source are on the disk, and what their stat was when they were digested.
#[derive(Debug)]
pub struct Origins {
    root: Root,
    files: Files,
    /// Places in `files`, in the order of the digests.
    by_digest: Vec<u32>,
}

impl Origins {
    pub(super) fn new(root: Root, files: Files) -> Self {
        let mut by_digest: Vec<u32> = (0..u32::try_from(files.len()).unwrap_or(u32::MAX)).collect();
        by_digest.sort_unstable_by_key(|place| (files.get(*place as usize).map(|(_, file)| file.digest), *place));
        Self { root, files, by_digest }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Of several files with the same content the first in path order.
    fn find(&self, content: &Content) -> Option<(&[u8], &Digested)> {
        let digest = |place: &u32| self.files.get(*place as usize).map(|(_, file)| file.digest);
        let first = self.by_digest.partition_point(|place| digest(place) < Some(content.digest));
        let (path, file) = self.files.get(*self.by_digest.get(first)? as usize)?;
        (file.digest == content.digest && file.stat.size_bytes == content.size_bytes).then_some((path, file))
    }
}

impl Contents for Origins {
    /// The stat is looked at after the bytes were read: if it is still the one they were digested with, they are the
    /// same bytes.
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let (path, file) = self.find(content).ok_or(ContentError::Unknown(*content))?;
        let name = || self.root.named.join(readable(path)).display().to_string();
        let changed = || ContentError::Changed { name: name() };
        let fail = |error: Errno| match error {
            Errno::NOENT | Errno::LOOP | Errno::NOTDIR => changed(),
            _ => ContentError::Read { name: name(), source: io::Error::from(error) },
        };
        if buffer.is_empty() {
            return Ok(());
        }
        let open = self.root.open_below(path, OFlags::empty()).map_err(fail)?;
        let mut done = 0;
        while done < buffer.len() {
            match rustix::io::pread(&open, &mut buffer[done..], offset + done as u64) {
                Ok(0) => return Err(changed()),
                Ok(read) => done += read,
                Err(Errno::INTR) => {}
                Err(error) => return Err(fail(error)),
            }
        }
        let stat = FileStat::of(&rustix::fs::fstat(&open).map_err(fail)?);
        if stat == file.stat { Ok(()) } else { Err(changed()) }
    }
}
