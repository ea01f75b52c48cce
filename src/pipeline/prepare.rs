//! The layers of a template, evaluated, and the plan that they make.

use std::path::PathBuf;

use crate::base::{PlanDigest, Platform};
use crate::image::LayerDescriptor;
use crate::layer::Codec;
use crate::plan::describe::codec;
use crate::plan::{LayerPlan, Plan, PlatformPlan, describe, layer_key};
use crate::step::{Inline, Inputs, StepError, StepFailure, StepWarning, evaluate};
use crate::store::notes::packed_name;
use crate::store::{BuildNote, LayerNote, PackedNote, Shelf, Store};
use crate::template::{Finding, Severity, Template};
use crate::tree::{Changeset, Tree};

use super::contents::Everything;
use super::error::Error;
use super::gather::{Gathered, gather};
use super::load::{Loaded, any_error};
use super::terms::{Cache, Terms};

/// A build that is known in full and not made yet.
#[derive(Debug)]
pub struct Prepared {
    /// What it is made from.
    pub loaded: Loaded,
    /// What came in.
    pub gathered: Gathered,
    /// Texts of the template and account files.
    pub inline: Inline,
    /// What will be made.
    pub plan: Plan,
    /// The digest of that.
    pub digest: PlanDigest,
    /// One for each platform, as in the plan.
    pub platforms: Vec<PreparedPlatform>,
    /// What looks wrong.
    pub warnings: Vec<Finding>,
    /// The last build of this template here.
    pub last: Option<BuildNote>,
}

/// The image of one platform.
#[derive(Debug)]
pub struct PreparedPlatform {
    /// Which.
    pub platform: Platform,
    /// Its template.
    pub template: Template,
    /// Its layers.
    pub layers: Vec<PreparedLayer>,
    /// All layers put together.
    pub root: Tree,
    /// How its layers are compressed.
    pub codec: Codec,
}

/// One layer.
#[derive(Debug)]
pub struct PreparedLayer {
    /// What it changes.
    pub changeset: Changeset,
    /// Whether the store has it.
    pub state: State,
}

/// Whether the store has a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does: the tar's length and the blob.
    Cached(u64, LayerDescriptor),
    /// It has to be made.
    Missing,
}

/// Evaluates everything. Reads what it must, writes nothing but notes.
pub fn prepare(
    loaded: Loaded,
    never: &[PathBuf],
    store: &Store,
    terms: &Terms<'_>,
    request: &super::Request,
) -> Result<Prepared, Error> {
    let mut warnings = loaded.warnings.clone();
    let mut templates = Vec::new();
    for platform in &loaded.platforms {
        let (template, findings) = loaded.document.template(platform, &request.set, request.version.as_deref());
        warnings.extend(findings.into_iter().filter(|finding| !warnings.contains(finding)).collect::<Vec<_>>());
        templates.push(template);
    }
    if any_error(&warnings) {
        return Err(Error::Template { template: loaded.path, findings: warnings, files: loaded.files });
    }
    let gathered = gather(&loaded, &mut templates, never, store, terms)?;
    let mut inline = Inline::default();
    let mut platforms = Vec::new();
    let mut plans = Vec::new();
    for (platform, template) in loaded.platforms.iter().zip(templates) {
        let made = prepare_platform(platform, template, &loaded, &gathered, &mut inline, terms, &mut warnings);
        let (plan, mut prepared) = match made {
            Ok(made) => made,
            Err(failure) => return Err(step_error(failure, loaded, &gathered, warnings)),
        };
        if terms.cache == Cache::Used {
            for (layer, plan) in prepared.layers.iter_mut().zip(&plan.layers) {
                layer.state = state(plan, &prepared.codec, store);
            }
        }
        plans.push(plan);
        platforms.push(prepared);
    }
    let plan = Plan {
        profile: loaded.settled.profile.clone(),
        name: loaded.facts.name.clone(),
        version: loaded.facts.version.clone(),
        epoch: loaded.settled.epoch,
        created: loaded.settled.created,
        annotations: platforms.first().map(|first| first.template.annotations.clone()).unwrap_or_default(),
        platforms: plans,
    };
    let digest = plan.digest()?;
    let last = store.note(Shelf::Builds, &build_name(&loaded));
    Ok(Prepared { loaded, gathered, inline, plan, digest, platforms, warnings, last })
}

