//! Why an image cannot be made or is not believed.

use crate::base::digest::ParseDigestError;
use crate::base::platform::ParsePlatformError;
use crate::base::{ConfigDigest, Platform};

use super::checks::DOCUMENT_MAX_BYTES;

/// Images that cannot be in one index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A reader would not know which to take.
    #[error("two images are for `{platform}`")]
    SamePlatform {
        /// The platform.
        platform: Platform,
    },
}

impl IndexError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let Self::SamePlatform { platform } = self;
        Some(format!("name `{platform}` once in `platforms`; `linux/arm64` and `linux/arm64/v8` are the same"))
    }
}

/// A manifest, config or index that others wrote and that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// More than [`DOCUMENT_MAX_BYTES`].
    #[error("the {what} has {size_bytes} bytes, more than {DOCUMENT_MAX_BYTES}")]
    TooLarge {
        /// `manifest`, `config` or `index`.
        what: &'static str,
        /// Its length.
        size_bytes: usize,
    },
    /// Not JSON, or not of this form.
    #[error("the {what} is not one")]
    Json {
        /// `manifest`, `config` or `index`.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A version that is not known.
    #[error("the {what} has schema version {found}, expected 2")]
    SchemaVersion {
        /// `manifest` or `index`.
        what: &'static str,
        /// What it says.
        found: u32,
    },
    /// Of a kind that is not known, or not an image's.
    #[error("the {what} has the media type `{found}`, which is not one of a container image")]
    MediaType {
        /// `manifest`, `config`, `index` or `layer`.
        what: &'static str,
        /// What it says.
        found: String,
    },
    /// A digest in another algorithm, or not one.
    #[error("the {what} of the image has a digest that cannot be read")]
    Digest {
        /// What is digested.
        what: &'static str,
        /// Why.
        source: ParseDigestError,
    },
    /// An operating system or processor that has no name.
    #[error("the image is for a platform that cannot be read")]
    Platform {
        /// Why.
        source: ParsePlatformError,
    },
    /// A root of another kind.
    #[error("the config has a root of type `{found}`, expected `layers`")]
    RootType {
        /// What it says.
        found: String,
    },
    /// Config and manifest speak of different images.
    #[error("the manifest names {layers} layers and the config {diff_ids} diff IDs")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the config.
        diff_ids: usize,
    },
    /// A history of another image.
    #[error("the config has a history of {history} layers, expected {layers}")]
    HistoryCount {
        /// Entries of the history that are not empty.
        history: usize,
        /// Layers.
        layers: usize,
    },
    /// Another config than the manifest names.
    #[error("the manifest names the config {expected}, found {found}")]
    ConfigDigest {
        /// In the manifest.
        expected: ConfigDigest,
        /// Of the bytes.
        found: ConfigDigest,
    },
}

impl CheckError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MediaType { .. } => {
                "this may be another kind of artifact than an image: look at its manifest".to_owned()
            }
            _ => "the image is damaged or not one: fetch or build it again".to_owned(),
        })
    }
}
