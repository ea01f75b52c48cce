//! Config, manifest and index: what makes layers an image (image-spec, config.md, manifest.md, image-index.md).
//!
//! ```text
//! Plan  --build-->  Image { config, manifest, layers }      one platform
//!                   Image...  --index-->  Index             several
//! bytes --checks::image-->  Image                           one that others wrote, checked
//! ```
//! A [`Blob`] keeps the bytes that were digested; nothing is serialised again to be digested again. Written JSON is
//! compact with sorted keys, and each time in it is the plan's `created`.
//!
//! Decision: an image without a base gets no `PATH` in its `Env`. The engines put their own default there when a container
//! starts, BuildKit writes one into images from scratch and the classic builder does not; what the template does not say
//! is not in the image.
//!
//! Decision: the layers of a base keep their bytes and their digests, but docker's names of media types become OCI's: the
//! manifest is OCI's, and readers that go by the specification refuse a mixture.
//!
//! Architecture Invariant: pure. No clock: `created` is an input. Nothing of the machine and no version of kiln is in what
//! is written here.

pub mod annotations;
mod base;
pub mod build;
pub mod checks;
pub mod config;
pub mod error;
pub mod execution;
pub mod facts;
pub mod index;
pub mod links;

pub use build::build;
pub use error::{CheckError, IndexError};
pub use execution::Execution;
pub use index::{Index, IndexEntry, index};
pub use links::{Descriptor, Links};
pub use oci_spec::image::MediaType;

use std::collections::BTreeMap;

use crate::base::{ConfigDigest, DiffId, Epoch, LayerDigest, ManifestDigest, Platform};
use crate::template::Config;

/// All that decides the bytes of one platform's image, its layers being made already.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// What it runs on.
    pub platform: &'a Platform,
    /// The time in config and annotations.
    pub created: Epoch,
    /// The template's `name`.
    pub name: Option<&'a str>,
    /// The template's `version`.
    pub version: Option<&'a str>,
    /// How to run it.
    pub config: &'a Config,
    /// The template's annotations, which win over the default ones.
    pub annotations: &'a BTreeMap<String, String>,
    /// What it starts from.
    pub base: Option<Base<'a>>,
    /// From the bottom up, each with the name that the template gives it.
    pub layers: &'a [(String, LayerDescriptor)],
}

impl Plan<'_> {
    /// The layers of the base, then those of the template.
    pub fn all_layers(&self) -> impl Iterator<Item = LayerDescriptor> {
        let base = self.base.iter().flat_map(|base| base.layers);
        let base =
            base.map(|layer| LayerDescriptor { media_type: base::media_type(&layer.media_type), ..layer.clone() });
        base.chain(self.layers.iter().map(|(_, layer)| layer.clone()))
    }
}

/// An image to start from. Its layers are taken as they are, so that whoever has them need not fetch them again.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its config, as JSON.
    pub config: &'a serde_json::Value,
    /// Its layers.
    pub layers: &'a [LayerDescriptor],
    /// The name in a registry and the digest there, if it came from one.
    pub origin: Option<(&'a str, &'a str)>,
}

/// A layer as a manifest names it, and its diff ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDescriptor {
    /// Of the uncompressed tar.
    pub diff_id: DiffId,
    /// Of the blob.
    pub digest: LayerDigest,
    /// Length of the blob.
    pub size_bytes: u64,
    /// Which says how the blob is compressed.
    pub media_type: MediaType,
}

/// Bytes, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob<D> {
    /// Exactly what was digested.
    pub bytes: Vec<u8>,
    /// Of `bytes`.
    pub digest: D,
    /// What they are.
    pub media_type: MediaType,
}

impl<D: From<[u8; crate::base::digest::DIGEST_BYTES]>> Blob<D> {
    /// Digests `bytes`.
    pub fn new(bytes: Vec<u8>, media_type: MediaType) -> Self {
        Self { digest: crate::base::hash::digest_of(&bytes), bytes, media_type }
    }
}

/// The image of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it runs on.
    pub platform: Platform,
    /// The config.
    pub config: Blob<ConfigDigest>,
    /// The manifest.
    pub manifest: Blob<ManifestDigest>,
    /// From the bottom up.
    pub layers: Vec<LayerDescriptor>,
}

#[cfg(test)]
pub(crate) mod testing {
    //! Images for unit tests, here and where images are read and written.

    use super::*;
    use crate::base::hash::digest_of;

    /// A layer whose blob is `bytes`, uncompressed.
    pub(crate) fn plain_layer(bytes: &[u8]) -> LayerDescriptor {
        LayerDescriptor {
            diff_id: digest_of(bytes),
            digest: digest_of(bytes),
            size_bytes: bytes.len() as u64,
            media_type: MediaType::ImageLayer,
        }
    }

    /// `shop/api:1.8.2` for one platform.
    pub(crate) fn image(platform: &str, config: &Config, layers: &[LayerDescriptor]) -> Image {
        let layers: Vec<_> =
            layers.iter().enumerate().map(|(at, layer)| (format!("layer {at}"), layer.clone())).collect();
        let plan = Plan {
            platform: &platform.parse().expect("a platform"),
            created: Epoch::from_seconds(1_767_225_600).expect("a time"),
            name: Some("shop/api"),
            version: Some("1.8.2"),
            config,
            annotations: &BTreeMap::new(),
            base: None,
            layers: &layers,
        };
        build(&plan)
    }
}
