//! The order in which something is published.
//!
//! ```text
//! names, all at once    another's? refused, before a byte is sent       ours? nothing more to do
//! manifests             what is there proves its blobs
//! blobs                 those of manifests that are missing: asked for at once, sent several at once, the largest first
//! manifests             images, then the index
//! attachments           what refers to them
//! companions            created; one that holds something else stays, which is said
//! names                 created one after the other
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::input::each;
use crate::registry::{Arrived, Created, Manifest, Race, Repository, Tag};

use super::error::PublishError;
use super::names::Names;
use super::place::{Naming, Place};
use super::shipment::{Piece, Shipment};
use super::stock::Stock;

/// Questions that are asked at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// Blobs that are sent at once: what registries and browsers are used to.
const SENT_AT_ONCE: usize = 4;

/// How a blob came to be where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was there.
    There,
    /// The registry took it from another repository.
    Mounted(Repository),
    /// It was sent.
    Sent,
}

impl How {
    /// In a word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Mounted(_) => "mounted",
            Self::Sent => "sent",
        }
    }
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Of what the names hold.
    pub digest: BlobDigest,
    /// Each name, and whether it was there.
    pub names: Vec<(Tag, Created)>,
    /// Blobs that were looked at; none of a manifest that was there.
    pub blobs: Vec<(Descriptor, How)>,
    /// Manifests that were written.
    pub manifests: Vec<BlobDigest>,
    /// What refers to them and was written.
    pub attached: Vec<BlobDigest>,
    /// Tags of companions that hold something else, and what.
    pub left: Vec<(Tag, BlobDigest)>,
}

impl Receipt {
    /// Of a push that has done nothing yet.
    pub fn nothing(digest: BlobDigest) -> Self {
        let (names, blobs, manifests) = (Vec::new(), Vec::new(), Vec::new());
        Self { digest, names, blobs, manifests, attached: Vec::new(), left: Vec::new() }
    }
}

/// Publishes a shipment under names.
pub fn push(
    shipment: &Shipment,
    place: &dyn Place,
    names: &Names,
    stock: &dyn Stock,
    interrupted: &AtomicBool,
) -> Result<Receipt, PublishError> {
    let top = shipment.top().ok_or(PublishError::Nothing)?;
    if all_there(place, names, top)? {
        let names = names.tags().iter().map(|tag| (tag.clone(), Created::AlreadyThere)).collect();
        return Ok(Receipt { names, ..Receipt::nothing(top.digest) });
    }
    publish(shipment, place, names, stock, interrupted)
}

/// The same, also where the names are there already: what refers to something may have come later than the something.
pub fn copy(
    shipment: &Shipment,
    place: &dyn Place,
    names: &Names,
    stock: &dyn Stock,
    interrupted: &AtomicBool,
) -> Result<Receipt, PublishError> {
    let top = shipment.top().ok_or(PublishError::Nothing)?;
    all_there(place, names, top)?;
    publish(shipment, place, names, stock, interrupted)
}

fn publish(
    shipment: &Shipment,
    place: &dyn Place,
    names: &Names,
    stock: &dyn Stock,
    interrupted: &AtomicBool,
) -> Result<Receipt, PublishError> {
    let top = shipment.top().ok_or(PublishError::Nothing)?;
    let mut receipt = Receipt::nothing(top.digest);
    bring(shipment, place, stock, interrupted, &mut receipt)?;
    for tag in names.tags() {
        check(interrupted)?;
        match place.create(tag, top)? {
            Naming::Holds(created) => receipt.names.push((tag.clone(), created)),
            Naming::Held { digest, race } => return Err(PublishError::held(place, tag, digest, top, race)),
        }
    }
    place.finish(top)?;
    Ok(receipt)
}

