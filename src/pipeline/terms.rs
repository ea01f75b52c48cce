//! What the world decides.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::{Epoch, Platform};
use crate::sandbox::{Mode, Sandbox, SandboxError, Trouble};
use crate::store::Store;

use super::provision::{Opened, Provision};

/// The surroundings of one run.
pub struct Terms<'a> {
    /// The clock, for what the store remembers.
    pub now: Epoch,
    /// The time that a new lock gets: SOURCE_DATE_EPOCH, else the clock.
    pub lock_time: Epoch,
    /// This machine's platform.
    pub machine: Platform,
    /// How many threads work.
    pub jobs: NonZeroUsize,
    /// Whether what is known already is used.
    pub cache: Cache,
    /// How commands are run.
    pub provision: &'a Provision,
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
    /// Told what happens.
    pub watch: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Whether what is known already is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It is.
    Used,
    /// Everything is read and made again.
    Ignored,
}

/// Something that happens.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// An input is asked for.
    Resolving {
        /// Which.
        request: &'a crate::lock::Request,
    },
    /// A source was scanned.
    Scanned {
        /// Its name.
        source: &'a str,
        /// Files in it.
        files: usize,
        /// Files that had to be read.
        read: usize,
    },
    /// Everything is built from nothing, once more.
    RunBegins {
        /// Which time it is, from 1.
        run: usize,
        /// Of how many.
        of: usize,
    },
    /// The first command is about to run, in a way that does not keep it apart from the machine.
    Shared {
        /// Which way.
        mode: Mode,
    },
    /// The first command is about to run, with fewer ids than it might have.
    FewerIds {
        /// Which way it is run.
        mode: Mode,
        /// The way that has more.
        better: Mode,
        /// Why that is not taken.
        trouble: &'a Trouble,
    },
    /// Another build works with a cache of a layer, which waits for it.
    CacheBusy {
        /// The layer's name.
        layer: &'a str,
        /// Where the layer's commands see the cache.
        cache: &'a str,
    },
    /// A command is about to run.
    StepBegins {
        /// The layer's name.
        layer: &'a str,
        /// Which step of it, from 1.
        step: usize,
        /// The command, for people.
        command: &'a str,
    },
    /// The commands of a layer have ended.
    StepsEnd {
        /// The layer's name.
        layer: &'a str,
    },
    /// A person gets a shell where a command failed.
    ShellBegins {
        /// The layer's name.
        layer: &'a str,
        /// Which step of it, from 1.
        step: usize,
    },
    /// A command that fetches is about to run.
    FetchBegins {
        /// The source's name.
        source: &'a str,
        /// The command, for people.
        command: &'a str,
    },
    /// A command printed a line.
    StepPrints {
        /// The name of the layer, or of the source.
        layer: &'a str,
        /// The line, without its end and without anything that a terminal would obey.
        line: &'a str,
    },
    /// Something that a command left behind was taken out or rewritten.
    Residue {
        /// The layer's name.
        layer: &'a str,
        /// What, and how.
        removed: &'a crate::residue::Removed,
    },
    /// A step left a secret in one of its caches, where it stays.
    SecretInCache {
        /// The layer's name.
        layer: &'a str,
        /// The file as the step sees it; the cache if the file's name has the secret in it.
        path: &'a str,
        /// Which secret.
        id: &'a str,
    },
    /// Something from outside has a whole private key in it. Whoever made it meant it to be there, or not: nobody here can
    /// tell.
    PrivateKey {
        /// What it comes from, for people.
        from: &'a str,
        /// The file in the image.
        path: &'a str,
        /// What kind of key.
        kind: &'a str,
    },
    /// A layer is being made.
    LayerBegins {
        /// Its platform.
        platform: &'a Platform,
        /// Its name.
        name: &'a str,
        /// Bytes of its files.
        bytes: u64,
    },
    /// So many bytes of it are done.
    LayerBytes(u64),
    /// It is made, or was there.
    LayerEnds {
        /// Its platform.
        platform: &'a Platform,
        /// Its name.
        name: &'a str,
        /// Whether it was there already.
        cached: bool,
        /// Bytes of its blob.
        bytes: u64,
    },
}

impl Terms<'_> {
    /// The sandbox that commands run in, opened when the first of them does.
    pub(super) fn sandbox(&self, store: &Store) -> Result<&Sandbox, SandboxError> {
        if let Some(sandbox) = self.provision.made_sandbox() {
            return Ok(sandbox);
        }
        let (sandbox, opened) = self.provision.sandbox(store)?;
        if opened == Opened::Now {
            let mode = sandbox.mode();
            if !mode.shares().is_empty() {
                (self.watch)(Event::Shared { mode });
            }
            if let Some((better, trouble)) = sandbox.passed_over() {
                (self.watch)(Event::FewerIds { mode, better: *better, trouble });
            }
        }
        Ok(sandbox)
    }

    /// Whether the user wants to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
