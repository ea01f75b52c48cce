//! Contents that no file on the machine holds: written in the template, or made by a step.

use std::collections::BTreeMap;

use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::tree::{Content, ContentError, Contents};

/// Small contents in memory, by digest.
#[derive(Debug, Clone, Default)]
pub struct Inline {
    contents: BTreeMap<ContentDigest, Vec<u8>>,
}

impl Inline {
    /// Keeps `bytes`.
    pub fn keep(&mut self, bytes: Vec<u8>) -> Content {
        let content = Content { digest: digest_of(&bytes), size_bytes: bytes.len() as u64 };
        self.contents.insert(content.digest, bytes);
        content
    }

    /// Keeps all that `other` has.
    pub fn add(&mut self, other: Self) {
        self.contents.extend(other.contents);
    }

    /// The bytes of `content`, if they are here.
    pub fn get(&self, content: &Content) -> Option<&[u8]> {
        self.contents.get(&content.digest).map(Vec::as_slice)
    }
}

impl Contents for Inline {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let unknown = || ContentError::Unknown(*content);
        let bytes = self.get(content).ok_or_else(unknown)?;
        let start = usize::try_from(offset).map_err(|_| unknown())?;
        let end = start.checked_add(buffer.len()).ok_or_else(unknown)?;
        buffer.copy_from_slice(bytes.get(start..end).ok_or_else(unknown)?);
        Ok(())
    }
}
