//! What a manifest or an index of any kind leads to: images, attestations, signatures, whatever registries keep.
//!
//! Unlike [`super::checks`], which accepts images alone, this asks for no more than it takes to carry something from one
//! place to another whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::base::BlobDigest;

use super::MediaType;
use super::checks::{DOCUMENT_MAX_BYTES, is_index};
use super::error::CheckError;

/// What a document says of another one (image-spec, descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Of its bytes.
    pub digest: BlobDigest,
    /// How many they are.
    pub size: u64,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What it runs on, as it is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Value>,
    /// Other places of it, which are never asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// Where a document leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// What it says that it is.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Of a manifest.
    #[serde(default)]
    pub config: Option<Descriptor>,
    /// Of a manifest.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub layers: Vec<Descriptor>,
    /// Of an index.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub manifests: Vec<Descriptor>,
    /// What it refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// What kind of artifact it is.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// What else it says of itself.
    #[serde(default, deserialize_with = "null_is_nothing")]
    pub annotations: BTreeMap<String, String>,
}

/// What programs in Go write for a list that they did not begin.
fn null_is_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl Links {
    /// Of the bytes of a manifest or an index.
    pub fn of(bytes: &[u8]) -> Result<Self, CheckError> {
        let what = "manifest";
        if bytes.len() > DOCUMENT_MAX_BYTES {
            return Err(CheckError::TooLarge { what, size_bytes: bytes.len() });
        }
        serde_json::from_slice(bytes).map_err(|source| CheckError::Json { what, source })
    }

    /// Whether it lists others.
    pub fn is_index(&self, media_type: &MediaType) -> bool {
        is_index(media_type) || (self.config.is_none() && !self.manifests.is_empty())
    }

    /// Config and layers, each once. What registries of docker call foreign is left out: it is elsewhere by its nature.
    pub fn blobs(&self) -> Vec<&Descriptor> {
        let mut seen = BTreeSet::new();
        let here = self.config.iter().chain(&self.layers).filter(|blob| !blob.is_elsewhere());
        here.filter(|blob| seen.insert(blob.digest)).collect()
    }

    /// What the referrers API says that it is: its own word, else its config's type (distribution-spec, "Listing
    /// Referrers").
    pub fn kind(&self) -> Option<String> {
        self.artifact_type.clone().or_else(|| self.config.as_ref().map(|config| config.media_type.clone()))
    }
}

impl Descriptor {
    /// Of a document of which nothing else is said.
    pub fn plain(media_type: &MediaType, digest: BlobDigest, size: u64) -> Self {
        let (artifact_type, annotations, platform, urls) = Default::default();
        Self { media_type: media_type.to_string(), digest, size, artifact_type, annotations, platform, urls }
    }

    /// Whether it may be missing in a registry (image-spec, layer.md, "Non-Distributable Layers").
    pub fn is_elsewhere(&self) -> bool {
        !self.urls.is_empty() && (self.media_type.contains("nondistributable") || self.media_type.contains(".foreign."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_named_once_and_foreign_ones_left_out() {
        let digest = |c: char| format!("sha256:{}", c.to_string().repeat(64));
        let layer = |c, kind: &str, urls: &[&str]| serde_json::json!({ "mediaType": kind, "digest": digest(c), "size": 1, "urls": urls });
        let tar = "application/vnd.oci.image.layer.v1.tar";
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": { "mediaType": "application/x", "digest": digest('a'), "size": 2 },
            "layers": [layer('b', tar, &[]), layer('b', tar, &[]), layer('c', foreign, &["https://x"])],
        });
        let links = Links::of(manifest.to_string().as_bytes()).expect("a manifest");
        let blobs: Vec<String> = links.blobs().iter().map(|blob| blob.digest.to_string()).collect();
        assert_eq!(blobs, [digest('a'), digest('b')]);
        assert_eq!(links.kind().as_deref(), Some("application/x"));
        assert!(!links.is_index(&MediaType::ImageManifest) && links.is_index(&MediaType::ImageIndex));
    }

    #[test]
    fn what_has_no_sha256_or_no_end_is_refused() {
        let sha512 =
            serde_json::json!({ "mediaType": "x", "digest": format!("sha512:{}", "0".repeat(128)), "size": 1 });
        let index = serde_json::json!({ "manifests": [sha512] }).to_string();
        assert!(matches!(Links::of(index.as_bytes()), Err(CheckError::Json { .. })));
        assert!(matches!(Links::of(&vec![b' '; DOCUMENT_MAX_BYTES + 1]), Err(CheckError::TooLarge { .. })));
        assert!(Links::of("[".repeat(100_000).as_bytes()).is_err());
        assert_eq!(Links::of(br#"{"manifests":null}"#).expect("as umoci writes it").manifests, []);
    }
}
