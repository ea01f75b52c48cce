//! What `dpkg --unpack` does, computed on trees.
//!
//! ```text
//! Package.. + Database --rounds--> Round..          what is unpacked together, what is configured after it
//! Deb..     + Database --before--> Job..            scripts that run before a round is unpacked
//! Deb..     + Database --after---> Job..            scripts that run once it is
//! Deb..     + Database --unpack--> Unpacking        files, and what goes into dpkg's database
//! Deb..                --refuse--> Unpacking        the same for a root without dpkg, and without scripts
//! ```
//! Configuring is dpkg's own work: it runs in the image, finds the packages unpacked, and settles conffiles, triggers
//! and alternatives. One round is:
//!
//! 1. `Database::read`, `before`; the sandbox runs the jobs (in a bootstrap only after step 3).
//! 2. `Database::read` again if there were jobs, because scripts make diversions; `after`; `unpack`.
//! 3. What `unpack` gives and `Database::take` are written; the sandbox runs the jobs of `after`.
//! 4. The sandbox runs `dpkg` with the arguments of each [`Configure`].
//!
//! Architecture Invariant: nothing is run here. Scripts are data with arguments and an environment.

pub mod database;
mod divert;
mod draft;
pub mod driver;
pub mod error;
mod fields;
mod idle;
pub mod job;
mod leftover;
mod order;
mod owners;
mod parts;
mod record;
pub mod refuse;
pub mod round;
mod sums;
#[cfg(test)]
mod tests;
mod trigger;
pub mod unpack;
mod usr;

pub use database::{Database, DatabaseChange, DatabaseFile};
pub use driver::driver;
pub use error::{InstallError, NeedsScripts};
pub use job::{Job, after, before};
pub use refuse::refuse;
pub use round::{Configure, PreInst, Round, rounds};
pub use unpack::{Unpacking, unpack};

use crate::tree::{Contents, Tree};

/// What is installed into.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The whole root.
    pub root: &'a Tree,
    /// Of its files, and of those of the packages.
    pub contents: &'a dyn Contents,
    /// Of the system, as `dpkg --print-architecture` says it.
    pub architecture: &'a str,
    /// Time of what no package brings, seconds since 1970: links of a merged `/usr`, missing parents.
    pub epoch: i64,
}
