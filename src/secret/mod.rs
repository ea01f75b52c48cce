//! Secrets never land: a search for them in what a layer changes, before it is made.
//!
//! ```text
//! Secrets --> Needles   value -> raw, escaped, URL-encoded, hex, base64
//! Changeset + Contents + Needles --search()------> Finding   this secret, in this form, in this entry of this archive
//! Changeset + Contents ------------private_keys()--> KeyKind   a complete private key, whoever knows it
//! a file that comes by ------------KeySearch-------> KeyKind   the same, where a layer is read from its start to its end
//! ```
//! Files are searched as they are and as what they unpack to: gzip, zstd, xz, bzip2, tar and zip, up to two archives in each
//! other, each of them compressed or not. What cannot be unpacked is a finding too, not a pass.
//!
//! Not seen: values of fewer than [`SHORTEST_BYTES`] bytes, values that are cut into pieces, encrypted, or in an encoding
//! that [`Form`] does not have, and zips behind a program that unpacks itself.
//!
//! Architecture Invariant: pure, and it keeps quiet. No finding, error or `Debug` holds a value, or a path with one in it.

mod der;
mod error;
mod form;
mod hit;
mod keys;
mod needles;
mod pem;
mod putty;
mod search;
#[cfg(test)]
mod tests;
mod unpack;
mod value;
mod watched;
mod window;

pub use error::SecretError;
pub use form::Form;
pub use hit::{Finding, Hit, Obstacle, Place};
pub use keys::{KEY_FILE_BYTES, KeyKind, KeySearch, private_keys};
pub use needles::{Needles, SHORTEST_BYTES};
pub use search::search;
pub use value::{Secret, Secrets};
