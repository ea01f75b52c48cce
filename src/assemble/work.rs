//! What the workers do with each block.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::hash::HasherState;
use crate::base::{DiffId, Hasher, LayerDigest};
use crate::layer::blocks::recipe;
use crate::layer::codec::checksum;
use crate::layer::fill::fill;
use crate::layer::{Block, BlockIndex, BlockRecord, Codec, CodecError, Entry, blocks, entries};
use crate::tree::{Changeset, ContentError, Contents};

use super::lane::Lane;
use super::pool::Pool;
use super::window::Window;

/// A layer to be made.
pub struct Order<'a> {
    /// What is in it.
    pub changeset: &'a Changeset,
    /// Where the contents of its files are.
    pub contents: &'a dyn Contents,
    /// The time of whiteouts.
    pub epoch: i64,
    /// How it is compressed.
    pub codec: Codec,
    /// A similar layer with the same codec, whose blocks may be used again.
    pub previous: Option<&'a Previous>,
    /// How many threads work on it.
    pub workers: NonZeroUsize,
    /// Told about bytes of tar as they are done.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// A layer that was made before.
pub struct Previous {
    /// Its blocks.
    pub index: BlockIndex,
    /// Its blob.
    pub blob: File,
}

/// A layer that was made.
#[derive(Debug)]
pub struct Assembled {
    /// Digest of the tar.
    pub diff_id: DiffId,
    /// Bytes of the tar.
    pub raw_bytes: u64,
    /// Digest of the blob.
    pub digest: LayerDigest,
    /// Bytes of the blob.
    pub blob_bytes: u64,
    /// For the next layer like it.
    pub index: BlockIndex,
}

/// A layer that could not be made. Nothing of it is to be kept.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A file's content could not be had.
    #[error("cannot read the content of a file of the layer")]
    Content(#[from] ContentError),
    /// A block could not be compressed.
    #[error("cannot compress the layer")]
    Codec(#[from] CodecError),
    /// The blob could not be written.
    #[error("cannot write the layer's blob")]
    Write(#[source] io::Error),
}

/// Blocks in memory for each worker: one being read, one waiting for its turn, and one to even out the difference.
const BLOCKS_PER_WORKER: usize = 3;

/// Makes the layer and writes its blob.
pub fn assemble<W: Write + Send>(order: &Order<'_>, blob: W) -> Result<Assembled, AssembleError> {
    let entries = entries(order.changeset);
    let blocks = blocks(&entries, order.codec.block_size());
    let plan = Plan::new(order, &entries, &blocks);
    let window = Window::new(0, blocks.len(), order.workers.get() * BLOCKS_PER_WORKER);
    let lanes = Lanes {
        raw: Lane::new(plan.prefix, RawLane { hasher: plan.raw_hasher(), states: plan.prefix_raw_states() }),
        blob: Lane::new(0, BlobLane { hasher: Hasher::new(), blob, records: Vec::with_capacity(blocks.len()) }),
        window,
        pool: Pool::default(),
    };
    let failure: Mutex<Option<AssembleError>> = Mutex::new(None);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(place) = lanes.window.claim() {
                if let Err(error) = make_block(&plan, &lanes, place) {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    lanes.window.stop();
                }
            }
        };
        for _ in 1..order.workers.get() {
            scope.spawn(work);
        }
        work();
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => finish(lanes),
    }
}

/// What is known before anything is read.
struct Plan<'a> {
    order: &'a Order<'a>,
    entries: &'a [Entry<'a>],
    blocks: &'a [Block],
    places: std::collections::BTreeMap<[u8; 32], (u64, &'a BlockRecord)>,
    /// How many blocks at the beginning are the same as the previous layer's.
    prefix: usize,
}

