//! Layers whose steps run commands.
//!
//! ```text
//! key           what the layer stands on + its steps + what they are given  -> LayerKey    known before anything runs
//! kept          LayerKey -> what it changed last time, and the contents                    so nothing runs twice
//! ground        trees and changesets -> directories that an overlay stands on
//! surroundings  a step -> who, where, with which environment, mounts and limits
//! layer         all steps of a layer in order, commands in the sandbox   -> Changeset + Spool
//! session       commands that share an upper directory
//! fetch         one command with a network, of which only `/out` stays   -> tree, for the lock
//! log           what commands print: for people now, and for `kiln log` later
//! spilled       caches -> secrets that a step left there
//! turns         what only one unit of a build does at a time
//! caches        what only one build works with at a time
//! variation     what no step may depend on, and which of its values a build has
//! packages      a set of packages -> unpacked, and configured by dpkg in the sandbox
//! telling       which step it is, and why it failed
//! advice        what they printed last  -> what to do about a failure
//! ```
//! Rationale: what a command changes is not known before it ran, so such a layer is named by everything that goes in
//! instead. Everything above it is named in the same way, whether it has run here or not: the plan of a template must not
//! depend on what a machine has in its store.

mod advice;
mod caches;
mod contents;
pub(super) mod fetch;
mod ground;
pub(super) mod kept;
pub(super) mod key;
pub(super) mod layer;
mod log;
pub(super) mod packages;
mod session;
mod spilled;
mod surroundings;
pub(super) mod telling;
mod times;
pub(super) mod turns;
mod variation;

use std::fs::File;
use std::sync::OnceLock;

use crate::sandbox::{Area, Mode, Sandbox, SandboxError};
use crate::secret::{Needles, Secret, Secrets};
use crate::store::Store;

use turns::{Doing, Turns};

pub use ground::{Ground, GroundLayer};
pub(super) use log::plain;
pub use log::{log_name, read_log};
pub(super) use surroundings::{HOSTNAME, PATH, hosts};
pub use variation::{Attribution, Touched, Variation};

/// Whether commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// What they did before is used; what never ran stays unknown.
    Recalled,
    /// Those that never ran are run.
    Run,
}

/// When the sandbox was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// For an earlier command.
    Before,
    /// By this call.
    Now,
}

/// What running commands needs of the world.
#[derive(Debug)]
pub struct Provision {
    /// The sandbox that was asked for; `None`: the best.
    pub mode: Option<Mode>,
    /// The caller's name, as the files of subordinate ids know it.
    pub user: Option<String>,
    /// What steps see of what they may not depend on.
    pub variation: Variation,
    secrets: Secrets,
    needles: Needles,
    line_needles: Needles,
    /// Where a person wants to look around when a command fails.
    debug: Option<Terminal>,
    sandbox: OnceLock<Sandbox>,
    /// Who does what there is one of.
    pub(super) turns: Turns,
}

/// A terminal that a person sits at.
#[derive(Debug)]
pub struct Terminal {
    /// Open for reading and writing.
    pub file: File,
    /// What kind it is: TERM.
    pub kind: Option<String>,
}

impl Default for Provision {
    fn default() -> Self {
        Self::new(None, None, Secrets::new())
    }
}

impl Provision {
    /// Nothing is made until the first command runs.
    pub fn new(mode: Option<Mode>, user: Option<String>, secrets: Secrets) -> Self {
        let (needles, line_needles) = (Needles::new(&secrets), Needles::with_lines(&secrets));
        let variation = Variation::default();
        let (sandbox, turns) = (OnceLock::new(), Turns::default());
        Self { mode, user, variation, secrets, needles, line_needles, debug: None, sandbox, turns }
    }

    /// The same, with a shell on a terminal where a command fails.
    pub fn with_debug(self, terminal: Terminal) -> Self {
        Self { debug: Some(terminal), ..self }
    }

    /// The same secrets for a run of its own that sees other things.
    pub fn varied(&self, mode: Option<Mode>, variation: Variation) -> Self {
        Self { variation, ..Self::new(mode, self.user.clone(), self.secrets.clone()) }
    }

    /// The sandbox, if a command has run.
    pub fn made_sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.get()
    }

    /// The value of a secret.
    fn secret(&self, id: &str) -> Option<&[u8]> {
        self.secrets.get(id).map(Secret::reveal)
    }

    /// Whether there is a secret of that name.
    pub(super) fn was_given(&self, id: &str) -> bool {
        self.secret(id).is_some()
    }

    /// What no file or document may have in it.
    pub fn needles(&self) -> &Needles {
        &self.needles
    }

    /// What no line that a command prints may have in it.
    fn line_needles(&self) -> &Needles {
        &self.line_needles
    }

    /// The sandbox, made when it is asked for first.
    pub fn sandbox(&self, store: &Store) -> Result<(&Sandbox, Opened), SandboxError> {
        // Two at once would each take the other's first steps for something that was left behind.
        let _turn = self.turns.wait(Doing::Sandbox);
        if let Some(sandbox) = self.sandbox.get() {
            return Ok((sandbox, Opened::Before));
        }
        let sandbox = Sandbox::open(Area::open(store.root())?, self.mode, self.user.as_deref())?;
        sandbox.sweep();
        Ok((self.sandbox.get_or_init(|| sandbox), Opened::Now))
    }
}
