//! Layers whose steps run commands.
//!
//! ```text
//! key           what the layer stands on + its steps + what they are given  -> LayerKey    known before anything runs
//! kept          LayerKey -> what it changed last time, and the contents                    so nothing runs twice
//! ground        trees and changesets -> directories that an overlay stands on
//! surroundings  a step -> who, where, with which environment, mounts and limits
//! layer         all steps of a layer in order, commands in the sandbox   -> Changeset + Spool
//! log           what commands print: for people now, and for `kiln log` later
//! ```
//! Rationale: what a command changes is not known before it ran, so such a layer is named by everything that goes in
//! instead. Everything above it is named in the same way, whether it has run here or not: the plan of a template must not
//! depend on what a machine has in its store.

mod ground;
pub(super) mod kept;
pub(super) mod key;
pub(super) mod layer;
mod log;
mod surroundings;
mod times;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::sandbox::{Area, Mode, Sandbox, SandboxError};
use crate::store::Store;

pub use ground::Ground;
pub(super) use log::plain;
pub use log::{log_name, read_log};
pub(super) use surroundings::{HOSTNAME, PATH, hosts};

/// Whether commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// What they did before is used; what never ran stays unknown.
    Recalled,
    /// Those that never ran are run.
    Run,
}

/// What running commands needs of the world.
#[derive(Debug, Default)]
pub struct Provision {
    /// The sandbox that was asked for; `None`: the best.
    pub mode: Option<Mode>,
    /// The caller's name, as the files of subordinate ids know it.
    pub user: Option<String>,
    /// Values by id.
    pub secrets: BTreeMap<String, Vec<u8>>,
    sandbox: OnceLock<Sandbox>,
}

impl Provision {
    /// Nothing is made until the first command runs.
    pub fn new(mode: Option<Mode>, user: Option<String>, secrets: BTreeMap<String, Vec<u8>>) -> Self {
        Self { mode, user, secrets, sandbox: OnceLock::new() }
    }

    /// The sandbox, made when it is asked for first.
    pub fn sandbox(&self, store: &Store) -> Result<&Sandbox, SandboxError> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        let sandbox = Sandbox::open(Area::open(store.root())?, self.mode, self.user.as_deref())?;
        sandbox.sweep();
        Ok(self.sandbox.get_or_init(|| sandbox))
    }
}
