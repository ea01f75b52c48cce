//! The stages that an image needs and the image itself, evaluated one after the other on top of their bases.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{ContentDigest, ImagePath, LayerKey, Platform, TreeDigest};
use crate::input::archive::unpack;
use crate::input::{Arrival, InputError, Reach, Spool};
use crate::lock::ImageRequest;
use crate::plan::{LayerPlan, Made, StepPlan, describe, layer_key};
use crate::step::{Inline, Inputs, SourceTree, StepFailure, StepWarning, Times, evaluate};
use crate::template::stages::references;
use crate::template::{Action, Base, BaseFrom, Finding, Layer, Severity, SourceFrom, SourceRef, Span, Template};
use crate::tree::{Changeset, Content, Contents, Kind, Tree};

use super::asks::base_image;
use super::contents::Everything;
use super::error::Error;
use super::gather::{Gathered, source_tree};
use super::load::Loaded;
use super::prepare::build_name;
use super::provision::kept::recall;
use super::provision::key::{KeyInputs, chain_of_base, digest_of_source, link};
use super::provision::layer::LayerRun;
use super::provision::{Commands, Ground, GroundLayer, Touched};
use super::terms::{Cache, Terms};

/// What evaluation works with.
pub(super) struct Evaluation<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) gathered: &'a Gathered,
    /// Gets the small contents that steps make.
    pub(super) inline: &'a mut Inline,
    /// Gets what was unpacked and what commands wrote.
    pub(super) taken: &'a mut Taken,
    pub(super) reach: &'a Reach<'a>,
    pub(super) terms: &'a Terms<'a>,
    /// Whether commands are run.
    pub(super) commands: Commands,
    /// The codec of the image's layers.
    pub(super) codec: String,
}

/// An image or stage, evaluated as far as it is known.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// The image at the bottom.
    pub(super) base: Option<ImageRequest>,
    /// The layers on top of it.
    pub(super) layers: Vec<UnitLayer>,
    /// All put together.
    pub(super) root: Tree,
    /// What the next layer stands on.
    pub(super) ground: Ground,
    /// The environment of its commands.
    pub(super) env: BTreeMap<String, String>,
}

/// One layer of it.
#[derive(Debug, Clone)]
pub(super) struct UnitLayer {
    pub(super) plan: LayerPlan,
    /// What it changes; `None` if that is not known before commands have run.
    pub(super) changeset: Option<Arc<Changeset>>,
}

/// Why evaluation stopped.
pub(super) enum Stop {
    /// A step cannot be done.
    Step(StepFailure),
    /// A command of a step failed.
    Command { span: Span, message: String, hint: Option<String> },
    /// Something else.
    Other(Box<Error>),
}

impl Stop {
    /// In one line.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Step(failure) => failure.to_string(),
            Self::Command { message, .. } => message.clone(),
            Self::Other(error) => error.to_string(),
        }
    }
}

impl From<StepFailure> for Stop {
    fn from(failure: StepFailure) -> Self {
        Self::Step(failure)
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Other(Box::new(error.into()))
    }
}

/// What was taken out of archives, and what commands wrote.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// By the digest of the archive.
    archives: BTreeMap<ContentDigest, Arrival>,
    /// By the key of the layer.
    commands: BTreeMap<LayerKey, Spool>,
    /// Which steps touched what, by the key of the layer.
    pub(super) touched: BTreeMap<LayerKey, Touched>,
}

impl Taken {
    fn spools(&self) -> impl Iterator<Item = &Spool> {
        self.archives.values().map(|arrival| &arrival.spool).chain(self.commands.values())
    }

    /// The contents of all of them.
    pub(super) fn into_spools(self) -> Vec<Spool> {
        self.archives.into_values().map(|arrival| arrival.spool).chain(self.commands.into_values()).collect()
    }
}

/// The sources and stages that steps may name.
pub(super) type Sources<'s> = BTreeMap<String, SourceTree<'s>>;

/// The files of sources.
pub(super) type SourceTrees<'a> = BTreeMap<String, (Cow<'a, Tree>, Times)>;

/// What the layers of one unit are evaluated with.
pub(super) struct Around<'s> {
    /// What its steps run on.
    pub(super) platform: &'s Platform,
    pub(super) sources: &'s SourceTrees<'s>,
    pub(super) stages: &'s BTreeMap<String, Unit>,
}

