//! Where the bytes of a tree's files are read from.

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
        source: std::io::Error,
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
