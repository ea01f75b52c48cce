//! Images as inputs: bases, and images whose files are taken.
//!
//! ```text
//! "debian:bookworm"  --Named-->  registry | file | store        what a name in a template means
//! + platform         --resolve-->  ImagePin                     index or manifest now
//! + pin              --open-->     BaseImage { image, config }  documents, from the nearest place that has them
//! BaseImage          --root-->     Tree                         the file lists of its layers, kept by diff ID
//!                    --blob-->     a blob of the store          only where an output or a step needs bytes
//!                    --spool-->    Spool                        the contents of some files
//! ```
//! Rationale: most steps need to know what is below them, not what is in it. So the list of a layer's files is read once
//! and kept; a second build on the same base reads neither registry nor blob.

mod blob;
mod contents;
mod files;
mod named;
mod open;
mod tar;

pub use contents::wanted;
pub use files::LayerFiles;
pub use named::Named;
pub use open::{BaseImage, choose, look, open, resolve, resolve_in};