/// Brings all that a shipment holds, and gives it no name.
pub fn bring(
    shipment: &Shipment,
    place: &dyn Place,
    stock: &dyn Stock,
    interrupted: &AtomicBool,
    receipt: &mut Receipt,
) -> Result<(), PublishError> {
    let missing = missing(shipment, place)?;
    receipt.blobs = bring_blobs(&missing, place, stock, interrupted)?;
    let is_missing = |manifest: &Manifest| missing.iter().any(|piece| piece.manifest.digest == manifest.digest);
    for manifest in shipment.manifests.iter().chain(&shipment.leaves) {
        if is_missing(manifest) {
            check(interrupted)?;
            place.bring_manifest(manifest)?;
            receipt.manifests.push(manifest.digest);
        }
    }
    let mut subjects: Vec<BlobDigest> = Vec::new();
    for attachment in &shipment.attachments {
        if !subjects.contains(&attachment.subject) {
            subjects.push(attachment.subject);
        }
    }
    for subject in subjects {
        check(interrupted)?;
        let of_it = shipment.attachments.iter().filter(|attachment| attachment.subject == subject);
        let artifacts: Vec<Manifest> = of_it.map(|attachment| attachment.manifest.clone()).collect();
        receipt.attached.extend(place.attach(&subject, &artifacts)?);
    }
    for companion in &shipment.companions {
        check(interrupted)?;
        if is_missing(&companion.manifest) {
            place.bring_manifest(&companion.manifest)?;
            receipt.manifests.push(companion.manifest.digest);
        }
        if let Naming::Held { digest, .. } = place.create(&companion.tag, &companion.manifest)? {
            receipt.left.push((companion.tag.clone(), digest));
        }
    }
    Ok(())
}

fn check(interrupted: &AtomicBool) -> Result<(), PublishError> {
    if interrupted.load(Ordering::Relaxed) { Err(PublishError::Interrupted) } else { Ok(()) }
}

/// Whether every name holds it already. One that holds something else ends the push.
fn all_there(place: &dyn Place, names: &Names, top: &Manifest) -> Result<bool, PublishError> {
    let held = each(names.tags(), QUESTIONS_AT_ONCE, |tag| place.holds(tag))?;
    for (tag, held) in names.tags().iter().zip(&held) {
        if let Some(held) = held.filter(|held| *held != top.digest) {
            return Err(PublishError::held(place, tag, held, top, Race::None));
        }
    }
    Ok(!held.is_empty() && held.iter().all(Option::is_some))
}

/// The manifests that are not there. If the last one is, all are.
fn missing<'a>(shipment: &'a Shipment, place: &dyn Place) -> Result<Vec<Piece<'a>>, PublishError> {
    let pieces = shipment.pieces()?;
    let top = shipment.top().map(|top| top.digest);
    let mut is_there = BTreeMap::new();
    if let Some(top) = top {
        let there = place.has_manifest(&top)?;
        is_there.extend(shipment.manifests.iter().filter(|_| there).map(|manifest| (manifest.digest, true)));
        is_there.insert(top, there);
    }
    let unknown: Vec<BlobDigest> =
        pieces.iter().map(|piece| piece.manifest.digest).filter(|digest| !is_there.contains_key(digest)).collect();
    let answers = each(&unknown, QUESTIONS_AT_ONCE, |digest| place.has_manifest(digest))?;
    is_there.extend(unknown.into_iter().zip(answers));
    Ok(pieces.into_iter().filter(|piece| is_there.get(&piece.manifest.digest) != Some(&true)).collect())
}

fn bring_blobs(
    missing: &[Piece<'_>],
    place: &dyn Place,
    stock: &dyn Stock,
    interrupted: &AtomicBool,
) -> Result<Vec<(Descriptor, How)>, PublishError> {
    let mut seen = BTreeSet::new();
    let blobs = missing.iter().flat_map(|piece| &piece.blobs).filter(|blob| seen.insert(blob.digest));
    let blobs: Vec<&Descriptor> = blobs.collect();
    let there = each(&blobs, QUESTIONS_AT_ONCE, |blob| place.has_blob(blob))?;
    // The largest first, so that none is left alone in the end.
    let mut absent: Vec<&Descriptor> =
        blobs.iter().zip(&there).filter(|(_, there)| !**there).map(|(blob, _)| *blob).collect();
    absent.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    let arrived = each(&absent, SENT_AT_ONCE, |blob| {
        check(interrupted)?;
        place.bring_blob(blob, stock)
    })?;
    let arrived: BTreeMap<BlobDigest, Arrived> = absent.iter().map(|blob| blob.digest).zip(arrived).collect();
    let how = |blob: &Descriptor| {
        Some(match arrived.get(&blob.digest)? {
            Arrived::Mounted(from) => How::Mounted(from.clone()),
            Arrived::Sent => How::Sent,
        })
    };
    Ok(blobs.into_iter().map(|blob| (blob.clone(), how(blob).unwrap_or(How::There))).collect())
}
