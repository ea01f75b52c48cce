//! What is not wrong but will surprise.

use std::fmt;

use crate::base::ImagePath;

use super::left_out::{Rule, Special};

/// Something about a path source that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// A fifo, device or socket that does not enter the image.
    SpecialSkipped {
        /// Where.
        path: ImagePath,
        /// What it is.
        special: Special,
    },
    /// A repository inside the source that is not a submodule: git would not add its files.
    NestedRepository {
        /// Its directory.
        path: ImagePath,
    },
    /// A submodule without its files.
    SubmoduleMissing {
        /// Its directory.
        path: ImagePath,
    },
    /// A git LFS pointer in place of the file it stands for.
    LfsPointer {
        /// Where.
        path: ImagePath,
    },
    /// A file with CRLF line ends which git would commit with LF: another checkout may have other bytes.
    LineEndings {
        /// Where.
        path: ImagePath,
        /// The rule that has it converted.
        rule: Rule,
    },
    /// Nothing of the source is taken, because git ignores the directory it is in.
    RootIgnored {
        /// The rule that ignores it.
        rule: Rule,
    },
    /// A line of an ignore file that is not a pattern.
    BadPattern {
        /// The line.
        rule: Rule,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpecialSkipped { path, special } => write!(f, "`{path}` is {special} and was skipped"),
            Self::NestedRepository { path } => {
                write!(f, "`{path}` is a git repository of its own, not a submodule: git would not commit its files")
            }
            Self::SubmoduleMissing { path } => write!(f, "the submodule `{path}` is empty"),
            Self::LfsPointer { path } => write!(f, "`{path}` is a git LFS pointer, not the file it stands for"),
            Self::LineEndings { path, rule } => {
                write!(f, "`{path}` has CRLF line ends, but is committed with LF ({rule}): other checkouts may differ")
            }
            Self::RootIgnored { rule } => write!(f, "git ignores the whole source ({rule})"),
            Self::BadPattern { rule } => write!(f, "{rule} is not a pattern and was skipped"),
        }
    }
}

impl Warning {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SpecialSkipped { special: Special::Socket, .. } => return None,
            Self::SpecialSkipped { .. } => "`ignored = true` takes fifos and devices".into(),
            Self::NestedRepository { .. } => "make it a submodule, or a source of its own".into(),
            Self::SubmoduleMissing { .. } => "`git submodule update --init` fetches it".into(),
            Self::LfsPointer { .. } => "`git lfs pull` fetches it".into(),
            Self::LineEndings { .. } => "`git add --renormalize` shows what would be committed".into(),
            Self::RootIgnored { .. } => "`ignored = true` takes what git ignores".into(),
            Self::BadPattern { .. } => return None,
        })
    }
}
