//! Brings a layer's blob into the store.

use std::io::{self, Read, Write};

use crate::base::Hasher;
use crate::image::LayerDescriptor;
use crate::input::{InputError, Reach};
use crate::source::image as file;
use crate::store::StoreError;

use super::named::Named;
use super::open::BaseImage;

impl BaseImage {
    /// Makes sure that the store has the blob of a layer.
    pub fn bring_blob(&self, layer: &LayerDescriptor, reach: &Reach<'_>) -> Result<(), InputError> {
        let digest = layer.digest.to_string();
        if reach.store.has_blob(&digest, layer.size_bytes) {
            return Ok(());
        }
        if let Some(blob) = reach.vendor.and_then(|vendor| vendor.open(&digest)) {
            return self.copy(blob, layer, reach);
        }
        match &self.named {
            Named::Registry(name) => reach.remote.blob(name, &layer.digest, layer.size_bytes, reach.store),
            Named::File(reference) => {
                let file = file::open(reference)?;
                self.copy(file.layer(layer)?, layer, reach)
            }
            Named::Store(_) => Err(InputError::Gone { input: self.request.image.clone(), digest }),
        }
    }

    /// Brings all of them, several at once.
    pub fn bring_blobs(&self, reach: &Reach<'_>) -> Result<(), InputError> {
        let missing: Vec<&LayerDescriptor> = self
            .image
            .layers
            .iter()
            .filter(|layer| !reach.store.has_blob(&layer.digest.to_string(), layer.size_bytes))
            .collect();
        /// What registries and browsers are used to.
        const AT_ONCE: usize = 4;
        crate::input::remote::each(&missing, AT_ONCE, |layer| self.bring_blob(layer, reach))
    }

    fn copy(&self, from: impl Read, layer: &LayerDescriptor, reach: &Reach<'_>) -> Result<(), InputError> {
        let store = reach.store;
        let mut writer = Digesting { inner: store.writer()?, hasher: Hasher::new(), size_bytes: 0 };
        // A blob that is longer than it says need not be read to its end.
        let copied = io::copy(&mut from.take(layer.size_bytes + 1), &mut writer);
        copied.map_err(|source| match source.kind() {
            io::ErrorKind::StorageFull => InputError::Store(StoreError::Full { store: store.root().to_owned() }),
            _ => InputError::Read { input: self.request.image.clone(), source },
        })?;
        let found = writer.hasher.finish::<crate::base::LayerDigest>();
        if (found, writer.size_bytes) != (layer.digest, layer.size_bytes) {
            return Err(InputError::Mismatch {
                input: self.request.image.clone(),
                expected: format!("{} ({} bytes)", layer.digest, layer.size_bytes),
                found: format!("{found} ({} bytes)", writer.size_bytes),
            });
        }
        Ok(writer.inner.commit(&layer.digest.to_string())?)
    }
}

/// A writer that digests what is written to it.
struct Digesting<W> {
    inner: W,
    hasher: Hasher,
    size_bytes: u64,
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
