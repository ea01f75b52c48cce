//! What a command that fetches is given, as one digest.
//!
//! A stage counts by what its layers are made from: base, steps and what these name. The times of the lock are left out, so
//! that `kiln update epoch` and `--epoch` make no fetch run again; so are the versions of sandbox and formats. Images count
//! by the manifest in the lock: they need not be here.

use std::collections::BTreeMap;

use crate::base::json::canonical;
use crate::base::{ContentDigest, Hasher, Platform};
use crate::lock::{ImageRequest, Lock, Pin, Request};
use crate::pipeline::asks::base_image;
use crate::pipeline::evaluate::{SourceTrees, trees_of};
use crate::pipeline::gather::Gathered;
use crate::pipeline::packages;
use crate::pipeline::provision::key::digest_of_source;
use crate::plan::{StepPlan, describe};
use crate::step::SourceTree;
use crate::template::stages::references;
use crate::template::{Action, Base, BaseFrom, Layer, SourceFrom, SourceRef, Stage};

use super::run::Asked;

/// What the digest is made from.
pub(super) struct Givens<'a> {
    pub(super) run: &'a Asked<'a>,
    pub(super) lock: &'a Lock,
    /// All that the command needs, but for images.
    pub(super) gathered: &'a Gathered,
}

/// The stages so far.
type Stages<'a> = BTreeMap<&'a str, ContentDigest>;

impl Givens<'_> {
    /// The digest.
    pub(super) fn digest(&self) -> serde_json::Result<ContentDigest> {
        let Asked { fetch, needed, template, platform, .. } = *self.run;
        let trees = trees_of(template, needed, platform, self.gathered);
        let mut stages = Stages::new();
        for name in needed {
            if let Some(stage) = template.stages.get(*name) {
                let digest = self.stage(name, stage, &trees, &stages)?;
                stages.insert(name, digest);
            }
        }
        let ground = match &fetch.in_stage {
            Some(name) => stages.get(name.as_str()).copied(),
            None => self.base(template.base.as_ref(), platform, &stages),
        };
        let mut hasher = Hasher::new();
        hasher.field(b"kiln fetch");
        hasher.field(ground.as_ref().map_or(&[], |ground| ground.as_bytes()));
        hasher.field(&canonical(&fetch.command)?);
        for mount in &fetch.mounts {
            hasher.field(&canonical(&(mount.to.to_string(), mount.writable))?);
            self.reference(&mount.from, &trees, &stages, &mut hasher);
        }
        Ok(hasher.finish())
    }

    fn stage(
        &self,
        name: &str,
        stage: &Stage,
        trees: &SourceTrees<'_>,
        stages: &Stages<'_>,
    ) -> serde_json::Result<ContentDigest> {
        let platform = stage.runs_on.as_ref().unwrap_or(self.run.platform);
        let mut hasher = Hasher::new();
        hasher.field(b"kiln stage");
        let base = self.base(stage.base.as_ref(), platform, stages);
        hasher.field(base.as_ref().map_or(&[], |base| base.as_bytes()));
        hasher.field(platform.to_string().as_bytes());
        hasher.field(&canonical(&stage.env)?);
        for layer in &stage.layers {
            self.layer(layer, (name, platform), trees, stages, &mut hasher)?;
        }
        Ok(hasher.finish())
    }

    fn layer(
        &self,
        layer: &Layer,
        (stage, platform): (&str, &Platform),
        trees: &SourceTrees<'_>,
        stages: &Stages<'_>,
        hasher: &mut Hasher,
    ) -> serde_json::Result<()> {
        let steps: Vec<StepPlan> = layer.steps.iter().map(describe).collect();
        hasher.field(&canonical(&(&layer.keep, steps))?);
        for step in &layer.steps {
            if let Action::Packages(packages) = &step.action {
                let request = packages::request(packages, Some(stage), platform);
                let pin = packages::pinned(Some(self.lock), &request);
                pin.into_iter().flat_map(|pin| &pin.set).for_each(|package| hasher.field(package.sha256.as_bytes()));
            }
        }
        for reference in references(std::slice::from_ref(layer)) {
            self.reference(reference, trees, stages, hasher);
        }
        Ok(())
    }

    /// A base: the stage, or the image that the lock names.
    fn base(&self, base: Option<&Base>, platform: &Platform, stages: &Stages<'_>) -> Option<ContentDigest> {
        if let Some(Base { from: BaseFrom::Stage(name), .. }) = base {
            return stages.get(name.as_str()).copied();
        }
        let (_, request) = base_image(base, platform)?;
        self.image(request)
    }

    fn image(&self, request: ImageRequest) -> Option<ContentDigest> {
        match self.lock.inputs.get(&Request::Image(request)) {
            Some(Pin::Image(pin)) => Some(ContentDigest::from(*pin.manifest.as_bytes())),
            _ => None,
        }
    }

    /// What a step or mount names.
    fn reference(&self, reference: &SourceRef, trees: &SourceTrees<'_>, stages: &Stages<'_>, hasher: &mut Hasher) {
        let source = self.run.template.sources.get(&reference.source);
        let digest = match source.map(|source| &source.from) {
            Some(SourceFrom::Image(image)) => {
                self.image(ImageRequest { image: image.clone(), platform: self.run.platform.clone() })
            }
            Some(_) => trees
                .get(&reference.source)
                .map(|(tree, times)| digest_of_source(reference, SourceTree { tree, times: *times })),
            None => stages.get(reference.source.as_str()).copied(),
        };
        hasher.field(reference.path.as_bytes());
        hasher.field(digest.as_ref().map_or(&[], |digest| digest.as_bytes()));
    }
}
