//! Where contents are read from while the commands of a layer run.

use crate::residue::Files;
use crate::step::Inline;
use crate::store::Spool;
use crate::tree::contents::read_all;
use crate::tree::{Content, ContentError, Contents};

/// All places where contents are.
pub(super) struct Everywhere<'c> {
    pub(super) inputs: &'c dyn Contents,
    pub(super) written: &'c [Spool],
    pub(super) taken: &'c [Spool],
    pub(super) inline: &'c Inline,
}

impl Contents for Everywhere<'_> {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let spools = self.written.iter().chain(self.taken).map(|spool| spool as &dyn Contents);
        for place in spools.chain([self.inline as &dyn Contents, self.inputs]) {
            match place.read_at(content, offset, buffer) {
                Err(ContentError::Unknown(_)) => continue,
                result => return result,
            }
        }
        Err(ContentError::Unknown(*content))
    }
}

/// Small contents, in and out.
pub(super) struct Small<'c> {
    pub(super) contents: &'c dyn Contents,
    pub(super) inline: &'c mut Inline,
}

impl Files for Small<'_> {
    fn read(&self, content: &Content) -> Result<Vec<u8>, ContentError> {
        match self.inline.get(content) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => read_all(self.contents, content),
        }
    }

    fn keep(&mut self, bytes: Vec<u8>) -> Content {
        self.inline.keep(bytes)
    }
}
