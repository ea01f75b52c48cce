//! What the child is asked to do.

use std::os::fd::RawFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::ContentDigest;

use super::owners::Owner;

/// One request, read by the child as JSON from its stdin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Makes the files of a tree.
    Unpack(UnpackOrder),
    /// Runs a command.
    Run(Box<RunOrder>),
    /// Tells what lies in an upper directory.
    Capture(CaptureOrder),
    /// Removes directories that hold files of other ids.
    Remove(Vec<PathBuf>),
    /// Mounts an overlay on these directories and looks whether it works.
    Probe(PathBuf),
}

/// A tree to unpack.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnpackOrder {
    /// The changes as a dump ([`crate::tree::dump`]). Whiteouts become what an overlay understands.
    pub(super) tree: String,
    /// The file with the contents, inherited.
    pub(super) spool: RawFd,
    /// Where each content begins in it.
    pub(super) places: Vec<(ContentDigest, u64)>,
    /// An empty directory.
    pub(super) to: PathBuf,
}

/// An upper directory to read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CaptureOrder {
    /// The directory.
    pub(super) upper: PathBuf,
    /// The file that the contents are written to, inherited.
    pub(super) spool: RawFd,
    /// The owners that are not written on the files ([`super::owners`]).
    pub(super) owners: Vec<(String, Owner)>,
}

/// A command to run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunOrder {
    /// The directories below, the lowest first.
    pub lower: Vec<PathBuf>,
    /// Where changes go.
    pub upper: PathBuf,
    /// An empty directory on the same file system.
    pub work: PathBuf,
    /// An empty directory that the root is mounted on.
    pub root: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// Where it starts, absolute.
    pub workdir: String,
    /// Who it runs as.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its further groups.
    pub groups: Vec<u32>,
    /// What it sees beside the root, in order.
    pub binds: Vec<Bind>,
    /// Whether it shares the machine's network.
    pub network: bool,
    /// Files with secrets, below `/run/secrets`, by name; they are in memory only.
    pub secrets: Vec<(String, Vec<u8>)>,
    /// What it may use.
    pub limits: Limits,
    /// The host name that it sees.
    pub hostname: String,
    /// The terminal it talks to, inherited; without one its output is read and it has no input.
    pub terminal: Option<RawFd>,
    /// The owners that are not written on the files of its root ([`super::owners`]).
    pub owners: Vec<(String, Owner)>,
}

/// A directory or file of the machine that a command sees.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bind {
    /// Where it is.
    pub from: PathBuf,
    /// Where it is seen, absolute.
    pub to: String,
    /// How.
    pub kind: BindKind,
}

/// How something is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindKind {
    /// As it is, and it stays so.
    ReadOnly,
    /// What is written there stays.
    Shared,
}

/// What a command may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Processors.
    pub cpus: Option<u32>,
}

/// Processes and threads that a step may have at once: far more than any build, far fewer than a machine.
pub(super) const PROCESSES_MAX: u64 = 32_768;
