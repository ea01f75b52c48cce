//! What units make beside their layers, and what they share while they do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{ContentDigest, LayerKey};
use crate::input::{Arrival, Spool};
use crate::lock::ImageRequest;
use crate::pipeline::gather::Gathered;
use crate::pipeline::provision::{GroundLayer, Touched};
use crate::step::Inline;
use crate::template::Finding;
use crate::tree::Tree;

/// An archive that was unpacked.
#[derive(Debug)]
pub(in crate::pipeline) struct Unpacked {
    pub(in crate::pipeline) tree: Tree,
    spool: Arc<Spool>,
}

impl From<Arrival> for Unpacked {
    fn from(arrival: Arrival) -> Self {
        Self { tree: arrival.tree, spool: Arc::new(arrival.spool) }
    }
}

/// What was taken out of archives, and what commands wrote.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Taken {
    /// By the digest of the archive.
    pub(in crate::pipeline) archives: BTreeMap<ContentDigest, Arc<Unpacked>>,
    /// By the key of the layer.
    pub(in crate::pipeline) commands: BTreeMap<LayerKey, Arc<Spool>>,
}

impl Taken {
    /// The contents of all of them.
    pub(in crate::pipeline) fn spools(&self) -> impl Iterator<Item = &Arc<Spool>> {
        self.archives.values().map(|archive| &archive.spool).chain(self.commands.values())
    }
}

/// What a unit made, or all of them.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Made {
    /// Small contents that its steps made.
    pub(in crate::pipeline) inline: Inline,
    /// Other contents.
    pub(in crate::pipeline) taken: Taken,
    /// Which steps touched what, by the key of the layer.
    pub(in crate::pipeline) touched: BTreeMap<LayerKey, Touched>,
    /// What looks wrong.
    pub(in crate::pipeline) warnings: Vec<Finding>,
}

impl Made {
    /// Adds a warning that is not there yet.
    pub(in crate::pipeline) fn warn(&mut self, finding: Finding) {
        if !self.warnings.contains(&finding) {
            self.warnings.push(finding);
        }
    }

    /// Adds what another unit made. What both have is the same.
    pub(super) fn add(&mut self, other: Self) {
        self.inline.add(other.inline);
        self.taken.archives.extend(other.taken.archives);
        self.taken.commands.extend(other.taken.commands);
        // One of them has run the commands of a layer that both have.
        self.touched.extend(other.touched);
        other.warnings.into_iter().for_each(|finding| self.warn(finding));
    }
}

/// What the units of a build share.
#[derive(Debug)]
pub(in crate::pipeline) struct Shared {
    /// Small contents of images.
    pub(in crate::pipeline) small: Inline,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Archives that are unpacked.
    archives: BTreeMap<ContentDigest, Arc<Unpacked>>,
    /// Layers whose commands have run in this build.
    ran: BTreeSet<LayerKey>,
    /// Bases as what they change. One that several units stand on is one object: it is unpacked once.
    bases: BTreeMap<ImageRequest, Arc<GroundLayer>>,
}

impl Shared {
    /// Nothing but what came in.
    pub(in crate::pipeline) fn new(gathered: &Gathered) -> Self {
        let mut small = Inline::default();
        for content in gathered.small_contents() {
            small.keep(content.clone());
        }
        Self { small, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::pipeline) fn archive(&self, digest: &ContentDigest) -> Option<Arc<Unpacked>> {
        self.known().archives.get(digest).map(Arc::clone)
    }

    pub(in crate::pipeline) fn keep_archive(&self, digest: ContentDigest, unpacked: &Arc<Unpacked>) {
        self.known().archives.insert(digest, Arc::clone(unpacked));
    }

    pub(in crate::pipeline) fn has_run(&self, key: &LayerKey) -> bool {
        self.known().ran.contains(key)
    }

    pub(in crate::pipeline) fn keep_run(&self, key: LayerKey) {
        self.known().ran.insert(key);
    }

    /// A base as what it changes.
    pub(in crate::pipeline) fn base(&self, request: &ImageRequest, root: &Tree) -> Arc<GroundLayer> {
        let mut known = self.known();
        let base = known.bases.entry(request.clone()).or_insert_with(|| Arc::new(GroundLayer::base(root)));
        Arc::clone(base)
    }
}
