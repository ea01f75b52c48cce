//! Commands of one layer between which nothing else happens.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::base::ImagePath;
use crate::sandbox::Owner;
use crate::step::When;
use crate::tree::{Change, Changeset, Kind, Node};

use super::variation::Files;

/// Commands that follow one another share an upper directory.
pub(super) struct Session {
    pub(super) upper: PathBuf,
    pub(super) when: When,
    /// Mount points that were made in it.
    pub(super) made: BTreeSet<String>,
    /// What it had after the last command, if that is asked for.
    pub(super) files: Files,
    /// The owners that are not written on its files.
    pub(super) owners: Vec<(String, Owner)>,
}

/// Takes away what is only there because something was mounted on it.
pub(super) fn forget_mount_points(changes: &mut Changeset, made: &BTreeSet<String>) {
    // The innermost first: an outer one is empty when the inner ones are gone.
    for path in made.iter().rev().filter_map(|path| ImagePath::parse(path.as_bytes()).ok()) {
        let is_empty = match changes.get(&path) {
            Some(Change::Node(Node { kind: Kind::Directory, .. })) => {
                !changes.iter().any(|(other, _)| *other != path && other.below(&path).is_some())
            }
            Some(Change::Node(Node { kind: Kind::File { content, .. }, .. })) => content.size_bytes == 0,
            _ => false,
        };
        if is_empty {
            changes.forget(&path);
        }
    }
}
