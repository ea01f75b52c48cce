//! Bytes on their way into the store, digested as they pass.

use std::io::{self, Read, Write};

use crate::base::{ContentDigest, Hasher};
use crate::store::{Store, StoreError};

use super::error::InputError;

/// A writer that digests what is written to it.
pub(super) struct Digesting<W> {
    inner: W,
    hasher: Hasher,
    size_bytes: u64,
}

impl<W> Digesting<W> {
    /// Nothing yet.
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new(), size_bytes: 0 }
    }

    /// The writer, the digest and the length of what was written.
    pub(super) fn finish(self) -> (W, ContentDigest, u64) {
        (self.inner, self.hasher.finish(), self.size_bytes)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What a blob has to be.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    pub(super) digest: ContentDigest,
    /// `None` where only the digest is known.
    pub(super) size_bytes: Option<u64>,
}

/// Copies a blob into the store, if it is what it should be. `input` is for messages.
pub(super) fn take(input: &str, expected: Expected, from: impl Read, store: &Store) -> Result<(), InputError> {
    let mut writer = Digesting::new(store.writer()?);
    // A blob that is longer than it says need not be read to its end.
    let limit = expected.size_bytes.map_or(u64::MAX, |size_bytes| size_bytes.saturating_add(1));
    io::copy(&mut from.take(limit), &mut writer).map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull => InputError::Store(StoreError::Full { store: store.root().to_owned() }),
        _ => InputError::Read { input: input.to_owned(), source },
    })?;
    let (writer, digest, size_bytes) = writer.finish();
    if digest != expected.digest || expected.size_bytes.is_some_and(|expected| expected != size_bytes) {
        let wanted = expected.size_bytes.map(|size_bytes| format!(" ({size_bytes} bytes)")).unwrap_or_default();
        return Err(InputError::Mismatch {
            input: input.to_owned(),
            expected: format!("{}{wanted}", expected.digest),
            found: format!("{digest} ({size_bytes} bytes)"),
        });
    }
    Ok(writer.commit(&digest.to_string())?)
}
