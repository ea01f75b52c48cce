//! A tree in short: some of its paths, each with a digest of all that is there. The lock keeps it, so that people see what
//! moved, and a build that got something else can say what, where nobody has the old files any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{ContentDigest, ImagePath};
use crate::tree::{Change, Changeset, Kind, Node, Tree};

/// Directories give way to what is in them until the list is as long as people read.
const MOST: usize = 100;

/// So many entries at the top are listed, as a package manager's own lock would have them; of more, none is.
const MOST_AT_TOP: usize = 1000;

/// So many differences are told.
const TOLD: usize = 5;

/// The list: path to digest. It covers all of the tree, unless it is empty.
pub(super) fn list(tree: &Tree) -> BTreeMap<String, ContentDigest> {
    let mut listed: BTreeSet<ImagePath> = children(tree, &ImagePath::root()).into_iter().collect();
    if listed.len() > MOST_AT_TOP {
        return BTreeMap::new();
    }
    let mut queue: VecDeque<ImagePath> = listed.iter().cloned().collect();
    while let Some(path) = queue.pop_front() {
        let inside = children(tree, &path);
        if !inside.is_empty() && listed.len() + inside.len() <= MOST {
            listed.remove(&path);
            queue.extend(inside.iter().cloned());
            listed.extend(inside);
        }
    }
    listed.iter().map(|path| (path.to_string(), digest(tree, path))).collect()
}

/// What of a tree is not what a list says, in one line; empty if the list does not know.
pub(super) fn differences(old: &BTreeMap<String, ContentDigest>, tree: &Tree) -> String {
    let paths: BTreeMap<String, &ImagePath> = tree.iter().map(|(path, _)| (path.to_string(), path)).collect();
    let mut found = Vec::new();
    for (path, expected) in old {
        match paths.get(path) {
            None => found.push(format!("`{path}` is gone")),
            Some(at) if digest(tree, at) != *expected => found.push(format!("`{path}` is another")),
            Some(_) => {}
        }
    }
    if !old.is_empty() {
        let new: BTreeSet<&ImagePath> = tree.iter().map(|(path, _)| path).filter(|path| !covers(old, path)).collect();
        let is_topmost = |path: &&&ImagePath| path.parent().is_none_or(|parent| !new.contains(&parent));
        found.extend(new.iter().filter(is_topmost).map(|path| format!("`{path}` is new")));
    }
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    let told = found.join(", ");
    if more > 0 { format!("{told} and {more} more") } else { told }
}

/// Whether a list has a path, something above it or something below it.
fn covers(list: &BTreeMap<String, ContentDigest>, path: &ImagePath) -> bool {
    let is_listed = |path: &ImagePath| list.contains_key(&path.to_string());
    let mut above = std::iter::successors(Some(path.clone()), ImagePath::parent);
    let below = format!("{path}/");
    above.any(|path| is_listed(&path))
        || list.range::<String, _>(&below..).next().is_some_and(|(listed, _)| listed.starts_with(&below))
}

fn children(tree: &Tree, directory: &ImagePath) -> Vec<ImagePath> {
    let is_child = |path: &&ImagePath| path.parent().as_ref() == Some(directory);
    tree.below(directory).map(|(path, _)| path).filter(is_child).cloned().collect()
}

/// Of a plain file that of its content, as `sha256sum` prints it; else of everything at a path and below it.
fn digest(tree: &Tree, path: &ImagePath) -> ContentDigest {
    if let Some(Node { kind: Kind::File { content, links: None }, mode: 0o644, .. }) = tree.get(path) {
        return content.digest;
    }
    let own = tree.get(path).map(|node| (path.clone(), Change::Node(node.clone())));
    let below = tree.below(path).map(|(path, node)| (path.clone(), Change::Node(node.clone())));
    let changes: Changeset = own.into_iter().chain(below).collect();
    ContentDigest::from(*changes.digest().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;
    use crate::tree::testing::*;

    fn paths(tree: &Tree) -> Vec<String> {
        list(tree).into_keys().collect()
    }

    #[test]
    fn small_trees_are_listed_whole_and_large_ones_by_their_directories() {
        let small = tree(&[("a", file("1")), ("d", directory()), ("d/x", file("2")), ("empty", directory())]);
        assert_eq!(paths(&small), ["/a", "/d/x", "/empty"]);
        assert_eq!(list(&small)["/a"], digest_of(b"1"));
        let names: Vec<String> = (0..200).map(|number| format!("big/{number}")).collect();
        let mut nodes = vec![("big", directory()), ("small", directory()), ("small/x", file("x"))];
        nodes.extend(names.iter().map(|name| (name.as_str(), file("y"))));
        assert_eq!(paths(&tree(&nodes)), ["/big", "/small/x"]);
        let many: Vec<String> = (0..=MOST_AT_TOP).map(|number| number.to_string()).collect();
        let nodes: Vec<(&str, Node)> = many.iter().map(|name| (name.as_str(), file(""))).collect();
        assert!(list(&tree(&nodes)).is_empty());
    }

    #[test]
    fn what_differs_from_a_list_is_named() {
        let old = tree(&[("a", file("1")), ("d", directory()), ("d/x", file("2")), ("d/y", file("3"))]);
        assert_eq!(differences(&list(&old), &old), "");
        let new = tree(&[
            ("a", Node { mode: 0o755, ..file("1") }),
            ("d", directory()),
            ("d/x", file("other")),
            ("e", directory()),
            ("e/z", file("4")),
        ]);
        let said = "`/a` is another, `/d/x` is another, `/d/y` is gone, `/e` is new";
        assert_eq!(differences(&list(&old), &new), said);
        assert_eq!(differences(&BTreeMap::new(), &new), "");
        let many: Vec<String> = (0..9).map(|number| number.to_string()).collect();
        let nodes: Vec<(&str, Node)> = many.iter().map(|name| (name.as_str(), file(""))).collect();
        assert!(differences(&list(&old), &tree(&nodes)).ends_with(" and 7 more"));
    }
}
