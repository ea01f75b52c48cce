//! The units of a build: the stages that an image needs and the image itself, for each of its platforms.
//!
//! ```text
//! queue   which unit needs which            -> which one comes next          pure
//! crew    units                             -> what became of each           threads
//! made    what a unit makes beside layers, and what all of them share
//! name    whose a line is that a command printed
//! ```
//! Units that do not need each other are evaluated at once, and so their commands run at once: never more than the build's
//! jobs. A unit sees what the stages made that it needs, and nothing of others, whatever these have done by then. Results,
//! warnings and failures are put together in the order of the template, whichever came first.
//!
//! What only one may do at a time, such as to run the commands of a layer that two platforms share, is in
//! [`super::provision`] (`turns`).

mod crew;
mod made;
mod name;
mod queue;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use crate::base::{Class, Platform};
use crate::input::Reach;
use crate::plan::LayerPlan;
use crate::plan::describe::codec;
use crate::template::stages::needs;
use crate::template::{Base, Finding, Layer, Stage, Template};

use super::evaluate::{Around, Evaluation, SourceTrees, Stop, Unit, UnitLayer, on_base, trees_of};
use super::gather::Gathered;
use super::load::Loaded;
use super::provision::Commands;
use super::terms::{Event, Terms};

use crew::{Done, Outcome};

pub(super) use crew::Others;
pub(super) use made::{Made, Shared, Taken, Unpacked};
pub(super) use name::own;

/// What the units of a build are evaluated with.
#[derive(Clone, Copy)]
pub(super) struct Units<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) gathered: &'a Gathered,
    pub(super) reach: &'a Reach<'a>,
    pub(super) terms: &'a Terms<'a>,
    /// Whether commands are run.
    pub(super) commands: Commands,
    pub(super) shared: &'a Shared,
}

/// An image on one platform.
pub(super) struct Target<'a> {
    pub(super) platform: &'a Platform,
    pub(super) template: &'a Template,
    /// The sources and stages that it needs, each behind those that it needs itself.
    pub(super) names: Vec<&'a str>,
    /// The codec of its layers.
    pub(super) codec: String,
}

impl<'a> Target<'a> {
    /// The image of a template.
    pub(super) fn image(platform: &'a Platform, template: &'a Template) -> Self {
        Self { platform, template, names: template.used(), codec: codec(template.compression).id() }
    }
}

/// An evaluated image.
pub(super) struct Evaluated {
    pub(super) image: Unit,
    /// The layers of its stages in that order, named `STAGE/LAYER`.
    pub(super) of_stages: Vec<UnitLayer>,
}

/// The unit that failed first in the order of the template.
pub(super) struct Failed {
    pub(super) stop: Stop,
    /// Which target it belongs to.
    pub(super) target: usize,
    /// What looks wrong in it and in the stages that it needs: others may have come far or not.
    pub(super) warnings: Vec<Finding>,
}

/// One unit.
struct Task<'t> {
    target: usize,
    sources: &'t SourceTrees<'t>,
    /// The stage's name and what it says; `None`: the image.
    stage: Option<(&'t str, &'t Stage)>,
    /// The platform that its commands run on.
    platform: &'t Platform,
    base: Option<&'t Base>,
    layers: &'t [Layer],
    /// The stages that it names, and which units these are.
    needs: BTreeMap<&'t str, usize>,
}

/// What a unit became.
type Whole = (Unit, Made);

/// Why a unit could not be evaluated, and what looks wrong in it so far.
struct Broken {
    stop: Stop,
    warnings: Vec<Finding>,
}

