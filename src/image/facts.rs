//! What a config says, as plain data.

use std::collections::BTreeMap;

use crate::base::{ConfigDigest, DiffId, LayerDigest, Platform};

use super::MediaType;

/// A manifest that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFacts {
    /// What it is: OCI's, or docker's.
    pub media_type: MediaType,
    /// The config's digest.
    pub config: ConfigDigest,
    /// The config's length.
    pub config_size_bytes: u64,
    /// The config's media type.
    pub config_media_type: MediaType,
    /// Digest, length and media type of each layer from the bottom up.
    pub layers: Vec<(LayerDigest, u64, MediaType)>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A config that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFacts {
    /// What the image runs on.
    pub platform: Platform,
    /// When it was made, as it was written.
    pub created: Option<String>,
    /// From the bottom up.
    pub diff_ids: Vec<DiffId>,
    /// `created_by` of the history's entries that made a layer; none if there is no history.
    pub history: Vec<String>,
    /// All of it, with what kiln does not know.
    pub json: serde_json::Value,
}
