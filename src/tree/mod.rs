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
pub use contents::{ContentError, Contents};
pub use diff::diff;
pub use node::{Content, Kind, LinkGroup, Node};

use std::collections::BTreeMap;

use crate::base::ImagePath;

/// The whole content of a root. The root directory itself has no node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<ImagePath, Node>,
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

    /// Whether a directory is at `path`; the root always is one.
    pub fn is_directory(&self, path: &ImagePath) -> bool {
        path.is_root() || self.get(path).is_some_and(|node| matches!(node.kind, Kind::Directory))
    }

    /// Puts `node` at `path` and gives what was there. A directory stays what it is below when another directory replaces
    /// it; anything else takes away what was below.
    pub fn insert(&mut self, path: ImagePath, node: Node) -> Option<Node> {
        let is_directory = matches!(node.kind, Kind::Directory);
        let old = self.nodes.insert(path.clone(), node);
        if !is_directory && old.as_ref().is_some_and(|old| matches!(old.kind, Kind::Directory)) {
            self.remove_below(&path);
        }
        old
    }

    fn remove_below(&mut self, path: &ImagePath) -> bool {
        let doomed: Vec<ImagePath> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in &doomed {
            self.nodes.remove(path);
        }
        !doomed.is_empty()
    }

    /// Takes away what is at `path` and all that is below it; whether there was anything.
    pub fn remove(&mut self, path: &ImagePath) -> bool {
        let below = self.remove_below(path);
        self.nodes.remove(path).is_some() || below
    }

    /// All nodes in path order.
    pub fn iter(&self) -> impl Iterator<Item = (&ImagePath, &Node)> {
        self.nodes.iter()
    }

    /// The nodes strictly below `directory`, in path order.
    pub fn below<'a>(&'a self, directory: &'a ImagePath) -> impl Iterator<Item = (&'a ImagePath, &'a Node)> {
        at_or_below(&self.nodes, directory).filter(move |(path, _)| *path != directory)
    }

    /// The first number of hard links from which on all are free here.
    pub fn free_link_group(&self) -> LinkGroup {
        let groups = self.nodes.values().filter_map(|node| match node.kind {
            Kind::File { links: Some(LinkGroup(group)), .. } => Some(group + 1),
            _ => None,
        });
        LinkGroup(groups.max().unwrap_or_default())
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
    pub fn apply(&mut self, changeset: &Changeset) {
        for directory in changeset.opaque() {
            let hidden: Vec<ImagePath> = self.below(directory).map(|(path, _)| path.clone()).collect();
            hidden.iter().for_each(|path| drop(self.nodes.remove(path)));
        }
        for (path, change) in changeset.iter() {
            if let Change::Whiteout = change {
                self.remove(path);
            }
        }
        for (path, change) in changeset.iter() {
            if let Change::Node(node) = change {
                // Foreign layers may have files below a directory that none of them names.
                if !matches!(node.kind, Kind::Directory) {
                    self.remove_below(path);
                }
                self.insert(path.clone(), node.clone());
            }
        }
    }

    /// The changeset that makes this tree out of nothing.
    pub fn to_changeset(&self) -> Changeset {
        let mut changeset = Changeset::new();
        for (path, node) in &self.nodes {
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
        Self { nodes: nodes.into_iter().collect() }
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
    fn a_file_in_place_of_a_directory_takes_the_directory_away() {
        let mut tree = tree(&[("a", directory()), ("a/b", file(""))]);
        tree.insert(path("a"), directory());
        assert_eq!(tree.len(), 2);
        tree.insert(path("a"), file("x"));
        assert_eq!(tree.len(), 1);
    }
}
