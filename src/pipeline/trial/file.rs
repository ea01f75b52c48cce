//! What is at a path of the image.

use std::io::Read;

use crate::base::{ContentDigest, ImagePath};
use crate::pipeline::error::Error;
use crate::step::{Inline, Reader, owner};
use crate::template::Owner;
use crate::tree::resolve::resolve_fully;
use crate::tree::{Content, ContentError, ContentReader, Contents, Kind, Node};

use super::Subject;
use super::complaint::Complaint;
use super::text::shown;

/// What it should be.
pub(super) struct Wanted<'t> {
    pub(super) exists: bool,
    pub(super) mode: Option<u16>,
    pub(super) owner: Option<&'t Owner>,
    pub(super) contains: Option<&'t str>,
    pub(super) sha256: Option<&'t ContentDigest>,
}

impl Subject<'_> {
    /// Looks at it; links are followed inside the root.
    pub(super) fn file(&self, path: &ImagePath, wanted: &Wanted<'_>) -> Result<Vec<Complaint>, Error> {
        let there = |exists: bool| if exists { "it is there" } else { "it is not there" };
        let real = match resolve_fully(&self.platform.root, path) {
            Ok(real) => real,
            Err(_) if !wanted.exists => return Ok(Vec::new()),
            Err(error) => {
                let found = error.to_string();
                return Ok(vec![Complaint::said(format!("{found}, so it is not there"), there(true), found, vec![])]);
            }
        };
        // The root has no node: it is what every engine makes of it.
        let root = Node::parent_directory(0);
        let node = if real.is_root() { Some(&root) } else { self.platform.root.get(&real) };
        let node = match (node, wanted.exists) {
            (Some(node), true) => node,
            (None, false) => return Ok(Vec::new()),
            (found, exists) => {
                let found = there(found.is_some());
                let message = format!("`{path}`: {found}, and should{}", if exists { " be" } else { " not be" });
                return Ok(vec![Complaint::said(message, there(exists), found, Vec::new())]);
            }
        };
        let mut complaints = Vec::new();
        if let Some(mode) = wanted.mode.filter(|mode| *mode != node.mode) {
            complaints.push(Complaint::is(
                &format!("mode of `{path}`"),
                format!("{mode:04o}"),
                format!("{:04o}", node.mode),
            ));
        }
        if let Some(owner) = wanted.owner {
            complaints.extend(self.owner(path, node, owner)?);
        }
        if let Some(text) = wanted.contains {
            complaints.extend(self.contains(path, node, text)?);
        }
        if let Some(digest) = wanted.sha256 {
            let found = content_of(node).map_or("no file".to_owned(), |content| content.digest.hex());
            if found != digest.hex() {
                complaints.push(Complaint::is(&format!("SHA-256 of `{path}`"), digest.hex(), found));
            }
        }
        Ok(complaints)
    }

    fn owner(&self, path: &ImagePath, node: &Node, owner: &Owner) -> Result<Option<Complaint>, Error> {
        let mut inline = Inline::default();
        let ids = self.with_contents(None, |contents| {
            owner::resolve(Some(owner), &self.platform.root, &Reader::new(contents, &mut inline))
        })?;
        let what = format!("owner of `{path}`");
        let found = format!("{}:{}", node.uid, node.gid);
        Ok(match ids {
            Ok(ids) if (ids.uid, ids.gid) == (node.uid, node.gid) => None,
            Ok(ids) => Some(Complaint::is(&what, format!("{}:{}", ids.uid, ids.gid), found)),
            Err(error) => Some(Complaint::said(format!("{what}: {error}"), "an owner of the image's", found, vec![])),
        })
    }

    fn contains(&self, path: &ImagePath, node: &Node, text: &str) -> Result<Option<Complaint>, Error> {
        let complaint = |found: &str| {
            let message = format!("`{path}` does not contain `{}`{found}", shown(text));
            Some(Complaint::said(message, text, found.trim_start_matches(": "), Vec::new()))
        };
        let Some(content) = content_of(node) else { return Ok(complaint(": it is no file")) };
        let found = self.with_contents(Some(&content), |contents| has(contents, content, text.as_bytes()))?;
        match found {
            Ok(true) => Ok(None),
            Ok(false) => Ok(complaint(if content.size_bytes == 0 { ": it is empty" } else { "" })),
            Err(source) => Err(Error::Content { path: path.clone(), source }),
        }
    }
}

fn content_of(node: &Node) -> Option<Content> {
    match &node.kind {
        Kind::File { content, .. } => Some(*content),
        _ => None,
    }
}

/// Whether a content has `text` in it, whatever its size.
fn has(contents: &dyn Contents, content: Content, text: &[u8]) -> Result<bool, ContentError> {
    const PIECE_BYTES: usize = 1 << 20;
    let mut reader = ContentReader::new(contents, content);
    let mut piece = vec![0; PIECE_BYTES];
    let mut held: Vec<u8> = Vec::new();
    loop {
        if text.is_empty() || held.windows(text.len()).any(|part| part == text) {
            return Ok(true);
        }
        // A match may begin in the bytes before.
        held.drain(..held.len().saturating_sub(text.len() - 1));
        let fail = |source| ContentError::Read { name: "a file of the image".to_owned(), source };
        match reader.read(&mut piece).map_err(fail)? {
            0 => return Ok(false),
            length => held.extend_from_slice(&piece[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_pieces() {
        let mut inline = Inline::default();
        let mut bytes = vec![b'.'; (1 << 20) - 2];
        bytes.extend_from_slice(b"needle and more");
        let content = inline.keep(bytes);
        assert!(has(&inline, content, b"needle").expect("read"));
        assert!(has(&inline, content, b"").expect("read") && !has(&inline, content, b"needles").expect("read"));
        let other = Content { size_bytes: 3, ..Inline::default().keep(b"abc".to_vec()) };
        assert!(has(&inline, other, b"a").is_err());
    }
}
