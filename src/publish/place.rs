//! What can be pushed to.

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::registry::{Arrived, Created, Manifest, Race, Tag};

use super::error::PublishError;
use super::stock::Stock;

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// It holds what it was to hold.
    Holds(Created),
    /// It holds something else, and stays.
    Held {
        /// What.
        digest: BlobDigest,
        /// Whether it did when we looked first.
        race: Race,
    },
}

/// A place for images with names. The rules are [`super::push`]'s; a place does what it is told, and creates a name only
/// if it is not there, whoever else writes at the same time as far as it can know.
pub trait Place: Sync {
    /// `HOST/REPOSITORY`, `oci:DIR`, `oci-archive:FILE`
    fn name(&self) -> String;

    /// `NAME:TAG`, as people write it.
    fn full_name(&self, tag: &Tag) -> String {
        format!("{}:{tag}", self.name())
    }

    /// What a name holds.
    fn holds(&self, tag: &Tag) -> Result<Option<BlobDigest>, PublishError>;

    /// A manifest or an index that is there.
    fn manifest(&self, digest: &BlobDigest) -> Result<Option<Manifest>, PublishError>;

    /// Whether a manifest is there, and with it all that it leads to.
    fn has_manifest(&self, digest: &BlobDigest) -> Result<bool, PublishError>;

    /// Whether a blob is there.
    fn has_blob(&self, blob: &Descriptor) -> Result<bool, PublishError>;

    /// A small blob that is there, whole.
    fn document(&self, blob: &Descriptor) -> Result<Vec<u8>, PublishError>;

    /// Brings a blob that is not there.
    fn bring_blob(&self, blob: &Descriptor, stock: &dyn Stock) -> Result<Arrived, PublishError>;

    /// Brings a manifest or an index; all that it leads to is there.
    fn bring_manifest(&self, manifest: &Manifest) -> Result<(), PublishError>;

    /// Brings manifests that refer to another one, and lists them there. Gives those that were not there.
    fn attach(&self, subject: &BlobDigest, artifacts: &[Manifest]) -> Result<Vec<BlobDigest>, PublishError>;

    /// What refers to a manifest.
    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError>;

    /// Gives a manifest or index that is there a name that is not.
    fn create(&self, tag: &Tag, manifest: &Manifest) -> Result<Naming, PublishError>;

    /// Ends a push of `top`, all of which is there: what has no name is found by its digest from now on, and what was kept
    /// back becomes visible at once.
    fn finish(&self, _top: &Manifest) -> Result<(), PublishError> {
        Ok(())
    }
}
