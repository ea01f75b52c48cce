//! File trees as values.
//!
//! ```text
//! Tree       path -> Node            the whole content of a root, lower layers included
//! Changeset  path -> Node | Whiteout what one layer changes (image-spec, layer.md, "Filesystem Changeset")
//!
//! tree.apply(&changeset)      a layer on top of what is below
//! diff(&lower, &upper)        the changeset that leads from one to the other
//! changeset.digest()          of the readable dump: two equal changesets give the same layer, byte for byte
//! ```
//! A tree holds the digest of each file's content, never the content; [`Contents`] reads it where bytes are needed.
//!
//! Architecture Invariant: pure. A tree knows nothing of the machine it came from.

pub mod changeset;
pub mod contents;
pub mod diff;
pub mod dump;
pub mod node;
pub mod resolve;

pub use changeset::{Change, Changeset};
pub use contents::{ContentError, ContentReader, Contents};
pub use diff::diff;
pub use node::{Content, Kind, LinkGroup, Node};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ImagePath;

use resolve::{resolve_fully, resolve_parents};

/// The whole content of a root. The root directory itself has no node.
///
/// Copies share their nodes until one of them is changed: every step of a layer keeps the tree that it began with, and
/// most change little of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: Arc<BTreeMap<ImagePath, Node>>,
}

impl Tree {
    /// A root with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The node at `path`, links not followed.
    pub fn get(&self, path: &ImagePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Whether this is a copy of `other` and neither was changed since; `false` says nothing.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.nodes, &other.nodes)
    }

    fn nodes_mut(&mut self) -> &mut BTreeMap<ImagePath, Node> {
        Arc::make_mut(&mut self.nodes)
    }

    /// Whether a directory is at `path`; the root always is one.
    pub fn is_directory(&self, path: &ImagePath) -> bool {
        path.is_root() || self.get(path).is_some_and(|node| matches!(node.kind, Kind::Directory))
    }

    /// Puts `node` at `path` and gives what was there. A directory stays what it is below when another directory replaces
    /// it; anything else takes away what was below.
    pub fn insert(&mut self, path: ImagePath, node: Node) -> Option<Node> {
        let is_directory = matches!(node.kind, Kind::Directory);
        let old = self.nodes_mut().insert(path.clone(), node);
        if !is_directory && old.as_ref().is_some_and(|old| matches!(old.kind, Kind::Directory)) {
            self.remove_below(&path);
        }
        old
    }

    fn remove_below(&mut self, path: &ImagePath) -> bool {
        let doomed: Vec<ImagePath> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in &doomed {
            self.nodes_mut().remove(path);
        }
        !doomed.is_empty()
    }

    /// Takes away what is at `path` and all that is below it; whether there was anything.
    pub fn remove(&mut self, path: &ImagePath) -> bool {
        let below = self.remove_below(path);
        let here = self.nodes.contains_key(path) && self.nodes_mut().remove(path).is_some();
        here || below
    }

    /// All nodes in path order.
    pub fn iter(&self) -> impl Iterator<Item = (&ImagePath, &Node)> {
        self.nodes.iter()
    }

    /// The nodes strictly below `directory`, in path order.
    pub fn below<'a>(&'a self, directory: &'a ImagePath) -> impl Iterator<Item = (&'a ImagePath, &'a Node)> {
        at_or_below(&self.nodes, directory).filter(move |(path, _)| *path != directory)
    }

    /// A number from which on no hard links of this tree have theirs.
    pub fn free_link_group(&self) -> u64 {
        let groups = self.nodes.values().filter_map(|node| match node.kind {
            Kind::File { links: Some(LinkGroup(group)), .. } => Some(group + 1),
            _ => None,
        });
        groups.max().unwrap_or(0)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts a layer on top.
    ///
    /// A foreign layer may name a path below a link of a lower one (`lib/x` where `lib` leads to `usr/lib`) and not the
    /// directory itself. As in containerd and umoci, the links are followed inside the root: nothing ever lies below
    /// something that is no directory, so that whoever writes this tree out cannot be led outside.
    pub fn apply(&mut self, changeset: &Changeset) {
        for directory in changeset.opaque() {
            let replaced = matches!(changeset.get(directory), Some(Change::Node(node)) if node.kind == Kind::Directory);
            let real = if replaced { self.place(directory) } else { resolve_fully(self, directory).ok() };
            let Some(real) = real else { continue };
            let hidden: Vec<ImagePath> = self.below(&real).map(|(path, _)| path.clone()).collect();
            hidden.iter().for_each(|path| drop(self.nodes_mut().remove(path)));
        }
        for (path, change) in changeset.iter() {
            if *change == Change::Whiteout
                && let Some(place) = self.place(path)
            {
                self.remove(&place);
            }
        }
        // The directory of the last path if it is where it says it is: the next path has the same one in most cases, and
        // what was put beside does not move it.
        let mut parent: Option<&[u8]> = None;
        for (path, node) in changeset.nodes() {
            let is_in_place = parent == Some(path.parent_bytes());
            let place = if is_in_place { Some(path.clone()) } else { self.place(path) };
            let place = place.unwrap_or_else(|| self.clear_way(path));
            parent = (place == *path).then(|| path.parent_bytes());
            // Foreign layers may have files below a directory that none of them names.
            if !matches!(node.kind, Kind::Directory) {
                self.remove_below(&place);
            }
            self.insert(place, node.clone());
        }
    }

    /// Where a layer's `path` really is; `None` if something is in the way.
    fn place(&self, path: &ImagePath) -> Option<ImagePath> {
        let parent = path.parent().unwrap_or_default();
        if self.is_directory(&parent) { Some(path.clone()) } else { resolve_parents(self, path).ok() }
    }

    /// Takes away the file, or the link that leads nowhere, that is on the way to `path`: the directory that the layer
    /// means takes its place.
    fn clear_way(&mut self, path: &ImagePath) -> ImagePath {
        let mut ways: Vec<ImagePath> = std::iter::successors(path.parent(), ImagePath::parent).collect();
        ways.retain(|way| self.get(way).is_some_and(|node| node.kind != Kind::Directory));
        if let Some(first) = ways.last() {
            self.remove(first);
        }
        path.clone()
    }

    /// The changeset that makes this tree out of nothing.
    pub fn to_changeset(&self) -> Changeset {
        let mut changeset = Changeset::new();
        for (path, node) in self.nodes.iter() {
            changeset.put(path.clone(), node.clone());
        }
        changeset
    }
}

