//! A stage or an image, evaluated layer by layer on top of its base.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{ContentDigest, ImagePath, LayerKey, Platform, TreeDigest};
use crate::input::archive::unpack;
use crate::input::{InputError, Spool};
use crate::lock::ImageRequest;
use crate::packages::split::groups;
use crate::plan::{LayerPlan, Made, StepPlan, describe, layer_key};
use crate::step::{Inputs, SourceTree, StepFailure, StepWarning, Times, evaluate};
use crate::template::stages::references;
use crate::template::{Action, Base, BaseFrom, Finding, Layer, Severity, SourceFrom, SourceRef, Span, Split, Template};
use crate::tree::{Changeset, Content, Contents, Kind, Tree};

use super::asks::base_image;
use super::contents::Everything;
use super::error::Error;
use super::gather::{Gathered, source_tree};
use super::landing;
use super::packages;
use super::prepare::build_name;
use super::provision::kept::{Kept, recall};
use super::provision::key::{KeyInputs, chain_of_base, digest_of_source, link};
use super::provision::layer::{LayerRun, Provisioned};
use super::provision::turns::Doing;
use super::provision::{Commands, Ground, GroundLayer};
use super::terms::{Cache, Event, Terms};
use super::units::{Made as UnitMade, Others, Taken, Units, Unpacked};

/// What a unit is evaluated with.
pub(super) struct Evaluation<'a> {
    pub(super) units: Units<'a>,
    /// The terms of its commands: they stop with those of others, and their lines say whose they are.
    pub(super) steps: &'a Terms<'a>,
    /// What the stages made that it needs, directly or not.
    pub(super) below: Vec<&'a UnitMade>,
    /// Gets what it makes itself.
    pub(super) made: UnitMade,
    pub(super) others: Others<'a>,
    /// The codec of its layers.
    pub(super) codec: &'a str,
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

/// The sources and stages that steps may name.
pub(super) type Sources<'s> = BTreeMap<String, SourceTree<'s>>;

/// The files of sources.
pub(super) type SourceTrees<'a> = BTreeMap<String, (Cow<'a, Tree>, Times)>;

/// What the layers of one unit are evaluated with.
pub(super) struct Around<'s> {
    /// The unit's name; `None`: the image.
    pub(super) stage: Option<&'s str>,
    /// What its steps run on.
    pub(super) platform: &'s Platform,
    pub(super) sources: &'s SourceTrees<'s>,
    /// The stages that they name.
    pub(super) stages: BTreeMap<&'s str, &'s Unit>,
}

