//! A repository of a registry as a place.

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::registry::{Arrived, Client, Manifest, Parcel, RegistryError, Repository, Tag};

use super::error::PublishError;
use super::place::{Naming, Place};
use super::stock::Stock;

/// A repository, and who speaks to its registry.
pub struct RegistryPlace<'a> {
    /// Speaks.
    pub client: &'a Client<'a>,
    /// Where.
    pub repository: Repository,
}

impl Place for RegistryPlace<'_> {
    fn name(&self) -> String {
        self.repository.to_string()
    }

    fn holds(&self, tag: &Tag) -> Result<Option<BlobDigest>, PublishError> {
        Ok(self.client.standing(&self.repository, tag.as_str())?)
    }

    fn manifest(&self, digest: &BlobDigest) -> Result<Option<Manifest>, PublishError> {
        Ok(self.client.held(&self.repository, &digest.to_string())?)
    }

    fn has_manifest(&self, digest: &BlobDigest) -> Result<bool, PublishError> {
        Ok(self.client.standing(&self.repository, &digest.to_string())?.is_some())
    }

    fn has_blob(&self, blob: &Descriptor) -> Result<bool, PublishError> {
        Ok(self.client.has_blob(&self.repository, &blob.digest, blob.size)?)
    }

    fn document(&self, blob: &Descriptor) -> Result<Vec<u8>, PublishError> {
        let mut bytes = Vec::new();
        self.client.blob(&self.repository, &blob.digest, blob.size, &mut bytes)?;
        Ok(bytes)
    }

    fn bring_blob(&self, blob: &Descriptor, stock: &dyn Stock) -> Result<Arrived, PublishError> {
        let source = stock.open(blob)?;
        let parcel = Parcel { digest: blob.digest, size_bytes: blob.size, source: &*source };
        let pushed = self.client.push_blob(&self.repository, &parcel, &stock.near(&blob.digest));
        pushed.map_err(|error| PublishError::sending(error, blob))
    }

    fn bring_manifest(&self, manifest: &Manifest) -> Result<(), PublishError> {
        Ok(self.client.push_manifest(&self.repository, manifest).map(drop)?)
    }

    fn attach(&self, subject: &BlobDigest, artifacts: &[Manifest]) -> Result<Vec<BlobDigest>, PublishError> {
        Ok(self.client.attach(&self.repository, subject, artifacts)?)
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        Ok(self.client.referrers(&self.repository, subject)?.entries)
    }

    fn create(&self, tag: &Tag, manifest: &Manifest) -> Result<Naming, PublishError> {
        match self.client.create_tag(&self.repository, tag, manifest) {
            Ok(created) => Ok(Naming::Holds(created)),
            Err(RegistryError::TagHeld { held, race, .. }) => Ok(Naming::Held { digest: held, race }),
            Err(error) => Err(error.into()),
        }
    }
}
