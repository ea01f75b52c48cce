//! A manifest or an index, as its bytes.

use serde::Deserialize;

use crate::base::hash::digest_of;
use crate::base::{BlobDigest, ManifestDigest};
use crate::image::checks::{is_index, is_manifest};
use crate::image::{Blob, MediaType};
use crate::transport::Headers;

use super::error::RegistryError;

/// What is understood. A registry that does not have it in one of these may make it from what it has, or refuse.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                                 application/vnd.docker.distribution.manifest.list.v2+json, \
                                 application/vnd.docker.distribution.manifest.v2+json";

/// Docker's manifests before 2016, plain and signed.
const SCHEMA_1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/// What servers say that know nothing better.
const VAGUE: [&str; 4] = ["", "application/json", "application/octet-stream", "text/plain"];

/// A manifest or an index, as it is in a registry or is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Of `bytes`.
    pub digest: BlobDigest,
    /// A manifest's or an index's, OCI's or docker's.
    pub media_type: MediaType,
    /// Exactly what is sent.
    pub bytes: Vec<u8>,
}

impl From<&Blob<ManifestDigest>> for Manifest {
    fn from(manifest: &Blob<ManifestDigest>) -> Self {
        Self {
            digest: BlobDigest::from(*manifest.digest.as_bytes()),
            media_type: manifest.media_type.clone(),
            bytes: manifest.bytes.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    media_type: Option<String>,
    schema_version: Option<u64>,
}

/// Believes an answer, or says why not.
pub(super) fn check(
    registry: &str,
    image: &str,
    wanted: Option<BlobDigest>,
    headers: &Headers,
    bytes: Vec<u8>,
) -> Result<Manifest, RegistryError> {
    let digest: BlobDigest = digest_of(&bytes);
    let said = headers.get("docker-content-digest").filter(|said| said.starts_with("sha256:"));
    let expected = [wanted.map(|digest| digest.to_string()), said.map(str::to_owned)];
    if let Some(expected) = expected.into_iter().flatten().find(|expected| *expected != digest.to_string()) {
        let (registry, image) = (registry.to_owned(), image.to_owned());
        return Err(RegistryError::Digest { registry, image, expected, found: digest });
    }
    let outside = headers.get("content-type").unwrap_or_default();
    let outside = outside.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let named: Option<Named> = serde_json::from_slice(&bytes).ok();
    let is_schema_1 = named.as_ref().is_some_and(|named| named.schema_version == Some(1));
    if is_schema_1 || SCHEMA_1.contains(&outside.as_str()) {
        return Err(RegistryError::Schema1 { image: image.to_owned(), found: outside });
    }
    let name = match named.and_then(|named| named.media_type) {
        Some(inside) if inside != outside && !VAGUE.contains(&outside.as_str()) => {
            return Err(RegistryError::TwoTypes { image: image.to_owned(), inside, outside });
        }
        Some(inside) => inside,
        None => outside,
    };
    let media_type = MediaType::from(name.as_str());
    if !is_manifest(&media_type) && !is_index(&media_type) {
        return Err(RegistryError::MediaType { image: image.to_owned(), found: name });
    }
    Ok(Manifest { digest, media_type, bytes })
}
