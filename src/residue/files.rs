//! Where the contents that are looked into come from and go to.

use crate::tree::{Content, ContentError};

/// Contents that are small enough to be held in memory. Implemented by whatever holds what a step wrote.
pub trait Files {
    /// All bytes of `content`, of a changed file or of one in the tree below.
    fn read(&self, content: &Content) -> Result<Vec<u8>, ContentError>;

    /// Takes the bytes that a file has from now on; gives what names them.
    fn keep(&mut self, bytes: Vec<u8>) -> Content;
}
