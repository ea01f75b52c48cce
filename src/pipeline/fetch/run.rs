//! Runs a command that fetches in the base or stage that it asks for.

use std::collections::BTreeMap;

use crate::base::epoch::EARLIEST;
use crate::base::{LayerKey, Platform};
use crate::input::Reach;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::{Around, Stop, Unit, contents, on_base, take_out_of_images, trees_of};
use crate::pipeline::gather::Gathered;
use crate::pipeline::load::Loaded;
use crate::pipeline::prepare::stopped;
use crate::pipeline::provision::Commands;
use crate::pipeline::provision::fetch::Fetched;
use crate::pipeline::provision::layer::LayerRun;
use crate::pipeline::provision::packages::Parcel;
use crate::pipeline::terms::Terms;
use crate::pipeline::units::{Made, Shared, Taken, Target, Units};
use crate::step::{Inline, Inputs};
use crate::template::{Command, FetchSource, Layer, Run, Span, Template};

/// One fetch on one platform.
pub(super) struct Asked<'a> {
    /// Its name.
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) fetch: &'a FetchSource,
    /// The sources and stages that it needs, each behind those that it needs itself.
    pub(super) needed: &'a [&'a str],
    pub(super) template: &'a Template,
    /// The platform that the image is made for.
    pub(super) platform: &'a Platform,
}

/// Runs it. Everything that it needs was gathered.
pub(super) fn run(
    asked: &Asked<'_>,
    loaded: &Loaded,
    gathered: &Gathered,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Fetched, Error> {
    let shared = Shared::new(gathered);
    let units = Units { loaded, gathered, reach, terms, commands: Commands::Run, shared: &shared };
    let Asked { needed, template, platform, .. } = *asked;
    // Nothing of it is packed.
    let target = Target { platform, template, names: needed.to_vec(), codec: String::new() };
    // What looks wrong in stages is told by the build.
    let fetched = units.stages(&target).map_err(|failed| failed.stop);
    let fetched = fetched.and_then(|(stages, made)| in_place(asked, &units, &stages, &made));
    fetched.map_err(|stop| stopped(stop, loaded, gathered, template, Vec::new()))
}

fn in_place(
    asked: &Asked<'_>,
    units: &Units<'_>,
    stages: &BTreeMap<String, Unit>,
    made: &Made,
) -> Result<Fetched, Stop> {
    let Asked { name, span, fetch, needed, template, platform } = *asked;
    let sources = trees_of(template, needed, platform, units.gathered);
    let named = stages.iter().map(|(name, unit)| (name.as_str(), unit)).collect();
    let around = Around { stage: None, platform, sources: &sources, stages: named };
    let unit = match fetch.in_stage.as_ref().and_then(|stage| stages.get(stage)) {
        Some(stage) => stage.clone(),
        None => on_base(template.base.as_ref(), &around, units),
    };
    let layer = Layer {
        name: name.to_owned(),
        span,
        steps: Vec::new(),
        keep: Vec::new(),
        allow_private_keys: Vec::new(),
        split: None,
    };
    let trees = around.trees();
    let nothing = Taken::default();
    let contents = contents(units, &[made], &nothing);
    let inputs = Inputs { sources: trees.clone(), archives: BTreeMap::new(), contents: &contents };
    let terms = units.terms;
    let run = LayerRun {
        layer: &layer,
        // Nothing is kept under it: the lock names what is fetched.
        key: LayerKey::from([0; 32]),
        // What is fetched must not depend on the times of the lock.
        epoch: EARLIEST,
        ground: &unit.ground,
        env: &unit.env,
        sources: &trees,
        inputs: &inputs,
        take_out: &|wanted| Ok(take_out_of_images(wanted, units)?),
        // It is no step that could ask for any.
        packages: &|_| Ok(Parcel { architecture: "", debs: Vec::new() }),
        provision: terms.provision,
        store: units.reach.store,
        terms,
        // Its stages are done.
        silence: &|| true,
        cache_scope: Vec::new(),
    };
    run.fetch(&command(fetch), &unit.root, &mut Inline::default())
}

fn command(fetch: &FetchSource) -> Run {
    let command = Command::Argv(fetch.command.clone());
    Run { network: true, mounts: fetch.mounts.clone(), ..Run::new(command) }
}
