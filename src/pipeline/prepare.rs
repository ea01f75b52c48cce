//! The layers of a template, evaluated, and the plan that they make.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{LayerKey, PlanDigest, Platform};
use crate::image::LayerDescriptor;
use crate::input::{Reach, Spool};
use crate::layer::Codec;
use crate::lock::ImageRequest;
use crate::plan::describe::codec;
use crate::plan::{BasePlan, LayerPlan, Made, Plan, PlatformPlan, StepPlan, layer_key};
use crate::sandbox::Sandbox;
use crate::step::{Inline, StepError};
use crate::store::notes::packed_name;
use crate::store::{BuildNote, LayerNote, PackedNote, Shelf, Store};
use crate::template::{Finding, Severity, Template};
use crate::tree::{Changeset, Tree};

use super::error::Error;
use super::evaluate::Stop;
use super::gather::{Foreign, Gathered, gather};
use super::landing;
use super::load::{Loaded, any_error};
use super::provision::{Commands, Ground, Touched};
use super::terms::{Cache, Terms};
use super::units::{Failed, Shared, Target, Units};
use super::withheld::withheld;

/// A build that is known in full and not made yet.
#[derive(Debug)]
pub struct Prepared {
    /// What it is made from.
    pub loaded: Loaded,
    /// What came in.
    pub gathered: Gathered,
    /// The contents of archives that were extracted, and what commands wrote.
    pub taken: Vec<Arc<Spool>>,
    /// Texts of the template, account files and units.
    pub inline: Inline,
    /// What will be made.
    pub plan: Plan,
    /// The digest of that.
    pub digest: PlanDigest,
    /// The layers of stages, in the order in which they are made.
    pub stages: Vec<StageLayer>,
    /// Which steps touched what, by the key of the layer.
    pub touched: BTreeMap<LayerKey, Touched>,
    /// One for each platform, as in the plan.
    pub platforms: Vec<PreparedPlatform>,
    /// What looks wrong.
    pub warnings: Vec<Finding>,
    /// The last build of this template here.
    pub last: Option<BuildNote>,
}

/// A layer of a stage, which is in no image.
#[derive(Debug)]
pub struct StageLayer {
    /// The image's platform.
    pub platform: Platform,
    /// As a layer of the plan would be, named `STAGE/LAYER`.
    pub plan: LayerPlan,
    /// What it changes; `None` if its commands, or those below it, have not run here yet.
    pub changeset: Option<Arc<Changeset>>,
}

/// The image of one platform.
#[derive(Debug)]
pub struct PreparedPlatform {
    /// Which.
    pub platform: Platform,
    /// Its template.
    pub template: Template,
    /// The image that its layers are on top of, directly or through stages.
    pub base: Option<ImageRequest>,
    /// Its layers, those of the stages that it is on top of first.
    pub layers: Vec<PreparedLayer>,
    /// All layers put together, the base's too.
    pub root: Tree,
    /// The same layer by layer, for what runs on them.
    pub ground: Ground,
    /// How its layers are compressed.
    pub codec: Codec,
}

/// One layer.
#[derive(Debug)]
pub struct PreparedLayer {
    /// As in the plan.
    pub plan: LayerPlan,
    /// What it changes; `None` if its commands, or those below it, have not run here yet.
    pub content: Option<LayerContent>,
    /// Whether the store has it.
    pub state: State,
}

/// What a layer changes.
#[derive(Debug, Clone)]
pub struct LayerContent {
    /// What that is, in short.
    pub made: Made,
    /// The key that it is packed under: what is the same is packed once, whatever it was made by.
    pub key: LayerKey,
    /// All of it.
    pub changeset: Arc<Changeset>,
}

/// Whether the store has a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does: the tar's length and the blob.
    Cached(u64, LayerDescriptor),
    /// It has to be packed.
    Missing,
    /// Commands have to run.
    Unknown,
}