impl Around<'_> {
    /// All trees that are known.
    pub(super) fn trees(&self) -> Sources<'_> {
        let sources =
            self.sources.iter().map(|(name, (tree, times))| (name.clone(), SourceTree { tree, times: *times }));
        let stages = self.stages.iter().filter(|(_, unit)| unit.ground.is_known);
        let stages = stages.map(|(name, unit)| (name.clone(), SourceTree { tree: &unit.root, times: Times::Pinned }));
        sources.chain(stages).collect()
    }

    /// The stages that a layer names.
    fn stages_of(&self, layer: &Layer) -> Vec<&Unit> {
        references(std::slice::from_ref(layer)).filter_map(|reference| self.stages.get(&reference.source)).collect()
    }
}

/// The sources among `names`, with what their times are worth. Those that were not gathered are left out.
pub(super) fn trees_of<'a>(
    template: &Template,
    names: &[&str],
    platform: &Platform,
    gathered: &'a Gathered,
) -> SourceTrees<'a> {
    let found = super::asks::sources(template, names).filter_map(|(name, source)| {
        let times = match source.from {
            SourceFrom::Path(_) | SourceFrom::Url(_) | SourceFrom::Fetch(_) => Times::Machine,
            SourceFrom::Git(_) | SourceFrom::Image(_) => Times::Pinned,
        };
        Some((name.to_owned(), (source_tree(source, platform, gathered)?, times)))
    });
    found.collect()
}

