//! Why a set of packages cannot be found or brought.

use crate::base::Class;
use crate::packages::debian::{DebError, IndexError, SolveError};
use crate::source::url::UrlError;

/// A set that cannot be had, or is not what was pinned.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// dpkg's database of the base.
    #[error("cannot read dpkg's database of the base")]
    Status {
        /// Why.
        source: IndexError,
    },
    /// What packages say of each other.
    #[error("cannot read what the packages say of others")]
    Relations {
        /// Why.
        source: IndexError,
    },
    /// No set is what was asked for.
    #[error("there is no such set of packages")]
    Solve(#[source] SolveError),
    /// A repository that the template does not have any more, or has without anything that leads there.
    #[error("nothing says where the repository `{repository}` is, which `{package}` comes from")]
    Nowhere {
        /// Name, version and architecture.
        package: String,
        /// The repository.
        repository: String,
    },
    /// Nobody has the file any more.
    #[error("no mirror has `{package}` any more")]
    Gone {
        /// Name, version and architecture.
        package: String,
        /// Who was asked.
        source: Box<UrlError>,
    },
    /// A file that cannot be read.
    #[error("cannot unpack `{package}`")]
    Deb {
        /// Name, version and architecture.
        package: String,
        /// Why.
        source: Box<DebError>,
    },
    /// A file that is another package than its index said.
    #[error("the file of `{expected}` is the package `{found}`")]
    OtherPackage {
        /// In the lock.
        expected: String,
        /// In the file.
        found: String,
    },
}

impl PackagesError {
    /// What kind of failure it is, for the exit code.
    pub fn class(&self) -> Class {
        match self {
            Self::Gone { .. } => Class::Unavailable,
            Self::OtherPackage { .. } => Class::Mismatch,
            _ => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Status { .. } => "take another base: who made this one made it wrong".to_owned(),
            Self::Relations { source } => return source.hint(),
            Self::Solve(source) => return source.hint(),
            Self::Nowhere { .. } => "take the entry anew with `kiln update`".to_owned(),
            Self::Gone { .. } => {
                "take the version that there is now with `kiln update`, or name a `mirror` that keeps \
                                  old packages"
                    .to_owned()
            }
            Self::Deb { source, .. } => return source.hint(),
            Self::OtherPackage { .. } => {
                "the repository's index does not fit its files: tell those who run it, and do not use it".to_owned()
            }
        })
    }
}
