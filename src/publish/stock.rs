//! Where the blobs of a shipment come from.

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::registry::{BlobSource, Repository};

use super::error::PublishError;

/// Gives the blobs of a shipment. Several are asked for at once.
pub trait Stock: Sync {
    /// The bytes of a blob; nothing of them is read before a place asks.
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError>;

    /// Repositories that may have a blob, so that a registry can take it from there; the likeliest first.
    fn near(&self, digest: &BlobDigest) -> Vec<Repository>;
}
