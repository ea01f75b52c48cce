//! A layer being written on top of a tree.

use std::collections::BTreeSet;

use crate::base::ImagePath;
use crate::template::Span;
use crate::tree::resolve::resolve_parents;
use crate::tree::{Change, Changeset, Kind, Node, Tree};

use super::error::{StepError, StepWarning};

/// The tree as the steps so far have left it, and what they changed.
pub struct Draft<'a> {
    root: &'a mut Tree,
    changes: Changeset,
    /// Paths that this layer wrote and the layers below have too.
    replaced: BTreeSet<ImagePath>,
    /// Paths that the layers below have and this one took away.
    gone: BTreeSet<ImagePath>,
    /// The directory that was written to last, as it was named and where it really is: most writes follow one another in
    /// one directory. Only a removal can make it wrong, because a directory is never replaced.
    last_parent: Option<(ImagePath, ImagePath)>,
    warnings: Vec<StepWarning>,
    epoch: i64,
}

/// Whether writing over an earlier step's file is worth a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// The earlier step's work is lost.
    Warn,
    /// The file is edited, not replaced.
    Edit,
}

impl<'a> Draft<'a> {
    /// Nothing written yet on top of `root`. Missing parents are made at `epoch`.
    pub fn new(root: &'a mut Tree, epoch: i64) -> Self {
        Self {
            root,
            changes: Changeset::new(),
            replaced: BTreeSet::new(),
            gone: BTreeSet::new(),
            last_parent: None,
            warnings: Vec::new(),
            epoch,
        }
    }

    /// The tree with everything below and everything written so far.
    pub fn root(&self) -> &Tree {
        self.root
    }

    /// From where on the hard links of `source` get their numbers, so that they do not meet those that are there.
    pub fn free_link_group(&self, source: &Tree) -> u64 {
        // Hardly any source has hard links; then the root need not be searched.
        if source.free_link_group() == 0 { 0 } else { self.root.free_link_group() }
    }

    /// Says that something looks wrong.
    pub fn warn(&mut self, warning: StepWarning) {
        self.warnings.push(warning);
    }

    /// Puts anything but a directory at the real place of `path`; a file or link that is there is replaced.
    pub fn put(&mut self, path: &ImagePath, node: Node, span: Span, overwrite: Overwrite) -> Result<(), StepError> {
        check_name(path)?;
        let place = self.place(path)?;
        if self.root.is_directory(&place) {
            return Err(StepError::DirectoryInTheWay { path: place, kind: kind_name(&node.kind) });
        }
        let before = self.write(place.clone(), node);
        if overwrite == Overwrite::Warn && matches!(before, Some(Change::Node(_))) {
            self.warnings.push(StepWarning::WrittenTwice { path: place, span });
        }
        Ok(())
    }

    /// The real place of `path`, whose parents exist afterwards.
    fn place(&mut self, path: &ImagePath) -> Result<ImagePath, StepError> {
        let parent = path.parent().unwrap_or_default();
        if let Some((named, real)) = &self.last_parent
            && *named == parent
        {
            return Ok(if named == real { path.clone() } else { real.join(&path.base()) });
        }
        let place = resolve_parents(self.root, path)?;
        self.make_parents(&place)?;
        self.last_parent = Some((parent, place.parent().unwrap_or_default()));
        Ok(place)
    }

    /// Makes a directory at the real place of `path`, with the attributes of `node` if it is not there yet. A link to a
    /// directory counts as that directory. Gives the real place.
    pub fn ensure_directory(&mut self, path: &ImagePath, node: Node) -> Result<ImagePath, StepError> {
        let place = self.real_directory(path)?;
        if !self.root.is_directory(&place) {
            check_name(&place)?;
            self.make_parents(&place)?;
            self.write(place.clone(), node);
        }
        Ok(place)
    }

    /// Makes a directory at the real place of `path`, or changes the one that is there.
    pub fn set_directory(
        &mut self,
        path: &ImagePath,
        change: impl FnOnce(Option<&Node>) -> Node,
    ) -> Result<(), StepError> {
        let place = self.real_directory(path)?;
        if place.is_root() {
            return Ok(());
        }
        check_name(&place)?;
        self.make_parents(&place)?;
        let node = change(self.root.get(&place));
        self.write(place, node);
        Ok(())
    }

    /// Where the directory `path` really is or will be; an error if something else is there.
    fn real_directory(&self, path: &ImagePath) -> Result<ImagePath, StepError> {
        let place = crate::tree::resolve::resolve_fully(self.root, path)?;
        match self.root.get(&place) {
            Some(node) if !matches!(node.kind, Kind::Directory) => Err(StepError::NotADirectory { path: place }),
            _ => Ok(place),
        }
    }

