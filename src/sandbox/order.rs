//! What the child is asked to do.

use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ContentDigest;

use super::owners::Owner;

/// One request, read by the child as JSON from its stdin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Makes the files of a tree.
    Unpack(UnpackOrder),
    /// Runs a command, in the control groups behind these files.
    Run(Box<RunOrder>, Vec<PathBuf>),
    /// Tells what lies in an upper directory.
    Capture(CaptureOrder),
    /// Tells which files an upper directory has ([`super::census`]).
    Census(PathBuf),
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
    /// Empty directories that the tree is parted between, the lowest first ([`super::spread`]).
    pub(super) to: Vec<PathBuf>,
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
    /// The program and its arguments; without any, the root is only tried.
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
    /// The number of its process; `None`: the next one, a small number. Kernels that cannot choose do not.
    pub first_pid: Option<u32>,
    /// What it talks to, inherited; without that its output is read and it has no input.
    pub talk: Option<TalkFiles>,
    /// The owners that are not written on the files of its root ([`super::owners`]).
    pub owners: Vec<(String, Owner)>,
    /// What is in `/tmp` and `/run`.
    pub temporary: Temporary,
    /// Where the streams of its output go if they are told apart; they are inherited.
    pub streams: Option<Streams>,
    /// A root that was used before and may be used up, where a command has a copy of its layers.
    pub spare: Option<PathBuf>,
    /// What runs beside it.
    pub service: Option<ServiceOrder>,
}

impl RunOrder {
    /// Whether it has no command: the root is made and left again.
    pub(super) fn is_probe(&self) -> bool {
        self.argv.is_empty()
    }
}

/// The files that a command talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkFiles {
    /// What it reads.
    pub stdin: RawFd,
    /// Where its results go.
    pub stdout: RawFd,
    /// Where everything else goes.
    pub stderr: RawFd,
    /// Whether a person sits there, whose Ctrl-C is the command's to hear.
    pub is_terminal: bool,
}

/// What a command finds in `/tmp` and `/run`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Temporary {
    /// Nothing, and what it leaves there goes with it.
    #[default]
    Empty,
    /// What the image has there.
    OfImage,
}

/// One file for each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// The command's stdout.
    pub stdout: RawFd,
    /// The command's stderr.
    pub stderr: RawFd,
    /// Both of the service.
    pub service: RawFd,
}

/// A program that runs beside a command, as the same user: it is waited for before the command starts, and stopped after
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOrder {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// It is ready when somebody listens here.
    pub port: u16,
    /// What is spoken there.
    pub transport: Transport,
    /// How long it may take to get ready.
    pub ready: Duration,
    /// The number of the signal that it is stopped with.
    pub stop_signal: i32,
    /// How long it may take to stop before it is killed.
    pub stop: Duration,
}

/// What is spoken at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// A directory or file of the machine that a command sees.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bind {
    /// Where it is. Several directories are one tree together, the lowest first.
    pub from: Vec<PathBuf>,
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

/// Processes and threads that a step may have at once: far more than any build has, and a quarter of what the machine can
/// have, so that one that forks without end does not take the others with it.
pub(super) fn most_processes() -> u64 {
    const MOST: u64 = 16_384;
    let limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"];
    let numbers = limits.iter().filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    numbers.map(|number| number / 4).chain([MOST]).min().unwrap_or(MOST)
}
