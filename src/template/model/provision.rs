//! Commands that a template has run in the image.

use std::collections::BTreeMap;

use crate::base::ImagePath;

use super::{Owner, SourceRef};

/// `run` and `script`: a command in the image, and what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: Command,
    /// Environment variables of its own, which go over those of the stage.
    pub env: BTreeMap<String, String>,
    /// Where it runs; `None`: in the root.
    pub workdir: Option<ImagePath>,
    /// Who runs it; `None`: root.
    pub user: Option<Owner>,
    /// It may reach the network, whose answers the lock does not name.
    pub network: bool,
    /// Files that it sees beside the image; no two have one target.
    pub mounts: Vec<Mount>,
    /// Directories that are kept from build to build (`cache`), none of them a mount's target.
    pub caches: Vec<ImagePath>,
    /// Ids of the secrets that it may read.
    pub secrets: Vec<String>,
    /// How long it may take, in seconds; at least one.
    pub timeout_s: Option<u64>,
    /// How much memory it may use.
    pub memory_bytes: Option<u64>,
    /// How many processors it may use.
    pub cpus: Option<u32>,
}

impl Run {
    /// A command that says nothing more of itself.
    pub fn new(command: Command) -> Self {
        Self {
            command,
            env: BTreeMap::new(),
            workdir: None,
            user: None,
            network: false,
            mounts: Vec::new(),
            caches: Vec::new(),
            secrets: Vec::new(),
            timeout_s: None,
            memory_bytes: None,
            cpus: None,
        }
    }
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A string, which is the last argument of a shell.
    Shell {
        /// The shell and its options; without `shell`, `/bin/sh -ec`.
        shell: Vec<String>,
        /// The string.
        text: String,
    },
    /// A program and its arguments; the program is never empty.
    Argv(Vec<String>),
    /// A file of a source, which is executed as it is.
    Script {
        /// The file.
        from: SourceRef,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// Files of a source or stage that a command sees, and that never enter the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is seen.
    pub from: SourceRef,
    /// Where: neither the root nor anything in `/proc`, `/dev` and `/sys`.
    pub to: ImagePath,
    /// The command may write there; what it writes is dropped.
    pub writable: bool,
}

/// A command with a network whose results are pinned: it runs when the lock is made, and fills `/out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSource {
    /// The program, which is never empty, and its arguments.
    pub command: Vec<String>,
    /// The stage that it runs in (`in`); `None`: the base of the image, which the template then has.
    pub in_stage: Option<String>,
    /// Files that it sees; no two have one target, and none is in `/out`.
    pub mounts: Vec<Mount>,
}
