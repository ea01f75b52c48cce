//! Each rule on a made-up step, and the laws that hold for all of them.

mod formats;
mod laws;
mod python;
mod rows;

use std::collections::BTreeMap;

use super::{Files, How, Removed, ResidueError, clean};
use crate::base::glob::Globs;
use crate::base::hash::digest_of;
use crate::base::{ContentDigest, Epoch, ImagePath};
use crate::tree::testing::path;
use crate::tree::{Change, Changeset, Content, ContentError, Kind, LinkGroup, Node, Tree};

/// 2026-01-01T00:00:00Z: day 20454.
const EPOCH: i64 = 1_767_225_600;

fn epoch() -> Epoch {
    Epoch::from_seconds(EPOCH).expect("a time")
}

/// Contents in memory.
#[derive(Default)]
struct Memory(BTreeMap<ContentDigest, Vec<u8>>);

impl Files for Memory {
    fn read(&self, content: &Content) -> Result<Vec<u8>, ContentError> {
        self.0.get(&content.digest).cloned().ok_or(ContentError::Unknown(*content))
    }

    fn keep(&mut self, bytes: Vec<u8>) -> Content {
        let content = Content { digest: digest_of(&bytes), size_bytes: bytes.len() as u64 };
        self.0.insert(content.digest, bytes);
        content
    }
}

/// A tree below, and a step on top of it.
#[derive(Default)]
struct Step {
    files: Memory,
    lower: Tree,
    changes: Changeset,
    keep: Vec<&'static str>,
}

impl Step {
    fn node(&mut self, bytes: &[u8], mtime: i64, links: Option<u64>) -> Node {
        let content = self.files.keep(bytes.to_vec());
        Node { mtime, ..Node::new(Kind::File { content, links: links.map(LinkGroup) }, 0o644) }
    }

    /// A file of the tree below, with the time 1000.
    fn below(mut self, at: &str, bytes: impl AsRef<[u8]>) -> Self {
        let node = self.node(bytes.as_ref(), 1000, None);
        self.lower.insert(path(at), node);
        self
    }

    /// A file that the step writes.
    fn file(mut self, at: &str, bytes: impl AsRef<[u8]>) -> Self {
        let node = self.node(bytes.as_ref(), EPOCH, None);
        self.put(at, node)
    }

    /// The same under one of several names.
    fn linked(mut self, at: &str, bytes: impl AsRef<[u8]>, group: u64) -> Self {
        let node = self.node(bytes.as_ref(), EPOCH, Some(group));
        self.put(at, node)
    }

    fn put(mut self, at: &str, node: Node) -> Self {
        self.changes.put(path(at), node);
        self
    }

    fn whiteout(mut self, at: &str) -> Self {
        self.changes.white_out(path(at));
        self
    }

    fn keep(mut self, glob: &'static str) -> Self {
        self.keep.push(glob);
        self
    }

    /// Cleans it.
    fn clean(mut self) -> Cleaned {
        let keep = Globs::new(&self.keep).expect("globs");
        let removed = self.run(&keep).expect("contents that can be read");
        Cleaned { removed, files: self.files, lower: self.lower, changes: self.changes }
    }

    fn run(&mut self, keep: &Globs) -> Result<Vec<Removed>, ResidueError> {
        clean(&mut self.changes, &self.lower, &mut self.files, epoch(), keep)
    }
}

/// A step after it was cleaned.
struct Cleaned {
    removed: Vec<Removed>,
    files: Memory,
    lower: Tree,
    changes: Changeset,
}

impl Cleaned {
    /// What was done, as `rule /path how`.
    fn done(&self) -> Vec<String> {
        self.removed.iter().map(|gone| format!("{} {} {:?}", gone.rule, gone.path, gone.how)).collect()
    }

    /// What is left of the changes; a whiteout begins with `-`.
    fn left(&self) -> Vec<String> {
        let text = |(path, change): (&ImagePath, &Change)| match change {
            Change::Node(_) => path.to_string(),
            Change::Whiteout => format!("-{path}"),
        };
        self.changes.iter().map(text).collect()
    }

    /// The bytes of a changed file.
    fn bytes(&self, at: &str) -> Vec<u8> {
        match self.changes.get(&path(at)) {
            Some(Change::Node(Node { kind: Kind::File { content, .. }, .. })) => {
                self.files.read(content).expect("a content that was kept")
            }
            other => panic!("{at}: {other:?}"),
        }
    }

    fn text(&self, at: &str) -> String {
        String::from_utf8(self.bytes(at)).expect("a text")
    }
}

/// A gzip file with this time in its header.
fn gzip(time: [u8; 4]) -> Vec<u8> {
    [&[0x1f, 0x8b, 8, 0][..], &time, &[0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat()
}

/// Compiled Python 3.11.
fn pyc(flags: u32, time: u32) -> Vec<u8> {
    let words = [flags, time, 77].map(u32::to_le_bytes).concat();
    [&[0xa7, 0x0d, b'\r', b'\n'][..], &words, b"code"].concat()
}
