//! From the changes that a step made to those that each run makes.

use std::fmt;

use crate::base::glob::Globs;
use crate::base::{Epoch, ImagePath};
use crate::tree::{Changeset, Tree};

use super::error::ResidueError;
use super::files::Files;
use super::rewrite::Rewrite;
use super::rule::{Action, Format};
use super::sort::{matched, unwanted};

/// What became of residue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is gone.
    Deleted,
    /// It is an empty file.
    Emptied,
    /// It has another content.
    Rewritten,
    /// What the tree below has there stays.
    PutBack,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted",
            Self::Emptied => "emptied",
            Self::Rewritten => "rewritten",
            Self::PutBack => "put back",
        })
    }
}

/// One path that was cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Name of the rule.
    pub rule: &'static str,
    /// Where.
    pub path: ImagePath,
    /// What became of it.
    pub how: How,
}

/// Takes out of `changes`, which lead from `lower` to the tree after a step, what differs between two runs of that step
/// ([`super::rules()`]), but for what `keep` covers. Gives what was done, in path order.
///
/// The changes have the times that they will have in the layer, and no opaque directories. Directories that are there only
/// because something below them changed are added afterwards: which of them are needed is not known before.
///
/// Hard links are one file. Its content changes under all names if it does under one, and under none if one is kept.
pub fn clean(
    changes: &mut Changeset,
    lower: &Tree,
    files: &mut dyn Files,
    epoch: Epoch,
    keep: &Globs,
) -> Result<Vec<Removed>, ResidueError> {
    let mut found = matched(changes, keep);
    let gone = unwanted(changes, lower, &found);
    changes.retain(|path, _| gone.binary_search_by(|gone| gone.path.cmp(path)).is_err());
    let mut rewrite = Rewrite::new(changes, lower, files, epoch, keep, gone);
    found.sort_by_key(|(_, rule)| turn(rule.action));
    for (path, rule) in &found {
        rewrite.file(path, rule)?;
    }
    Ok(rewrite.finish())
}

/// What looks at other files comes when these are what they will be: compiled Python at the times of its sources, lists
/// at all digests.
fn turn(action: Action) -> u8 {
    match action {
        Action::Rewrite(Format::Record) => 2,
        Action::Rewrite(Format::Pyc) => 1,
        _ => 0,
    }
}
