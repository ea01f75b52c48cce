//! The content of one file as it passes: zeros put where a sparse file has holes, digested, handed to the sink.

use std::io::{self, Read};

use crate::base::{Hasher, ImagePath};
use crate::tree::Content;

use super::blocks::{Blocks, Data};
use super::error::ReadError;
use super::sparse::Map;

/// Receives each regular file: its path, its size in bytes and a reader of exactly that many bytes. It need not read them
/// all. Its error ends the reading as [`ReadError::Sink`].
pub type Sink<'a> = dyn FnMut(&ImagePath, u64, &mut dyn Read) -> io::Result<()> + 'a;

/// A sink that wants nothing: only digests are needed.
pub fn ignore(_: &ImagePath, _: u64, _: &mut dyn Read) -> io::Result<()> {
    Ok(())
}

/// The bytes of a file in a tar.
pub(super) struct Expanded<'a, R> {
    blocks: &'a mut Blocks<R>,
    map: &'a Map,
    segment: usize,
    position: u64,
}

impl<'a, R: Read> Expanded<'a, R> {
    pub(super) fn new(blocks: &'a mut Blocks<R>, map: &'a Map) -> Self {
        Self { blocks, map, segment: 0, position: 0 }
    }
}

impl<R: Read> Read for Expanded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let segments = &self.map.segments;
        while segments.get(self.segment).is_some_and(|at| at.offset + at.length <= self.position) {
            self.segment += 1;
        }
        let next = segments.get(self.segment);
        let hole_end = next.map_or(self.map.size, |at| at.offset);
        let (end, is_hole) = match next {
            Some(at) if at.offset <= self.position => (at.offset + at.length, false),
            _ => (hole_end, true),
        };
        let room = usize::try_from(end - self.position).unwrap_or(usize::MAX).min(buffer.len());
        let found = if is_hole {
            buffer[..room].fill(0);
            room
        } else {
            Data(self.blocks).read(&mut buffer[..room])?
        };
        self.position += found as u64;
        Ok(found)
    }
}

/// A reader that digests what is read from it.
struct Digesting<'a> {
    inner: &'a mut dyn Read,
    hasher: Hasher,
    size_bytes: u64,
}

impl Read for Digesting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..found]);
        self.size_bytes += found as u64;
        Ok(found)
    }
}

/// Hands `size` bytes of `reader` to the sink and gives their digest. Whether they all came is for the caller to see: the
/// size in the answer is what was read.
pub(crate) fn deliver(
    path: &ImagePath,
    size: u64,
    reader: &mut dyn Read,
    sink: &mut Sink<'_>,
) -> Result<Content, ReadError> {
    let mut digesting = Digesting { inner: reader, hasher: Hasher::new(), size_bytes: 0 };
    let done = sink(path, size, &mut digesting).and_then(|()| io::copy(&mut digesting, &mut io::sink()).map(drop));
    done.map_err(|source| ReadError::Sink { path: path.clone(), source })?;
    Ok(Content { size_bytes: digesting.size_bytes, digest: digesting.hasher.finish() })
}
