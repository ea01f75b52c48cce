//! Brings a layer's blob into the store.

use std::io::Read;

use crate::base::ContentDigest;
use crate::image::LayerDescriptor;
use crate::input::copy::{self, Expected};
use crate::input::{InputError, Reach, each};
use crate::source::image as file;

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
            return self.take_blob(layer, blob, reach);
        }
        match &self.named {
            Named::Registry(name) => reach.remote.blob(name, &layer.digest, layer.size_bytes, reach.store),
            Named::File(reference) => {
                let file = file::open(reference)?;
                self.take_blob(layer, file.layer(layer)?, reach)
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
        each(&missing, AT_ONCE, |layer| self.bring_blob(layer, reach)).map(drop)
    }

    fn take_blob(&self, layer: &LayerDescriptor, from: impl Read, reach: &Reach<'_>) -> Result<(), InputError> {
        let digest = ContentDigest::from(*layer.digest.as_bytes());
        let expected = Expected { digest, size_bytes: Some(layer.size_bytes) };
        copy::take(&self.request.image, expected, from, reach.store)
    }
}
