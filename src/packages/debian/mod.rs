//! Debian and what is made from it.

pub mod error;
pub mod index;
pub mod package;
pub mod paragraph;
pub mod relation;
pub mod version;

pub use error::IndexError;
pub use index::{Held, Installed};
pub use package::Package;
pub use version::{Version, VersionError};
