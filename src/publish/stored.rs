//! Blobs in the local store, and those that only a registry has.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::registry::{BlobSource, Client, RemoteBlob, Repository};
use crate::store::Store;

use super::error::PublishError;
use super::stock::Stock;

/// The store. A blob that it lacks is where it was said to be.
pub struct StoreStock<'a> {
    /// The store.
    pub store: &'a Store,
    /// Blobs of bases, which are never fetched only to be sent, and where they are.
    pub elsewhere: &'a BTreeMap<BlobDigest, Repository>,
    /// Reads what is elsewhere.
    pub client: &'a Client<'a>,
}

/// A blob of the store.
pub(super) struct Stored<'a> {
    pub(super) store: &'a Store,
    pub(super) digest: String,
}

impl BlobSource for Stored<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let file = self.store.open_blob(&self.digest).map_err(io::Error::other)?;
        self.store.mark_used(&self.digest);
        Ok(Box::new(file))
    }
}

impl Stock for StoreStock<'_> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        let digest = blob.digest.to_string();
        if self.store.has_blob(&digest, blob.size) {
            return Ok(Box::new(Stored { store: self.store, digest }));
        }
        match self.elsewhere.get(&blob.digest) {
            Some(repository) => {
                let (client, repository) = (self.client, repository.clone());
                Ok(Box::new(RemoteBlob { client, repository, digest: blob.digest, size_bytes: blob.size }))
            }
            None => Err(PublishError::NoBlob { digest: blob.digest, size_bytes: blob.size }),
        }
    }

    fn near(&self, digest: &BlobDigest) -> Vec<Repository> {
        let remembered = self.store.places(digest).into_iter().filter_map(|place| {
            let (registry, name) = place.split_once('/')?;
            Some(Repository { registry: registry.to_owned(), name: name.to_owned() })
        });
        self.elsewhere.get(digest).cloned().into_iter().chain(remembered).collect()
    }
}
