//! All places that contents can be read from, and the way out when the user wants to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::input::Spool;
use crate::source::path::Origins;
use crate::step::Inline;
use crate::tree::{Content, ContentError, Contents};

/// Contents of sources, archives and inline texts, asked in this order.
pub struct Everything<'a> {
    /// Files of sources.
    pub origins: Vec<&'a Origins>,
    /// Files of archives.
    pub spools: Vec<&'a Spool>,
    /// Texts of the template, account files and units.
    pub inlines: Vec<&'a Inline>,
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
}

impl Contents for Everything<'_> {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        if self.interrupted.load(Ordering::Relaxed) {
            let source = std::io::Error::other("interrupted");
            return Err(ContentError::Read { name: "a source".to_owned(), source });
        }
        let origins = self.origins.iter().map(|origins| *origins as &dyn Contents);
        let spools = self.spools.iter().map(|spool| *spool as &dyn Contents);
        let inline = self.inlines.iter().map(|inline| *inline as &dyn Contents);
        for place in origins.chain(spools).chain(inline) {
            match place.read_at(content, offset, buffer) {
                Err(ContentError::Unknown(_)) => continue,
                result => return result,
            }
        }
        Err(ContentError::Unknown(*content))
    }
}
