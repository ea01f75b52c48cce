//! A reader that knows what it should read.

use std::io::{self, Read};

use crate::base::digest::{DIGEST_BYTES, hex};
use crate::base::{Hasher, LayerDigest};

/// A blob that is not what its digest says. It is the inner error of the [`io::Error`] that [`Verified`] gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected_bytes} bytes with the digest sha256:{expected}, found {found_bytes} with sha256:{found}")]
pub struct VerifyError {
    /// Hexadecimal digest that led here.
    pub expected: String,
    /// Its length.
    pub expected_bytes: u64,
    /// Hexadecimal digest of what was read until the end, or until it was too long.
    pub found: String,
    /// How much that was.
    pub found_bytes: u64,
}

/// Gives the bytes of `reader`, and an error instead of the end if they were not the expected ones.
pub struct Verified<R> {
    reader: R,
    hasher: Hasher,
    expected: [u8; DIGEST_BYTES],
    expected_bytes: u64,
    found_bytes: u64,
}

impl<R> Verified<R> {
    /// Expects `expected_bytes` bytes with the SHA-256 `expected`.
    pub fn new(reader: R, expected: [u8; DIGEST_BYTES], expected_bytes: u64) -> Self {
        Self { reader, hasher: Hasher::new(), expected, expected_bytes, found_bytes: 0 }
    }

    fn check(&self) -> io::Result<()> {
        let found: LayerDigest = self.hasher.clone().finish();
        if *found.as_bytes() == self.expected && self.found_bytes == self.expected_bytes {
            return Ok(());
        }
        let error = VerifyError {
            expected: hex(&self.expected),
            expected_bytes: self.expected_bytes,
            found: found.hex(),
            found_bytes: self.found_bytes,
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let found = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..found]);
        self.found_bytes += found as u64;
        if found == 0 || self.found_bytes > self.expected_bytes {
            self.check()?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;

    #[test]
    fn wrong_bytes_have_no_end() {
        let digest: LayerDigest = digest_of(b"good");
        let read = |bytes: &'static [u8]| {
            let mut out = Vec::new();
            Verified::new(bytes, *digest.as_bytes(), 4).read_to_end(&mut out).map(|_| out)
        };
        assert_eq!(read(b"good").expect("the right bytes"), b"good");
        for wrong in [&b"evil"[..], b"goo", b"goods", b""] {
            let error = read(wrong).expect_err("wrong bytes");
            assert!(error.get_ref().is_some_and(|inner| inner.is::<VerifyError>()), "{error:?}");
        }
    }
}