impl Prepared {
    /// The layers whose commands decide what they become: the name, and the key that their log is kept by.
    pub fn commands(&self) -> impl Iterator<Item = (&str, &LayerKey)> {
        let runs = |step: &StepPlan| matches!(step.action.as_str(), "run" | "script");
        let layers = self
            .stages
            .iter()
            .map(|layer| &layer.plan)
            .chain(self.plan.platforms.iter().flat_map(|platform| &platform.layers));
        let with_commands = layers.filter(move |layer| layer.steps.iter().any(runs));
        with_commands.map(|layer| (layer.name.as_str(), &layer.key))
    }
}

/// Evaluates everything. Reads what it must, writes nothing but notes.
pub fn prepare(
    loaded: Loaded,
    never: &[PathBuf],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
    request: &super::Request,
    commands: Commands,
) -> Result<Prepared, Error> {
    let mut warnings = loaded.warnings.clone();
    let mut templates = Vec::new();
    for platform in &loaded.platforms {
        let (template, findings) = loaded.document.template(platform, &request.set, request.version.as_deref());
        warn(&mut warnings, findings);
        templates.push(template);
    }
    if any_error(&warnings) {
        return Err(Error::Template { template: loaded.path, findings: warnings, files: loaded.files });
    }
    let gathered = gather(&loaded, &mut templates, never, reach, terms)?;
    let shared = Shared::new(&gathered);
    let units = Units { loaded: &loaded, gathered: &gathered, reach, terms, commands, shared: &shared };
    let target = |(platform, template)| Target::image(platform, template);
    let targets: Vec<Target<'_>> = loaded.platforms.iter().zip(&templates).map(target).collect();
    if commands == Commands::Run {
        let withheld = withheld(&units, &targets);
        if !withheld.is_empty() {
            warn(&mut warnings, withheld);
            return Err(Error::Template { template: loaded.path, findings: warnings, files: loaded.files });
        }
    }
    let (images, made) = match units.images(&targets) {
        Ok(images) => images,
        Err(failed) => {
            let Failed { stop, target, warnings: of_units } = *failed;
            warn(&mut warnings, of_units);
            return Err(stopped(stop, &loaded, &gathered, &templates[target], warnings));
        }
    };
    drop(targets);
    warn(&mut warnings, made.warnings);
    let mut inline = shared.small;
    inline.add(made.inline);
    let mut stages: Vec<StageLayer> = Vec::new();
    let mut platforms = Vec::new();
    let mut plans = Vec::new();
    for ((platform, template), evaluated) in loaded.platforms.iter().zip(templates).zip(images) {
        let (codec, image) = (codec(template.compression), evaluated.image);
        stages.extend(evaluated.of_stages.into_iter().map(|layer| StageLayer {
            platform: platform.clone(),
            plan: layer.plan,
            changeset: layer.changeset,
        }));
        let layers = image.layers.into_iter().map(|layer| {
            let content = layer.changeset.map(|changeset| {
                let made = layer.plan.made.unwrap_or_else(|| Made::of(&changeset));
                LayerContent { made, key: layer_key(&loaded.settled.profile, &made.tree), changeset }
            });
            let state = match (&content, terms.cache) {
                (None, _) => State::Unknown,
                (Some(content), Cache::Used) => state(content, &codec, reach.store),
                (Some(_), Cache::Ignored) => State::Missing,
            };
            PreparedLayer { plan: layer.plan, content, state }
        });
        let layers: Vec<PreparedLayer> = layers.collect();
        let base = image.base.as_ref().and_then(|request| gathered.images.get(request)).map(base_plan);
        plans.push(PlatformPlan {
            platform: platform.clone(),
            base,
            config: crate::plan::describe::config(&template.config),
            layers: layers.iter().map(|layer| layer.plan.clone()).collect(),
        });
        platforms.push(PreparedPlatform {
            platform: platform.clone(),
            base: image.base,
            root: image.root,
            ground: image.ground,
            layers,
            template,
            codec,
        });
    }
    terms.provision.made_sandbox().into_iter().for_each(Sandbox::rest);
    let plan = Plan {
        profile: loaded.settled.profile.clone(),
        name: loaded.facts.name.clone(),
        version: loaded.facts.version.clone(),
        epoch: loaded.settled.epoch,
        created: loaded.settled.created,
        annotations: shared_annotations(&loaded, request),
        platforms: plans,
    };
    let digest = plan.digest()?;
    let needles = terms.provision.needles();
    if !needles.is_empty() {
        // The config of each platform is part of the plan.
        landing::secrets_in_document("plan", &serde_json::to_string(&plan)?, needles)?;
        let lock = loaded.lock.as_ref().map(crate::lock::Lock::to_text).unwrap_or_default();
        landing::secrets_in_document("lock", &lock, needles)?;
    }
    let last = reach.store.note(Shelf::Builds, &build_name(&loaded));
    let (taken, touched) = (made.taken.spools().cloned().collect(), made.touched);
    Ok(Prepared { loaded, gathered, taken, inline, plan, digest, stages, touched, platforms, warnings, last })
}

