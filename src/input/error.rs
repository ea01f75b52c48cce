//! Inputs that cannot be had, or are not what was pinned.

use std::io;
use std::path::PathBuf;

use crate::base::digest::ParseDigestError;
use crate::base::path::PathError;
use crate::base::reference::ParseReferenceError;
use crate::base::{Class, DiffId, Platform};
use crate::image::CheckError;
use crate::layer::read::ReadError;
use crate::registry::RegistryError;
use crate::source::debian::DebianError;
use crate::source::git::{GitError, ParseObjectIdError};
use crate::source::image::{ImageFileError, VerifyError};
use crate::source::url::UrlError;
use crate::store::StoreError;
use crate::transport::TransportError;

use super::packages::PackagesError;

/// Why an input is not there.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A digest in the lock that is none.
    #[error("the lock's digest of `{image}` cannot be one")]
    Digest {
        /// Which image.
        image: String,
        /// Why.
        source: ParseDigestError,
    },
    /// Not a reference.
    #[error("`{image}` is not the name of an image")]
    Reference {
        /// As the template has it.
        image: String,
        /// Why.
        source: ParseReferenceError,
    },
    /// An image without this platform.
    #[error("`{image}` has no image for {wanted}; it has {found}")]
    NoSuchPlatform {
        /// Which image.
        image: String,
        /// What was asked for.
        wanted: Box<Platform>,
        /// What there is.
        found: String,
    },
    /// Documents that do not make an image.
    #[error("`{image}` is not an image that kiln can read")]
    Check {
        /// Which image.
        image: String,
        /// Why.
        source: Box<CheckError>,
    },
    /// A layer that cannot be read.
    #[error("cannot read the layer {digest} of `{image}`")]
    Layer {
        /// Which image.
        image: String,
        /// Which blob.
        digest: String,
        /// Why.
        source: Box<ReadError>,
    },
    /// A layer whose tar is not the one that the config names.
    #[error("the layer {layer} of `{image}` is not what its config says: expected {expected}, found {found}")]
    DiffId {
        /// Which image.
        image: String,
        /// Which blob.
        layer: String,
        /// In the config.
        expected: DiffId,
        /// Of the tar.
        found: DiffId,
    },
    /// An archive that cannot be read.
    #[error("cannot extract `{name}`")]
    Archive {
        /// Source and path.
        name: String,
        /// Why.
        source: Box<ReadError>,
    },
    /// What a name holds is not what was locked, and that is nowhere to be had.
    #[error("`{input}` is not what the lock says any more: expected {expected}, found {found}")]
    Moved {
        /// Which input.
        input: String,
        /// In the lock.
        expected: String,
        /// What is there.
        found: String,
    },
    /// What came is not what was locked.
    #[error("`{input}` is not what was locked: expected {expected}, found {found}")]
    Mismatch {
        /// Which input.
        input: String,
        /// In the lock.
        expected: String,
        /// What came.
        found: String,
    },
    /// A command fetched other files than the lock names.
    #[error("`{input}` gives other files than those that were locked{}; expected {expected}, found {found}", after_colon(.differences))]
    Refetched {
        /// Which input.
        input: String,
        /// In the lock.
        expected: String,
        /// Of what came.
        found: String,
        /// The first of them, if the lock has a list.
        differences: String,
    },
    /// A command has to run to fetch it, and may not.
    #[error("`{input}` is neither in the store nor vendored, and its command needs the network")]
    NeedsNetwork {
        /// Which input.
        input: String,
    },
    /// The template's own digest is another one than the lock's, or than that of what came.
    #[error("`{url}` has the digest {found}, but the template says {expected}")]
    OtherSha256 {
        /// Which download.
        url: String,
        /// In the template.
        expected: String,
        /// In the lock, or of what came.
        found: String,
    },
    /// It was in the store only, and is not any more.
    #[error("`{input}` is not in the store any more: {digest} is missing")]
    Gone {
        /// Which input.
        input: String,
        /// What is missing.
        digest: String,
    },
    /// A download whose name cannot be a file's.
    #[error("`{url}` gives no name for a file")]
    FileName {
        /// Which download.
        url: String,
        /// Why.
        source: PathError,
    },
    /// A commit in the lock that is none.
    #[error("the lock's commit of `{url}` cannot be one")]
    Commit {
        /// Which repository.
        url: String,
        /// Why.
        source: ParseObjectIdError,
    },
    /// A directory of a repository that cannot be one.
    #[error("`{subdir}` cannot be a directory of a repository")]
    Subdir {
        /// As it was written.
        subdir: String,
    },
    /// It cannot be read to its end.
    #[error("cannot read `{input}`")]
    Read {
        /// Which input.
        input: String,
        /// Why.
        source: io::Error,
    },
    /// A vendored layout that cannot be read or written.
    #[error("cannot {doing} the vendored inputs `{path}`", path = path.display())]
    Vendor {
        /// Such as `read`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A note that cannot be written down.
    #[error("cannot write down what the store is to remember")]
    Note {
        /// Why.
        source: serde_json::Error,
    },
    /// The settings of the network.
    #[error("cannot set up the network")]
    Network(#[source] Box<TransportError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image in a file.
    #[error(transparent)]
    ImageFile(Box<ImageFileError>),
    /// A registry.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// A download.
    #[error(transparent)]
    Url(Box<UrlError>),
    /// A git repository.
    #[error(transparent)]
    Git(Box<GitError>),
    /// A suite of packages.
    #[error(transparent)]
    Debian(Box<DebianError>),
    /// A set of packages.
    #[error(transparent)]
    Packages(Box<PackagesError>),
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

// These are large, and errors are passed on through every function here.
macro_rules! boxed {
    ($($variant:ident($source:ty),)+) => {$(
        impl From<$source> for InputError {
            fn from(source: $source) -> Self {
                Self::$variant(Box::new(source))
            }
        }
    )+};
}

boxed! {
    ImageFile(ImageFileError),
    Registry(RegistryError),
    Url(UrlError),
    Git(GitError),
    Debian(DebianError),
    Packages(PackagesError),
    Network(TransportError),
}

impl InputError {
    /// What kind of failure it is, for the exit code.
    pub fn class(&self) -> Class {
        match self {
            Self::Git(error) => error.class(),
            Self::Registry(error) if error.is_interrupt() => Class::Interrupted,
            Self::Registry(error) if error.is_mismatch() => Class::Mismatch,
            Self::Registry(error) if error.is_unavailable() => Class::Unavailable,
            Self::Url(error) => error.class(),
            Self::Debian(error) => error.class(),
            Self::Packages(error) => error.class(),
            Self::Read { source, .. } if is_lie(source) => Class::Mismatch,
            Self::ImageFile(error) => match &**error {
                ImageFileError::Read { source, .. } if is_lie(source) => Class::Mismatch,
                _ => Class::Failed,
            },
            Self::DiffId { .. }
            | Self::Moved { .. }
            | Self::Mismatch { .. }
            | Self::Refetched { .. }
            | Self::OtherSha256 { .. } => Class::Mismatch,
            Self::Store(StoreError::Damaged { .. }) => Class::Mismatch,
            Self::Gone { .. } | Self::NeedsNetwork { .. } => Class::Unavailable,
            _ => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reference { .. } => Some(
                "write `[HOST/]NAME[:TAG][@sha256:..]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]` or `store:NAME[:VERSION]`".to_owned(),
            ),
            Self::NoSuchPlatform { .. } => {
                Some("leave the platform out of `image.platforms`, or choose another image for it".to_owned())
            }
            Self::Layer { source, .. } | Self::Archive { source, .. } => source.hint(),
            Self::DiffId { .. } => Some("do not use this image: who made it made it wrong, or somebody changed it".to_owned()),
            Self::Moved { .. } => {
                Some("put back what was there, or take what is there now with `kiln update`".to_owned())
            }
            Self::Read { source, .. } if is_lie(source) => {
                Some("it is damaged, or somebody changed it: put back what was there".to_owned())
            }
            Self::Mismatch { .. } => {
                Some("somebody changed it: find out why before you take what is there now with `kiln update`".to_owned())
            }
            Self::Refetched { .. } => Some(
                "let the command name exactly what it fetches (versions, digests), or take what there is now with `kiln update`"
                    .to_owned(),
            ),
            Self::NeedsNetwork { .. } => {
                Some("give `--vendor DIR` with a directory of `kiln vendor`, or leave `--offline` away".to_owned())
            }
            Self::OtherSha256 { .. } => {
                Some("correct `sha256`, or take what is there now with `kiln update` if that was meant".to_owned())
            }
            Self::Gone { .. } => Some("build it again, or name an image that is not only in the store".to_owned()),
            Self::Commit { .. } | Self::Digest { .. } => Some("take the entry anew with `kiln update`".to_owned()),
            Self::Vendor { .. } => Some("`kiln vendor DIR` writes such a directory".to_owned()),
            Self::FileName { .. } | Self::Subdir { .. } | Self::Check { .. } | Self::Read { .. } | Self::Note { .. } => None,
            Self::Network(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::ImageFile(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Url(error) => error.hint(),
            Self::Git(error) => error.hint(),
            Self::Debian(error) => error.hint(),
            Self::Packages(error) => error.hint(),
        }
    }
}

/// Whether a blob was read that is not what its digest says.
fn is_lie(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<VerifyError>())
}
