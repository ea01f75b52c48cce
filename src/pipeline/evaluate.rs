//! The stages that an image needs and the image itself, evaluated one after the other on top of their bases.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{ContentDigest, ImagePath, Platform};
use crate::input::archive::unpack;
use crate::input::{Arrival, InputError, Reach, Spool};
use crate::lock::ImageRequest;
use crate::plan::{LayerPlan, describe, layer_key};
use crate::step::{Inline, Inputs, SourceTree, StepFailure, StepWarning, Times, evaluate};
use crate::template::stages::references;
use crate::template::{Action, Base, BaseFrom, Finding, Layer, Severity, SourceFrom, SourceRef, Template};
use crate::tree::{Changeset, Content, Contents, Kind, Tree};

use super::asks::base_image;
use super::contents::Everything;
use super::error::Error;
use super::gather::{Gathered, source_tree};
use super::load::Loaded;
use super::terms::Terms;

/// What evaluation works with.
pub(super) struct Evaluation<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) gathered: &'a Gathered,
    /// Gets the small contents that steps make.
    pub(super) inline: &'a mut Inline,
    /// Gets the archives that steps extract.
    pub(super) archives: &'a mut Archives,
    pub(super) reach: &'a Reach<'a>,
    pub(super) terms: &'a Terms<'a>,
}

/// An image or stage, evaluated.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// The image at the bottom.
    pub(super) base: Option<ImageRequest>,
    /// The layers on top of it.
    pub(super) layers: Vec<UnitLayer>,
    /// All put together.
    pub(super) root: Tree,
}

/// One layer of it.
#[derive(Debug, Clone)]
pub(super) struct UnitLayer {
    pub(super) plan: LayerPlan,
    pub(super) changeset: Arc<Changeset>,
}

/// Why evaluation stopped.
pub(super) enum Stop {
    /// A step cannot be done.
    Step(StepFailure),
    /// Something else.
    Other(Box<Error>),
}

impl From<StepFailure> for Stop {
    fn from(failure: StepFailure) -> Self {
        Self::Step(failure)
    }
}

/// The archives that were unpacked, by the digest of their bytes.
#[derive(Debug, Default)]
pub(super) struct Archives(BTreeMap<ContentDigest, Arrival>);

impl Archives {
    /// The contents of all of them.
    pub(super) fn into_spools(self) -> Vec<Spool> {
        self.0.into_values().map(|arrival| arrival.spool).collect()
    }
}

