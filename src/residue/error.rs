//! Residue that cannot be looked at.

use crate::base::ImagePath;
use crate::tree::ContentError;

/// Why the changes of a step cannot be cleaned.
#[derive(Debug, thiserror::Error)]
pub enum ResidueError {
    /// The content of a file cannot be read.
    #[error("cannot read `{path}` to take out what differs from run to run")]
    Read {
        /// Which file.
        path: ImagePath,
        /// Why.
        source: ContentError,
    },
}

impl ResidueError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source: ContentError::Changed { .. }, .. } => {
                Some("something still writes to it: let the step wait for what it starts".to_owned())
            }
            Self::Read { path, .. } => Some(format!("to leave the file as it is, write `keep = [\"{path}\"]`")),
        }
    }
}
