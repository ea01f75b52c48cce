//! Commands of one layer between which nothing else happens.

use std::path::PathBuf;

use crate::sandbox::Owner;
use crate::step::When;

use super::variation::Files;

/// Commands that follow one another share an upper directory.
pub(super) struct Session {
    pub(super) upper: PathBuf,
    pub(super) when: When,
    /// What it had after the last command, if that is asked for.
    pub(super) files: Files,
    /// The owners that are not written on its files.
    pub(super) owners: Vec<(String, Owner)>,
}
