//! A layer's tar as it comes out of its blob: digested, and stopped where no honest layer goes.

use std::io::{self, BufReader, Read};

use crate::base::{DiffId, Hasher};
use crate::image::LayerDescriptor;
use crate::input::InputError;
use crate::layer::read::{ReadError, decoder};
use crate::store::Store;

use super::open::BaseImage;

/// The tar of a layer, while it is read.
pub(super) struct LayerTar {
    inner: Box<dyn Read>,
    hasher: Hasher,
    raw_bytes: u64,
    blob_bytes: u64,
}

/// A layer may always hold so much, however small its blob is: whole images of empty files are that small.
const BOMB_FLOOR_BYTES: u64 = 1 << 30;

/// And beyond that so many times its blob's length. DEFLATE cannot reach it (1032); zstd's frames can.
const BOMB_RATIO: u64 = 2000;

impl LayerTar {
    /// Digest and length of what was read.
    pub(super) fn finish(self) -> (DiffId, u64) {
        (self.hasher.finish(), self.raw_bytes)
    }
}

impl Read for LayerTar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..found]);
        self.raw_bytes += found as u64;
        if self.raw_bytes > BOMB_FLOOR_BYTES && self.raw_bytes / BOMB_RATIO > self.blob_bytes {
            return Err(io::Error::other(format!(
                "a bomb: {} bytes of blob have become more than {} bytes of tar",
                self.blob_bytes, self.raw_bytes
            )));
        }
        Ok(found)
    }
}

impl BaseImage {
    /// Opens the tar of a layer whose blob is here.
    pub(super) fn open_tar(&self, layer: &LayerDescriptor, store: &Store) -> Result<LayerTar, InputError> {
        let blob = store.open_blob(&layer.digest.to_string())?;
        let inner = decoder(BufReader::with_capacity(1 << 18, blob))
            .map_err(|source| self.unreadable(layer, ReadError::Io { offset: 0, source }))?;
        Ok(LayerTar { inner, hasher: Hasher::new(), raw_bytes: 0, blob_bytes: layer.size_bytes })
    }

    /// A layer that is none.
    pub(super) fn unreadable(&self, layer: &LayerDescriptor, source: ReadError) -> InputError {
        InputError::Layer {
            image: self.request.image.clone(),
            digest: layer.digest.to_string(),
            source: Box::new(source),
        }
    }
}