impl<'a> Units<'a> {
    /// The images of all targets, in order, with all that was made for them.
    pub(super) fn images(&self, targets: &[Target<'_>]) -> Result<(Vec<Evaluated>, Made), Box<Failed>> {
        let sources = self.sources(targets);
        let mut tasks = Vec::new();
        for (at, (target, sources)) in targets.iter().zip(&sources).enumerate() {
            let stages = add_stages(at, target, sources, &mut tasks);
            let Target { platform, template, .. } = target;
            let (base, layers) = (template.base.as_ref(), template.layers.as_slice());
            let needs = stages_of(base, layers, &stages);
            tasks.push(Task { target: at, sources, stage: None, platform, base, layers, needs });
        }
        let (units, made) = self.all(&tasks, targets)?;
        let mut evaluated = Vec::new();
        let mut of_stages = Vec::new();
        for (task, unit) in tasks.iter().zip(units) {
            match task.stage {
                Some((stage, _)) => of_stages.extend(unit.layers.into_iter().map(|layer| {
                    let plan = LayerPlan { name: format!("{stage}/{}", layer.plan.name), ..layer.plan };
                    UnitLayer { plan, ..layer }
                })),
                None => evaluated.push(Evaluated { image: unit, of_stages: std::mem::take(&mut of_stages) }),
            }
        }
        Ok((evaluated, made))
    }

    /// The stages of one target alone.
    pub(super) fn stages(&self, target: &Target<'_>) -> Result<(BTreeMap<String, Unit>, Made), Box<Failed>> {
        let targets = std::slice::from_ref(target);
        let sources = self.sources(targets);
        let mut tasks = Vec::new();
        sources.iter().for_each(|sources| drop(add_stages(0, target, sources, &mut tasks)));
        let (units, made) = self.all(&tasks, targets)?;
        let named = tasks.iter().zip(units).filter_map(|(task, unit)| Some((task.stage?.0.to_owned(), unit)));
        Ok((named.collect(), made))
    }

    fn sources<'t>(&self, targets: &[Target<'t>]) -> Vec<SourceTrees<'t>>
    where
        'a: 't,
    {
        let gathered: &'a Gathered = self.gathered;
        targets.iter().map(|target| trees_of(target.template, &target.names, target.platform, gathered)).collect()
    }

    fn all(&self, tasks: &[Task<'_>], targets: &[Target<'_>]) -> Result<(Vec<Unit>, Made), Box<Failed>> {
        let needs: Vec<Vec<usize>> = tasks.iter().map(|task| task.needs.values().copied().collect()).collect();
        let closures = queue::closures(&needs);
        let prefixes = prefixes(tasks, targets, &closures, self.terms.jobs);
        let outcome = crew::work(needs, self.terms.jobs, self.terms.interrupted, |at, done: &Done<Whole>, others| {
            let (task, prefix) = (&tasks[at], prefixes[at].as_str());
            let codec = &targets[task.target].codec;
            self.unit(task, &closures[at], codec, prefix, done, others)
        });
        let Outcome { done, failures } = outcome;
        if let Some((at, broken)) = first(failures) {
            let below = done.into_iter().enumerate().filter(|(other, _)| closures[at].contains(other));
            let below = below.filter_map(|(_, whole)| whole).flat_map(|(_, made)| made.warnings);
            let warnings = below.chain(broken.warnings).collect();
            return Err(Box::new(Failed { stop: broken.stop, target: tasks[at].target, warnings }));
        }
        let mut all = Made::default();
        let units = done.into_iter().flatten().map(|(unit, made)| {
            all.add(made);
            unit
        });
        let units = units.collect();
        Ok((units, all))
    }

    fn unit(
        &self,
        task: &Task<'_>,
        closure: &BTreeSet<usize>,
        codec: &str,
        prefix: &str,
        done: &Done<Whole>,
        others: Others<'_>,
    ) -> Result<Whole, Box<Broken>> {
        let whole = |at: usize| done.get(at).and_then(|place| place.get());
        let named = task.needs.iter().filter_map(|(name, at)| Some((*name, &whole(*at)?.0)));
        let around = Around {
            stage: task.stage.map(|(name, _)| name),
            platform: task.platform,
            sources: task.sources,
            stages: named.collect(),
        };
        let watch = |event: Event<'_>| name::tell(event, prefix, self.terms.watch);
        let steps =
            Terms { machine: self.terms.machine.clone(), interrupted: others.halt(), watch: &watch, ..*self.terms };
        let mut evaluation = Evaluation {
            units: *self,
            steps: &steps,
            below: closure.iter().filter_map(|at| Some(&whole(*at)?.1)).collect(),
            made: Made::default(),
            others,
            codec,
        };
        let mut unit = on_base(task.base, &around, self);
        if let Some((_, stage)) = task.stage {
            unit.env.extend(stage.env.clone());
        }
        match evaluation.layers(&mut unit, task.layers, &around) {
            Ok(()) => Ok((unit, evaluation.made)),
            Err(stop) => Err(Box::new(Broken { stop, warnings: evaluation.made.warnings })),
        }
    }
}

/// Adds the stages of a target; gives the units that they are.
fn add_stages<'t>(
    target_at: usize,
    target: &Target<'t>,
    sources: &'t SourceTrees<'t>,
    tasks: &mut Vec<Task<'t>>,
) -> BTreeMap<&'t str, usize> {
    let mut stages = BTreeMap::new();
    for name in &target.names {
        let Some(stage) = target.template.stages.get(*name) else { continue };
        let platform = stage.runs_on.as_ref().unwrap_or(target.platform);
        let (base, layers) = (stage.base.as_ref(), stage.layers.as_slice());
        let needs = stages_of(base, layers, &stages);
        let stage = Some((*name, stage));
        stages.insert(*name, tasks.len());
        tasks.push(Task { target: target_at, sources, stage, platform, base, layers, needs });
    }
    stages
}

/// Those of the stages that a base and layers name.
fn stages_of<'t>(base: Option<&Base>, layers: &[Layer], stages: &BTreeMap<&'t str, usize>) -> BTreeMap<&'t str, usize> {
    needs(base, layers).filter_map(|name| stages.get_key_value(name)).map(|(name, at)| (*name, *at)).collect()
}

/// What stands before the names of each unit's layers.
fn prefixes(
    tasks: &[Task<'_>],
    targets: &[Target<'_>],
    closures: &[BTreeSet<usize>],
    jobs: NonZeroUsize,
) -> Vec<String> {
    let with_commands = tasks.iter().enumerate().filter(|(_, task)| task.layers.iter().any(Layer::has_commands));
    let with_commands: Vec<usize> = with_commands.map(|(at, _)| at).collect();
    if jobs.get() == 1 || !queue::can_meet(&with_commands, closures) {
        return vec![String::new(); tasks.len()];
    }
    let prefix = |task: &Task<'_>| {
        let platform = targets.get(task.target).filter(|_| targets.len() > 1).map(|target| target.platform);
        name::prefix(platform, task.stage.map(|(stage, _)| stage))
    };
    tasks.iter().map(prefix).collect()
}

/// The failure to tell: the first that is one, not only a unit that was stopped because of another.
fn first(mut failures: Vec<(usize, Box<Broken>)>) -> Option<(usize, Box<Broken>)> {
    let is_own = |stop: &Stop| !matches!(stop, Stop::Other(error) if error.class() == Class::Interrupted);
    let at = failures.iter().position(|(_, broken)| is_own(&broken.stop)).unwrap_or(0);
    (at < failures.len()).then(|| failures.swap_remove(at))
}
