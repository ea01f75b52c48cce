//! What is asked for, and under which terms.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::ImagePath;

use super::error::GitError;

/// Longest silence of git that a caller should bear. Servers say at least every few seconds how far they are; the longest
/// quiet times are those of a large repository before its first object.
pub const STALL: Duration = Duration::from_secs(180);

/// A git source as a template names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitRequest {
    /// Where the repository is: `https`, `http`, `ssh`, `git` or `file`, `host:path` as for ssh, or a whole path.
    pub url: String,
    /// A branch, a tag, a whole ref (`refs/…`) or a full commit id; `None`: what the remote's HEAD is.
    pub rev: Option<String>,
    /// The one directory that is wanted; `None`: all.
    pub subdir: Option<ImagePath>,
    /// Whether submodules are wanted.
    pub submodules: Submodules,
}

/// Whether submodules are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Submodules {
    /// Each is an empty directory, as `git checkout` leaves it.
    Skip,
    /// Each is fetched at the commit that its parent names, and those in it.
    Take,
}

/// The surroundings of one run.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The git program: a name that is looked up in PATH, or a path.
    pub program: &'a Path,
    /// Whether a network may be asked.
    pub network: Network,
    /// How long git may be silent before it is given up.
    pub stall: Duration,
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
}

/// Whether a network may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Online,
    /// It may not: only repositories of this machine's file system are read.
    Offline,
}

impl Terms<'_> {
    /// An error if the user wants to stop.
    pub(super) fn check(&self) -> Result<(), GitError> {
        if self.interrupted.load(Ordering::Relaxed) { Err(GitError::Interrupted) } else { Ok(()) }
    }
}