/// Those of the template's first platform, also if others are built here: the index has them, and it is the same
/// wherever its images are built.
fn shared_annotations(loaded: &Loaded, request: &super::Request) -> BTreeMap<String, String> {
    let first = loaded.settled.platforms.first();
    let template = first.map(|first| loaded.document.template(first, &request.set, request.version.as_deref()).0);
    template.map(|template| template.annotations).unwrap_or_default()
}

/// Adds those that are not there yet.
fn warn(warnings: &mut Vec<Finding>, found: Vec<Finding>) {
    for finding in found {
        if !warnings.contains(&finding) {
            warnings.push(finding);
        }
    }
}

fn base_plan(foreign: &Foreign) -> BasePlan {
    BasePlan {
        image: foreign.image.request.image.clone(),
        manifest: foreign.image.image.manifest.digest,
        layers: foreign.image.image.layers.iter().map(|layer| layer.diff_id).collect(),
    }
}

/// The name of the note about the last build of a template.
pub(super) fn build_name(loaded: &Loaded) -> String {
    let real = std::fs::canonicalize(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
    crate::store::notes::path_name(&real)
}

/// What the store knows of a layer.
pub(super) fn state(content: &LayerContent, codec: &Codec, store: &Store) -> State {
    let cached = || {
        let layer: LayerNote = store.note(Shelf::Layers, &content.key.hex())?;
        let packed: PackedNote = store.note(Shelf::Packed, &packed_name(&layer.diff_id, &codec.id()))?;
        let whole = store.has_blob(&packed.digest.to_string(), packed.size_bytes);
        let descriptor = LayerDescriptor {
            diff_id: layer.diff_id,
            digest: packed.digest,
            size_bytes: packed.size_bytes,
            media_type: codec.media_type().into(),
        };
        whole.then_some(State::Cached(layer.raw_bytes, descriptor))
    };
    cached().unwrap_or(State::Missing)
}

/// A failure with its place; for a file that exists but was left out, also which rule did that. `findings` are told
/// with it.
pub(super) fn stopped(
    stop: Stop,
    loaded: &Loaded,
    gathered: &Gathered,
    template: &Template,
    mut findings: Vec<Finding>,
) -> Error {
    let (span, message, hint) = match stop {
        Stop::Other(error) => return *error,
        Stop::Command { span, message, hint } => (span, message, hint),
        Stop::Step(failure) => {
            let mut hint = failure.error.hint();
            if let StepError::NotInSource { source_name, path } = &failure.error
                && let Some(reason) =
                    template.sources.get(source_name).and_then(|source| gathered.scan(source)?.why_left_out(path))
            {
                hint = Some(format!("it exists, but it was left out: {reason}"));
            }
            (failure.span, failure.to_string(), hint)
        }
    };
    findings.push(Finding::told(span, Severity::Error, message, hint));
    Error::Template { template: loaded.path.clone(), findings, files: loaded.files.clone() }
}