impl<'a> Plan<'a> {
    fn new(order: &'a Order<'a>, entries: &'a [Entry<'a>], blocks: &'a [Block]) -> Self {
        let records = order.previous.map_or(&[][..], |previous| &previous.index.records);
        let prefix = blocks
            .iter()
            .zip(records)
            .take_while(|(block, record)| recipe(block, entries, order.epoch) == record.recipe)
            .count();
        let places = order.previous.map(|previous| previous.index.places()).unwrap_or_default();
        Self { order, entries, blocks, places, prefix }
    }

    fn prefix_records(&self) -> &'a [BlockRecord] {
        self.order.previous.map_or(&[], |previous| &previous.index.records[..self.prefix])
    }

    /// The digest of the tar behind the prefix. A kept state that cannot be taken up would mean a broken index, whose
    /// own checksum was right: then the digest starts afresh and is wrong, which the store notices when it is committed.
    fn raw_hasher(&self) -> Hasher {
        resume(self.prefix_records().last().map(|record| &record.raw_state))
    }

    fn prefix_raw_states(&self) -> Vec<HasherState> {
        self.prefix_records().iter().map(|record| record.raw_state).collect()
    }
}

fn resume(state: Option<&HasherState>) -> Hasher {
    state.and_then(|state| Hasher::resume(state).ok()).unwrap_or_default()
}

struct Lanes<W> {
    raw: Lane<Arc<Vec<u8>>, RawLane>,
    blob: Lane<Piece, BlobLane<W>>,
    window: Window,
    pool: Pool,
}

/// The digest of the tar, and where it stood behind each block.
struct RawLane {
    hasher: Hasher,
    states: Vec<HasherState>,
}

/// The blob as far as it is written.
struct BlobLane<W> {
    hasher: Hasher,
    blob: W,
    records: Vec<BlockRecord>,
}

/// One compressed block on its way into the blob.
struct Piece {
    bytes: Vec<u8>,
    raw_bytes: u64,
    recipe: [u8; 32],
    /// The blob's digest behind it, if it was the same in the previous layer and in the same place.
    known_state: Option<HasherState>,
}

fn make_block<W: Write + Send>(plan: &Plan<'_>, lanes: &Lanes<W>, place: usize) -> Result<(), AssembleError> {
    let block = &plan.blocks[place];
    let recipe = recipe(block, plan.entries, plan.order.epoch);
    let known = plan.places.get(&recipe);
    let is_prefix = place < plan.prefix;
    let raw = if is_prefix { None } else { Some(read_raw(plan, lanes, place)?) };
    let mut bytes = lanes.pool.take();
    let reused = known.is_some_and(|(offset, record)| copy_block(plan, *offset, record, &mut bytes));
    if !reused {
        // A prefix block whose old bytes are damaged is made again: the same recipe gives the same bytes.
        match &raw {
            Some(raw) => plan.order.codec.compress(raw, &mut bytes)?,
            None => plan.order.codec.compress(&fill_buffer(plan, lanes, place)?, &mut bytes)?,
        }
    }
    if let Some(raw) = raw {
        recycle(&lanes.pool, raw);
    }
    let known_state = known.filter(|_| is_prefix).map(|(_, record)| record.blob_state);
    let piece = Piece { bytes, raw_bytes: block.raw_bytes(), recipe, known_state };
    lanes.blob.bring(place, piece, |lane, piece| write_piece(plan, lanes, lane, piece))
}

/// Reads the block's tar bytes and brings them to the diff ID's digest.
fn read_raw<W: Write + Send>(plan: &Plan<'_>, lanes: &Lanes<W>, place: usize) -> Result<Arc<Vec<u8>>, AssembleError> {
    let raw = Arc::new(fill_buffer(plan, lanes, place)?);
    lanes.raw.bring(place, Arc::clone(&raw), |lane, raw| {
        lane.hasher.update(&raw);
        lane.states.push(lane.hasher.state());
        recycle(&lanes.pool, raw);
        Ok::<(), AssembleError>(())
    })?;
    Ok(raw)
}