impl Evaluation<'_> {
    /// Evaluates what the image of one platform needs, and then it.
    pub(super) fn image(
        &mut self,
        platform: &Platform,
        template: &Template,
        warnings: &mut Vec<Finding>,
    ) -> Result<Unit, Stop> {
        let mut sources: BTreeMap<String, (Cow<'_, Tree>, Times)> = BTreeMap::new();
        for (name, source) in super::asks::used_sources(template) {
            let times = match source.from {
                SourceFrom::Path(_) | SourceFrom::Url(_) | SourceFrom::Fetch(_) => Times::Machine,
                SourceFrom::Git(_) | SourceFrom::Image(_) => Times::Pinned,
            };
            if let Some(tree) = source_tree(source, platform, self.gathered) {
                sources.insert(name.to_owned(), (tree, times));
            }
        }
        let mut stages: BTreeMap<String, Unit> = BTreeMap::new();
        for name in template.needed_stages() {
            let Some(stage) = template.stages.get(name) else { continue };
            let runs_on = stage.runs_on.as_ref().unwrap_or(platform);
            let unit = self.unit(stage.base.as_ref(), runs_on, &stage.layers, &sources, &stages, warnings)?;
            stages.insert(name.to_owned(), unit);
        }
        self.unit(template.base.as_ref(), platform, &template.layers, &sources, &stages, warnings)
    }

    fn unit(
        &mut self,
        base: Option<&Base>,
        platform: &Platform,
        layers: &[Layer],
        sources: &BTreeMap<String, (Cow<'_, Tree>, Times)>,
        stages: &BTreeMap<String, Unit>,
        warnings: &mut Vec<Finding>,
    ) -> Result<Unit, Stop> {
        let mut unit = self.start(base, platform, stages);
        for layer in layers {
            let trees = sources.iter().map(|(name, (tree, times))| (name.clone(), SourceTree { tree, times: *times }));
            let made =
                stages.iter().map(|(name, unit)| (name.clone(), SourceTree { tree: &unit.root, times: Times::Pinned }));
            let trees: BTreeMap<String, SourceTree<'_>> = trees.chain(made).collect();
            for reference in references(std::slice::from_ref(layer)) {
                self.unpack(layer, reference, &trees)?;
            }
            let evaluated = {
                let contents = contents(self.gathered, self.archives, self.terms);
                let archives = unpacked(self.archives, layer, &trees);
                let inputs = Inputs { sources: trees, archives, contents: &contents };
                evaluate(layer, &mut unit.root, &inputs, self.inline, self.loaded.settled.epoch)?
            };
            let found = evaluated.warnings.iter().map(step_warning);
            let found: Vec<Finding> = found.filter(|finding| !warnings.contains(finding)).collect();
            warnings.extend(found);
            unit.layers.push(self.layer(layer, evaluated.changeset));
        }
        Ok(unit)
    }

    /// What a unit begins as: its base, under which name its layers go on.
    fn start(&self, base: Option<&Base>, platform: &Platform, stages: &BTreeMap<String, Unit>) -> Unit {
        if let Some(Base { from: BaseFrom::Stage(name), .. }) = base
            && let Some(stage) = stages.get(name)
        {
            let mut unit = stage.clone();
            // The image may have a layer of the same name.
            unit.layers.iter_mut().for_each(|layer| layer.plan.name = format!("{name}/{}", layer.plan.name));
            return unit;
        }
        let base = base_image(base, platform).map(|(_, request)| request);
        let root = base.as_ref().and_then(|request| self.gathered.images.get(request));
        let root = root.map(|foreign| foreign.root.clone()).unwrap_or_default();
        Unit { base, layers: Vec::new(), root }
    }

    fn layer(&self, layer: &Layer, changeset: Changeset) -> UnitLayer {
        let tree = changeset.digest();
        let plan = LayerPlan {
            name: layer.name.clone(),
            key: layer_key(&self.loaded.settled.profile, &tree),
            tree,
            codec: String::new(),
            steps: layer.steps.iter().map(describe).collect(),
            entries: changeset.len(),
            content_bytes: changeset.content_bytes(),
        };
        UnitLayer { plan, changeset: Arc::new(changeset) }
    }

    /// Unpacks what a reference extracts, if it was not before.
    fn unpack(
        &mut self,
        layer: &Layer,
        reference: &SourceRef,
        trees: &BTreeMap<String, SourceTree<'_>>,
    ) -> Result<(), Stop> {
        let extracts =
            layer.steps.iter().any(|step| matches!(&step.action, Action::Extract(of) if of.from == *reference));
        let Some(content) = archive(reference, trees).filter(|_| extracts) else { return Ok(()) };
        if self.archives.0.contains_key(&content.digest) {
            return Ok(());
        }
        let name = format!("{}:{}", reference.source, reference.path);
        let fail = |error: Error| Stop::Other(Box::new(error));
        let taken = take_out(&content, self.gathered, self.reach).map_err(|error| fail(error.into()))?;
        let arrival = {
            let mut contents = contents(self.gathered, self.archives, self.terms);
            contents.spools.extend(&taken);
            contents.inline = Some(self.inline);
            unpack(&name, content, &contents as &dyn Contents, self.reach.store)
        };
        self.archives.0.insert(content.digest, arrival.map_err(|error| fail(error.into()))?);
        Ok(())
    }
}

/// The contents that are at hand. Those of images are not: whoever needs one takes it out first.
fn contents<'a>(gathered: &'a Gathered, archives: &'a Archives, terms: &Terms<'a>) -> Everything<'a> {
    let archives = archives.0.values().map(|arrival| &arrival.spool);
    Everything {
        origins: gathered.scans.values().map(|named| &named.scan.origins).collect(),
        spools: gathered.arrivals.values().map(|arrival| &arrival.spool).chain(archives).collect(),
        inline: None,
        interrupted: terms.interrupted,
    }
}

/// The archives that a layer extracts.
fn unpacked<'a>(
    archives: &'a Archives,
    layer: &Layer,
    trees: &BTreeMap<String, SourceTree<'_>>,
) -> BTreeMap<(String, ImagePath), &'a Tree> {
    let layer = std::slice::from_ref(layer);
    let found = references(layer).filter_map(|reference| {
        let arrival = archives.0.get(&archive(reference, trees)?.digest)?;
        Some(((reference.source.clone(), reference.path.clone()), &arrival.tree))
    });
    found.collect()
}

/// The file that a reference names, if it is one. One that is not there is reported by the step, which knows where it was
/// named.
fn archive(reference: &SourceRef, trees: &BTreeMap<String, SourceTree<'_>>) -> Option<Content> {
    match trees.get(&reference.source)?.tree.get(&reference.path).map(|node| &node.kind) {
        Some(Kind::File { content, .. }) => Some(*content),
        _ => None,
    }
}

/// One content out of the image that has it, if one has.
fn take_out(content: &Content, gathered: &Gathered, reach: &Reach<'_>) -> Result<Vec<Spool>, InputError> {
    let mut wanted = std::collections::BTreeSet::from([content.digest]);
    let mut taken = Vec::new();
    for foreign in gathered.images.values() {
        taken.extend(foreign.image.spool(&foreign.layers, &mut wanted, reach)?);
    }
    Ok(taken)
}

fn step_warning(warning: &StepWarning) -> Finding {
    Finding::told(warning.span(), Severity::Warning, warning.to_string(), None)
}
