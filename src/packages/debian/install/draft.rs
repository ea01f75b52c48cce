//! A root while packages are unpacked into it.

use std::collections::BTreeSet;

use crate::base::ImagePath;
use crate::tree::resolve::{ResolveError, resolve_fully, resolve_parents};
use crate::tree::{Kind, Node, Tree};

use super::unpack::Unpacking;

/// A root and what was changed in it.
pub(super) struct Draft<'a> {
    before: &'a Tree,
    root: Tree,
    written: BTreeSet<ImagePath>,
    epoch: i64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(root: &'a Tree, epoch: i64) -> Self {
        Self { before: root, root: root.clone(), written: BTreeSet::new(), epoch }
    }

    pub(super) fn root(&self) -> &Tree {
        &self.root
    }

    /// Where a path really is, its last part not followed.
    pub(super) fn place(&self, path: &ImagePath) -> Result<ImagePath, ResolveError> {
        resolve_parents(&self.root, path)
    }

    /// What is at a real place.
    pub(super) fn kind(&self, place: &ImagePath) -> Option<&Kind> {
        self.root.get(place).map(|node| &node.kind)
    }

    /// Whether a path leads to a directory, links followed.
    pub(super) fn leads_to_directory(&self, path: &ImagePath) -> bool {
        resolve_fully(&self.root, path).is_ok_and(|place| self.root.is_directory(&place))
    }

    /// Puts a node at a real place, and the directories above it that are missing.
    pub(super) fn put(&mut self, place: ImagePath, node: Node) {
        let missing =
            std::iter::successors(place.parent(), ImagePath::parent).take_while(|at| !self.root.is_directory(at));
        let missing: Vec<ImagePath> = missing.collect();
        for at in missing.into_iter().rev() {
            self.root.insert(at.clone(), Node::parent_directory(self.epoch));
            self.written.insert(at);
        }
        self.root.insert(place.clone(), node);
        self.written.insert(place);
    }

    /// Takes away what is at a real place.
    pub(super) fn remove(&mut self, place: &ImagePath) {
        self.root.remove(place);
    }

    /// What was changed.
    pub(super) fn finish(self) -> Unpacking {
        let is_gone = |path: &ImagePath, node: &Node| match self.root.get(path) {
            Some(new) => (node.kind == Kind::Directory) != (new.kind == Kind::Directory),
            None => path.parent().is_none_or(|parent| self.root.is_directory(&parent)),
        };
        let removed =
            self.before.iter().filter(|(path, node)| is_gone(path, node)).map(|(path, _)| path.clone()).collect();
        let entries = self.written.into_iter().filter_map(|path| {
            let node = self.root.get(&path)?.clone();
            Some((path, node))
        });
        Unpacking { removed, entries: entries.collect() }
    }
}
