//! Why a file is not fetched.

use std::io;
use std::path::PathBuf;

use crate::base::{Class, ContentDigest};
use crate::transport::TransportError;

/// A file that cannot be fetched or is another. Addresses are shown without user name, password and query.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// On the network.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// A `file:` address that names no place.
    #[error("`{url}` names no file: expected `file:///` and an absolute path")]
    NotAbsolute {
        /// As it was written.
        url: String,
    },
    /// The machine could not read it.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was read cannot be kept.
    #[error("cannot write what `{url}` holds")]
    Sink {
        /// What was read.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// A file of this machine that is not the expected one.
    #[error("`{url}` has other content than expected: expected {expected}, found {found}")]
    Digest {
        /// What was read.
        url: String,
        /// Of what it should be.
        expected: ContentDigest,
        /// Of what it is.
        found: ContentDigest,
    },
    /// The template and the lock want different content.
    #[error("`{url}` should be {written} by the template and {locked} by the lock")]
    Disagree {
        /// What was wanted.
        url: String,
        /// The template's `sha256`.
        written: ContentDigest,
        /// The lock's.
        locked: ContentDigest,
    },
    /// Neither the address nor a mirror gave it.
    #[error("`{url}` cannot be fetched, and from none of its mirrors ({})", tried.join("; "))]
    NoMirror {
        /// What was wanted.
        url: String,
        /// Each mirror with its reason.
        tried: Vec<String>,
        /// Why not from the address itself.
        source: Box<UrlError>,
    },
    /// The configuration says where the token is, and it is not there.
    #[error("the token for `{host}` should be in the variable `{variable}`, which is not set")]
    NoToken {
        /// Who wants one.
        host: String,
        /// Which.
        variable: String,
    },
    /// The last part of the address cannot be the name of a file.
    #[error("the last part of `{url}` cannot be the name of a file")]
    FileName {
        /// The address.
        url: String,
    },
}

impl UrlError {
    /// What kind of failure it is, for the exit code.
    pub fn class(&self) -> Class {
        if self.is_interrupt() {
            Class::Interrupted
        } else if self.is_mismatch() {
            Class::Mismatch
        } else if self.is_unavailable() {
            Class::Unavailable
        } else {
            Class::Failed
        }
    }

    /// Whether it is not where it was looked for first.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Transport(source) => matches!(source.status(), Some(404 | 410)),
            Self::Read { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::NoMirror { source, .. } => source.is_missing(),
            _ => false,
        }
    }

    /// Whether it ended because the user wanted to stop.
    pub fn is_interrupt(&self) -> bool {
        matches!(self, Self::Transport(source) if matches!(**source, TransportError::Interrupted))
    }

    /// Whether the network or a server is to blame (exit code 5).
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Transport(source) => source.is_unavailable(),
            Self::NoMirror { source, .. } => source.is_unavailable(),
            _ => false,
        }
    }

    /// Whether it is not what it should be (exit code 4).
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Transport(source) => source.is_mismatch(),
            Self::NoMirror { source, .. } => source.is_mismatch(),
            Self::Digest { .. } | Self::Disagree { .. } => true,
            _ => false,
        }
    }

    /// Whether no mirror can help.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Transport(source) => matches!(**source, TransportError::Interrupted | TransportError::Sink { .. }),
            Self::Sink { .. } | Self::Disagree { .. } => true,
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Transport(source) => return source.hint(),
            Self::NoMirror { source, .. } => return source.hint(),
            Self::NotAbsolute { .. } => "for a file beside the template use `path` instead of `url`".to_owned(),
            Self::Read { .. } | Self::Sink { .. } => return None,
            Self::Digest { .. } => "find out who changed it before you accept the new one".to_owned(),
            Self::Disagree { .. } => "correct the template's `sha256`, or update the lock".to_owned(),
            Self::NoToken { variable, .. } => format!("set `{variable}`, or take the host out of `[tokens]`"),
            Self::FileName { .. } => "use an address that ends in a file's name".to_owned(),
        })
    }
}
