//! Scripts of packages that run around unpacking (Debian policy, 6.6).

use super::super::deb::{ControlFile, Deb, Script};
use super::database::Database;

/// A script that has to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Of which package.
    pub package: String,
    /// Of which architecture.
    pub architecture: String,
    /// Which one it is.
    pub script: Script,
    /// What it is called with.
    pub arguments: Vec<String>,
    /// What dpkg puts into the environment, without `PATH`.
    pub environment: Vec<(&'static str, String)>,
    /// The files that it needs beside it: the package's control archive for a new package, otherwise itself alone. By name.
    pub files: Vec<(String, ControlFile)>,
}

impl Job {
    /// `preinst of NAME`, for people.
    pub fn name(&self) -> String {
        format!("{} of {}", self.script.name(), self.package)
    }
}

/// The scripts that run before `debs` are unpacked, in order: of a replaced package `prerm upgrade`, of each new one
/// `preinst`.
pub fn before(_debs: &[&Deb], _database: &Database) -> Vec<Job> {
    Vec::new()
}

/// The scripts that run once `debs` are unpacked: of a replaced package the old `postrm upgrade`. Asked for before
/// [`super::unpack()`], which replaces them.
pub fn after(_debs: &[&Deb], _database: &Database) -> Vec<Job> {
    Vec::new()
}

/// A `/bin/sh` script that runs jobs in order as dpkg does and stops at the first that fails, which it names on standard
/// error. The files of job `N` are expected in `DIRECTORY/N/`.
pub fn driver(_jobs: &[Job], _directory: &str) -> String {
    String::new()
}
