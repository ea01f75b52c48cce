//! Two runs and their layers, for the tests.

use std::collections::BTreeMap;

use crate::base::hash::digest_of;
use crate::base::{ContentDigest, ImagePath};
use crate::tree::{Changeset, Content, ContentError, Contents, Kind, Node};

use super::cause::Facts;
use super::{Comparison, Side, Varied, compare};

/// 2026-11-25T08:00:00Z.
pub(super) const FIRST_SECONDS: i64 = 1_795_593_600;
/// 2026-11-26T09:00:00Z.
pub(super) const SECOND_SECONDS: i64 = FIRST_SECONDS + 25 * 3600;

pub(super) fn varied() -> Varied {
    let both = |first: &str, second: &str| (first.to_owned(), second.to_owned());
    Varied {
        hostname: both("alpha-host", "omega-host"),
        cpus: (2, 3),
        seconds: (FIRST_SECONDS, SECOND_SECONDS),
        timezone: both("Etc/UTC", "Asia/Tokyo"),
        locale: both("C.UTF-8", "de_DE.UTF-8"),
        uid: (1000, 1203),
        directory: both("/build/one", "/yard/other-place"),
    }
}

pub(super) fn facts(varied: &Varied) -> Facts<'_> {
    Facts::new(varied, Default::default())
}

/// Bytes that look random and are the same every time.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A layer with its contents.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) changes: Changeset,
    contents: BTreeMap<ContentDigest, Vec<u8>>,
}

impl Layer {
    pub(super) fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let content = Content { digest: digest_of(bytes), size_bytes: bytes.len() as u64 };
        self.contents.insert(content.digest, bytes.to_vec());
        self.node(path, Node::new(Kind::File { content, links: None }, 0o644))
    }

    pub(super) fn node(mut self, at: &str, node: Node) -> Self {
        self.changes.put(path(at), node);
        self
    }

    /// Takes the bytes away, but not what is said of them.
    pub(super) fn without_contents(mut self) -> Self {
        self.contents.clear();
        self
    }
}

impl Contents for Layer {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let bytes = self.contents.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        let start = offset as usize;
        buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
        Ok(())
    }
}

pub(super) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect("a path")
}

pub(super) fn compared(a: &Layer, b: &Layer) -> Comparison {
    let side = |layer| -> Side<'_> { side(layer) };
    compare(&side(a), &side(b), &varied())
}

fn side(layer: &Layer) -> Side<'_> {
    Side { changes: &layer.changes, contents: layer }
}

/// What is shown of two files with this content.
pub(super) fn shown(name: &str, a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> String {
    compared(&Layer::default().file(name, a), &Layer::default().file(name, b)).to_string()
}
