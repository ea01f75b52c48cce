//! The raw bytes of a block.

use std::io::{self, Write};

use crate::tree::{Changeset, ContentError, Contents};

use super::blocks::{Block, blocks};
use super::codec::Codec;
use super::entry::{Entry, entries};
use super::header::{RECORD_BYTES, header};

/// Fills `buffer`, which is exactly as long as the block, with the block's tar bytes.
pub fn fill(
    block: &Block,
    entries: &[Entry<'_>],
    epoch: i64,
    contents: &dyn Contents,
    buffer: &mut [u8],
) -> Result<(), ContentError> {
    match block {
        Block::Entries { entries: range, .. } => {
            let mut scratch = Vec::with_capacity(RECORD_BYTES);
            let mut rest = buffer;
            for entry in &entries[range.clone()] {
                scratch.clear();
                header(entry, epoch, &mut scratch);
                rest = put(rest, &scratch);
                let Some(content) = entry.content() else { continue };
                if rest.is_empty() {
                    // A large file: its content is in the chunks that follow.
                    continue;
                }
                let (body, tail) = rest.split_at_mut(usize::try_from(content.size_bytes).unwrap_or(usize::MAX));
                contents.read_at(content, 0, body)?;
                rest = pad(tail, body.len());
            }
        }
        Block::Chunk { entry, offset, content_bytes } => {
            let Some(content) = entries[*entry].content() else { return Ok(()) };
            let (body, tail) = buffer.split_at_mut(usize::try_from(*content_bytes).unwrap_or(usize::MAX));
            contents.read_at(content, *offset, body)?;
            tail.fill(0);
        }
        Block::End => buffer.fill(0),
    }
    Ok(())
}

fn put<'a>(buffer: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (to, rest) = buffer.split_at_mut(bytes.len());
    to.copy_from_slice(bytes);
    rest
}

fn pad(buffer: &mut [u8], length: usize) -> &mut [u8] {
    let (padding, rest) = buffer.split_at_mut(length.next_multiple_of(RECORD_BYTES) - length);
    padding.fill(0);
    rest
}

/// Writes the whole tar of `changeset`, one block after another.
pub fn write_tar(changeset: &Changeset, epoch: i64, contents: &dyn Contents, to: &mut dyn Write) -> io::Result<()> {
    let entries = entries(changeset);
    let mut buffer = Vec::new();
    for block in blocks(&entries, Codec::None.block_size()) {
        buffer.resize(usize::try_from(block.raw_bytes()).unwrap_or(usize::MAX), 0);
        fill(&block, &entries, epoch, contents, &mut buffer).map_err(io::Error::other)?;
        to.write_all(&buffer)?;
    }
    Ok(())
}