fn fill_buffer<W>(plan: &Plan<'_>, lanes: &Lanes<W>, place: usize) -> Result<Vec<u8>, AssembleError> {
    let block = &plan.blocks[place];
    let mut buffer = lanes.pool.take();
    buffer.resize(usize::try_from(block.raw_bytes()).unwrap_or(usize::MAX), 0);
    fill(block, plan.entries, plan.order.epoch, plan.order.contents, &mut buffer)?;
    Ok(buffer)
}

fn recycle(pool: &Pool, buffer: Arc<Vec<u8>>) {
    if let Ok(buffer) = Arc::try_unwrap(buffer) {
        pool.give(buffer);
    }
}

/// Reads a block's compressed bytes out of the previous layer's blob; false if they are not what they were.
fn copy_block(plan: &Plan<'_>, offset: u64, record: &BlockRecord, bytes: &mut Vec<u8>) -> bool {
    let Some(previous) = plan.order.previous else { return false };
    bytes.resize(usize::try_from(record.blob_bytes).unwrap_or(usize::MAX), 0);
    previous.blob.read_exact_at(bytes, offset).is_ok() && checksum(bytes) == record.blob_crc
}

fn write_piece<W: Write + Send>(
    plan: &Plan<'_>,
    lanes: &Lanes<W>,
    lane: &mut BlobLane<W>,
    piece: Piece,
) -> Result<(), AssembleError> {
    lane.blob.write_all(&piece.bytes).map_err(AssembleError::Write)?;
    match &piece.known_state {
        Some(state) => lane.hasher = resume(Some(state)),
        None => lane.hasher.update(&piece.bytes),
    }
    lane.records.push(BlockRecord {
        recipe: piece.recipe,
        raw_bytes: piece.raw_bytes,
        blob_bytes: piece.bytes.len() as u64,
        blob_crc: checksum(&piece.bytes),
        // Filled in when both lanes have ended.
        raw_state: [0; crate::base::hash::STATE_BYTES],
        blob_state: lane.hasher.state(),
    });
    lanes.pool.give(piece.bytes);
    lanes.window.done();
    (plan.order.progress)(piece.raw_bytes);
    Ok(())
}

