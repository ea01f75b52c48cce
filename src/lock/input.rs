//! What a template asks for from outside, and what the lock says it is.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::shell::quoted;
use crate::base::{ContentDigest, Epoch, ManifestDigest, Platform};
use crate::packages::PackagePin;

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
    /// What a command fetches.
    Fetch(FetchRequest),
    /// Packages of a distribution.
    Packages(PackagesRequest),
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

/// What a command with a network fetches for one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchRequest {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The stage that it runs in; `None`: the base of the image.
    pub stage: Option<String>,
    /// What it sees, in the order of the template.
    pub mounts: Vec<FetchMount>,
    /// The platform that the image is made for.
    pub platform: Platform,
}

impl FetchRequest {
    /// The command for people, in one line that is not too long.
    pub fn shown(&self) -> String {
        one_line(&quoted(&self.command))
    }
}

/// A text in one line that is not too long.
fn one_line(text: &str) -> String {
    /// A line of a terminal has room for it and what is said of it.
    const MOST_CHARS: usize = 60;
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.char_indices().nth(MOST_CHARS) {
        Some((cut, _)) => format!("{}...", line.get(..cut).unwrap_or_default()),
        None => line,
    }
}

/// Something that a command sees, as the template names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchMount {
    /// `NAME` or `NAME:PATH` of a source or stage.
    pub from: String,
    /// Where it is seen, absolute.
    pub to: String,
    /// Whether the command may write there.
    pub writable: bool,
}

/// Packages for one platform, as a step asks for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackagesRequest {
    /// What is asked for, in the order of the template.
    pub packages: Vec<String>,
    /// The names of the repositories that they come from.
    pub repositories: Vec<String>,
    /// Whether recommended packages come too.
    pub recommends: bool,
    /// The stage that asks (`in`); `None`: the image.
    pub stage: Option<String>,
    /// The platform that they are for.
    pub platform: Platform,
}

impl PackagesRequest {
    /// What is asked for, in one line that is not too long.
    pub fn shown(&self) -> String {
        one_line(&self.packages.join(" "))
    }
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
    /// Of [`Request::Fetch`].
    Fetch(FetchPin),
    /// Of [`Request::Packages`].
    Packages(PackagesPin),
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

/// What a command fetched, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPin {
    /// Of everything that the command was given: the entry is stale once that is another.
    pub given: ContentDigest,
    /// Of the tar that kiln makes of the normalised files.
    pub tree: ContentDigest,
    /// What is in the tree, in short: path to digest. For reviews, and to say what differs where the tree is not at hand.
    pub files: BTreeMap<String, ContentDigest>,
}

/// A set of packages, each known by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagesPin {
    /// Of everything that the set was found with but for what the repositories offered: the repositories' definitions, what
    /// is below. The entry is stale once that is another.
    pub given: ContentDigest,
    /// The releases that were read, in the order of repositories and suites.
    pub releases: Vec<ReleasePin>,
    /// What is added to what is below, sorted by name and architecture.
    pub set: Vec<PackagePin>,
}

/// A release of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePin {
    /// The repository of the template.
    pub repository: String,
    /// Its suite, as the template calls it.
    pub suite: String,
    /// When it was made: no older one is taken later.
    pub date: Epoch,
}

impl Request {
    /// The kind of entry, as it is called in the lock file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Url(_) => "url",
            Self::Git(_) => "git",
            Self::Fetch(_) => "fetch",
            Self::Packages(_) => "packages",
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
            Self::Fetch(fetch) => write!(f, "fetch {} ({})", fetch.shown(), fetch.platform),
            Self::Packages(packages) => {
                write!(f, "packages {}", packages.shown())?;
                packages.stage.as_ref().map_or(Ok(()), |stage| write!(f, " in {stage}"))?;
                write!(f, " ({})", packages.platform)
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
            Self::Fetch(pin) => write!(f, "{} (of {})", pin.tree, pin.given.short()),
            Self::Packages(pin) => write!(f, "{} packages (of {})", pin.set.len(), pin.given.short()),
        }
    }
}
