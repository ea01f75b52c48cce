//! Where the bytes of a tree's files are read from.

use std::io::{self, Read, Seek, SeekFrom};

use super::node::Content;

/// Reads file contents by digest. Implemented by whatever holds them: a directory that was scanned, the store, memory.
pub trait Contents: Sync {
    /// Fills `buffer` with the bytes of `content` from `offset` on. An implementation that finds other bytes than the
    /// digest says, or notices that they changed since they were digested, fails rather than to give wrong ones.
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError>;
}

/// Content that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Nobody knows where it is.
    #[error("no source holds the content {}", .0.digest)]
    Unknown(Content),
    /// It is not any more what it was when it was digested.
    #[error("`{name}` changed while it was read")]
    Changed {
        /// The file, for people.
        name: String,
    },
    /// The machine could not read it.
    #[error("cannot read `{name}`")]
    Read {
        /// The file, for people.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// Several sources, asked in order.
impl<C: Contents> Contents for [C] {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        for source in self {
            match source.read_at(content, offset, buffer) {
                Err(ContentError::Unknown(_)) => continue,
                result => return result,
            }
        }
        Err(ContentError::Unknown(*content))
    }
}

impl<C: Contents + ?Sized> Contents for &C {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        (**self).read_at(content, offset, buffer)
    }
}

/// The whole content, for small files such as `/etc/passwd`.
pub fn read_all(contents: &dyn Contents, content: &Content) -> Result<Vec<u8>, ContentError> {
    let mut bytes = vec![0; usize::try_from(content.size_bytes).unwrap_or(usize::MAX)];
    contents.read_at(content, 0, &mut bytes)?;
    Ok(bytes)
}

/// Reads a content like a file. What goes wrong is an [`io::Error`] around the [`ContentError`].
pub struct ContentReader<'a> {
    contents: &'a dyn Contents,
    content: Content,
    at: u64,
}

impl<'a> ContentReader<'a> {
    /// A reader at the first byte of `content`.
    pub fn new(contents: &'a dyn Contents, content: Content) -> Self {
        Self { contents, content, at: 0 }
    }
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
