//! Everything that belongs to an image.
//!
//! ```text
//! index --> images, attestations of BuildKit, indexes --> ..          downwards: what its digest is made of
//!   ^ subject                                  ^ sha256-HEX.sig
//!   signature <-- signature of the signature   companions             upwards: who refers to any of these, and to those
//! ```
//! Both ways come to an end: nobody nests or signs that deep, and what claims to is no image.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::BlobDigest;
use crate::image::{Descriptor, Links};
use crate::input::each;
use crate::registry::{Kind, Manifest, Tag};

use super::error::PublishError;
use super::origin::{Origin, lists};
use super::shipment::{Attachment, Companion, Shipment};

/// Indexes in indexes, and what refers to what refers. Known are two of each.
const DEPTH_MAX: usize = 8;

/// Documents of one image: a hundred platforms, each with ten attestations and signatures.
const DOCUMENTS_MAX: usize = 2_000;

/// Bytes of all documents of one image, as often as they are fetched: they are held in memory. A manifest has a few
/// thousand; what is large is in blobs.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Questions that are asked at once.
const AT_ONCE: usize = 8;

/// A manifest or index with all that it leads to and all that refers to any of it.
pub fn collect(origin: &dyn Origin, top: Manifest) -> Result<Shipment, PublishError> {
    let mut walk = Walk { origin, top: top.digest, seen: BTreeSet::new(), bytes: AtomicU64::new(0) };
    let mut shipment = Shipment::default();
    walk.descend(top, 0, &mut shipment.manifests)?;
    shipment.companions = walk.companions(&shipment.manifests)?;
    let mut subjects: Vec<BlobDigest> = shipment.manifests.iter().map(|manifest| manifest.digest).collect();
    for _ in 0..DEPTH_MAX {
        subjects = walk.ascend(&subjects, &mut shipment)?;
        if subjects.is_empty() {
            // Last, so that what is both a companion and a referrer is asked for what refers to it.
            let Shipment { companions, leaves, .. } = &mut shipment;
            for companion in companions {
                walk.descend_below(&companion.manifest, leaves)?;
            }
            return Ok(shipment);
        }
    }
    Err(walk.endless())
}

struct Walk<'a> {
    origin: &'a dyn Origin,
    top: BlobDigest,
    /// Documents that are in the shipment.
    seen: BTreeSet<BlobDigest>,
    /// Bytes that were fetched.
    bytes: AtomicU64,
}

impl Walk<'_> {
    fn endless(&self) -> PublishError {
        PublishError::Endless { digest: self.top, depth: DEPTH_MAX, documents: DOCUMENTS_MAX }
    }

    /// Adds what a document leads to, and then itself.
    fn descend(&mut self, manifest: Manifest, depth: usize, to: &mut Vec<Manifest>) -> Result<(), PublishError> {
        if depth > DEPTH_MAX || self.seen.len() >= DOCUMENTS_MAX {
            return Err(self.endless());
        }
        if !self.seen.insert(manifest.digest) {
            return Ok(());
        }
        let links = Links::of(&manifest.bytes)?;
        if lists(&manifest, &links) {
            let mut listed = BTreeSet::new();
            let unseen = |entry: &&Descriptor| !self.seen.contains(&entry.digest) && listed.insert(entry.digest);
            let unseen: Vec<&Descriptor> = links.manifests.iter().filter(unseen).collect();
            if unseen.len() > DOCUMENTS_MAX {
                return Err(self.endless());
            }
            for below in each(&unseen, AT_ONCE, |entry| self.fetch(entry))? {
                self.descend(below, depth + 1, to)?;
            }
        }
        to.push(manifest);
        Ok(())
    }

    fn fetch(&self, entry: &Descriptor) -> Result<Manifest, PublishError> {
        let missing = || PublishError::NoBlob { digest: entry.digest, size_bytes: entry.size };
        let manifest = self.origin.manifest(entry)?.ok_or_else(missing)?;
        self.count(&manifest)?;
        Ok(manifest)
    }

    fn count(&self, manifest: &Manifest) -> Result<(), PublishError> {
        let size_bytes = manifest.bytes.len() as u64;
        match self.bytes.fetch_add(size_bytes, Ordering::Relaxed).saturating_add(size_bytes) > BYTES_MAX {
            true => Err(PublishError::TooMuch { digest: self.top, max_bytes: BYTES_MAX }),
            false => Ok(()),
        }
    }

    /// Adds what something leads to that is no part of the image itself, and is not to be among it.
    fn descend_below(&mut self, manifest: &Manifest, leaves: &mut Vec<Manifest>) -> Result<(), PublishError> {
        let mut below = Vec::new();
        self.descend(manifest.clone(), 0, &mut below)?;
        below.retain(|leaf| leaf.digest != manifest.digest);
        leaves.append(&mut below);
        Ok(())
    }

    /// Adds what refers to `subjects`, and says what that was.
    fn ascend(&mut self, subjects: &[BlobDigest], shipment: &mut Shipment) -> Result<Vec<BlobDigest>, PublishError> {
        let lists = each(subjects, AT_ONCE, |subject| self.origin.referrers(subject))?;
        let mut next = Vec::new();
        for (subject, mut entries) in subjects.iter().zip(lists) {
            // Registries list them in any order.
            entries.sort_by_key(|entry| entry.digest);
            entries.dedup_by_key(|entry| entry.digest);
            if entries.len() > DOCUMENTS_MAX {
                return Err(self.endless());
            }
            for manifest in each(&entries, AT_ONCE, |entry| self.fetch(entry))? {
                let links = Links::of(&manifest.bytes)?;
                // A list that clients keep may hold anything.
                if links.subject.as_ref().is_none_or(|named| named.digest != *subject) {
                    continue;
                }
                let is_new = !self.seen.contains(&manifest.digest);
                self.descend_below(&manifest, &mut shipment.leaves)?;
                if is_new {
                    next.push(manifest.digest);
                }
                shipment.attachments.push(Attachment { subject: *subject, manifest });
            }
        }
        Ok(next)
    }

    /// What cosign keeps under tags that are made of digests.
    fn companions(&self, manifests: &[Manifest]) -> Result<Vec<Companion>, PublishError> {
        let of = |manifest: &Manifest| Kind::ALL.map(|kind| (manifest.digest, Tag::companion(&manifest.digest, kind)));
        let tags: Vec<(BlobDigest, Tag)> = manifests.iter().flat_map(of).collect();
        let found = each(&tags, AT_ONCE, |(_, tag)| {
            let found = self.origin.resolve(tag.as_str())?;
            found.iter().try_for_each(|manifest| self.count(manifest))?;
            Ok::<_, PublishError>(found)
        })?;
        let found = tags.into_iter().zip(found);
        let companion = |((subject, tag), manifest)| Some(Companion { subject, tag, manifest: manifest? });
        Ok(found.filter_map(companion).collect())
    }
}
