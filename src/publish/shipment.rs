//! What is pushed.

use crate::base::BlobDigest;
use crate::image::{CheckError, Descriptor, Links};
use crate::registry::Manifest;

/// An image for one or several platforms, and what refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Those that others lead to come first; the last one is what gets the names.
    pub manifests: Vec<Manifest>,
    /// In the order in which they are written.
    pub attachments: Vec<Attachment>,
}

/// A manifest that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// To which.
    pub subject: BlobDigest,
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

    /// All manifests with their blobs, in the order in which they can be written: those of attachments come last.
    pub fn pieces(&self) -> Result<Vec<Piece<'_>>, CheckError> {
        let attached = self.attachments.iter().map(|attachment| &attachment.manifest);
        self.manifests.iter().chain(attached).map(Piece::of).collect()
    }
}

impl<'a> Piece<'a> {
    /// Of a manifest or an index.
    pub fn of(manifest: &'a Manifest) -> Result<Self, CheckError> {
        let blobs = Links::of(&manifest.bytes)?.blobs().into_iter().cloned().collect();
        Ok(Self { manifest, blobs })
    }
}