impl Around<'_> {
    /// All trees that are known.
    pub(super) fn trees(&self) -> Sources<'_> {
        let sources =
            self.sources.iter().map(|(name, (tree, times))| (name.clone(), SourceTree { tree, times: *times }));
        let stages = self.stages.iter().filter(|(_, unit)| unit.ground.is_known);
        let stages =
            stages.map(|(name, unit)| ((*name).to_owned(), SourceTree { tree: &unit.root, times: Times::Pinned }));
        sources.chain(stages).collect()
    }

    /// The stages that a layer names.
    fn stages_of(&self, layer: &Layer) -> Vec<&Unit> {
        let named = references(std::slice::from_ref(layer));
        named.filter_map(|reference| self.stages.get(reference.source.as_str()).copied()).collect()
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
    /// Evaluates layers and puts them on top.
    pub(super) fn layers(&mut self, unit: &mut Unit, layers: &[Layer], around: &Around<'_>) -> Result<(), Stop> {
        for layer in layers {
            if self.units.terms.is_interrupted() {
                return Err(Error::Interrupted.into());
            }
            let stages = around.stages_of(layer);
            let runs = layer.has_commands();
            let is_derived = runs || unit.ground.is_derived || stages.iter().any(|stage| stage.ground.is_derived);
            let is_known = unit.ground.is_known && stages.iter().all(|stage| stage.ground.is_known);
            let steps: Vec<StepPlan> = layer.steps.iter().map(describe).collect();
            let key = if is_derived { Some(self.input_key(layer, &steps, unit, around)?) } else { None };
            let changes = match (is_known, runs, &key) {
                (false, ..) => None,
                (true, true, Some(key)) => self.commands(layer, key, unit, around)?,
                (true, ..) => Some(self.functions(layer, unit, around)?),
            };
            match (&layer.split, key) {
                (Some(Split::Origin), Some(key)) => self.put_parts(unit, layer, key, steps, changes, around)?,
                (_, key) => self.put(unit, layer, key, steps, changes),
            }
        }
        Ok(())
    }

    /// The key of a layer that is not known before it is made.
    fn input_key(&self, layer: &Layer, steps: &[StepPlan], unit: &Unit, around: &Around<'_>) -> Result<LayerKey, Stop> {
        let trees = around.trees();
        let given = references(std::slice::from_ref(layer)).filter_map(|reference| {
            let digest = match around.stages.get(reference.source.as_str()) {
                Some(stage) => stage.ground.chain,
                None => digest_of_source(reference, *trees.get(&reference.source)?),
            };
            Some((reference, digest))
        });
        let inputs = KeyInputs {
            profile: &self.units.loaded.settled.profile,
            epoch: self.units.loaded.settled.epoch,
            platform: around.platform,
            chain: unit.ground.chain,
            env: &unit.env,
            layer,
            steps,
            given: given.collect(),
            packages: self.units.sets(layer, around).flat_map(|(_, _, pin)| &pin.set).map(|of| of.sha256).collect(),
        };
        Ok(inputs.key()?)
    }

    /// A layer without commands.
    fn functions(&mut self, layer: &Layer, unit: &mut Unit, around: &Around<'_>) -> Result<Changeset, Stop> {
        let trees = around.trees();
        for reference in references(std::slice::from_ref(layer)) {
            self.unpack(layer, reference, &trees)?;
        }
        let contents = contents(&self.units, &self.below, &self.made.taken);
        let archives = unpacked(&self.made.taken.archives, layer, &trees);
        let inputs = Inputs { sources: trees, archives, contents: &contents };
        let epoch = self.units.loaded.settled.epoch;
        let evaluated = evaluate(layer, &mut unit.root, &inputs, &mut self.made.inline, epoch)?;
        self.warn(&evaluated.warnings);
        Ok(evaluated.changeset)
    }

    /// A layer with commands: what it was the last time, or what it becomes now, if they may run.
    fn commands(
        &mut self,
        layer: &Layer,
        key: &LayerKey,
        unit: &mut Unit,
        around: &Around<'_>,
    ) -> Result<Option<Changeset>, Stop> {
        let Units { reach, terms, shared, commands, .. } = self.units;
        let recalled = || {
            let is_good = terms.cache == Cache::Used || shared.has_run(key);
            is_good.then(|| recall(key, reach.store)).flatten()
        };
        let (mut turn, mut found) = (None, recalled());
        if found.is_none() && commands == Commands::Run {
            // Another unit of this build may be making the same layer.
            let doing = BTreeSet::from([Doing::Layer(*key)]);
            turn = terms.provision.turns.wait_unless(doing, self.others.halt());
            found = recalled();
        }
        if let Some(Kept { changes, spool, keys }) = found {
            if commands == Commands::Run {
                // It may have been made when other secrets were given, and when other keys were allowed.
                landing::secrets(&layer.name, &changes, &spool, terms.provision.needles())?;
                landing::private_keys(&layer.name, &keys, &layer.allow_private_keys)?;
            }
            self.made.taken.commands.insert(*key, Arc::new(spool));
            unit.root.apply(&changes);
            return Ok(Some(changes));
        }
        if commands == Commands::Recalled {
            return Ok(None);
        }
        let _turn = turn.ok_or(Error::Interrupted)?;
        // Before the turn is given back.
        let provisioned = self.run(layer, key, unit, around).inspect_err(|_| self.others.stop())?;
        shared.keep_run(*key);
        self.warn(&provisioned.warnings);
        self.made.taken.commands.insert(*key, Arc::new(provisioned.spool));
        self.made.touched.insert(*key, provisioned.touched);
        unit.root.apply(&provisioned.changes);
        Ok(Some(provisioned.changes))
    }

    /// Runs the commands of a layer.
    fn run(&mut self, layer: &Layer, key: &LayerKey, unit: &Unit, around: &Around<'_>) -> Result<Provisioned, Stop> {
        let trees = around.trees();
        for reference in references(std::slice::from_ref(layer)) {
            self.unpack(layer, reference, &trees)?;
        }
        let units = self.units;
        let cache_scope = format!("{} {}", build_name(units.loaded), around.platform).into_bytes();
        let turns = &units.terms.provision.turns;
        let Some(_turn) = turns.wait_unless(caches(layer, &cache_scope), self.others.halt()) else {
            return Err(Error::Interrupted.into());
        };
        let contents = contents(&units, &self.below, &self.made.taken);
        let inputs = Inputs {
            sources: trees.clone(),
            archives: unpacked(&self.made.taken.archives, layer, &trees),
            contents: &contents,
        };
        let run = LayerRun {
            layer,
            key: *key,
            epoch: units.loaded.settled.epoch,
            ground: &unit.ground,
            env: &unit.env,
            sources: &trees,
            inputs: &inputs,
            take_out: &|wanted| Ok(take_out_of_images(wanted, &units)?),
            packages: &|packages| units.packages(packages, around),
            provision: units.terms.provision,
            store: units.reach.store,
            terms: self.steps,
            silence: &|| self.others.silence(),
            cache_scope,
        };
        let made = run.run(&unit.root, &mut self.made.inline);
        (self.steps.watch)(Event::StepsEnd { layer: &layer.name });
        made
    }

    fn warn(&mut self, found: &[StepWarning]) {
        found.iter().for_each(|warning| self.made.warn(step_warning(warning)));
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
            key: key.unwrap_or_else(|| layer_key(&self.units.loaded.settled.profile, &tree)),
            made,
            codec: self.codec.to_owned(),
            steps,
        };
        unit.ground.chain = link(&unit.ground.chain, &plan.key);
        unit.ground.is_derived |= key.is_some();
        unit.ground.is_known &= changes.is_some();
        unit.ground.layers.extend(changes.clone().map(|changes| Arc::new(GroundLayer::layer(changes))));
        unit.layers.push(UnitLayer { plan, changeset: changes });
    }

    /// Puts a layer of packages on top, and what belongs to packages in layers below it.
    fn put_parts(
        &self,
        unit: &mut Unit,
        layer: &Layer,
        key: LayerKey,
        steps: Vec<StepPlan>,
        changes: Option<Changeset>,
        around: &Around<'_>,
    ) -> Result<(), Stop> {
        let set = self.units.sets(layer, around).flat_map(|(_, _, pin)| &pin.set);
        let groups = groups(set);
        let at = unit.layers.len();
        let (parts, rest) = match &changes {
            Some(changes) => {
                let contents = contents(&self.units, &self.below, &self.made.taken);
                let (parts, rest) = packages::parts(changes, &unit.root, &groups, &contents)?;
                (parts.into_iter().map(|part| Some(Arc::new(part))).collect(), Some(Arc::new(rest)))
            }
            None => (vec![None; groups.len()], None),
        };
        self.put(unit, layer, Some(key), steps, changes);
        let codec = || self.codec.to_owned();
        let parts = groups.iter().zip(parts).map(|(group, changeset): (_, Option<Arc<Changeset>>)| {
            let (name, key) = (format!("{}/{}", layer.name, group.name), packages::part_key(&key, group));
            UnitLayer { plan: LayerPlan { name, key, made: None, codec: codec(), steps: Vec::new() }, changeset }
        });
        if let Some(last) = unit.layers.last_mut() {
            last.changeset = rest;
        }
        drop(unit.layers.splice(at..at, parts));
        Ok(())
    }

    /// Unpacks what a reference extracts, if it was not before.
    fn unpack(&mut self, layer: &Layer, reference: &SourceRef, trees: &Sources<'_>) -> Result<(), Stop> {
        let extracts =
            layer.steps.iter().any(|step| matches!(&step.action, Action::Extract(of) if of.from == *reference));
        let Some(content) = archive(reference, trees).filter(|_| extracts) else { return Ok(()) };
        if self.made.taken.archives.contains_key(&content.digest) {
            return Ok(());
        }
        let turns = &self.units.terms.provision.turns;
        // Another unit may be unpacking it.
        let _turn = turns.wait(Doing::Archive(content.digest));
        let unpacked = match self.units.shared.archive(&content.digest) {
            Some(unpacked) => unpacked,
            None => {
                let name = format!("{}:{}", reference.source, reference.path);
                let mut wanted = BTreeSet::from([content.digest]);
                let taken = take_out_of_images(&mut wanted, &self.units)?;
                let mut contents = contents(&self.units, &self.below, &self.made.taken);
                contents.spools.extend(&taken);
                contents.inlines.push(&self.made.inline);
                let arrival = unpack(&name, content, &contents as &dyn Contents, self.units.reach.store)?;
                Arc::new(Unpacked::from(arrival))
            }
        };
        self.units.shared.keep_archive(content.digest, &unpacked);
        self.made.taken.archives.insert(content.digest, unpacked);
        Ok(())
    }
}