    /// Takes away what is at `path` and below it.
    pub fn remove(&mut self, path: &ImagePath) {
        if self.root.get(path).is_none() {
            return;
        }
        let all = std::iter::once(path).chain(self.root.below(path).map(|(path, _)| path));
        let of_below: Vec<ImagePath> = all.filter(|path| self.is_below(path)).cloned().collect();
        let below_has_it = of_below.first() == Some(path);
        self.gone.extend(of_below);
        self.root.remove(path);
        self.last_parent = None;
        if below_has_it {
            self.changes.white_out(path.clone());
        } else {
            self.changes.forget(path);
        }
    }

    /// Whether the layers below have what is at `path` now, or had something there that this layer replaced.
    fn is_below(&self, path: &ImagePath) -> bool {
        !matches!(self.changes.get(path), Some(Change::Node(_))) || self.replaced.contains(path)
    }

    fn make_parents(&mut self, place: &ImagePath) -> Result<(), StepError> {
        let Some(parent) = place.parent() else { return Ok(()) };
        if self.root.is_directory(&parent) {
            return Ok(());
        }
        if self.root.get(&parent).is_some() {
            return Err(StepError::NotADirectory { path: parent });
        }
        check_name(&parent)?;
        self.make_parents(&parent)?;
        self.write(parent, Node::parent_directory(self.epoch));
        Ok(())
    }

    /// Writes to root and changes; gives what this layer had said about the place.
    fn write(&mut self, place: ImagePath, node: Node) -> Option<Change> {
        let is_directory = matches!(node.kind, Kind::Directory);
        let old = self.root.insert(place.clone(), node.clone());
        let before = self.changes.put(place.clone(), node);
        let was_gone = matches!(before, Some(Change::Whiteout)) || (before.is_none() && self.gone.contains(&place));
        if was_gone || (before.is_none() && old.is_some()) {
            self.replaced.insert(place.clone());
        }
        if was_gone && is_directory {
            self.white_out_children(&place);
        }
        before
    }

    /// A new directory takes the place of a removed one: what was in the old one must not show through it.
    fn white_out_children(&mut self, place: &ImagePath) {
        let range = self.gone.range(place.clone()..).take_while(|path| path.as_bytes().starts_with(place.as_bytes()));
        let children: Vec<ImagePath> = range.filter(|path| path.parent().as_ref() == Some(place)).cloned().collect();
        for child in children {
            self.changes.white_out(child);
        }
    }

    /// What the layer changes. Every directory on the way to a change has an entry that repeats what it is: readers that
    /// unpack each layer into a directory of its own (overlayfs in docker and podman) would make a parent that has no
    /// entry with mode 0755, and hide a `/tmp` of 1777 below.
    pub fn finish(self) -> (Changeset, Vec<StepWarning>) {
        (with_parents(self.changes, self.root), self.warnings)
    }

    /// Takes over what a command changed: `changes` has the real place of everything.
    pub fn absorb(&mut self, changes: &Changeset) -> Result<(), StepError> {
        for (path, change) in changes.iter() {
            check_name(path)?;
            match change {
                Change::Whiteout => self.remove(path),
                Change::Node(node) => {
                    if node.kind != Kind::Directory && self.root.is_directory(path) {
                        self.remove(path);
                    }
                    self.write(path.clone(), node.clone());
                }
            }
        }
        self.last_parent = None;
        Ok(())
    }
}

/// Adds the directories on the way to each change as they are in `root`.
pub fn with_parents(mut changes: Changeset, root: &Tree) -> Changeset {
    let mut parents = BTreeSet::new();
    let mut last = None;
    for (path, _) in changes.iter() {
        let mut at = path.parent();
        if at == last {
            continue;
        }
        last = at.clone();
        while let Some(parent) = at.filter(|parent| !parent.is_root() && changes.get(parent).is_none()) {
            at = parent.parent();
            if !parents.insert(parent) {
                break;
            }
        }
    }
    for parent in parents {
        if let Some(node) = root.get(&parent) {
            changes.put(parent, node.clone());
        }
    }
    changes
}

/// Names that are whiteouts in a layer cannot be files in it (image-spec, layer.md, "Whiteouts").
fn check_name(path: &ImagePath) -> Result<(), StepError> {
    if path.name().starts_with(crate::base::path::WHITEOUT_PREFIX) {
        return Err(StepError::WhiteoutName { path: path.clone() });
    }
    Ok(())
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::File { .. } => "file",
        Kind::Symlink { .. } => "link",
        Kind::CharDevice { .. } | Kind::BlockDevice { .. } => "device",
        Kind::Fifo => "fifo",
    }
}