/// The entries of a map by path at `top` and below it, in path order.
pub fn at_or_below<'a, V>(
    map: &'a BTreeMap<ImagePath, V>,
    top: &'a ImagePath,
) -> impl Iterator<Item = (&'a ImagePath, &'a V)> {
    // Names such as `dir-x` lie between `dir` and `dir/y` in the order and share the prefix: they are passed over.
    map.range::<ImagePath, _>(top..)
        .take_while(|(path, _)| path.as_bytes().starts_with(top.as_bytes()))
        .filter(|(path, _)| top.is_root() || matches!(path.as_bytes().get(top.as_bytes().len()), None | Some(b'/')))
}

impl FromIterator<(ImagePath, Node)> for Tree {
    fn from_iter<I: IntoIterator<Item = (ImagePath, Node)>>(nodes: I) -> Self {
        Self { nodes: Arc::new(nodes.into_iter().collect()) }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Short ways to write trees down in unit tests.

    use super::*;
    use crate::base::hash::digest_of;

    pub(crate) fn path(text: &str) -> ImagePath {
        ImagePath::parse(text.as_bytes()).expect("a path")
    }

    pub(crate) fn file(text: &str) -> Node {
        Node::new(
            Kind::File {
                content: Content { digest: digest_of(text.as_bytes()), size_bytes: text.len() as u64 },
                links: None,
            },
            0o644,
        )
    }

    pub(crate) fn directory() -> Node {
        Node::new(Kind::Directory, 0o755)
    }

    pub(crate) fn symlink(target: &str) -> Node {
        Node::new(Kind::Symlink { target: target.as_bytes().into() }, 0o777)
    }

    pub(crate) fn tree(nodes: &[(&str, Node)]) -> Tree {
        nodes.iter().map(|(text, node)| (path(text), node.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn below_skips_names_that_only_share_the_prefix() {
        let tree =
            tree(&[("a", directory()), ("a-b", file("")), ("a/b", file("")), ("a/c/d", file("")), ("a0", file(""))]);
        let below: Vec<String> = tree.below(&path("a")).map(|(path, _)| path.to_string()).collect();
        assert_eq!(below, ["/a/b", "/a/c/d"]);
        assert_eq!(tree.below(&ImagePath::root()).count(), 5);
    }

    #[test]
    fn nothing_shows_through_an_opaque_directory() {
        let mut tree = tree(&[("a", directory()), ("a/b", directory()), ("a/b/c", file("")), ("a-b", file(""))]);
        let mut changeset = Changeset::new();
        changeset.make_opaque(path("a"));
        changeset.put(path("a/new"), file(""));
        tree.apply(&changeset);
        let paths: Vec<String> = tree.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(paths, ["/a", "/a-b", "/a/new"]);
    }

    #[test]
    fn nothing_of_a_layer_lies_below_a_link_or_a_file() {
        let lower = tree(&[
            ("lib", symlink("usr/lib")),
            ("usr", directory()),
            ("usr/lib", directory()),
            ("usr/lib/old", file("")),
            ("usr/lib/gone", file("")),
            ("out", symlink("/../../etc")),
            ("file", file("")),
            ("loop", symlink("loop")),
            ("other", symlink("usr")),
        ]);
        let mut changeset = Changeset::new();
        for at in ["lib/x", "out/passwd", "file/y", "loop/z", "other/d"] {
            changeset.put(path(at), file(at));
        }
        changeset.white_out(path("lib/gone"));
        let mut root = lower.clone();
        root.apply(&changeset);
        let paths: Vec<String> = root.iter().map(|(path, _)| path.to_string()).collect();
        let expected = [
            "/etc/passwd",
            "/file/y",
            "/lib",
            "/loop/z",
            "/other",
            "/out",
            "/usr",
            "/usr/d",
            "/usr/lib",
            "/usr/lib/old",
            "/usr/lib/x",
        ];
        assert_eq!(paths, expected);
        let mut opaque = Changeset::new();
        opaque.make_opaque(path("lib"));
        root.apply(&opaque);
        assert!(root.get(&path("usr/lib/old")).is_none() && root.is_directory(&path("usr/lib")));
        let mut replaced = Changeset::new();
        replaced.put(path("lib"), directory());
        replaced.put(path("lib/own"), file(""));
        let mut root = lower;
        root.apply(&replaced);
        assert!(root.get(&path("lib/own")).is_some() && root.get(&path("usr/lib/own")).is_none());
    }

    #[test]
    fn a_file_in_place_of_a_directory_takes_the_directory_away() {
        let mut tree = tree(&[("a", directory()), ("a/b", file(""))]);
        tree.insert(path("a"), directory());
        assert_eq!(tree.len(), 2);
        tree.insert(path("a"), file("x"));
        assert_eq!(tree.len(), 1);
    }
}