/// What a unit begins as: its base, under which name its layers go on.
pub(super) fn on_base(base: Option<&Base>, around: &Around<'_>, units: &Units<'_>) -> Unit {
    if let Some(Base { from: BaseFrom::Stage(name), .. }) = base
        && let Some(stage) = around.stages.get(name.as_str())
    {
        let mut unit = (*stage).clone();
        // The image may have a layer of the same name.
        unit.layers.iter_mut().for_each(|layer| layer.plan.name = format!("{name}/{}", layer.plan.name));
        return unit;
    }
    let base = base_image(base, around.platform).map(|(_, request)| request);
    let found = base.as_ref().and_then(|request| Some((request, units.gathered.images.get(request)?)));
    let foreign = found.map(|(_, foreign)| foreign);
    let root = foreign.map(|foreign| foreign.root.clone()).unwrap_or_default();
    let diff_ids = foreign.into_iter().flat_map(|foreign| &foreign.image.image.layers).map(|layer| layer.diff_id);
    let changes = found.filter(|_| !root.is_empty()).map(|(request, _)| units.shared.base(request, &root));
    let ground = Ground {
        chain: chain_of_base(diff_ids),
        layers: changes.into_iter().collect(),
        is_derived: false,
        is_known: true,
    };
    let env = foreign.map(|foreign| environment_of(&foreign.image.config)).unwrap_or_default();
    Unit { base, layers: Vec::new(), root, ground, env }
}

