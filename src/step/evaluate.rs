//! A layer of a template on top of a tree.

use std::collections::BTreeMap;

use crate::base::glob::Globs;
use crate::base::{Epoch, ImagePath};
use crate::template::{Action, ExtractOwner, Layer, Mtime, SourceRef, Span, Step, Write};
use crate::tree::contents::read_all;
use crate::tree::{Changeset, Content, ContentError, Contents, Kind, Node, Tree};

use super::account::{add_group, add_user};
use super::copy::copy;
use super::draft::{Draft, Overwrite};
use super::enable::enable;
use super::error::{StepError, StepFailure, StepWarning};
use super::extract::extract;
use super::inline::Inline;
use super::owner::{self, Ids};

/// What steps take from outside of the template.
pub struct Inputs<'a> {
    /// Trees of sources and stages by name.
    pub sources: BTreeMap<String, SourceTree<'a>>,
    /// Archives by the file that they are, as `source` and `path`.
    pub archives: BTreeMap<(String, ImagePath), &'a Tree>,
    /// The contents of everything.
    pub contents: &'a dyn Contents,
}

/// The files of a source or stage.
#[derive(Debug, Clone, Copy)]
pub struct SourceTree<'a> {
    /// The files.
    pub tree: &'a Tree,
    /// What their times are worth.
    pub times: Times,
}

/// What the times of a source's files are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Nothing: they are those of whoever checked them out.
    Machine,
    /// They are part of what was pinned: a commit's, or those in an image.
    Pinned,
}

/// A layer's changes.
#[derive(Debug)]
pub struct Evaluated {
    /// What it changes.
    pub changeset: Changeset,
    /// What looks wrong.
    pub warnings: Vec<StepWarning>,
}

/// Reads small files of the image and keeps new ones.
pub struct Reader<'a> {
    contents: &'a dyn Contents,
    inline: &'a mut Inline,
}

impl<'a> Reader<'a> {
    /// Reads from both.
    pub fn new(contents: &'a dyn Contents, inline: &'a mut Inline) -> Self {
        Self { contents, inline }
    }
}

impl Reader<'_> {
    /// The bytes of a small file.
    pub fn read(&self, content: &Content) -> Result<Vec<u8>, ContentError> {
        match self.inline.get(content) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => read_all(self.contents, content),
        }
    }

    /// Keeps the bytes of a new one.
    pub fn keep(&mut self, bytes: Vec<u8>) -> Content {
        self.inline.keep(bytes)
    }
}

/// The times of what a step makes.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// The image's epoch.
    pub epoch: Epoch,
    mtime: Option<Mtime>,
}

impl When {
    /// The times of a step with that `mtime`.
    pub fn new(epoch: Epoch, mtime: Option<Mtime>) -> Self {
        Self { epoch, mtime }
    }

    /// The time of a new node.
    pub fn of(&self, kind: &Kind) -> i64 {
        match (self.mtime, kind) {
            (Some(Mtime::At(time)), _) => time.seconds(),
            (Some(Mtime::Content), Kind::File { content, .. }) => self.epoch.seconds() - content_age(content),
            (Some(Mtime::Content | Mtime::Epoch) | None, _) => self.epoch.seconds(),
        }
    }

    /// The time of a node that is taken over.
    pub fn of_taken(&self, node: &Node, times: Times) -> i64 {
        match (self.mtime, times) {
            (None, Times::Pinned) => node.mtime,
            _ => self.of(&node.kind),
        }
    }
}

/// The first 25 bits of the content's digest, as seconds: a bit over a year.
fn content_age(content: &Content) -> i64 {
    let [a, b, c, d, ..] = *content.digest.as_bytes();
    i64::from(u32::from_be_bytes([a, b, c, d]) >> 7)
}

/// Applies `layer` to `root`, which is the tree of all layers below and afterwards that with this one on top. New small
/// contents go into `inline`.
pub fn evaluate(
    layer: &Layer,
    root: &mut Tree,
    inputs: &Inputs<'_>,
    inline: &mut Inline,
    epoch: Epoch,
) -> Result<Evaluated, StepFailure> {
    let mut draft = Draft::new(root, epoch.seconds());
    for step in &layer.steps {
        apply(step, &mut draft, inputs, inline, epoch).map_err(|error| StepFailure {
            layer: layer.name.clone(),
            span: step.span,
            error,
        })?;
    }
    let (changeset, warnings) = draft.finish();
    Ok(Evaluated { changeset, warnings })
}

