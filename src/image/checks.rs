//! Manifests, configs and indexes that others wrote, checked before anything is made of them.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};
use serde::de::DeserializeOwned;

use crate::base::{ConfigDigest, DiffId, Platform};

use super::error::CheckError;
use super::facts::{ConfigFacts, ManifestFacts};
use super::index::IndexEntry;
use super::{Blob, Image, LayerDescriptor, MediaType};

/// Bytes of a manifest, index or config: what distribution-spec asks registries to accept of a manifest at least, and what
/// they accept at most.
pub const DOCUMENT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Docker's names for what OCI took over unchanged.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYERS: [&str; 4] = [
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
];

/// Whether this names an image manifest.
pub fn is_manifest(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageManifest || media_type.as_ref() == DOCKER_MANIFEST
}

/// Whether this names an index.
pub fn is_index(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageIndex || media_type.as_ref() == DOCKER_INDEX
}

fn is_layer(media_type: &MediaType) -> bool {
    use MediaType as M;
    match media_type {
        M::ImageLayer | M::ImageLayerGzip | M::ImageLayerZstd => true,
        M::ImageLayerNonDistributable | M::ImageLayerNonDistributableGzip | M::ImageLayerNonDistributableZstd => true,
        other => DOCKER_LAYERS.contains(&other.as_ref()),
    }
}

/// Reads a manifest.
pub fn manifest(bytes: &[u8]) -> Result<ManifestFacts, CheckError> {
    let what = "manifest";
    let read: ImageManifest = parse(what, bytes)?;
    check_version(what, read.schema_version())?;
    // image-spec lets the field be absent, and then it is OCI's.
    let media_type = read.media_type().clone().unwrap_or(MediaType::ImageManifest);
    check_type(what, &media_type, is_manifest)?;
    let config = read.config();
    check_type("config", config.media_type(), |found| {
        *found == MediaType::ImageConfig || found.as_ref() == DOCKER_CONFIG
    })?;
    let layers = read.layers().iter().map(|layer| {
        check_type("layer", layer.media_type(), is_layer)?;
        Ok((digest("layer", layer)?, layer.size(), layer.media_type().clone()))
    });
    Ok(ManifestFacts {
        media_type,
        config: digest("config", config)?,
        config_size_bytes: config.size(),
        config_media_type: config.media_type().clone(),
        layers: layers.collect::<Result<_, CheckError>>()?,
        annotations: read.annotations().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
    })
}

/// Reads an index. Its entries may be anything; see [`is_manifest`].
pub fn index(bytes: &[u8]) -> Result<Vec<IndexEntry>, CheckError> {
    let what = "index";
    let read: ImageIndex = parse(what, bytes)?;
    check_version(what, read.schema_version())?;
    check_type(what, read.media_type().as_ref().unwrap_or(&MediaType::ImageIndex), is_index)?;
    read.manifests().iter().map(entry).collect()
}

fn entry(descriptor: &Descriptor) -> Result<IndexEntry, CheckError> {
    let platform = descriptor.platform().as_ref().map(|platform| {
        self::platform(&platform.os().to_string(), &platform.architecture().to_string(), platform.variant().as_deref())
    });
    let annotations: BTreeMap<_, _> =
        descriptor.annotations().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(IndexEntry {
        digest: digest("manifest", descriptor)?,
        size_bytes: descriptor.size(),
        media_type: descriptor.media_type().clone(),
        platform: platform.transpose()?,
        artifact_type: descriptor.artifact_type().as_ref().map(ToString::to_string),
        annotations,
    })
}

/// Reads a config.
pub fn config(bytes: &[u8]) -> Result<ConfigFacts, CheckError> {
    let what = "config";
    let read: ImageConfiguration = parse(what, bytes)?;
    let json = parse(what, bytes)?;
    if read.rootfs().typ() != "layers" {
        return Err(CheckError::RootType { found: read.rootfs().typ().clone() });
    }
    let diff_ids = read.rootfs().diff_ids().iter();
    let diff_ids: Vec<DiffId> = diff_ids
        .map(|text| text.parse().map_err(|source| CheckError::Digest { what: "layer", source }))
        .collect::<Result<_, _>>()?;
    let entries = read.history().as_deref().unwrap_or_default();
    let history: Vec<String> = entries
        .iter()
        .filter(|entry| entry.empty_layer() != Some(true))
        .map(|entry| entry.created_by().clone().unwrap_or_default())
        .collect();
    // A history is optional as a whole.
    if !entries.is_empty() && history.len() != diff_ids.len() {
        return Err(CheckError::HistoryCount { history: history.len(), layers: diff_ids.len() });
    }
    let platform = platform(&read.os().to_string(), &read.architecture().to_string(), read.variant().as_deref())?;
    Ok(ConfigFacts { platform, created: read.created().clone(), diff_ids, history, json })
}

/// An image of a manifest and its config, once both were read and found to speak of the same.
pub fn image(manifest_bytes: Vec<u8>, config_bytes: Vec<u8>) -> Result<Image, CheckError> {
    let facts = manifest(&manifest_bytes)?;
    let config: Blob<ConfigDigest> = Blob::new(config_bytes, facts.config_media_type);
    if config.digest != facts.config {
        return Err(CheckError::ConfigDigest { expected: facts.config, found: config.digest });
    }
    let read = self::config(&config.bytes)?;
    if read.diff_ids.len() != facts.layers.len() {
        return Err(CheckError::LayerCount { layers: facts.layers.len(), diff_ids: read.diff_ids.len() });
    }
    let layers = facts.layers.into_iter().zip(read.diff_ids);
    let layers = layers.map(|((digest, size_bytes, media_type), diff_id)| LayerDescriptor {
        diff_id,
        digest,
        size_bytes,
        media_type,
    });
    Ok(Image {
        platform: read.platform,
        config,
        layers: layers.collect(),
        manifest: Blob::new(manifest_bytes, facts.media_type),
    })
}

