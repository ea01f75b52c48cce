//! What is not wrong but will surprise.

use std::fmt;

use crate::base::ImagePath;

/// Something about a git source that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// A submodule that was left out.
    SubmoduleSkipped {
        /// Its directory.
        path: ImagePath,
    },
    /// A git LFS pointer in place of the file it stands for.
    LfsPointer {
        /// Where.
        path: ImagePath,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubmoduleSkipped { path } => write!(f, "the submodule `{path}` is an empty directory"),
            Self::LfsPointer { path } => write!(f, "`{path}` is a git LFS pointer, not the file it stands for"),
        }
    }
}

impl Warning {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::SubmoduleSkipped { .. } => "`submodules = true` takes it",
            Self::LfsPointer { .. } => "git LFS is not followed: fetch the file with a `url` source",
        }
    }
}
