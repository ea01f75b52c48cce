//! The local store, to be read whole.

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::publish::error::PublishError;
use crate::publish::stock::Stock;
use crate::publish::stored::Stored;
use crate::registry::write::attach::descriptor;
use crate::registry::{BlobSource, Manifest, Repository};
use crate::store::{AttachedNote, Shelf, Store, StoreError};

use super::{Origin, manifest_of};

/// What is in the store. Names of the store are no matter of this: its user finds digests by them.
pub struct StoreOrigin<'a> {
    /// It.
    pub store: &'a Store,
}

impl StoreOrigin<'_> {
    fn read(&self, digest: &BlobDigest) -> Result<Option<Vec<u8>>, PublishError> {
        match self.store.read_blob(&digest.to_string()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn note(&self, hex: &str) -> AttachedNote {
        self.store.note(Shelf::Attached, hex).unwrap_or_default()
    }
}

impl Origin for StoreOrigin<'_> {
    /// A digest, or the tag of a companion.
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError> {
        let companion = || {
            let (hex, _) = wanted.strip_prefix("sha256-")?.split_once('.')?;
            self.note(hex).companions.get(wanted).cloned()
        };
        let digest = wanted.parse().ok().or_else(companion);
        let bytes = digest.map(|digest| self.read(&digest)).transpose()?.flatten();
        bytes.map(|bytes| manifest_of(bytes, None)).transpose()
    }

    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError> {
        let bytes = self.read(&of.digest)?;
        bytes.map(|bytes| manifest_of(bytes, Some(&of.media_type))).transpose()
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        let mut all = Vec::new();
        for digest in self.note(&subject.hex()).referrers {
            // One that was removed refers to nothing any more.
            let Some(bytes) = self.read(&digest)? else { continue };
            all.push(descriptor(&manifest_of(bytes, None)?));
        }
        Ok(all)
    }
}

impl Stock for StoreOrigin<'_> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        let digest = blob.digest.to_string();
        match self.store.has_blob(&digest, blob.size) {
            true => Ok(Box::new(Stored { store: self.store, digest })),
            false => Err(PublishError::NoBlob { digest: blob.digest, size_bytes: blob.size }),
        }
    }

    fn near(&self, _digest: &BlobDigest) -> Vec<Repository> {
        Vec::new()
    }
}
