//! What is remembered of the blocks of a layer, so that the next build of a similar one need not make them again.
//!
//! For each block: its recipe, its place in the blob, a checksum of its compressed bytes, and the state of both running
//! digests behind it. A new layer that begins with the same blocks takes up the digests where they stood and copies the
//! bytes; one that differs in the middle copies what is the same behind it as well, and only hashes that again. The first
//! block that differs is where work begins.
//!
//! ```text
//! "kiln blocks 1\n"  record ...  sha256 of all before
//! record = recipe 32  raw u64  blob u64  crc u32  raw state STATE  blob state STATE          numbers little-endian
//! ```

use std::collections::BTreeMap;

use crate::base::hash::{HasherState, STATE_BYTES, digest_of};

/// One block of a layer that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// What it was made of ([`super::blocks::recipe`]).
    pub recipe: [u8; 32],
    /// Bytes of tar.
    pub raw_bytes: u64,
    /// Bytes in the blob.
    pub blob_bytes: u64,
    /// CRC-32 of the bytes in the blob: a damaged blob must not be copied from.
    pub blob_crc: u32,
    /// The diff ID's digest behind this block.
    pub raw_state: HasherState,
    /// The blob's digest behind this block.
    pub blob_state: HasherState,
}

/// All blocks of one layer, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockIndex {
    /// In the order of the blob.
    pub records: Vec<BlockRecord>,
}

const MAGIC: &[u8] = b"kiln blocks 1\n";
const RECORD_BYTES: usize = 32 + 8 + 8 + 4 + 2 * STATE_BYTES;
const DIGEST_BYTES: usize = 32;

impl BlockIndex {
    /// Where each block begins in the blob, by recipe.
    pub fn places(&self) -> BTreeMap<[u8; 32], (u64, &BlockRecord)> {
        let mut offset = 0;
        let mut places = BTreeMap::new();
        for record in &self.records {
            places.insert(record.recipe, (offset, record));
            offset += record.blob_bytes;
        }
        places
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + self.records.len() * RECORD_BYTES + DIGEST_BYTES);
        bytes.extend_from_slice(MAGIC);
        for record in &self.records {
            bytes.extend_from_slice(&record.recipe);
            bytes.extend_from_slice(&record.raw_bytes.to_le_bytes());
            bytes.extend_from_slice(&record.blob_bytes.to_le_bytes());
            bytes.extend_from_slice(&record.blob_crc.to_le_bytes());
            bytes.extend_from_slice(&record.raw_state);
            bytes.extend_from_slice(&record.blob_state);
        }
        let digest: [u8; DIGEST_BYTES] = digest_of(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Reads kept bytes; `None` if they are damaged or another version's: the index only saves work.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
        let expected: [u8; DIGEST_BYTES] = digest_of(body);
        if digest != expected {
            return None;
        }
        let body = body.strip_prefix(MAGIC)?;
        if body.len() % RECORD_BYTES != 0 {
            return None;
        }
        Some(Self { records: body.chunks_exact(RECORD_BYTES).map(read_record).collect::<Option<_>>()? })
    }
}

fn read_record(bytes: &[u8]) -> Option<BlockRecord> {
    let (recipe, rest) = bytes.split_first_chunk()?;
    let (raw_bytes, rest) = rest.split_first_chunk()?;
    let (blob_bytes, rest) = rest.split_first_chunk()?;
    let (blob_crc, rest) = rest.split_first_chunk()?;
    let (raw_state, rest) = rest.split_first_chunk()?;
    let (blob_state, _) = rest.split_first_chunk()?;
    Some(BlockRecord {
        recipe: *recipe,
        raw_bytes: u64::from_le_bytes(*raw_bytes),
        blob_bytes: u64::from_le_bytes(*blob_bytes),
        blob_crc: u32::from_le_bytes(*blob_crc),
        raw_state: *raw_state,
        blob_state: *blob_state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_back_and_a_damaged_one_is_not() {
        let record = BlockRecord {
            recipe: [1; 32],
            raw_bytes: 5,
            blob_bytes: 3,
            blob_crc: 9,
            raw_state: [2; STATE_BYTES],
            blob_state: [3; STATE_BYTES],
        };
        let index = BlockIndex { records: vec![record.clone(), BlockRecord { recipe: [4; 32], ..record }] };
        let mut bytes = index.to_bytes();
        assert_eq!(BlockIndex::from_bytes(&bytes), Some(index.clone()));
        assert_eq!(index.places().get(&[4; 32]).map(|(offset, _)| *offset), Some(3));
        bytes[20] ^= 1;
        assert_eq!(BlockIndex::from_bytes(&bytes), None);
        assert_eq!(BlockIndex::from_bytes(b""), None);
    }
}
