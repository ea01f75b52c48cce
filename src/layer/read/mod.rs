//! Reading tars that others wrote: layers of images, and archives that a template extracts.
//!
//! ```text
//! bytes --decoder--> tar --Entries--> Entry --layer-->   Changeset   whiteouts interpreted, each path once
//!                                         --archive--> Tree        names as they are, later entries win
//! zip ------------------------------------------zip--> Tree
//! zip --Members--> Member                                  one after the other, for a search
//! ```
//! The content of each file is handed to a [`Sink`] as it passes; only its digest is kept. What two programs would read
//! in two ways is refused, because what was checked must be what is run: sizes that disagree, data behind the end, two
//! records of one name, an entry that goes through a link of the same archive.
//!
//! Architecture Invariant: pure. Bytes come from the caller's reader and go to the caller's sink; nothing is unpacked
//! here.

pub mod archive;
mod blocks;
pub mod content;
pub mod decode;
pub mod entries;
pub mod error;
mod extended;
pub mod gzip;
pub mod layer;
pub mod limits;
pub mod members;
mod number;
mod pax;
#[cfg(test)]
mod properties;
mod sparse;
#[cfg(test)]
mod testing;
mod zip;

pub use archive::archive;
pub use blocks::is_header;
pub use content::{Sink, ignore};
pub use decode::{Codec, archive_decoder, decoder};
pub use entries::{Entries, Entry, EntryKind};
pub use error::ReadError;
pub use gzip::GzipHeader;
pub use layer::layer;
pub use members::{Member, Members};
pub use zip::{ZipMember, members as zip_members};
