//! Why a suite cannot be used.

use std::io;
use std::path::PathBuf;

use crate::base::{Class, Platform};
use crate::packages::debian::{IndexError, ReleaseError, SignatureError};
use crate::source::url::UrlError;

/// A suite that cannot be had, or is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DebianError {
    /// A platform that Debian has no packages for.
    #[error("Debian has no architecture for the platform `{platform}`")]
    Platform {
        /// Which.
        platform: Platform,
    },
    /// A keyring that cannot be read.
    #[error("cannot read the keyring `{path}`", path = path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A keyring that is none.
    #[error("cannot use the keyring of the repository")]
    Keys {
        /// Why.
        source: SignatureError,
    },
    /// A release that does not come.
    #[error("cannot get the release of the suite `{suite}`")]
    Fetch {
        /// Which suite.
        suite: String,
        /// Why.
        source: Box<UrlError>,
    },
    /// A release that nobody who is trusted has signed.
    #[error("`{url}` is not believed")]
    Signature {
        /// Where it is from.
        url: String,
        /// Why.
        source: SignatureError,
    },
    /// A release that is signed, and not what was asked for.
    #[error("`{url}` is refused")]
    Release {
        /// Where it is from.
        url: String,
        /// Why.
        source: ReleaseError,
    },
    /// No mirror has a release that can be used.
    #[error("no mirror has the suite `{suite}` as it should be ({})", tried.join("; "))]
    NoMirror {
        /// Which suite.
        suite: String,
        /// The other mirrors, each with its reason.
        tried: Vec<String>,
        /// What was wrong with the first, or with the first that gave something else.
        source: Box<DebianError>,
    },
    /// An index that cannot be decompressed.
    #[error("cannot decompress `{name}`")]
    Decompress {
        /// Which index.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// An index that lists no packages.
    #[error("cannot read `{name}`")]
    Index {
        /// Which index.
        name: String,
        /// Why.
        source: IndexError,
    },
}

impl DebianError {
    /// What is told where several mirrors refused: what looks like an attack before what only fails.
    #[must_use]
    pub fn and(self, suite: &str, other: Self) -> Self {
        let (source, mut tried) = match self {
            Self::NoMirror { tried, source, .. } => (source, tried),
            first => (Box::new(first), Vec::new()),
        };
        let is_worse = other.class() == Class::Mismatch && source.class() != Class::Mismatch;
        let (source, told) = if is_worse { (Box::new(other), *source) } else { (source, other) };
        tried.push(in_one_line(&told));
        Self::NoMirror { suite: suite.to_owned(), tried, source }
    }

    /// What kind of failure it is, for the exit code.
    pub fn class(&self) -> Class {
        match self {
            Self::Fetch { source, .. } => source.class(),
            Self::Signature { .. } => Class::Mismatch,
            Self::Release {
                source:
                    ReleaseError::Suite { .. }
                    | ReleaseError::Origin { .. }
                    | ReleaseError::Expired { .. }
                    | ReleaseError::Future { .. }
                    | ReleaseError::Older { .. },
                ..
            } => Class::Mismatch,
            Self::NoMirror { source, .. } => source.class(),
            _ => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Platform { .. } => "leave the platform out of `platforms`".to_owned(),
            Self::Keyring { .. } => "name a file beside the template as `keyring` of the repository".to_owned(),
            Self::Keys { source } | Self::Signature { source, .. } => return source.hint(),
            Self::Release { source, .. } => return source.hint(),
            Self::NoMirror { source, .. } => return source.hint(),
            Self::Fetch { source, .. } => return source.hint(),
            Self::Decompress { .. } => "tell those who run the repository, or take another one".to_owned(),
            Self::Index { source, .. } => return source.hint(),
        })
    }
}

fn in_one_line(error: &DebianError) -> String {
    let mut line = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        line.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    line
}
