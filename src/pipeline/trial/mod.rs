//! The tests of a template, tried on the image that it makes.
//!
//! ```text
//! ground     the layers of one platform -> directories that an overlay stands on, and all contents
//! command    a command in the image, perhaps beside its service  -> Complaint...
//! who        who an image runs as, by its config and its accounts
//! signal     the name of a signal -> its number
//! person     a shell, or the image's program, for whoever sits there
//! file       a path of the merged tree                           -> Complaint...
//! complaint  what was expected and what was found instead
//! text       what of a text a person is shown
//! ```
//! Rationale: a test sees the merged tree and the config that the image will have, so nothing needs to be packed for it,
//! and a build can be stopped before it leaves anything. What a command changes goes with its upper directory. Tests are
//! not in the plan: they say something about an image and make nothing of it.

mod command;
mod complaint;
mod file;
mod ground;
mod person;
mod signal;
mod text;
mod who;

use crate::image::Execution;
use crate::input::Reach;
use crate::sandbox::Sandbox;
use crate::template::{Check, Form, Test};

use super::error::Error;
use super::prepare::{Prepared, PreparedPlatform};
use super::terms::Terms;

pub use complaint::Complaint;
pub use person::{Seat, Wish};

/// The image of one platform, to try tests on.
pub struct Subject<'a> {
    prepared: &'a Prepared,
    platform: &'a PreparedPlatform,
    reach: &'a Reach<'a>,
    terms: &'a Terms<'a>,
    execution: Execution,
    /// Its directories, made when the first command needs them.
    lower: Option<Vec<std::path::PathBuf>>,
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it should be.
    Passed,
    /// Something is not.
    Failed(Failed),
    /// It was not tried, and why.
    Skipped(&'static str),
}

/// A test that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// What is not as it should be; at least one.
    pub complaints: Vec<Complaint>,
    /// Streams that no complaint shows, by name, with their last lines.
    pub printed: Vec<(&'static str, Vec<String>)>,
}

impl<'a> Subject<'a> {
    /// Nothing is unpacked yet.
    pub fn new(
        prepared: &'a Prepared,
        platform: &'a PreparedPlatform,
        reach: &'a Reach<'a>,
        terms: &'a Terms<'a>,
    ) -> Self {
        let foreign = platform.base.as_ref().and_then(|request| prepared.gathered.images.get(request));
        let base = foreign.map(|foreign| &foreign.image.config);
        let execution = Execution::of(&crate::image::config::runtime(base, &platform.template.config));
        Self { prepared, platform, reach, terms, execution, lower: None }
    }

    /// Nothing more is tried: removes what was only kept for another test.
    pub fn end(self) {
        self.terms.provision.made_sandbox().into_iter().for_each(Sandbox::rest);
    }

    /// Tries one. An error is a matter of the machine, not of the image.
    pub fn run(&mut self, test: &Test) -> Result<Outcome, Error> {
        if self.terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        if test.form == Some(Form::Machine) {
            return Ok(Outcome::Skipped("machine images are not built yet"));
        }
        let failed = match &test.check {
            Check::Run { command, service, exit, stdout, stderr } => {
                let wanted = command::Wanted { exit: *exit, stdout: stdout.as_ref(), stderr: stderr.as_ref() };
                self.command(command, *service, &wanted, test.timeout_s)?
            }
            Check::File { path, exists, mode, owner, contains, sha256 } => {
                let wanted = file::Wanted {
                    exists: *exists,
                    mode: *mode,
                    owner: owner.as_ref(),
                    contains: contains.as_deref(),
                    sha256: sha256.as_ref(),
                };
                Failed { complaints: self.file(path, &wanted)?, printed: Vec::new() }
            }
        };
        Ok(if failed.complaints.is_empty() { Outcome::Passed } else { Outcome::Failed(failed) })
    }
}
