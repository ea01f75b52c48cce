//! Why a layer is not searched.

use std::io;

use crate::base::ImagePath;

/// A search that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file that is to land cannot be read.
    #[error("cannot search `{path}`")]
    Read {
        /// The file, or a directory above it if a secret is in its name.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
}

impl SecretError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("leave the files alone while they are read, and build again".to_owned()),
        }
    }
}
