//! An image with its digest.

use std::fmt;
use std::path::PathBuf;

use crate::base::{BlobDigest, Epoch};
use crate::registry::{ImageName, Repository};

use super::scan::Spot;

/// What somebody wrote down: `HOST/REPOSITORY:TAG@DIGEST` or `HOST/REPOSITORY@DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin {
    /// Where it is.
    pub repository: Repository,
    /// What is said to hold the digest.
    pub tag: Option<String>,
    /// What it was.
    pub digest: BlobDigest,
}

impl Pin {
    /// Of a name that has a digest, or gets this one.
    pub fn new(name: ImageName, digest: BlobDigest) -> Self {
        Self { repository: name.repository, tag: name.tag, digest }
    }

    /// Without the digest, if there is a tag.
    pub fn name(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest),
        }
    }
}

/// What decides whether all is well with a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// That the tag holds the digest.
    Tag,
    /// That the digest is there: a lock goes by it, and tags of bases move from update to update.
    Digest,
}

/// Where a pin was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// As it was given.
        path: PathBuf,
        /// Where in it, if that can be told.
        spot: Option<Spot>,
    },
    /// In what the store remembers.
    Store {
        /// When it was seen there first.
        published: Option<Epoch>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, spot: Some(spot) } => write!(f, "{}:{spot}", path.display()),
            Self::File { path, spot: None } => write!(f, "{}", path.display()),
            Self::Store { published: Some(published) } => write!(f, "published {published}"),
            Self::Store { published: None } => f.write_str("published from here"),
        }
    }
}

/// A pin, and everywhere that it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Which.
    pub pin: Pin,
    /// What decides about it.
    pub basis: Basis,
    /// At least one.
    pub places: Vec<Place>,
}
