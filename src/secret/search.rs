//! The search in what a layer changes.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::io;

use crate::base::{ContentDigest, ImagePath};
use crate::tree::{Change, Changeset, Content, ContentReader, Contents, Kind, Node};

use super::error::SecretError;
use super::hit::{Finding, Hit, Place};
use super::needles::Needles;
use super::unpack::{Bound, search_file};
use super::window::Window;

/// Searches everything that lands: contents and what is packed in them, names, link targets, extended attributes.
///
/// The findings are in the order of the paths. A path does not itself have a secret in it: where the name of a file has
/// one, the directory above stands for it. Names inside archives that have one are `***`.
///
/// Fails if a file cannot be read.
pub fn search(
    changes: &Changeset,
    contents: &dyn Contents,
    needles: &Needles,
) -> Result<Vec<(ImagePath, Finding)>, SecretError> {
    search_within(changes, contents, needles, Bound::USUAL)
}

pub(super) fn search_within(
    changes: &Changeset,
    contents: &dyn Contents,
    needles: &Needles,
    bound: Bound,
) -> Result<Vec<(ImagePath, Finding)>, SecretError> {
    if needles.is_empty() {
        return Ok(Vec::new());
    }
    let (mut windows, mut known, mut found) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut named = BTreeSet::new();
    let paths = changes.iter().map(|(path, change)| (path, Some(change)));
    for (path, change) in paths.chain(changes.opaque().map(|path| (path, None))) {
        let (shown, in_name) = shown(path, needles);
        let mut say = |finding| found.push((shown.clone(), finding));
        // The names of directories are said once, not again for each file below.
        let new = in_name.into_iter().filter(|hit| named.insert((shown.clone(), hit.id.clone())));
        new.map(Finding::Secret).for_each(&mut say);
        let Some(Change::Node(node)) = change else { continue };
        in_metadata(node, needles).into_iter().map(Finding::Secret).for_each(&mut say);
        let Kind::File { content, .. } = &node.kind else { continue };
        in_content(content, contents, needles, bound, &mut windows, &mut known)
            .map_err(|source| SecretError::Read { path: shown.clone(), source })?
            .iter()
            .cloned()
            .for_each(say);
    }
    Ok(found)
}

/// The path itself, or the nearest directory above it that has no secret in its path, and what is in the path.
fn shown(path: &ImagePath, needles: &Needles) -> (ImagePath, Vec<Hit>) {
    let hits = |path: &ImagePath| needles.all(&[b"/", path.as_bytes()].concat(), Place::Name);
    let (mut shown, in_name) = (path.clone(), hits(path));
    while !shown.is_root() && !hits(&shown).is_empty() {
        shown = shown.parent().unwrap_or_default();
    }
    (shown, in_name)
}

/// One hit for each secret in a link's target or an extended attribute.
fn in_metadata(node: &Node, needles: &Needles) -> Vec<Hit> {
    let mut hits = match &node.kind {
        Kind::Symlink { target } => needles.all(target, Place::LinkTarget),
        _ => Vec::new(),
    };
    for (name, value) in &node.xattrs {
        hits.extend([name, value].into_iter().flat_map(|bytes| needles.all(bytes, Place::Xattr)));
    }
    hits
}

/// Contents that are there several times are searched once.
fn in_content<'k>(
    content: &Content,
    contents: &dyn Contents,
    needles: &Needles,
    bound: Bound,
    windows: &mut Vec<Window>,
    known: &'k mut BTreeMap<ContentDigest, Vec<Finding>>,
) -> io::Result<&'k [Finding]> {
    Ok(match known.entry(content.digest) {
        Entry::Occupied(found) => found.into_mut(),
        Entry::Vacant(place) => {
            let mut reader = ContentReader::new(contents, *content);
            place.insert(search_file(&mut reader, content.size_bytes, needles, bound, windows)?)
        }
    })
}
