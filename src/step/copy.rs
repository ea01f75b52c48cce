//! `copy`: a file or the contents of a directory out of a source tree.

use crate::base::ImagePath;
use crate::base::glob::Selection;
use crate::template::{Copy, Span};
use crate::tree::resolve::resolve_parents;
use crate::tree::{Kind, Node};

use super::draft::{Draft, Overwrite};
use super::error::StepError;
use super::evaluate::{SourceTree, When};
use super::owner::Ids;

/// One copy: what decides each node that it makes.
struct Copying<'a> {
    step: &'a Copy,
    source: SourceTree<'a>,
    ids: Ids,
    when: &'a When,
    span: Span,
    /// From here on hard links get their numbers.
    links: u64,
}

/// Copies what the step names out of `source`.
pub fn copy(
    step: &Copy,
    source: SourceTree<'_>,
    ids: Ids,
    draft: &mut Draft<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let copying = Copying { step, source, ids, when, span, links: draft.free_link_group(source.tree) };
    let missing = || StepError::NotInSource { source_name: step.from.source.clone(), path: step.from.path.clone() };
    // Links on the way are followed, as in a shell: in an image `/lib/x` is behind one.
    let from = resolve_parents(source.tree, &step.from.path).map_err(|_| missing())?;
    if source.tree.is_directory(&from) {
        return copying.directory(&from, draft);
    }
    let node = source.tree.get(&from).ok_or_else(missing)?;
    let target = if step.to.is_directory { step.to.path.join(&step.from.path.base()) } else { step.to.path.clone() };
    draft.put(&target, copying.made(node), span, Overwrite::Warn)
}

impl Copying<'_> {
    fn directory(&self, from: &ImagePath, draft: &mut Draft<'_>) -> Result<(), StepError> {
        let step = self.step;
        let selection = Selection::new(&step.include, &step.exclude)?;
        let top = self.made(&Node::new(Kind::Directory, 0o755));
        let top = Node { mtime: self.when.of(&Kind::Directory), ..top };
        if !step.to.path.is_root() {
            draft.ensure_directory(&step.to.path, top)?;
        }
        let mut copied = 0;
        // Directories wait until something in them is taken, if not everything is.
        let everything = selection.is_everything();
        for (path, node) in self.source.tree.below(from) {
            let Some(relative) = path.below(from) else { continue };
            if !everything && (matches!(node.kind, Kind::Directory) || !selection.takes(&relative, node.is())) {
                continue;
            }
            copied += 1;
            if !everything {
                self.make_parents(from, &relative, draft)?;
            }
            let target = step.to.path.join(&relative);
            let node = self.made(node);
            match node.kind {
                Kind::Directory => draft.ensure_directory(&target, node).map(|_| ())?,
                _ => draft.put(&target, node, self.span, Overwrite::Warn)?,
            }
        }
        let nothing = StepError::NothingSelected { source_name: step.from.source.clone() };
        if copied == 0 && !everything { Err(nothing) } else { Ok(()) }
    }

    /// Makes the directories on the way to `relative` as the source has them.
    fn make_parents(&self, from: &ImagePath, relative: &ImagePath, draft: &mut Draft<'_>) -> Result<(), StepError> {
        let Some(parent) = relative.parent().filter(|parent| !parent.is_root()) else { return Ok(()) };
        let to = &self.step.to.path;
        if draft.root().is_directory(&to.join(&parent)) {
            return Ok(());
        }
        self.make_parents(from, &parent, draft)?;
        if let Some(node) = self.source.tree.get(&from.join(&parent)) {
            draft.ensure_directory(&to.join(&parent), self.made(node))?;
        }
        Ok(())
    }

    /// A source's node as it goes into the image.
    fn made(&self, node: &Node) -> Node {
        let mode = match (&node.kind, self.step.mode) {
            (Kind::Symlink { .. }, _) | (_, None) => node.mode,
            (Kind::Directory, Some(mode)) => searchable(mode),
            (_, Some(mode)) => mode,
        };
        let mtime = self.when.of_taken(node, self.source.times);
        Node { mode, uid: self.ids.uid, gid: self.ids.gid, mtime, ..node.clone() }.with_links_from(self.links)
    }
}

/// The mode of a directory whose files get `mode`: whoever may read may also enter.
fn searchable(mode: u16) -> u16 {
    (mode & 0o777) | ((mode & 0o444) >> 2)
}
