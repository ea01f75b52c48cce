//! Debian and what is made from it.

pub mod version;

pub use version::{Version, VersionError};
