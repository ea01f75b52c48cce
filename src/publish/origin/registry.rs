//! A repository of a registry, to be read whole. Its mirrors are asked for what has a digest; what refers to something is
//! asked of itself, because a mirror that knows of nothing proves nothing.

use std::io;

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::publish::error::PublishError;
use crate::publish::stock::Stock;
use crate::registry::{BlobSource, Client, ImageName, Manifest, RegistryError, RemoteBlob, Repository};
use crate::store::{BlobWriter, Store};
use crate::transport::Sink;

use super::Origin;

/// A repository, and who speaks to its registry.
pub struct RegistryOrigin<'a> {
    /// Speaks.
    pub client: &'a Client<'a>,
    /// Where.
    pub repository: Repository,
}

impl RegistryOrigin<'_> {
    /// What a name in it stands for.
    pub fn top(&self, image: &ImageName) -> Result<Manifest, PublishError> {
        Ok(self.client.resolve(image)?)
    }

    fn ask(&self, tag: Option<String>, digest: Option<BlobDigest>) -> Result<Option<Manifest>, PublishError> {
        match self.client.resolve(&ImageName { repository: self.repository.clone(), tag, digest }) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Origin for RegistryOrigin<'_> {
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError> {
        match wanted.parse() {
            Ok(digest) => self.ask(None, Some(digest)),
            Err(_) => self.ask(Some(wanted.to_owned()), None),
        }
    }

    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError> {
        self.ask(None, Some(of.digest))
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        Ok(self.client.referrers(&self.repository, subject)?.entries)
    }

    fn keep(&self, blob: &Descriptor, store: &Store) -> Result<(), PublishError> {
        let mut sink = StoreSink(store.writer()?);
        self.client.blob(&self.repository, &blob.digest, blob.size, &mut sink)?;
        Ok(sink.0.commit(&blob.digest.to_string())?)
    }
}

/// A blob of the store as it arrives; it may have to begin again.
struct StoreSink<'a>(BlobWriter<'a>);

impl Sink for StoreSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.0, bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl Stock for RegistryOrigin<'_> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        let (repository, digest, size_bytes) = (self.repository.clone(), blob.digest, blob.size);
        Ok(Box::new(RemoteBlob { client: self.client, repository, digest, size_bytes }))
    }

    fn near(&self, _digest: &BlobDigest) -> Vec<Repository> {
        vec![self.repository.clone()]
    }
}
