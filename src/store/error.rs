//! What can go wrong with the store.

use std::io;
use std::path::PathBuf;

/// An operation of the store that failed. What was being written is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be used.
    #[error("cannot open the store `{store}`", store = store.display())]
    Open {
        /// Where.
        store: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another version wrote it.
    #[error("the store `{store}` has the format `{found}`; expected `kiln store 1`", store = store.display())]
    Format {
        /// Where.
        store: PathBuf,
        /// What it says it is.
        found: String,
    },
    /// No room.
    #[error("no space is left for the store `{store}`", store = store.display())]
    Full {
        /// Where.
        store: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write to the store `{store}`", store = store.display())]
    Write {
        /// Where.
        store: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{digest}` in the store", digest = digest)]
    Read {
        /// Which blob.
        digest: String,
        /// Why.
        source: io::Error,
    },
    /// A blob is not there.
    #[error("the store has no blob {digest}")]
    Missing {
        /// Which.
        digest: String,
    },
    /// A blob's bytes are not what its name says.
    #[error("the blob {digest} in the store is damaged; it was set aside")]
    Damaged {
        /// Which.
        digest: String,
    },
    /// What was written does not have the digest that it was to have.
    #[error("expected to write {expected} to the store, found {found}")]
    Digest {
        /// The digest that was announced.
        expected: String,
        /// The digest of the bytes.
        found: String,
    },
    /// A published name cannot move.
    #[error("`{name}` was published with {held} and cannot become {wanted}")]
    Frozen {
        /// Which.
        name: String,
        /// What it holds.
        held: String,
        /// What it was to hold.
        wanted: String,
    },
    /// No image of this name.
    #[error("the store has no image `{name}`")]
    NoSuchName {
        /// The name as it was given.
        name: String,
        /// The ones that look like it.
        nearest: Vec<String>,
    },
}

impl StoreError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { .. } => "choose another place with `--store DIR` or KILN_STORE".to_owned(),
            Self::Format { .. } => "use the kiln that wrote it, or another store with `--store DIR`".to_owned(),
            Self::Full { .. } => "free some with `kiln store gc`, or use another disk with `--store DIR`".to_owned(),
            Self::Write { .. } | Self::Read { .. } | Self::Digest { .. } => "see `kiln store check`".to_owned(),
            Self::Missing { .. } | Self::Damaged { .. } => {
                "build the image again: what is missing is made anew".to_owned()
            }
            Self::Frozen { .. } => "raise the version in the template, or give `--version`".to_owned(),
            Self::NoSuchName { nearest, .. } if !nearest.is_empty() => {
                format!("did you mean `{}`?", nearest.join("` or `"))
            }
            Self::NoSuchName { .. } => "see what there is with `kiln store ls`".to_owned(),
        })
    }
}