fn parse<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, CheckError> {
    if bytes.len() > DOCUMENT_MAX_BYTES {
        return Err(CheckError::TooLarge { what, size_bytes: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|source| CheckError::Json { what, source })
}

fn check_version(what: &'static str, found: u32) -> Result<(), CheckError> {
    if found == 2 { Ok(()) } else { Err(CheckError::SchemaVersion { what, found }) }
}

fn check_type(
    what: &'static str,
    found: &MediaType,
    is_known: impl FnOnce(&MediaType) -> bool,
) -> Result<(), CheckError> {
    if is_known(found) { Ok(()) } else { Err(CheckError::MediaType { what, found: found.to_string() }) }
}

fn digest<D>(what: &'static str, descriptor: &Descriptor) -> Result<D, CheckError>
where
    D: std::str::FromStr<Err = crate::base::digest::ParseDigestError>,
{
    descriptor.digest().as_ref().parse().map_err(|source| CheckError::Digest { what, source })
}

fn platform(os: &str, architecture: &str, variant: Option<&str>) -> Result<Platform, CheckError> {
    let mut text = format!("{os}/{architecture}");
    if let Some(variant) = variant.filter(|variant| !variant.is_empty()) {
        text.push('/');
        text.push_str(variant);
    }
    text.parse().map_err(|source| CheckError::Platform { source })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{image as sample, plain_layer};
    use super::*;
    use crate::template::Config;

    fn built() -> Image {
        sample("linux/arm/v7", &Config::default(), &[plain_layer(b"one"), plain_layer(b"two")])
    }

    fn changed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8");
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1).into_bytes()
    }

    #[test]
    fn what_kiln_writes_is_read_back() {
        let image = built();
        let read = super::image(image.manifest.bytes.clone(), image.config.bytes.clone());
        assert_eq!(read.expect("kiln's own image"), image);
        let written = super::super::index(std::slice::from_ref(&image), &BTreeMap::new()).expect("one platform");
        assert_eq!(index(&written.bytes).expect("kiln's own index"), written.manifests);
    }

    #[test]
    fn manifests_that_cannot_be_are_refused() {
        let bytes = built().manifest.bytes;
        let read = |from, to| manifest(&changed(&bytes, from, to));
        assert!(matches!(read("\"schemaVersion\":2", "\"schemaVersion\":1"), Err(CheckError::SchemaVersion { .. })));
        assert!(matches!(read("layer.v1.tar", "layer.v1.rar"), Err(CheckError::MediaType { what: "layer", .. })));
        assert!(matches!(read("config.v1+json", "empty"), Err(CheckError::MediaType { what: "config", .. })));
        assert!(matches!(read("manifest.v1+json", "x"), Err(CheckError::MediaType { what: "manifest", .. })));
        let sha512 = format!("sha512:{}", "0".repeat(128));
        let old = plain_layer(b"one").digest.to_string();
        assert!(matches!(read(&old, &sha512), Err(CheckError::Digest { what: "layer", .. })));
        assert!(matches!(manifest(b"{}"), Err(CheckError::Json { .. })));
        let large = vec![b' '; DOCUMENT_MAX_BYTES + 1];
        assert!(matches!(manifest(&large), Err(CheckError::TooLarge { .. })));
    }

    #[test]
    fn configs_that_cannot_be_are_refused() {
        let bytes = built().config.bytes;
        let read = |from, to| config(&changed(&bytes, from, to));
        assert!(matches!(read("\"layers\"}", "\"x\"}"), Err(CheckError::RootType { .. })));
        assert!(matches!(read("\"arm\"", "\"a/b\""), Err(CheckError::Platform { .. })));
        let history = r#""created_by":"kiln: layer 0""#;
        let empty = r#""created_by":"kiln: layer 0","empty_layer":true"#;
        assert!(matches!(read(history, empty), Err(CheckError::HistoryCount { history: 1, layers: 2 })));
    }

    #[test]
    fn manifest_and_config_have_to_belong_together() {
        let (one, other) = (built(), sample("linux/amd64", &Config::default(), &[plain_layer(b"one")]));
        let mixed = super::image(one.manifest.bytes.clone(), other.config.bytes.clone());
        assert!(matches!(mixed, Err(CheckError::ConfigDigest { .. })));
        let renamed = changed(&one.manifest.bytes, &one.config.digest.to_string(), &other.config.digest.to_string());
        let counted = super::image(renamed, other.config.bytes);
        assert!(matches!(counted, Err(CheckError::LayerCount { layers: 2, diff_ids: 1 })));
    }

    #[test]
    fn platforms_of_indexes_have_one_spelling() {
        let digest = plain_layer(b"").digest;
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}}]}}"#
        );
        let entries = index(text.as_bytes()).expect("an index");
        assert_eq!(entries[0].platform.as_ref().map(Platform::to_string), Some("linux/arm64".to_owned()));
    }
}
