//! The index of an image for several platforms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::hash::digest_of;
use crate::base::json::bytes_of;
use crate::base::{IndexDigest, ManifestDigest, Platform};

use super::error::IndexError;
use super::{Image, MediaType};

/// Which image is for which platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Exactly what was digested.
    pub bytes: Vec<u8>,
    /// Of `bytes`.
    pub digest: IndexDigest,
    /// Its images, by operating system, architecture and variant.
    pub manifests: Vec<IndexEntry>,
}

/// One image of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its manifest.
    pub digest: ManifestDigest,
    /// Length of the manifest.
    pub size_bytes: u64,
    /// What the manifest is; in a foreign index possibly not an image.
    pub media_type: MediaType,
    /// What it is for; always there in kiln's own.
    pub platform: Option<Platform>,
    /// What kind of artifact it says that it is; images say nothing.
    pub artifact_type: Option<String>,
    /// Its annotations; none in kiln's own.
    pub annotations: BTreeMap<String, String>,
}

/// The index of `images`, in whatever order they come. There are no entries but images: attestations are referrers, so
/// that they do not change this digest.
pub fn index(images: &[Image], annotations: &BTreeMap<String, String>) -> Result<Index, IndexError> {
    let mut sorted: Vec<&Image> = images.iter().collect();
    sorted.sort_by(|a, b| a.platform.cmp(&b.platform));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].platform == pair[1].platform) {
        return Err(IndexError::SamePlatform { platform: pair[0].platform.clone() });
    }
    let mut index = json!({
        "manifests": sorted.iter().map(|image| descriptor(image)).collect::<Vec<Value>>(),
        "mediaType": MediaType::ImageIndex.as_ref(),
        "schemaVersion": 2,
    });
    if !annotations.is_empty() {
        index["annotations"] = json!(annotations);
    }
    let bytes = bytes_of(&index);
    let manifests = sorted
        .iter()
        .map(|image| IndexEntry {
            digest: image.manifest.digest,
            size_bytes: image.manifest.bytes.len() as u64,
            media_type: image.manifest.media_type.clone(),
            platform: Some(image.platform.clone()),
            artifact_type: None,
            annotations: BTreeMap::new(),
        })
        .collect();
    Ok(Index { digest: digest_of(&bytes), bytes, manifests })
}

fn descriptor(image: &Image) -> Value {
    let mut platform = json!({ "architecture": image.platform.architecture, "os": image.platform.os });
    if let Some(variant) = &image.platform.variant {
        platform["variant"] = json!(variant);
    }
    json!({
        "digest": image.manifest.digest,
        "mediaType": image.manifest.media_type.as_ref(),
        "platform": platform,
        "size": image.manifest.bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::image;
    use super::*;
    use crate::template::Config;

    #[test]
    fn platforms_are_sorted_however_they_come() {
        let images: Vec<Image> = ["linux/arm64", "linux/amd64", "linux/arm/v7", "linux/arm/v6"]
            .iter()
            .map(|platform| image(platform, &Config::default(), &[]))
            .collect();
        let one = index(&images, &BTreeMap::new()).expect("four platforms");
        let reversed: Vec<Image> = images.iter().rev().cloned().collect();
        assert_eq!(index(&reversed, &BTreeMap::new()).expect("four platforms"), one);
        let platforms: Vec<String> =
            one.manifests.iter().filter_map(|entry| entry.platform.as_ref().map(Platform::to_string)).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64"]);
        assert_eq!(one.digest, digest_of(&one.bytes));
        let twice = [images[0].clone(), images[0].clone()];
        assert!(matches!(index(&twice, &BTreeMap::new()), Err(IndexError::SamePlatform { .. })));
    }
}
