//! Contents that are made over.

use std::collections::BTreeMap;

use crate::base::glob::{Globs, Is};
use crate::base::{Epoch, ImagePath};
use crate::tree::resolve::resolve_fully;
use crate::tree::{Change, Changeset, Content, Kind, LinkGroup, Node, Tree};

use super::clean::{How, Removed};
use super::error::ResidueError;
use super::files::Files;
use super::rule::{Action, Format, Rule};
use super::sort::is_blank;
use super::{direct_url, gzip, keystore, pyc, record, scripts, shadow};

/// What a format says about a file.
enum Verdict {
    Stays,
    Becomes(Vec<u8>),
    Goes,
}

impl From<Option<Vec<u8>>> for Verdict {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Stays, Self::Becomes)
    }
}

/// Changes whose contents are being made over.
pub(super) struct Rewrite<'a> {
    changes: &'a mut Changeset,
    lower: &'a Tree,
    files: &'a mut dyn Files,
    epoch: Epoch,
    keep: &'a Globs,
    /// The names of each file that has several.
    names: BTreeMap<LinkGroup, Vec<ImagePath>>,
    /// The tree with the changes, once it is needed.
    upper: Option<Tree>,
    /// What was done so far.
    removed: BTreeMap<ImagePath, Removed>,
}

impl<'a> Rewrite<'a> {
    /// Changes of which `gone` was taken out already.
    pub(super) fn new(
        changes: &'a mut Changeset,
        lower: &'a Tree,
        files: &'a mut dyn Files,
        epoch: Epoch,
        keep: &'a Globs,
        gone: Vec<Removed>,
    ) -> Self {
        let mut names: BTreeMap<LinkGroup, Vec<ImagePath>> = BTreeMap::new();
        for (path, node) in changes.nodes() {
            if let Kind::File { links: Some(group), .. } = &node.kind {
                names.entry(*group).or_default().push(path.clone());
            }
        }
        let removed = gone.into_iter().map(|gone| (gone.path.clone(), gone)).collect();
        Self { changes, lower, files, epoch, keep, names, upper: None, removed }
    }

    /// Makes the file at `path` over if it is one that `rule` says something about.
    pub(super) fn file(&mut self, path: &ImagePath, rule: &'static Rule) -> Result<(), ResidueError> {
        let Some(Change::Node(Node { kind: Kind::File { content, links }, .. })) = self.changes.get(path) else {
            return Ok(());
        };
        let (content, links) = (*content, *links);
        let names = match links {
            // A file with several names is made over under the first of them.
            Some(group) => self.names.remove(&group).unwrap_or_default(),
            None => vec![path.clone()],
        };
        if names.is_empty() || names.iter().any(|name| self.keep.covers(name, Is::Other)) {
            return Ok(());
        }
        let (verdict, how) = match rule.action {
            Action::Empty if !is_blank(&content) => (Verdict::Becomes(Vec::new()), How::Emptied),
            Action::Rewrite(format) if content.size_bytes <= format.most_bytes() => {
                (self.verdict(path, &content, format)?, How::Rewritten)
            }
            _ => return Ok(()),
        };
        match verdict {
            Verdict::Stays => {}
            Verdict::Goes => {
                self.delete(path, rule);
                if let Some(group) = links {
                    self.names.insert(group, names.into_iter().filter(|name| name != path).collect());
                }
            }
            Verdict::Becomes(bytes) => {
                let content = self.files.keep(bytes);
                self.put(names, content, rule, how);
            }
        }
        Ok(())
    }

    /// What was done, in path order.
    pub(super) fn finish(self) -> Vec<Removed> {
        self.removed.into_values().collect()
    }

    fn verdict(&mut self, path: &ImagePath, content: &Content, format: Format) -> Result<Verdict, ResidueError> {
        let bytes = self.read(path, content)?;
        Ok(match format {
            Format::Gzip => gzip::rewrite(bytes).into(),
            Format::Keystore => keystore::rewrite(&bytes, self.epoch).into(),
            Format::Scripts => scripts::rewrite(bytes, self.epoch).into(),
            Format::Pyc => {
                let mtime = pyc::sources(path).iter().find_map(|source| self.mtime(source));
                pyc::rewrite(bytes, mtime.unwrap_or(self.epoch.seconds())).into()
            }
            Format::Shadow => {
                let before = match self.lower.get(path).map(|node| &node.kind) {
                    Some(Kind::File { content, .. }) if content.size_bytes > format.most_bytes() => {
                        return Ok(Verdict::Stays);
                    }
                    Some(Kind::File { content, .. }) => self.read(path, content)?,
                    _ => Vec::new(),
                };
                shadow::rewrite(&bytes, &before, self.epoch).into()
            }
            Format::DirectUrl if direct_url::is_local(&bytes) => Verdict::Goes,
            Format::DirectUrl => Verdict::Stays,
            Format::Record => record::rewrite(&bytes, path, |listed| self.listed(listed)).into(),
        })
    }

    fn read(&self, path: &ImagePath, content: &Content) -> Result<Vec<u8>, ResidueError> {
        self.files.read(content).map_err(|source| ResidueError::Read { path: path.clone(), source })
    }

    /// The time of a file in the image, links followed; `None` if there is none.
    fn mtime(&mut self, path: &ImagePath) -> Option<i64> {
        let node = self.node(path)?;
        if !matches!(node.kind, Kind::Symlink { .. }) {
            return Some(node.mtime);
        }
        let (lower, changes) = (self.lower, &*self.changes);
        let upper = self.upper.get_or_insert_with(|| {
            let mut upper = lower.clone();
            upper.apply(changes);
            upper
        });
        let real = resolve_fully(upper, path).ok()?;
        upper.get(&real).map(|node| node.mtime)
    }

    fn node(&self, path: &ImagePath) -> Option<&Node> {
        match self.changes.get(path) {
            Some(Change::Node(node)) => Some(node),
            Some(Change::Whiteout) => None,
            None => self.lower.get(path),
        }
    }

    /// What a list should say of a file; `None` if nothing was done to it.
    fn listed(&self, path: &ImagePath) -> Option<record::Listed> {
        self.removed.get(path)?;
        Some(match self.node(path).map(|node| &node.kind) {
            Some(Kind::File { content, .. }) => record::Listed::Is(*content),
            Some(_) => return None,
            None => record::Listed::Gone,
        })
    }

    fn delete(&mut self, path: &ImagePath, rule: &'static Rule) {
        self.changes.forget(path);
        let how = if self.lower.get(path).is_some() { How::PutBack } else { How::Deleted };
        self.removed.insert(path.clone(), Removed { rule: rule.name, path: path.clone(), how });
    }

    /// Gives a file another content under all its names; if it is what it is below, nothing has changed.
    fn put(&mut self, names: Vec<ImagePath>, content: Content, rule: &'static Rule, how: How) {
        let mut nodes = Vec::with_capacity(names.len());
        for path in names {
            if let Some(Change::Node(node)) = self.changes.get(&path)
                && let Kind::File { links, .. } = node.kind
            {
                nodes.push((path, Node { kind: Kind::File { content, links }, ..node.clone() }));
            }
        }
        let is_below =
            |(path, node): &(ImagePath, Node)| self.lower.get(path).is_some_and(|below| below.same_but_for_time(node));
        let how = if nodes.iter().all(is_below) { How::PutBack } else { how };
        for (path, node) in nodes {
            match how {
                How::PutBack => self.changes.forget(&path),
                _ => drop(self.changes.put(path.clone(), node)),
            }
            self.removed.insert(path.clone(), Removed { rule: rule.name, path, how });
        }
    }
}
