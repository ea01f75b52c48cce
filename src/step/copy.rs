//! `copy`: a file or the contents of a directory out of a source tree.

use crate::base::ImagePath;
use crate::base::glob::Selection;
use crate::template::{Copy, Span};
use crate::tree::{Kind, Node, Tree};

use super::draft::{Draft, Overwrite};
use super::error::StepError;
use super::evaluate::When;
use super::owner::Ids;

/// Copies what the step names out of `source`.
pub fn copy(
    step: &Copy,
    source: &Tree,
    ids: Ids,
    draft: &mut Draft<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let missing = || StepError::NotInSource { source_name: step.from.source.clone(), path: step.from.path.clone() };
    if source.is_directory(&step.from.path) {
        return copy_directory(step, source, ids, draft, when, span);
    }
    let node = source.get(&step.from.path).ok_or_else(missing)?;
    let target = if step.to.is_directory {
        let name = step.from.path.base();
        step.to.path.join(&name)
    } else {
        step.to.path.clone()
    };
    draft.put(&target, made(node, step.mode, ids, when), span, Overwrite::Warn)
}

fn copy_directory(
    step: &Copy,
    source: &Tree,
    ids: Ids,
    draft: &mut Draft<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let selection = Selection::new(&step.include, &step.exclude)?;
    let top = made(&Node::new(Kind::Directory, 0o755), step.mode, ids, when);
    if !step.to.path.is_root() {
        draft.ensure_directory(&step.to.path, top)?;
    }
    let mut copied = 0;
    // Directories wait until something in them is taken, if not everything is.
    let everything = selection.is_everything();
    for (path, node) in source.below(&step.from.path) {
        let Some(relative) = path.below(&step.from.path) else { continue };
        if !everything && (matches!(node.kind, Kind::Directory) || !selection.takes(&relative, node.is())) {
            continue;
        }
        copied += 1;
        if !everything {
            make_parents(step, source, &relative, ids, draft, when)?;
        }
        let target = step.to.path.join(&relative);
        let node = made(node, step.mode, ids, when);
        match node.kind {
            Kind::Directory => draft.ensure_directory(&target, node).map(|_| ())?,
            _ => draft.put(&target, node, span, Overwrite::Warn)?,
        }
    }
    let nothing = StepError::NothingSelected { source_name: step.from.source.clone() };
    if copied == 0 && !everything { Err(nothing) } else { Ok(()) }
}

/// Makes the directories on the way to `relative` as the source has them.
fn make_parents(
    step: &Copy,
    source: &Tree,
    relative: &ImagePath,
    ids: Ids,
    draft: &mut Draft<'_>,
    when: &When,
) -> Result<(), StepError> {
    let Some(parent) = relative.parent().filter(|parent| !parent.is_root()) else { return Ok(()) };
    if draft.root().is_directory(&step.to.path.join(&parent)) {
        return Ok(());
    }
    make_parents(step, source, &parent, ids, draft, when)?;
    if let Some(node) = source.get(&step.from.path.join(&parent)) {
        draft.ensure_directory(&step.to.path.join(&parent), made(node, step.mode, ids, when))?;
    }
    Ok(())
}

/// A source's node as it goes into the image.
fn made(node: &Node, mode: Option<u16>, ids: Ids, when: &When) -> Node {
    let mode = match (&node.kind, mode) {
        (Kind::Symlink { .. }, _) | (_, None) => node.mode,
        (Kind::Directory, Some(mode)) => searchable(mode),
        (_, Some(mode)) => mode,
    };
    Node { mode, uid: ids.uid, gid: ids.gid, mtime: when.of(&node.kind), ..node.clone() }
}

/// The mode of a directory whose files get `mode`: whoever may read may also enter.
fn searchable(mode: u16) -> u16 {
    (mode & 0o777) | ((mode & 0o444) >> 2)
}