/// Applies one step; of all but commands, which need the sandbox.
pub fn apply(
    step: &Step,
    draft: &mut Draft<'_>,
    inputs: &Inputs<'_>,
    inline: &mut Inline,
    epoch: Epoch,
) -> Result<(), StepError> {
    let span = step.span;
    let when = &When::new(epoch, step.mtime);
    let reader = &mut Reader::new(inputs.contents, inline);
    let owned = |node: Node, ids: Ids| Node { uid: ids.uid, gid: ids.gid, mtime: when.of(&node.kind), ..node };
    match &step.action {
        Action::Copy(step) => {
            let ids = owner::resolve(step.owner.as_ref(), draft.root(), reader)?;
            copy(step, source(inputs, &step.from)?, ids, draft, when, span)
        }
        Action::Write(step) => write(step, draft, reader, when, span),
        Action::Directory { path, owner, mode } => {
            let ids = owner::resolve(owner.as_ref(), draft.root(), reader)?;
            draft.set_directory(path, |old| {
                let new = owned(Node::new(Kind::Directory, mode.unwrap_or(0o755)), ids);
                let Some(old) = old else { return new };
                // What the step does not name stays as it is.
                let (uid, gid) = if owner.is_some() { (new.uid, new.gid) } else { (old.uid, old.gid) };
                Node { uid, gid, mode: mode.unwrap_or(old.mode), mtime: new.mtime, ..old.clone() }
            })
        }
        Action::Symlink { path, target, owner } => {
            let ids = owner::resolve(owner.as_ref(), draft.root(), reader)?;
            let kind = Kind::Symlink { target: target.as_bytes().into() };
            draft.put(path, owned(Node::new(kind, 0o777), ids), span, Overwrite::Warn)
        }
        Action::Extract(step) => {
            let ids = match &step.owner {
                Some(ExtractOwner::Given(owner)) => owner::resolve(Some(owner), draft.root(), reader)?,
                Some(ExtractOwner::Keep) | None => Ids::default(),
            };
            let archive = inputs.archives.get(&(step.from.source.clone(), step.from.path.clone()));
            extract(step, archive.ok_or_else(|| not_in_source(&step.from))?, ids, draft, when, span)
        }
        Action::Adduser(step) => add_user(step, draft, reader, when, span),
        Action::Addgroup(step) => add_group(step, draft, reader, when, span),
        Action::Remove { glob } => remove(glob, draft, span),
        Action::Enable { units } => enable(units, draft, reader, when, span),
        // Whoever evaluates a layer runs its commands in the sandbox and gives what they changed.
        Action::Run(_) | Action::Packages(_) => Err(StepError::NeedsSandbox),
    }
}

fn source<'a>(inputs: &'a Inputs<'_>, reference: &SourceRef) -> Result<SourceTree<'a>, StepError> {
    inputs.sources.get(&reference.source).copied().ok_or_else(|| not_in_source(reference))
}

fn not_in_source(reference: &SourceRef) -> StepError {
    StepError::NotInSource { source_name: reference.source.clone(), path: reference.path.clone() }
}

fn write(
    step: &Write,
    draft: &mut Draft<'_>,
    reader: &mut Reader<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let ids = owner::resolve(step.owner.as_ref(), draft.root(), reader)?;
    let kind = Kind::File { content: reader.keep(step.content.clone()), links: None };
    let mtime = when.of(&kind);
    let node = Node { uid: ids.uid, gid: ids.gid, mtime, ..Node::new(kind, step.mode.unwrap_or(0o644)) };
    draft.put(&step.path, node, span, Overwrite::Warn)
}

fn remove(glob: &str, draft: &mut Draft<'_>, span: Span) -> Result<(), StepError> {
    let globs = Globs::new(&[glob])?;
    let nodes = draft.root().iter();
    let matches: Vec<ImagePath> = nodes
        .filter(|(path, node)| globs.matching(path.as_bytes(), node.is()).is_some())
        .map(|(path, _)| path.clone())
        .collect();
    if matches.is_empty() {
        draft.warn(StepWarning::RemovedNothing { glob: glob.to_owned(), span });
    }
    for path in matches {
        draft.remove(&path);
    }
    Ok(())
}
