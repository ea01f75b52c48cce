//! A tree that lies in several directories, so that its directories list their entries in another order.
//!
//! ```text
//! Plain    fs                                        one directory: each lists its entries as the file system does
//! Spread   fs, fs-1, fs-2, fs-3 and on top fs-4      each directory in several of them, every entry in one
//! ```
//! Rationale: most file systems list a directory by the hashes of its names, so it does not help to make its files in
//! another order. An overlay lists what its lowest directory has first (overlayfs.rst, "readdir"). So the half that the
//! file system lists first goes up, and is listed last. A directory that goes up as a whole is no longer in the lowest
//! part, and is parted between those that are left. The topmost part has every directory and nothing else: an overlay
//! shows the mode, the owner and the time of the uppermost, and nothing is ever moved into or out of this one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::output::rootfs::{Privilege, write_unsynced};
use crate::store::Spool;
use crate::tree::{Kind, Node, Tree};

use super::answer::{Doing, Failure};

/// How a tree lies on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// In one directory.
    #[default]
    Plain,
    /// In several, for another order of entries.
    Spread,
}

/// Directories beside the first. With three of them for entries a directory can go up twice on the way to a file and the
/// rest still has two.
const MORE: usize = 4;

impl Layout {
    /// The directories in `place` that are one tree together, the lowest first.
    pub fn parts(self, place: &Path) -> Vec<PathBuf> {
        let more = match self {
            Self::Plain => 0,
            Self::Spread => MORE,
        };
        let more = (1..=more).map(|number| place.join(format!("fs-{number}")));
        std::iter::once(place.join("fs")).chain(more).collect()
    }
}

/// Parts `tree`, which lies in the first of `parts`, between all of them.
pub(super) fn spread(tree: &Tree, parts: &[PathBuf], spool: &Spool, privilege: Privilege) -> Result<(), Failure> {
    let Some((top, parts)) = parts.split_last().filter(|(_, parts)| !parts.is_empty()) else { return Ok(()) };
    let directories = directories(tree);
    write_unsynced(&directories, spool, top, privilege)
        .map_err(|error| Failure::said("spread a tree", error.to_string()))?;
    rotate(parts, Path::new("")).doing("spread a tree")
}

/// The directories of a tree, also those that it does not name.
fn directories(tree: &Tree) -> Tree {
    let mut directories = Tree::new();
    for (path, node) in tree.iter() {
        let mut parent = path.parent();
        while let Some(at) = parent.filter(|at| !at.is_root() && directories.get(at).is_none()) {
            parent = at.parent();
            directories.insert(at, Node::parent_directory(0));
        }
        if node.kind == Kind::Directory {
            directories.insert(path.clone(), node.clone());
        }
    }
    directories
}

/// Moves half of what the first part has at `at` to the next one.
fn rotate(parts: &[PathBuf], at: &Path) -> io::Result<()> {
    let [first, others @ ..] = parts else { return Ok(()) };
    let Some(second) = others.first() else { return Ok(()) };
    for part in others {
        fs::create_dir_all(part.join(at))?;
    }
    let entries = fs::read_dir(first.join(at))?.collect::<io::Result<Vec<_>>>()?;
    let half = entries.len().div_ceil(2);
    for (number, entry) in entries.iter().enumerate() {
        let inner = at.join(entry.file_name());
        let goes_up = number < half;
        if !entry.file_type()?.is_dir() {
            if goes_up {
                fs::rename(first.join(&inner), second.join(&inner))?;
            }
        } else if goes_up && others.len() > 1 {
            fs::rename(first.join(&inner), second.join(&inner))?;
            rotate(others, &inner)?;
        } else {
            rotate(parts, &inner)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::tree::testing::{directory, path, symlink};

    /// A directory with directories and files, three deep.
    fn sample() -> Tree {
        let mut tree = Tree::new();
        for outer in ["a", "b", "c"] {
            tree.insert(path(outer), Node { mode: 0o750, mtime: 7, ..directory() });
            for inner in ["d", "e", "f", "g"] {
                tree.insert(path(&format!("{outer}/{inner}")), directory());
                for link in ["1", "2", "3", "4"] {
                    tree.insert(path(&format!("{outer}/{inner}/{link}")), symlink("x"));
                }
            }
        }
        tree.insert(path("implied/by/this"), symlink("x"));
        tree
    }

    fn made(layout: Layout) -> (tempfile::TempDir, Vec<PathBuf>) {
        let place = tempfile::tempdir().expect("a directory");
        let parts = layout.parts(place.path());
        parts.iter().for_each(|part| fs::create_dir(part).expect("made"));
        let empty = Spool::new(tempfile::tempfile().expect("a file"), BTreeMap::new());
        let privilege = Privilege::of_this_process();
        write_unsynced(&sample(), &empty, &parts[0], privilege).expect("written");
        spread(&sample(), &parts, &empty, privilege).expect("spread");
        (place, parts)
    }

    fn files(parts: &[PathBuf]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for part in parts {
            for entry in walkdir::WalkDir::new(part).into_iter().flatten().filter(|entry| !entry.file_type().is_dir()) {
                found.push(entry.path().strip_prefix(part).expect("below").to_owned());
            }
        }
        found.sort();
        found
    }

    #[test]
    fn every_file_is_in_one_part_and_every_directory_on_top() {
        let (_plain, one) = made(Layout::Plain);
        let (_spread, several) = made(Layout::Spread);
        assert_eq!((one.len(), several.len()), (1, 1 + MORE));
        assert_eq!(files(&one), files(&several));
        let top = several.last().expect("a top");
        let names: BTreeSet<PathBuf> = walkdir::WalkDir::new(top)
            .into_iter()
            .flatten()
            .map(|entry| entry.path().strip_prefix(top).expect("below").to_owned())
            .collect();
        // The root, three directories, four in each, and two that are only implied.
        assert_eq!(names.len(), 1 + 3 + 12 + 2);
        let meta = fs::metadata(top.join("a")).expect("it is there");
        assert_eq!((meta.mode() & 0o7777, meta.mtime()), (0o750, 7));
    }

    #[test]
    fn no_directory_with_two_entries_is_in_the_order_of_the_file_system() {
        let (_place, parts) = made(Layout::Spread);
        for outer in ["a", "b", "c"] {
            for inner in ["d", "e", "f", "g"] {
                let at = Path::new(outer).join(inner);
                let holders = parts
                    .iter()
                    .filter(|part| fs::read_dir(part.join(&at)).is_ok_and(|mut entries| entries.next().is_some()));
                assert_eq!(holders.count(), 2, "{}", at.display());
            }
        }
    }
}
