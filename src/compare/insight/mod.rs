//! Two contents of one path, looked into by their format. Formats are told by the bytes, never by names.
//!
//! ```text
//! text         the lines that differ            pyc      the time in the header, the code
//! gzip zstd .. the header, what is inside       elf      build ID, sections
//! ar tar zip   members, what is inside each     sqlite   header, pages
//! anything else: the first byte that differs
//! ```
//! Each reader gives `None` if the bytes are not what they seem, and the next one is asked.

mod archive;
pub(super) mod bytes;
mod compressed;
mod elf;
mod members;
mod pyc;
mod sqlite;
mod text;
#[cfg(test)]
pub(super) mod tests;

pub use archive::{Archive, Differing, Inner, Names};
pub use bytes::Bytes;
pub use compressed::Compressed;
pub use elf::{Elf, Section};
pub use pyc::Pyc;
pub use sqlite::Sqlite;
pub use text::Text;

use serde::Serialize;

use super::cause::{Facts, Reasons};

/// How deep contents are looked into: a tar in a gzip in an ar in a tar.
const DEPTH_MAX: usize = 5;
/// Bytes that a compressed content may have inside; what is beyond is not compared.
const INSIDE_MAX_BYTES: u64 = 16 << 20;

/// What differs between two contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum Insight {
    /// Lines of text.
    Text(Text),
    /// A compressed stream.
    Compressed(Compressed),
    /// An archive.
    Archive(Box<Archive>),
    /// Compiled Python.
    Pyc(Pyc),
    /// An ELF program, library or object.
    Elf(Elf),
    /// An SQLite database.
    Sqlite(Sqlite),
    /// Anything else.
    Bytes(Bytes),
    /// One of them could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// Where two contents come from.
pub(super) struct Place<'a> {
    /// Path or name of the file.
    pub(super) name: &'a [u8],
    /// How many contents it is inside of.
    pub(super) depth: usize,
}

impl Place<'_> {
    /// Something inside.
    fn inside<'b>(&self, name: &'b [u8]) -> Place<'b> {
        Place { name, depth: self.depth + 1 }
    }
}

type Seen = Option<(Insight, Reasons)>;
type Reader = fn(&[u8], &[u8], &Place<'_>, &Facts<'_>) -> Seen;

/// The readers, those of the surest signs first.
const READERS: [Reader; 7] =
    [compressed::look, archive::look, elf::look, sqlite::look, pyc::look, text::look, bytes::look];

/// What differs between two contents, and why.
pub(super) fn look(a: &[u8], b: &[u8], place: &Place<'_>, facts: &Facts<'_>) -> (Insight, Reasons) {
    let readers = if place.depth < DEPTH_MAX { &READERS[..] } else { &[] };
    let seen = readers.iter().find_map(|reader| reader(a, b, place, facts));
    seen.unwrap_or_else(|| (Insight::Bytes(bytes::first(a, b)), Reasons::unknown()))
}

/// Text of the readable form of some bytes, cut to a length that a line can hold.
pub(super) fn short(bytes: &[u8]) -> String {
    /// Enough to recognise it by.
    const SHOWN_BYTES: usize = 120;
    match bytes.get(..SHOWN_BYTES).filter(|_| bytes.len() > SHOWN_BYTES) {
        Some(start) => format!("{}...", crate::base::path::readable(start)),
        None => crate::base::path::readable(bytes),
    }
}
