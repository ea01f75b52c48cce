//! `extract`: the contents of an archive. Modes and times stay as the archive has them.

use crate::base::ImagePath;
use crate::base::glob::Selection;
use crate::template::{Extract, ExtractOwner, Span};
use crate::tree::{Kind, Node, Tree};

use super::draft::{Draft, Overwrite};
use super::error::StepError;
use super::evaluate::When;
use super::owner::Ids;

/// Puts the selected nodes of `archive` below the step's target.
pub fn extract(
    step: &Extract,
    archive: &Tree,
    ids: Ids,
    draft: &mut Draft<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let selection = Selection::new(&step.include, &step.exclude)?;
    if !step.to.is_root() {
        let top = Node { mtime: when.of(&Kind::Directory), ..Node::new(Kind::Directory, 0o755) };
        draft.ensure_directory(&step.to, top)?;
    }
    let links = draft.free_link_group(archive);
    let mut extracted = 0;
    for (path, node) in archive.iter() {
        let Some(relative) = strip(path, step.strip) else { continue };
        if !selection.takes(&relative, node.is()) {
            continue;
        }
        extracted += 1;
        let target = step.to.join(&relative);
        let node = owned(node, step.owner.as_ref(), ids, links);
        match node.kind {
            Kind::Directory => draft.set_directory(&target, |_| node)?,
            _ => draft.put(&target, node, span, Overwrite::Warn)?,
        }
    }
    if extracted == 0 && !archive.is_empty() {
        return Err(StepError::NothingSelected { source_name: step.from.source.clone() });
    }
    Ok(())
}

/// The path without its first `count` parts; `None` if nothing is left.
fn strip(path: &ImagePath, count: u32) -> Option<ImagePath> {
    let parts: Vec<&[u8]> = path.parts().skip(usize::try_from(count).ok()?).collect();
    (!parts.is_empty()).then(|| ImagePath::parse(&parts.join(&b'/')).ok()).flatten()
}

fn owned(node: &Node, owner: Option<&ExtractOwner>, ids: Ids, links: u64) -> Node {
    let mut node = node.clone();
    if owner != Some(&ExtractOwner::Keep) {
        (node.uid, node.gid) = (ids.uid, ids.gid);
    }
    node.with_links_from(links)
}
