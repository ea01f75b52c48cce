//! Which changes are residue, and which of them go as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ImagePath;
use crate::base::glob::{Globs, Is};
use crate::base::hash::digest_of;
use crate::tree::{Change, Changeset, Content, Kind, Tree};

use super::clean::{How, Removed};
use super::rule::{Action, Rule};
use super::rules::rules;

/// What a machine ID says before the first boot (machine-id(5), "Initialization").
const UNINITIALIZED: &[u8] = b"uninitialized\n";

/// The changes that a rule matches and `keep` does not cover, in path order.
pub(super) fn matched(changes: &Changeset, keep: &Globs) -> Vec<(ImagePath, &'static Rule)> {
    let by_glob: BTreeMap<&str, &'static Rule> =
        rules().iter().flat_map(|rule| rule.globs.iter().map(move |glob| (*glob, rule))).collect();
    let patterns: Vec<&str> = rules().iter().flat_map(|rule| rule.globs).copied().collect();
    // The patterns are constants, and a test compiles them.
    let globs = Globs::new(&patterns).unwrap_or_default();
    let rule_of = |(path, change): (&ImagePath, &Change)| {
        let is = match change {
            Change::Node(node) => node.is(),
            Change::Whiteout => Is::Other,
        };
        let rule = globs.matching(path.as_bytes(), is).and_then(|glob| by_glob.get(glob))?;
        (!keep.covers(path, is)).then(|| (path.clone(), *rule))
    };
    changes.iter().filter_map(rule_of).collect()
}

/// Those of `found` that are dropped, in path order.
pub(super) fn unwanted(changes: &Changeset, lower: &Tree, found: &[(ImagePath, &'static Rule)]) -> Vec<Removed> {
    let removed = |(path, rule): &(ImagePath, &'static Rule)| {
        let how = if lower.get(path).is_some() { How::PutBack } else { How::Deleted };
        let goes = changes.get(path).is_some_and(|change| goes(change, rule.action, how));
        goes.then(|| Removed { rule: rule.name, path: path.clone(), how })
    };
    let mut removed: Vec<Removed> = found.iter().filter_map(removed).collect();
    let is_directory =
        |path: &ImagePath| matches!(changes.get(path), Some(Change::Node(node)) if node.kind == Kind::Directory);
    if removed.iter().any(|gone| is_directory(&gone.path)) {
        let stays = |path: &ImagePath| removed.binary_search_by(|gone| gone.path.cmp(path)).is_err();
        let needed = parents(changes.iter().map(|(path, _)| path).filter(|path| stays(path)));
        removed.retain(|gone| !(is_directory(&gone.path) && needed.contains(&gone.path)));
    }
    removed
}

fn goes(change: &Change, action: Action, how: How) -> bool {
    match (action, change) {
        (Action::Restore, _) | (Action::Sweep, Change::Node(_)) => true,
        (Action::Delete | Action::Empty, Change::Node(node)) => match &node.kind {
            Kind::File { content, .. } => action == Action::Delete || (how == How::PutBack && !is_blank(content)),
            _ => false,
        },
        (Action::Rewrite(_), _) | (_, Change::Whiteout) => false,
    }
}

/// Whether a machine ID is none: it was taken out on purpose, and it is the same in each run.
pub(super) fn is_blank(content: &Content) -> bool {
    content.size_bytes == 0 || content.digest == digest_of(UNINITIALIZED)
}

/// All directories on the way to `paths`.
fn parents<'a>(paths: impl Iterator<Item = &'a ImagePath>) -> BTreeSet<ImagePath> {
    let mut parents = BTreeSet::new();
    for path in paths {
        let mut at = path.parent();
        while let Some(parent) = at {
            at = parent.parent();
            if !parents.insert(parent) {
                break;
            }
        }
    }
    parents
}