impl Evaluation<'_> {
    /// Evaluates what the image of one platform needs, and then it. Gives the layers of the stages too, in that order.
    pub(super) fn image(
        &mut self,
        platform: &Platform,
        template: &Template,
        warnings: &mut Vec<Finding>,
    ) -> Result<(Unit, Vec<UnitLayer>), Stop> {
        let names = template.used();
        let sources = trees_of(template, &names, platform, self.gathered);
        let stages = self.stages(&names, platform, template, &sources, warnings)?;
        let around = Around { platform, sources: &sources, stages: &stages };
        let mut unit = self.start(template.base.as_ref(), &around);
        self.layers(&mut unit, &template.layers, &around, warnings)?;
        let in_order = names.iter().filter_map(|name| Some((*name, stages.get(*name)?)));
        let of_stages = in_order.flat_map(|(stage, unit)| {
            let named = move |layer: &UnitLayer| {
                let plan = LayerPlan { name: format!("{stage}/{}", layer.plan.name), ..layer.plan.clone() };
                UnitLayer { plan, changeset: layer.changeset.clone() }
            };
            unit.layers.iter().map(named)
        });
        Ok((unit, of_stages.collect()))
    }

    /// Evaluates the stages among `names`, each of which comes behind what it needs.
    pub(super) fn stages(
        &mut self,
        names: &[&str],
        platform: &Platform,
        template: &Template,
        sources: &SourceTrees<'_>,
        warnings: &mut Vec<Finding>,
    ) -> Result<BTreeMap<String, Unit>, Stop> {
        let mut stages: BTreeMap<String, Unit> = BTreeMap::new();
        for name in names {
            let Some(stage) = template.stages.get(*name) else { continue };
            let around = Around { platform: stage.runs_on.as_ref().unwrap_or(platform), sources, stages: &stages };
            let mut unit = self.start(stage.base.as_ref(), &around);
            unit.env.extend(stage.env.clone());
            self.layers(&mut unit, &stage.layers, &around, warnings)?;
            stages.insert((*name).to_owned(), unit);
        }
        Ok(stages)
    }

    fn layers(
        &mut self,
        unit: &mut Unit,
        layers: &[Layer],
        around: &Around<'_>,
        warnings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        for layer in layers {
            if self.terms.is_interrupted() {
                return Err(Error::Interrupted.into());
            }
            let stages = around.stages_of(layer);
            let runs = layer.steps.iter().any(|step| matches!(step.action, Action::Run(_)));
            let is_derived = runs || unit.ground.is_derived || stages.iter().any(|stage| stage.ground.is_derived);
            let is_known = unit.ground.is_known && stages.iter().all(|stage| stage.ground.is_known);
            let steps: Vec<StepPlan> = layer.steps.iter().map(describe).collect();
            let key = if is_derived { Some(self.input_key(layer, &steps, unit, around)?) } else { None };
            let changes = match (is_known, runs, &key) {
                (false, ..) => None,
                (true, true, Some(key)) => self.commands(layer, key, unit, around, warnings)?,
                (true, ..) => Some(self.functions(layer, unit, around, warnings)?),
            };
            self.put(unit, layer, key, steps, changes);
        }
        Ok(())
    }

    /// What a unit begins as: its base, under which name its layers go on.
    pub(super) fn start(&self, base: Option<&Base>, around: &Around<'_>) -> Unit {
        if let Some(Base { from: BaseFrom::Stage(name), .. }) = base
            && let Some(stage) = around.stages.get(name)
        {
            let mut unit = stage.clone();
            // The image may have a layer of the same name.
            unit.layers.iter_mut().for_each(|layer| layer.plan.name = format!("{name}/{}", layer.plan.name));
            return unit;
        }
        let base = base_image(base, around.platform).map(|(_, request)| request);
        let foreign = base.as_ref().and_then(|request| self.gathered.images.get(request));
        let root = foreign.map(|foreign| foreign.root.clone()).unwrap_or_default();
        let diff_ids = foreign.into_iter().flat_map(|foreign| &foreign.image.image.layers).map(|layer| layer.diff_id);
        let ground = Ground {
            chain: chain_of_base(diff_ids),
            layers: if root.is_empty() { Vec::new() } else { vec![Arc::new(GroundLayer::base(&root))] },
            is_derived: false,
            is_known: true,
        };
        let env = foreign.map(|foreign| environment_of(&foreign.image.config)).unwrap_or_default();
        Unit { base, layers: Vec::new(), root, ground, env }
    }

    /// The key of a layer that is not known before it is made.
    fn input_key(&self, layer: &Layer, steps: &[StepPlan], unit: &Unit, around: &Around<'_>) -> Result<LayerKey, Stop> {
        let trees = around.trees();
        let given = references(std::slice::from_ref(layer)).filter_map(|reference| {
            let digest = match around.stages.get(&reference.source) {
                Some(stage) => stage.ground.chain,
                None => digest_of_source(reference, *trees.get(&reference.source)?),
            };
            Some((reference, digest))
        });
        let inputs = KeyInputs {
            profile: &self.loaded.settled.profile,
            epoch: self.loaded.settled.epoch,
            platform: around.platform,
            chain: unit.ground.chain,
            env: &unit.env,
            layer,
            steps,
            given: given.collect(),
        };
        Ok(inputs.key()?)
    }

    /// A layer without commands.
    fn functions(
        &mut self,
        layer: &Layer,
        unit: &mut Unit,
        around: &Around<'_>,
        warnings: &mut Vec<Finding>,
    ) -> Result<Changeset, Stop> {
        let trees = around.trees();
        for reference in references(std::slice::from_ref(layer)) {
            self.unpack(layer, reference, &trees)?;
        }
        let contents = contents(self.gathered, self.taken, self.terms);
        let archives = unpacked(self.taken, layer, &trees);
        let inputs = Inputs { sources: trees, archives, contents: &contents };
        let evaluated = evaluate(layer, &mut unit.root, &inputs, self.inline, self.loaded.settled.epoch)?;
        warn(evaluated.warnings, warnings);
        Ok(evaluated.changeset)
    }

    /// A layer with commands: what it was the last time, or what it becomes now, if they may run.
    fn commands(
        &mut self,
        layer: &Layer,
        key: &LayerKey,
        unit: &mut Unit,
        around: &Around<'_>,
        warnings: &mut Vec<Finding>,
    ) -> Result<Option<Changeset>, Stop> {
        // Another platform of this build may have made the same layer.
        if (self.terms.cache == Cache::Used || self.taken.commands.contains_key(key))
            && let Some((changes, spool)) = recall(key, self.reach.store)
        {
            self.taken.commands.entry(*key).or_insert(spool);
            unit.root.apply(&changes);
            return Ok(Some(changes));
        }
        if self.commands == Commands::Recalled {
            return Ok(None);
        }
        let trees = around.trees();
        for reference in references(std::slice::from_ref(layer)) {
            self.unpack(layer, reference, &trees)?;
        }
        let provisioned = {
            let contents = contents(self.gathered, self.taken, self.terms);
            let archives = unpacked(self.taken, layer, &trees);
            let inputs = Inputs { sources: trees.clone(), archives, contents: &contents };
            let (gathered, reach) = (self.gathered, self.reach);
            let template = build_name(self.loaded);
            let run = LayerRun {
                layer,
                key: *key,
                epoch: self.loaded.settled.epoch,
                ground: &unit.ground,
                env: &unit.env,
                sources: &trees,
                inputs: &inputs,
                take_out: &|wanted| Ok(take_out_of_images(wanted, gathered, reach)?),
                provision: self.terms.provision,
                store: reach.store,
                terms: self.terms,
                cache_scope: format!("{template} {}", around.platform).into_bytes(),
                now: self.terms.now.seconds(),
            };
            run.run(&unit.root, self.inline)?
        };
        warn(provisioned.warnings, warnings);
        self.taken.commands.insert(*key, provisioned.spool);
        self.taken.touched.insert(*key, provisioned.touched);
        unit.root.apply(&provisioned.changes);
        Ok(Some(provisioned.changes))
    }

    /// Puts a layer on top.
    fn put(
        &self,
        unit: &mut Unit,
        layer: &Layer,
        key: Option<LayerKey>,
        steps: Vec<StepPlan>,
        changes: Option<Changeset>,
    ) {
        let changes = changes.map(Arc::new);
        let made = changes.as_deref().filter(|_| key.is_none()).map(Made::of);
        let tree = made.map(|made| made.tree).unwrap_or(TreeDigest::from([0; 32]));
        let plan = LayerPlan {
            name: layer.name.clone(),
            key: key.unwrap_or_else(|| layer_key(&self.loaded.settled.profile, &tree)),
            made,
            codec: self.codec.clone(),
            steps,
        };
        unit.ground.chain = link(&unit.ground.chain, &plan.key);
        unit.ground.is_derived |= key.is_some();
        unit.ground.is_known &= changes.is_some();
        unit.ground.layers.extend(changes.clone().map(|changes| Arc::new(GroundLayer::layer(changes))));
        unit.layers.push(UnitLayer { plan, changeset: changes });
    }

    /// Unpacks what a reference extracts, if it was not before.
    fn unpack(&mut self, layer: &Layer, reference: &SourceRef, trees: &Sources<'_>) -> Result<(), Stop> {
        let extracts =
            layer.steps.iter().any(|step| matches!(&step.action, Action::Extract(of) if of.from == *reference));
        let Some(content) = archive(reference, trees).filter(|_| extracts) else { return Ok(()) };
        if self.taken.archives.contains_key(&content.digest) {
            return Ok(());
        }
        let name = format!("{}:{}", reference.source, reference.path);
        let mut wanted = BTreeSet::from([content.digest]);
        let taken = take_out_of_images(&mut wanted, self.gathered, self.reach)?;
        let arrival = {
            let mut contents = contents(self.gathered, self.taken, self.terms);
            contents.spools.extend(&taken);
            contents.inline = Some(self.inline);
            unpack(&name, content, &contents as &dyn Contents, self.reach.store)
        };
        self.taken.archives.insert(content.digest, arrival?);
        Ok(())
    }
}

