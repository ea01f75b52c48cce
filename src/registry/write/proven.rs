//! The bytes of a blob on their way out, held against its digest before the last of them leaves.

use std::io::{self, Read};

use crate::base::{BlobDigest, Hasher};

/// Bytes read at once where a beginning is only digested.
const PIECE_BYTES: usize = 256 * 1024;

/// What was to be sent is not what its digest says.
#[derive(Debug, thiserror::Error)]
#[error("its bytes are not what its digest says: expected {expected}, found {found}")]
pub struct Damaged {
    /// Its name.
    pub expected: BlobDigest,
    /// Of its bytes.
    pub found: BlobDigest,
}

/// Reads from a place of a blob to its end.
pub(super) struct Proven<R> {
    inner: R,
    hasher: Hasher,
    expected: BlobDigest,
    left: u64,
}

impl<R: Read> Proven<R> {
    /// From `offset` on; `inner` is at the beginning. What lies before is read and digested.
    pub(super) fn new(mut inner: R, expected: BlobDigest, size_bytes: u64, offset: u64) -> io::Result<Self> {
        let (mut hasher, mut left) = (Hasher::new(), offset);
        let mut piece = vec![0; if offset > 0 { PIECE_BYTES } else { 0 }];
        while left > 0 {
            let room = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match inner.read(&mut piece[..room]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(found) => {
                    hasher.update(&piece[..found]);
                    left -= found as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { inner, hasher, expected, left: size_bytes.saturating_sub(offset) })
    }
}

impl<R: Read> Read for Proven<R> {
    /// Gives the end of the blob only if the whole is what it should be, so that a registry never gets all of another.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let found = self.inner.read(&mut buffer[..room])?;
        self.hasher.update(&buffer[..found]);
        self.left -= found as u64;
        if self.left == 0 && found > 0 {
            let found: BlobDigest = self.hasher.clone().finish();
            if found != self.expected {
                let damaged = Damaged { expected: self.expected, found };
                return Err(io::Error::new(io::ErrorKind::InvalidData, damaged));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;

    fn read(bytes: &[u8], expected: &[u8], offset: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut proven = Proven::new(bytes, digest_of(expected), expected.len() as u64, offset)?;
        proven.read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn the_end_of_something_else_never_leaves() {
        let good = vec![7; 600_000];
        let mut bad = good.clone();
        bad[3] = 8;
        assert_eq!(read(&good, &good, 0).expect("itself"), good);
        assert_eq!(read(&good, &good, 599_999).expect("itself"), [7]);
        for offset in [0, 4, 300_000] {
            let error = read(&bad, &good, offset).expect_err("another");
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Damaged>());
            assert!(cause.is_some_and(|cause| cause.expected == digest_of(&good)), "{error}");
        }
        assert_eq!(read(&good[..10], &good, 20).expect_err("too short").kind(), io::ErrorKind::UnexpectedEof);
    }
}
