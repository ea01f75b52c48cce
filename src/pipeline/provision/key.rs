//! The names of layers that are not known before they are made.

use std::collections::BTreeMap;

use crate::base::{ContentDigest, Epoch, Hasher, LayerKey, Platform};
use crate::plan::StepPlan;
use crate::step::{SourceTree, Times};
use crate::template::{Layer, SourceRef};
use crate::tree::{Change, Changeset};

/// What the commands of a sandbox find, beside what the key names: moves whenever that changes what they would do.
const SURROUNDINGS: &str = "sandbox 2";

/// Everything that decides what a layer becomes.
pub(crate) struct KeyInputs<'a> {
    pub(crate) profile: &'a str,
    pub(crate) epoch: Epoch,
    pub(crate) platform: &'a Platform,
    /// What it stands on.
    pub(crate) chain: ContentDigest,
    /// The environment of its commands, from base and stage.
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) layer: &'a Layer,
    pub(crate) steps: &'a [StepPlan],
    /// What its steps name, with what that is.
    pub(crate) given: Vec<(&'a SourceRef, ContentDigest)>,
    /// The packages that it installs.
    pub(crate) packages: Vec<ContentDigest>,
}

impl KeyInputs<'_> {
    /// The key.
    pub(crate) fn key(&self) -> serde_json::Result<LayerKey> {
        let mut hasher = Hasher::new();
        for field in ["kiln layer of inputs", SURROUNDINGS, self.profile, &self.platform.to_string()] {
            hasher.field(field.as_bytes());
        }
        hasher.field(&self.epoch.seconds().to_be_bytes());
        hasher.field(self.chain.as_bytes());
        let keep = &self.layer.keep;
        hasher.field(&crate::base::json::canonical(&(self.env, keep, self.steps))?);
        for (reference, digest) in &self.given {
            hasher.field(reference.source.as_bytes());
            hasher.field(reference.path.as_bytes());
            hasher.field(digest.as_bytes());
        }
        self.packages.iter().for_each(|digest| hasher.field(digest.as_bytes()));
        Ok(hasher.finish())
    }
}

/// What a reference names, without times that mean nothing.
pub(crate) fn digest_of_source(reference: &SourceRef, source: SourceTree<'_>) -> ContentDigest {
    let own = source.tree.get(&reference.path).map(|node| (reference.path.clone(), node));
    let below = source.tree.below(&reference.path).map(|(path, node)| (path.clone(), node));
    let changes: Changeset = own
        .into_iter()
        .chain(below)
        .map(|(path, node)| {
            let mtime = if source.times == Times::Machine { 0 } else { node.mtime };
            (path, Change::Node(crate::tree::Node { mtime, ..node.clone() }))
        })
        .collect();
    ContentDigest::from(*changes.digest().as_bytes())
}

/// What is stood on once a layer with `key` is on top of `chain`.
pub(crate) fn link(chain: &ContentDigest, key: &LayerKey) -> ContentDigest {
    let mut hasher = Hasher::new();
    hasher.field(b"kiln chain");
    hasher.field(chain.as_bytes());
    hasher.field(key.as_bytes());
    hasher.finish()
}

/// What is stood on by an image: the layers of its base.
pub(crate) fn chain_of_base(diff_ids: impl Iterator<Item = crate::base::DiffId>) -> ContentDigest {
    let mut hasher = Hasher::new();
    hasher.field(b"kiln base");
    diff_ids.for_each(|diff_id| hasher.field(diff_id.as_bytes()));
    hasher.finish()
}
