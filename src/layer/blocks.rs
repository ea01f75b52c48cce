//! Where a layer is cut into blocks.
//!
//! The cuts depend on paths and sizes alone, so they are known before anything is read. They are content-defined: after
//! a minimum, a block ends before a path whose hash says so. Fixed cuts would all move when a file near the beginning
//! grows; these find each other again a few entries later, and every block behind them is the same as before. Large files
//! get blocks of their own, cut from their beginning, for the same reason.

use std::ops::Range;

use crate::base::Hasher;
use crate::base::hash::digest_of;

use super::codec::BlockSize;
use super::entry::Entry;
use super::header::{END_BYTES, RECORD_BYTES, header};

/// One stretch of a layer's tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Whole entries; of a large file, which can only be the last one, the header alone.
    Entries {
        /// Which.
        entries: Range<usize>,
        /// How long they are.
        raw_bytes: u64,
    },
    /// A part of a large file, padded to a whole record if it is the last.
    Chunk {
        /// Which entry.
        entry: usize,
        /// From which byte of the content.
        offset: u64,
        /// How many bytes of the content.
        content_bytes: u64,
    },
    /// The end marker.
    End,
}

impl Block {
    /// Bytes of tar.
    pub fn raw_bytes(&self) -> u64 {
        match self {
            Self::Entries { raw_bytes, .. } => *raw_bytes,
            Self::Chunk { content_bytes, .. } => content_bytes.next_multiple_of(RECORD_BYTES as u64),
            Self::End => END_BYTES as u64,
        }
    }
}

/// The blocks of a layer with these entries.
pub fn blocks(entries: &[Entry<'_>], size: BlockSize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut start = 0;
    let mut raw_bytes = 0;
    let mut scratch = Vec::new();
    let close = |start: &mut usize, end: usize, raw_bytes: &mut u64, blocks: &mut Vec<Block>| {
        if *start < end {
            blocks.push(Block::Entries { entries: *start..end, raw_bytes: *raw_bytes });
        }
        (*start, *raw_bytes) = (end, 0);
    };
    for (at, entry) in entries.iter().enumerate() {
        let header_bytes = header_bytes(entry, &mut scratch);
        let content_bytes = entry.content().map_or(0, |content| content.size_bytes);
        let is_large = content_bytes > size.chunk_bytes;
        let entry_bytes =
            if is_large { header_bytes } else { header_bytes + content_bytes.next_multiple_of(RECORD_BYTES as u64) };
        let full = raw_bytes + entry_bytes > size.max_bytes;
        if full || (raw_bytes >= size.min_bytes && cuts_before(entry, size.cut_one_in)) {
            close(&mut start, at, &mut raw_bytes, &mut blocks);
        }
        raw_bytes += entry_bytes;
        if is_large {
            close(&mut start, at + 1, &mut raw_bytes, &mut blocks);
            blocks.extend(chunks(at, content_bytes, size.chunk_bytes));
        }
    }
    close(&mut start, entries.len(), &mut raw_bytes, &mut blocks);
    blocks.push(Block::End);
    blocks
}

fn chunks(entry: usize, content_bytes: u64, chunk_bytes: u64) -> impl Iterator<Item = Block> {
    (0..content_bytes.div_ceil(chunk_bytes)).map(move |n| {
        let offset = n * chunk_bytes;
        Block::Chunk { entry, offset, content_bytes: chunk_bytes.min(content_bytes - offset) }
    })
}

fn header_bytes(entry: &Entry<'_>, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    header(entry, 0, scratch);
    scratch.len() as u64
}

/// Whether the hash of the path says so; it stays the same whatever else changes in the layer.
fn cuts_before(entry: &Entry<'_>, one_in: u32) -> bool {
    let hash: [u8; 32] = digest_of(entry.path().as_bytes());
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]).is_multiple_of(one_in)
}

/// Names everything that the raw bytes of a block depend on: two blocks with the same recipe have the same bytes.
/// Contents count by digest, so nothing is read.
pub fn recipe(block: &Block, entries: &[Entry<'_>], epoch: i64) -> [u8; 32] {
    let mut hasher = Hasher::new();
    let mut scratch = Vec::new();
    match block {
        Block::Entries { entries: range, .. } => {
            for entry in &entries[range.clone()] {
                scratch.clear();
                header(entry, epoch, &mut scratch);
                hasher.update(&scratch);
                if let Some(content) = entry.content() {
                    hasher.update(content.digest.as_bytes());
                }
            }
        }
        Block::Chunk { entry, offset, content_bytes } => {
            hasher.field(b"chunk");
            if let Some(content) = entries[*entry].content() {
                hasher.update(content.digest.as_bytes());
            }
            hasher.update(&offset.to_le_bytes());
            hasher.update(&content_bytes.to_le_bytes());
        }
        Block::End => hasher.field(b"end"),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Codec;
    use crate::layer::entry::entries;
    use crate::tree::testing::*;
    use crate::tree::{Changeset, Content, Kind};

    fn sized(bytes: u64, text: &str) -> crate::tree::Node {
        let mut node = file(text);
        if let Kind::File { content, .. } = &mut node.kind {
            *content = Content { size_bytes: bytes, ..*content };
        }
        node
    }

    fn recipes(changeset: &Changeset) -> Vec<[u8; 32]> {
        let entries = entries(changeset);
        let blocks = blocks(&entries, Codec::Gzip { level: 2 }.block_size());
        blocks.iter().map(|block| recipe(block, &entries, 0)).collect()
    }

    #[test]
    fn the_cuts_find_each_other_again_after_a_file_has_grown() {
        let mut changeset = Changeset::new();
        for n in 0..5000_u64 {
            changeset.put(path(&format!("d/{n:05}")), sized(n * 7919 % 30_000, &n.to_string()));
        }
        let before = recipes(&changeset);
        changeset.put(path("d/00100"), sized(25_000, "grown"));
        let after = recipes(&changeset);
        let new = after.iter().filter(|recipe| !before.contains(recipe)).count();
        assert!(before.len() > 50 && new <= 3, "{new} of {} blocks are new", after.len());
    }

    #[test]
    fn a_large_file_is_cut_from_its_beginning() {
        let mut changeset = Changeset::new();
        changeset.put(path("a"), sized(10, "a"));
        changeset.put(path("big"), sized((5 << 20) + 3, "big"));
        changeset.put(path("z"), sized(10, "z"));
        let entries = entries(&changeset);
        let blocks = blocks(&entries, Codec::Gzip { level: 2 }.block_size());
        let shape: Vec<u64> = blocks.iter().map(Block::raw_bytes).collect();
        let mib = 1 << 20;
        assert_eq!(shape, [1024 + 512, mib, mib, mib, mib, mib, 512, 1024, 1024]);
    }

    #[test]
    fn a_layer_without_entries_is_the_end_marker() {
        assert_eq!(blocks(&[], Codec::None.block_size()), [Block::End]);
    }
}