/// The caches that the commands of a layer work with.
fn caches(layer: &Layer, scope: &[u8]) -> BTreeSet<Doing> {
    let runs = layer.steps.iter().filter_map(|step| match &step.action {
        Action::Run(run) => Some(run),
        _ => None,
    });
    runs.flat_map(|run| &run.caches).map(|path| Doing::Cache(scope.to_vec(), path.to_string())).collect()
}

/// The contents that are at hand: of sources, of the stages below, and what a unit made itself but for the small ones. Those
/// of images are not: whoever needs one takes it out first.
pub(super) fn contents<'c>(units: &Units<'c>, below: &[&'c UnitMade], own: &'c Taken) -> Everything<'c> {
    let arrivals = units.gathered.arrivals.values().map(|arrival| &arrival.spool);
    let made = below.iter().flat_map(|made| made.taken.spools()).chain(own.spools()).map(|spool| &**spool);
    Everything {
        origins: units.gathered.scans.values().map(|named| &named.scan.origins).collect(),
        spools: arrivals.chain(made).collect(),
        inlines: std::iter::once(&units.shared.small).chain(below.iter().map(|made| &made.inline)).collect(),
        interrupted: units.terms.interrupted,
    }
}

/// The archives that a layer extracts.
fn unpacked<'a>(
    archives: &'a BTreeMap<ContentDigest, Arc<Unpacked>>,
    layer: &Layer,
    trees: &BTreeMap<String, SourceTree<'_>>,
) -> BTreeMap<(String, ImagePath), &'a Tree> {
    let layer = std::slice::from_ref(layer);
    let found = references(layer).filter_map(|reference| {
        let unpacked = archives.get(&archive(reference, trees)?.digest)?;
        Some(((reference.source.clone(), reference.path.clone()), &unpacked.tree))
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
    units: &Units<'_>,
) -> Result<Vec<Spool>, InputError> {
    // Another unit may be downloading the same layers.
    let _turn = units.terms.provision.turns.wait(Doing::Images);
    let mut taken = Vec::new();
    for foreign in units.gathered.images.values() {
        taken.extend(foreign.image.spool(&foreign.layers, wanted, units.reach)?);
    }
    Ok(taken)
}

/// The environment that an image's config sets.
fn environment_of(config: &serde_json::Value) -> BTreeMap<String, String> {
    let entries = config["config"]["Env"].as_array().into_iter().flatten().filter_map(|entry| entry.as_str());
    entries.filter_map(|entry| entry.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn step_warning(warning: &StepWarning) -> Finding {
    Finding::told(warning.span(), Severity::Warning, warning.to_string(), None)
}
