//! What one layer changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Hasher, ImagePath, TreeDigest};

use super::node::{Kind, Node};
use super::{at_or_below, dump};

/// What a layer does at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something is put here. A directory over a directory keeps what is below it; every other pair replaces.
    Node(Node),
    /// What a lower layer has here is gone (image-spec, layer.md, "Whiteouts").
    Whiteout,
}

/// The changes of one layer by path, in path order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changeset {
    changes: BTreeMap<ImagePath, Change>,
    opaque: BTreeSet<ImagePath>,
}

impl Changeset {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a node at `path`; gives what was said about it before, which is forgotten.
    pub fn put(&mut self, path: ImagePath, node: Node) -> Option<Change> {
        self.changes.insert(path, Change::Node(node))
    }

    /// Says that what is below this layer at `path` goes; what was said about paths below it is forgotten.
    pub fn white_out(&mut self, path: ImagePath) {
        self.forget(&path);
        self.changes.insert(path, Change::Whiteout);
    }

    /// Says that nothing below this layer shows through the directory at `path` (image-spec, layer.md, "Opaque Whiteout").
    /// Only foreign layers say so; kiln's own name each whiteout.
    pub fn make_opaque(&mut self, path: ImagePath) {
        self.opaque.insert(path);
    }

    /// The opaque directories in path order.
    pub fn opaque(&self) -> impl Iterator<Item = &ImagePath> {
        self.opaque.iter()
    }

    /// Forgets what was said about `path` and everything below it.
    pub fn forget(&mut self, path: &ImagePath) {
        let doomed: Vec<ImagePath> = at_or_below(&self.changes, path).map(|(path, _)| path.clone()).collect();
        for path in &doomed {
            self.changes.remove(path);
        }
        self.opaque.retain(|at| at.below(path).is_none());
    }

    /// Forgets the changes that `wanted` is false for, each path by itself: what is below it stays.
    pub fn retain(&mut self, mut wanted: impl FnMut(&ImagePath, &Change) -> bool) {
        self.changes.retain(|path, change| wanted(path, change));
    }

    /// What is said about `path`.
    pub fn get(&self, path: &ImagePath) -> Option<&Change> {
        self.changes.get(path)
    }

    /// All changes in path order.
    pub fn iter(&self) -> impl Iterator<Item = (&ImagePath, &Change)> {
        self.changes.iter()
    }

    /// The nodes among the changes, in path order.
    pub fn nodes(&self) -> impl Iterator<Item = (&ImagePath, &Node)> {
        self.changes.iter().filter_map(|(path, change)| match change {
            Change::Node(node) => Some((path, node)),
            Change::Whiteout => None,
        })
    }

    /// The same, with the numbers of its hard links moved up ([`Node::with_links_from`]).
    pub fn with_links_from(self, first: u64) -> Self {
        if first == 0 {
            return self;
        }
        let moved = |(path, change)| match change {
            Change::Node(node) => (path, Change::Node(Node::with_links_from(node, first))),
            Change::Whiteout => (path, Change::Whiteout),
        };
        Self { changes: self.changes.into_iter().map(moved).collect(), opaque: self.opaque }
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are none, opaque directories included.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.opaque.is_empty()
    }

    /// Bytes of all regular files.
    pub fn content_bytes(&self) -> u64 {
        self.nodes()
            .map(|(_, node)| match &node.kind {
                Kind::File { content, .. } => content.size_bytes,
                _ => 0,
            })
            .sum()
    }

    /// The digest of the readable dump.
    pub fn digest(&self) -> TreeDigest {
        let mut hasher = Hasher::new();
        let mut lines = String::new();
        /// Enough to make each update worthwhile, small enough to stay in the cache.
        const FLUSH_BYTES: usize = 64 * 1024;
        dump::opaque_lines(self, &mut lines);
        let mut writer = dump::Writer::new();
        for (path, change) in &self.changes {
            writer.line(path, change, &mut lines);
            if lines.len() >= FLUSH_BYTES {
                hasher.update(lines.as_bytes());
                lines.clear();
            }
        }
        hasher.update(lines.as_bytes());
        hasher.finish()
    }
}

impl FromIterator<(ImagePath, Change)> for Changeset {
    fn from_iter<I: IntoIterator<Item = (ImagePath, Change)>>(changes: I) -> Self {
        Self { changes: changes.into_iter().collect(), opaque: BTreeSet::new() }
    }
}