/// The contents that are at hand. Those of images are not: whoever needs one takes it out first.
pub(super) fn contents<'a>(gathered: &'a Gathered, taken: &'a Taken, terms: &Terms<'a>) -> Everything<'a> {
    Everything {
        origins: gathered.scans.values().map(|named| &named.scan.origins).collect(),
        spools: gathered.arrivals.values().map(|arrival| &arrival.spool).chain(taken.spools()).collect(),
        inline: None,
        interrupted: terms.interrupted,
    }
}

/// The archives that a layer extracts.
fn unpacked<'a>(
    taken: &'a Taken,
    layer: &Layer,
    trees: &BTreeMap<String, SourceTree<'_>>,
) -> BTreeMap<(String, ImagePath), &'a Tree> {
    let layer = std::slice::from_ref(layer);
    let found = references(layer).filter_map(|reference| {
        let arrival = taken.archives.get(&archive(reference, trees)?.digest)?;
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

/// Contents out of the images that have them.
pub(super) fn take_out_of_images(
    wanted: &mut BTreeSet<ContentDigest>,
    gathered: &Gathered,
    reach: &Reach<'_>,
) -> Result<Vec<Spool>, InputError> {
    let mut taken = Vec::new();
    for foreign in gathered.images.values() {
        taken.extend(foreign.image.spool(&foreign.layers, wanted, reach)?);
    }
    Ok(taken)
}

fn warn(found: Vec<StepWarning>, warnings: &mut Vec<Finding>) {
    for finding in found.iter().map(step_warning) {
        if !warnings.contains(&finding) {
            warnings.push(finding);
        }
    }
}

/// The environment that an image's config sets.
fn environment_of(config: &serde_json::Value) -> BTreeMap<String, String> {
    let entries = config["config"]["Env"].as_array().into_iter().flatten().filter_map(|entry| entry.as_str());
    entries.filter_map(|entry| entry.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn step_warning(warning: &StepWarning) -> Finding {
    Finding::told(warning.span(), Severity::Warning, warning.to_string(), None)
}
