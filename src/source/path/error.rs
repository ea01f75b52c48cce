//! Why a scan can fail.

use std::path::PathBuf;

use crate::base::glob::GlobError;
use crate::base::path::{PathError, readable};

/// A path source that cannot be scanned. Paths below the source's root are bytes, made readable when they are shown.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Nothing is there.
    #[error("the path source `{}` does not exist", root.display())]
    Missing {
        /// The source.
        root: PathBuf,
    },
    /// Neither a directory nor a regular file.
    #[error("the path source `{}` is neither a directory nor a file", root.display())]
    Kind {
        /// The source.
        root: PathBuf,
    },
    /// The machine could not read it.
    #[error("cannot read `{}` of the path source `{}`", readable(path), root.display())]
    Read {
        /// The source.
        root: PathBuf,
        /// What could not be read, relative to the source.
        path: Vec<u8>,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it was a moment ago.
    #[error("`{}` of the path source `{}` changed while it was read", readable(path), root.display())]
    Changed {
        /// The source.
        root: PathBuf,
        /// What changed, relative to the source.
        path: Vec<u8>,
    },
    /// No image can hold it.
    #[error("the path source `{}` holds a path that no image can", root.display())]
    Path {
        /// The source.
        root: PathBuf,
        /// Why.
        source: PathError,
    },
    /// A pattern of `include` or `exclude`.
    #[error("cannot use `include` or `exclude` of the path source `{}`", root.display())]
    Glob {
        /// The source.
        root: PathBuf,
        /// Which pattern, and why.
        source: GlobError,
    },
    /// The list of tracked files.
    #[error("cannot read git's index `{}`: {reason}", index.display())]
    Index {
        /// The file.
        index: PathBuf,
        /// What git's format says about it.
        reason: String,
    },
}

impl ScanError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "a source's path is relative to the directory of the template that names it".into(),
            Self::Kind { .. } => "give a directory, or a regular file".into(),
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "make it readable, or leave it out with `exclude`".into()
            }
            Self::Read { .. } => return None,
            Self::Changed { .. } => "build again when nothing writes there any more".into(),
            Self::Path { .. } => "leave it out with `exclude`, or rename it".into(),
            Self::Glob { .. } => "globs are those of .gitignore: `*`, `?`, `[a-z]`, `**`, and `{a,b}`".into(),
            Self::Index { .. } => {
                "`git status` says whether the repository is well (repositories with SHA-256 names are not supported); \
                 `ignored = true` does not ask git"
                    .into()
            }
        })
    }
}
