//! What can be read whole: not an image for one machine, but everything that belongs to it.
//!
//! ```text
//! Origin --resolve("1.8.2")--> Manifest --collect--> Shipment, whose Stock the origin is
//!
//! files      an OCI layout or an archive of one        store      the local store
//! registry   a repository
//! ```
//! A document keeps its bytes and its media type, whoever knows what it means.

pub mod files;
pub mod registry;
pub mod store;

pub use files::FileOrigin;
pub use registry::RegistryOrigin;
pub use store::StoreOrigin;

use std::io::{self, Read, Write};

use crate::base::hash::digest_of;
use crate::base::{BlobDigest, Hasher};
use crate::image::checks::{DOCUMENT_MAX_BYTES, is_index};
use crate::image::{CheckError, Descriptor, Links, MediaType};
use crate::registry::{Damaged, Manifest};
use crate::store::{BlobWriter, Store};

use super::error::PublishError;
use super::stock::Stock;

/// A place that images are read from. Nothing of it is believed: digests are of the bytes that were read.
pub trait Origin: Stock {
    /// What a name, or a digest, stands for; nothing if it is not there.
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError>;

    /// The manifest or index that a descriptor leads to; nothing if it is not there.
    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError>;

    /// What refers to a manifest.
    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError>;

    /// Brings a blob into a store.
    fn keep(&self, blob: &Descriptor, store: &Store) -> Result<(), PublishError> {
        let source = self.open(blob)?;
        let reader = source.open().map_err(|error| PublishError::reading(error, blob))?;
        let mut writer = store.writer()?;
        copy(reader, blob, &mut StoreWriter { store, writer: &mut writer })?;
        Ok(writer.commit(&blob.digest.to_string())?)
    }
}

/// A writer of the store whose failures are the store's.
struct StoreWriter<'a, 'b> {
    store: &'a Store,
    writer: &'a mut BlobWriter<'b>,
}

impl Target for StoreWriter<'_, '_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.writer.write_all(bytes).map_err(|source| self.store.write_failed(source).into())
    }
}

/// A small blob, whole and verified.
pub fn document(stock: &dyn Stock, blob: &Descriptor) -> Result<Vec<u8>, PublishError> {
    if blob.size > DOCUMENT_MAX_BYTES as u64 {
        let size_bytes = usize::try_from(blob.size).unwrap_or(usize::MAX);
        return Err(CheckError::TooLarge { what: "document", size_bytes }.into());
    }
    let source = stock.open(blob)?;
    let reader = source.open().map_err(|error| PublishError::reading(error, blob))?;
    let mut bytes = Vec::new();
    copy(reader, blob, &mut bytes)?;
    Ok(bytes)
}

impl Target for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Where the bytes of a blob go.
pub(super) trait Target {
    /// Takes all of `bytes`.
    fn take(&mut self, bytes: &[u8]) -> Result<(), PublishError>;
}

/// Copies a blob, and fails if it is not what its descriptor says.
pub(super) fn copy(mut from: impl Read, blob: &Descriptor, to: &mut dyn Target) -> Result<(), PublishError> {
    const PIECE_BYTES: usize = 256 * 1024;
    let (mut hasher, mut found_bytes) = (Hasher::new(), 0_u64);
    let mut piece = vec![0; PIECE_BYTES];
    // What is longer than it says need not be read to its end.
    while found_bytes <= blob.size {
        let found = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PublishError::reading(error, blob)),
        };
        hasher.update(&piece[..found]);
        found_bytes += found as u64;
        to.take(&piece[..found])?;
    }
    let found: BlobDigest = hasher.finish();
    match found == blob.digest && found_bytes == blob.size {
        true => Ok(()),
        false => Err(PublishError::Damaged { digest: blob.digest, source: Damaged { expected: blob.digest, found } }),
    }
}

/// A document as a manifest or index. Its own word counts for what it is, then the word of what led here.
pub(super) fn manifest_of(bytes: Vec<u8>, said: Option<&str>) -> Result<Manifest, PublishError> {
    let links = Links::of(&bytes)?;
    let media_type = match (links.media_type.as_deref(), said) {
        (Some(own), _) => MediaType::from(own),
        (None, Some(said)) => MediaType::from(said),
        (None, None) if links.is_index(&MediaType::ImageManifest) => MediaType::ImageIndex,
        (None, None) => MediaType::ImageManifest,
    };
    Ok(Manifest { digest: digest_of(&bytes), media_type, bytes })
}

/// Whether a document lists others.
pub(super) fn lists(manifest: &Manifest, links: &Links) -> bool {
    is_index(&manifest.media_type) || links.is_index(&manifest.media_type)
}

/// Gives the bytes of a document that is there.
pub(super) type Documents<'a> = &'a dyn Fn(&BlobDigest) -> Result<Option<Vec<u8>>, PublishError>;

/// The entries whose documents refer to `subject`.
pub(super) fn referring(
    entries: &[Descriptor],
    subject: &BlobDigest,
    read: Documents<'_>,
) -> Result<Vec<Descriptor>, PublishError> {
    let mut referring = Vec::new();
    for entry in entries.iter().filter(|entry| entry.digest != *subject) {
        let Some(bytes) = read(&entry.digest)? else { continue };
        // What is no document refers to nothing.
        let links = Links::of(&bytes).ok();
        if links.and_then(|links| links.subject).is_some_and(|named| named.digest == *subject) {
            referring.push(entry.clone());
        }
    }
    Ok(referring)
}
