//! Blobs in the local store, and those that only a registry has.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::registry::{BlobSource, Repository};
use crate::store::Store;

use super::error::PublishError;
use super::stock::Stock;

/// The store. A blob that it lacks is where it was said to be.
pub struct StoreStock<'a> {
    /// The store.
    pub store: &'a Store,
    /// Blobs of bases, which are never fetched only to be sent: who reads them, and where they are.
    pub elsewhere: BTreeMap<BlobDigest, Repository>,
    /// Reads what is elsewhere; nothing where no network may be asked.
    pub other: Option<&'a dyn Stock>,
}

/// A blob of the store.
struct Stored<'a> {
    store: &'a Store,
    digest: String,
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
        match self.other {
            Some(other) if self.elsewhere.contains_key(&blob.digest) => other.open(blob),
            _ => Err(PublishError::NoBlob { digest: blob.digest, size_bytes: blob.size }),
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
