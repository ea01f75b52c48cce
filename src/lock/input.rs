//! What a template asks for from outside, and what the lock says it is.

use std::fmt;

use crate::base::{ContentDigest, ManifestDigest, Platform};

/// One thing that comes from outside, as the template asks for it after substitution: the key of its entry. Two sources
/// that ask for the same share the entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// A base image or an image whose files are taken.
    Image(ImageRequest),
    /// A download, by its address.
    Url(String),
    /// A commit of a git repository.
    Git(GitRequest),
}

/// An image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRequest {
    /// As the template names it; paths are from its directory.
    pub image: String,
    /// For which platform.
    pub platform: Platform,
}

/// A commit of a git repository, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitRequest {
    /// The address.
    pub url: String,
    /// Branch, tag or commit; `None`: what the repository calls its HEAD.
    pub rev: Option<String>,
    /// Only this directory.
    pub subdir: Option<String>,
    /// Whether its submodules come too.
    pub submodules: Submodules,
}

/// Whether submodules come too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Submodules {
    /// They stay empty directories.
    Skip,
    /// They do.
    Take,
}

/// What a request was resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// Of [`Request::Image`].
    Image(ImagePin),
    /// Of [`Request::Url`].
    Url(UrlPin),
    /// Of [`Request::Git`].
    Git(GitPin),
}

/// An image that is known by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePin {
    /// What the name held: an index, or the manifest itself. `sha256:..`
    pub digest: String,
    /// The image of the platform.
    pub manifest: ManifestDigest,
}

/// A download that is known by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPin {
    /// Of its bytes.
    pub sha256: ContentDigest,
    /// How many.
    pub size_bytes: u64,
}

/// A commit and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitPin {
    /// The commit's id, in full.
    pub commit: String,
    /// Of the tar that kiln makes of the files: SHA-1 names the commit, this one its content.
    pub tree: ContentDigest,
}

impl Request {
    /// The kind of entry, as it is called in the lock file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Url(_) => "url",
            Self::Git(_) => "git",
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => write!(f, "image {} ({})", image.image, image.platform),
            Self::Url(url) => write!(f, "url {url}"),
            Self::Git(git) => {
                write!(f, "git {}", git.url)?;
                git.rev.as_ref().map_or(Ok(()), |rev| write!(f, " {rev}"))?;
                git.subdir.as_ref().map_or(Ok(()), |subdir| write!(f, " /{subdir}"))
            }
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(pin) => f.write_str(&pin.digest),
            Self::Url(pin) => write!(f, "{}", pin.sha256),
            Self::Git(pin) => f.write_str(&pin.commit),
        }
    }
}
