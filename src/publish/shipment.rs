//! What is pushed.

use std::collections::BTreeSet;

use crate::base::BlobDigest;
use crate::image::{CheckError, Descriptor, Links};
use crate::registry::{Manifest, Tag};

/// An image for one or several platforms, and what refers to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipment {
    /// Those that others lead to come first; the last one is what gets the names.
    pub manifests: Vec<Manifest>,
    /// What attachments and companions that are indexes lead to; in the order in which they are written.
    pub leaves: Vec<Manifest>,
    /// In the order in which they are written.
    pub attachments: Vec<Attachment>,
    /// What belongs to an image by its tag alone.
    pub companions: Vec<Companion>,
}

/// A manifest that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// To which.
    pub subject: BlobDigest,
    /// It.
    pub manifest: Manifest,
}

/// A manifest under a tag that is made of another one's digest: how cosign kept signatures before there were referrers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// Whose digest it is.
    pub subject: BlobDigest,
    /// `sha256-HEX.sig` and the like.
    pub tag: Tag,
    /// It.
    pub manifest: Manifest,
}

/// A manifest and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// It.
    pub manifest: &'a Manifest,
    /// Config and layers, each once.
    pub blobs: Vec<Descriptor>,
}

impl Shipment {
    /// What gets the names; nothing if there is nothing.
    pub fn top(&self) -> Option<&Manifest> {
        self.manifests.last()
    }

    /// All manifests with their blobs, in the order in which they can be written. One that is an attachment as well comes
    /// once.
    pub fn pieces(&self) -> Result<Vec<Piece<'_>>, CheckError> {
        let attached = self.attachments.iter().map(|attachment| &attachment.manifest);
        let beside = self.companions.iter().map(|companion| &companion.manifest);
        let mut seen = BTreeSet::new();
        let all = self.manifests.iter().chain(&self.leaves).chain(attached).chain(beside);
        all.filter(|manifest| seen.insert(manifest.digest)).map(Piece::of).collect()
    }
}

impl<'a> Piece<'a> {
    /// Of a manifest or an index.
    pub fn of(manifest: &'a Manifest) -> Result<Self, CheckError> {
        let blobs = Links::of(&manifest.bytes)?.blobs().into_iter().cloned().collect();
        Ok(Self { manifest, blobs })
    }

    /// Bytes of all of it.
    pub fn size_bytes(&self) -> u64 {
        self.manifest.bytes.len() as u64 + self.blobs.iter().map(|blob| blob.size).sum::<u64>()
    }
}
