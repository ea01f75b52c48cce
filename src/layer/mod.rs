//! From a changeset to the bytes of a layer.
//!
//! ```text
//! Changeset --entries()--> [Entry] --blocks()--> [Block] --fill()--> raw tar bytes --Codec::compress()--> a gzip member or zstd frame
//! ```
//! A layer is cut into blocks before a byte of it is read, by paths and sizes alone. Each block is compressed by itself,
//! so the bytes do not depend on how many threads work on them, and the cuts find each other again after a change, so a
//! block that is the same as in the last build need not be compressed again ([`index`]).
//!
//! ```text
//! layer.tar.gz   | member | member | member | ... | member |      concatenated, as RFC 1952 section 2.2 allows
//! layer.tar      | entries . entries . entries | 1 MiB of a file | 1 MiB | ... | end marker |
//! ```
//!
//! Architecture Invariant: pure. Contents come through [`crate::tree::Contents`]; threads and files are
//! [`crate::assemble`]'s.

pub mod blocks;
pub mod codec;
pub mod entry;
pub mod fill;
pub mod header;
pub mod index;
pub mod read;

pub use blocks::{Block, blocks};
pub use codec::{Codec, CodecError};
pub use entry::{Entry, entries};
pub use index::{BlockIndex, BlockRecord};
