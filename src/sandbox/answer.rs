//! What the child answers.

use std::fmt;
use std::os::fd::RawFd;

use serde::{Deserialize, Serialize};

use crate::base::ContentDigest;

use super::census::Stamp;
use super::owners::{Owner, Refusal};

/// One line of JSON on the child's stdout.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The user namespace is there and waits for its ids.
    Ready,
    /// Process 1 has made its root and holds calls, which come out of this descriptor of its own; it waits for a line.
    Held(RawFd),
    /// It was done.
    Done,
    /// What an upper directory holds.
    Captured(CapturedAnswer),
    /// Which files an upper directory has.
    Counted(Vec<(String, Stamp)>),
    /// The command ended.
    Ended(Ending),
    /// The service was not there in time, or ended before.
    NotReady(Option<Ending>),
    /// It was not done.
    Failed(Failure),
}

/// See [`super::capture`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CapturedAnswer {
    /// The changes as a dump.
    pub(super) tree: String,
    /// Where each content begins in the spool.
    pub(super) places: Vec<(ContentDigest, u64)>,
    /// The spool's length.
    pub(super) blob_bytes: u64,
    /// The spool's digest.
    pub(super) blob: ContentDigest,
    /// Sockets, which no layer can hold.
    pub(super) sockets: Vec<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// Mount points that had to be made for it, deepest last; they are gone when kiln hears of it.
    pub made: Vec<String>,
    /// Whether it reached its `memory` on the way.
    pub reached_memory: bool,
    /// What it asked for and did not get, because there is one id only.
    pub refused: Vec<Refusal>,
    /// The owners that are not written on the files ([`super::owners`]), for the next command and the capture.
    pub owners: Vec<(String, Owner)>,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "killed by signal {signal}"),
            (None, None) => f.write_str("it ended in an unknown way"),
        }
    }
}

/// Why something was not done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// What was being done, such as "mount /proc".
    pub(super) doing: String,
    /// The error number, if the kernel said no.
    pub(super) errno: Option<i32>,
    /// What it said.
    pub(super) reason: String,
}

impl Failure {
    /// From an error of the system.
    pub(super) fn io(doing: impl Into<String>, error: &std::io::Error) -> Self {
        Self { doing: doing.into(), errno: error.raw_os_error(), reason: error.to_string() }
    }

    /// From a word of our own.
    pub(super) fn said(doing: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { doing: doing.into(), errno: None, reason: reason.into() }
    }
}

/// Adds what was being done to an error of the system.
pub(super) trait Doing<T> {
    /// `doing` in the infinitive: "mount /proc".
    fn doing(self, doing: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<std::io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::io(doing, &error.into()))
    }
}