fn finish<W: Write>(lanes: Lanes<W>) -> Result<Assembled, AssembleError> {
    let raw = lanes.raw.finish();
    let mut blob = lanes.blob.finish();
    blob.blob.flush().map_err(AssembleError::Write)?;
    for (record, state) in blob.records.iter_mut().zip(&raw.states) {
        record.raw_state = *state;
    }
    Ok(Assembled {
        diff_id: raw.hasher.finish(),
        raw_bytes: blob.records.iter().map(|record| record.raw_bytes).sum(),
        digest: blob.hasher.finish(),
        blob_bytes: blob.records.iter().map(|record| record.blob_bytes).sum(),
        index: BlockIndex { records: blob.records },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;
    use crate::tree::testing::*;
    use crate::tree::{Content, Kind};
    use std::collections::BTreeMap;
    use std::io::{Read, Seek};

    struct Memory(BTreeMap<crate::base::ContentDigest, Vec<u8>>);

    impl Contents for Memory {
        fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
            let bytes = self.0.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
            let start = offset as usize;
            buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
            Ok(())
        }
    }

    fn many_files(changed: Option<usize>) -> (Changeset, Memory) {
        let mut changeset = Changeset::new();
        let mut memory = Memory(BTreeMap::new());
        for n in 0..400_usize {
            let mut bytes = format!("file {n} ").repeat(n * 20 % 3000).into_bytes();
            if changed == Some(n) {
                bytes.extend_from_slice(b"and one more line");
            }
            if n == 200 {
                bytes = (0..5_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            }
            let content = Content { digest: digest_of(&bytes), size_bytes: bytes.len() as u64 };
            memory.0.insert(content.digest, bytes);
            let mut node = file("");
            node.kind = Kind::File { content, links: None };
            changeset.put(path(&format!("dir/{n:04}")), node);
        }
        (changeset, memory)
    }

    fn run(
        (changeset, memory): &(Changeset, Memory),
        codec: Codec,
        workers: usize,
        previous: Option<&Previous>,
    ) -> (Assembled, Vec<u8>) {
        let mut blob = Vec::new();
        let order = Order {
            changeset,
            contents: memory,
            epoch: 0,
            codec,
            previous,
            workers: NonZeroUsize::new(workers).expect("not zero"),
            progress: &|_| {},
        };
        let assembled = assemble(&order, &mut blob).expect("a layer");
        assert_eq!(assembled.digest, digest_of::<LayerDigest>(&blob));
        (assembled, blob)
    }

    fn kept(assembled: &Assembled, blob: &[u8]) -> Previous {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(blob).and_then(|()| file.rewind()).expect("written");
        Previous { index: assembled.index.clone(), blob: file }
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_workers() {
        let files = many_files(None);
        for codec in [Codec::Gzip { level: 2 }, Codec::Zstd { level: 1 }, Codec::None] {
            let (one, blob) = run(&files, codec, 1, None);
            for workers in [2, 7] {
                assert_eq!(run(&files, codec, workers, None).1, blob);
            }
            assert_eq!(one.raw_bytes % 512, 0);
        }
    }

    #[test]
    fn the_blob_uncompressed_has_the_diff_id() {
        let (assembled, blob) = run(&many_files(None), Codec::Gzip { level: 1 }, 2, None);
        let mut raw = Vec::new();
        flate2::read::MultiGzDecoder::new(&*blob).read_to_end(&mut raw).expect("gzip");
        assert_eq!((digest_of::<DiffId>(&raw), raw.len() as u64), (assembled.diff_id, assembled.raw_bytes));
    }

    #[test]
    fn blocks_that_are_used_again_give_the_same_layer() {
        let codec = Codec::Gzip { level: 2 };
        let (old, old_blob) = run(&many_files(None), codec, 2, None);
        for changed in [0, 150, 399] {
            let files = many_files(Some(changed));
            let (fresh, fresh_blob) = run(&files, codec, 2, None);
            let (reused, reused_blob) = run(&files, codec, 2, Some(&kept(&old, &old_blob)));
            assert!(reused_blob == fresh_blob, "file {changed} changed");
            assert_eq!((reused.diff_id, reused.digest, reused.index), (fresh.diff_id, fresh.digest, fresh.index));
        }
    }

    #[test]
    fn a_damaged_previous_blob_does_not_reach_the_next_one() {
        let codec = Codec::Gzip { level: 2 };
        let files = many_files(None);
        let (old, mut blob) = run(&files, codec, 2, None);
        let previous = {
            for at in (0..blob.len()).step_by(100_000) {
                blob[at] ^= 1;
            }
            kept(&old, &blob)
        };
        assert_eq!(run(&files, codec, 2, Some(&previous)).0.digest, old.digest);
    }

    #[test]
    fn a_content_that_cannot_be_read_ends_the_work() {
        let (changeset, _) = many_files(None);
        let nothing = Memory(BTreeMap::new());
        let order = Order {
            changeset: &changeset,
            contents: &nothing,
            epoch: 0,
            codec: Codec::None,
            previous: None,
            workers: NonZeroUsize::new(3).expect("not zero"),
            progress: &|_| {},
        };
        let result = assemble(&order, io::sink());
        assert!(matches!(result, Err(AssembleError::Content(ContentError::Unknown(_)))));
    }

    #[test]
    fn a_blob_that_cannot_be_written_ends_the_work() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (changeset, memory) = many_files(None);
        let order = Order {
            changeset: &changeset,
            contents: &memory,
            epoch: 0,
            codec: Codec::Gzip { level: 1 },
            previous: None,
            workers: NonZeroUsize::new(2).expect("not zero"),
            progress: &|_| {},
        };
        assert!(matches!(assemble(&order, Full), Err(AssembleError::Write(_))));
    }
}
