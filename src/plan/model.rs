//! The plan itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::hash::digest_of;
use crate::base::{DiffId, Epoch, Hasher, LayerKey, ManifestDigest, PlanDigest, Platform, TreeDigest, json};
use crate::tree::Changeset;

/// Everything that a build depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The format profile: tar rules, codecs, defaults.
    pub profile: String,
    /// The image's name.
    pub name: Option<String>,
    /// The image's version.
    pub version: Option<String>,
    /// The time of files.
    pub epoch: Epoch,
    /// The time in config and annotations.
    pub created: Epoch,
    /// Annotations of the template.
    pub annotations: BTreeMap<String, String>,
    /// One for each platform, in order.
    pub platforms: Vec<PlatformPlan>,
}

/// The image of one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlatformPlan {
    /// Which.
    pub platform: Platform,
    /// What it starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BasePlan>,
    /// The config as the template gives it.
    pub config: serde_json::Value,
    /// Layers from the bottom up.
    pub layers: Vec<LayerPlan>,
}

/// An image to start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasePlan {
    /// As the template names it.
    pub image: String,
    /// Its manifest, which names everything else of it.
    pub manifest: ManifestDigest,
    /// Its layers.
    pub layers: Vec<DiffId>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerPlan {
    /// Its name in the template.
    pub name: String,
    /// What names everything that can influence its bytes.
    pub key: LayerKey,
    /// What it changes; `None` where a command has to run before that is known. Whether it has run already makes no
    /// difference: a plan is the same on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
    /// How it is compressed ([`crate::layer::Codec::id`]).
    pub codec: String,
    /// Its steps, for people: everything that they do is in the key.
    pub steps: Vec<StepPlan>,
}

/// What a layer changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The digest of the changes ([`crate::tree::Changeset::digest`]).
    pub tree: TreeDigest,
    /// How many entries it has.
    pub entries: usize,
    /// Bytes of all its files.
    pub content_bytes: u64,
}

impl Made {
    /// Of a changeset.
    pub fn of(changes: &Changeset) -> Self {
        Self { tree: changes.digest(), entries: changes.len(), content_bytes: changes.content_bytes() }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlan {
    /// Such as `copy`.
    pub action: String,
    /// The action's value and its modifiers, as they are after substitution.
    pub settings: BTreeMap<String, String>,
}

/// The key of a layer that steps without a sandbox make: its changes are known before it is built, so they are the key.
pub fn layer_key(profile: &str, tree: &TreeDigest) -> LayerKey {
    let mut hasher = Hasher::new();
    hasher.field(b"kiln layer");
    hasher.field(profile.as_bytes());
    hasher.update(tree.as_bytes());
    hasher.finish()
}

/// What the images of all platforms share, so that machines which build one platform each can tell that they build the
/// same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The format profile.
    pub profile: String,
    /// The image's name.
    pub name: Option<String>,
    /// The image's version.
    pub version: Option<String>,
    /// The time of files.
    pub epoch: Epoch,
    /// The time in config and annotations.
    pub created: Epoch,
    /// Annotations of the template.
    pub annotations: BTreeMap<String, String>,
}

/// The plan of one platform by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPart {
    /// Which.
    pub platform: Platform,
    /// Of the platform's plan.
    pub digest: PlanDigest,
}

impl PlanHead {
    /// The digest of a plan: of the canonical JSON of what the platforms share, and of each platform's digest. `parts` are
    /// in the order of the platforms.
    pub fn digest(&self, parts: &[PlanPart]) -> serde_json::Result<PlanDigest> {
        json::canonical(&(self, parts)).map(|bytes| digest_of(&bytes))
    }
}

impl Plan {
    /// What all platforms share.
    pub fn head(&self) -> PlanHead {
        PlanHead {
            profile: self.profile.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            epoch: self.epoch,
            created: self.created,
            annotations: self.annotations.clone(),
        }
    }

    /// Each platform by its digest.
    pub fn parts(&self) -> serde_json::Result<Vec<PlanPart>> {
        let part = |plan: &PlatformPlan| {
            let digest = json::canonical(plan).map(|bytes| digest_of(&bytes))?;
            Ok(PlanPart { platform: plan.platform.clone(), digest })
        };
        self.platforms.iter().map(part).collect()
    }

    /// Its digest, which can also be had from the parts of several machines.
    pub fn digest(&self) -> serde_json::Result<PlanDigest> {
        self.head().digest(&self.parts()?)
    }
}