/// The name of the note about the last build of a template.
pub(super) fn build_name(loaded: &Loaded) -> String {
    let real = std::fs::canonicalize(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
    crate::store::notes::path_name(&real)
}

fn prepare_platform(
    platform: &Platform,
    template: Template,
    loaded: &Loaded,
    gathered: &Gathered,
    inline: &mut Inline,
    terms: &Terms<'_>,
    warnings: &mut Vec<Finding>,
) -> Result<(PlatformPlan, PreparedPlatform), StepFailure> {
    let contents = Everything {
        origins: gathered.scans.values().map(|scan| &scan.origins).collect(),
        spools: gathered.archives.values().map(|(_, spool)| spool).collect(),
        inline: None,
        interrupted: terms.interrupted,
    };
    let inputs = Inputs {
        sources: gathered.scans.iter().map(|(name, scan)| (name.clone(), &scan.tree)).collect(),
        archives: gathered.archives.iter().map(|(key, (tree, _))| (key.clone(), tree)).collect(),
        contents: &contents,
    };
    let codec = codec(template.compression);
    let mut root = Tree::new();
    let (mut plans, mut layers) = (Vec::new(), Vec::new());
    for layer in &template.layers {
        let evaluated = evaluate(layer, &mut root, &inputs, inline, loaded.settled.epoch)?;
        let found = evaluated.warnings.iter().map(step_warning);
        let found: Vec<Finding> = found.filter(|finding| !warnings.contains(finding)).collect();
        warnings.extend(found);
        let tree = evaluated.changeset.digest();
        plans.push(LayerPlan {
            name: layer.name.clone(),
            key: layer_key(&loaded.settled.profile, &tree),
            tree,
            codec: codec.id(),
            steps: layer.steps.iter().map(describe).collect(),
            entries: evaluated.changeset.len(),
            content_bytes: evaluated.changeset.content_bytes(),
        });
        layers.push(PreparedLayer { changeset: evaluated.changeset, state: State::Missing });
    }
    let config = crate::plan::describe::config(&template.config);
    let plan = PlatformPlan { platform: platform.clone(), config, layers: plans };
    Ok((plan, PreparedPlatform { platform: platform.clone(), template, layers, root, codec }))
}

/// What the store knows of a layer.
pub(super) fn state(plan: &LayerPlan, codec: &Codec, store: &Store) -> State {
    let cached = || {
        let layer: LayerNote = store.note(Shelf::Layers, &plan.key.hex())?;
        let packed: PackedNote = store.note(Shelf::Packed, &packed_name(&layer.diff_id, &plan.codec))?;
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

fn step_warning(warning: &StepWarning) -> Finding {
    Finding::told(warning.span(), Severity::Warning, warning.to_string(), None)
}

/// A step's failure with its place; for a file that exists but was left out, also which rule did that.
fn step_error(failure: StepFailure, loaded: Loaded, gathered: &Gathered, mut findings: Vec<Finding>) -> Error {
    let mut hint = failure.error.hint();
    if let StepError::NotInSource { source_name, path } = &failure.error
        && let Some(reason) = gathered.scans.get(source_name).and_then(|scan| scan.why_left_out(path))
    {
        hint = Some(format!("it exists, but it was left out: {reason}"));
    }
    findings.push(Finding::told(failure.span, Severity::Error, failure.to_string(), hint));
    Error::Template { template: loaded.path, findings, files: loaded.files }
}
