//! Runs a command that fetches in the base or stage that it asks for.

use std::collections::BTreeMap;

use crate::base::epoch::EARLIEST;
use crate::base::{LayerKey, Platform};
use crate::input::Reach;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::{Around, Evaluation, Stop, Taken, contents, take_out_of_images, trees_of};
use crate::pipeline::gather::Gathered;
use crate::pipeline::load::Loaded;
use crate::pipeline::prepare::stopped;
use crate::pipeline::provision::Commands;
use crate::pipeline::provision::fetch::Fetched;
use crate::pipeline::provision::layer::LayerRun;
use crate::pipeline::terms::Terms;
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
    let (mut inline, mut taken) = (Inline::default(), Taken::default());
    for content in gathered.small_contents() {
        inline.keep(content.clone());
    }
    let mut evaluation = Evaluation {
        loaded,
        gathered,
        inline: &mut inline,
        taken: &mut taken,
        reach,
        terms,
        commands: Commands::Run,
        // Nothing of it is packed.
        codec: String::new(),
    };
    let fetched = in_place(asked, &mut evaluation);
    fetched.map_err(|stop| stopped(stop, loaded, gathered, asked.template, Vec::new()))
}

fn in_place(asked: &Asked<'_>, evaluation: &mut Evaluation<'_>) -> Result<Fetched, Stop> {
    let Asked { name, span, fetch, needed, template, platform } = *asked;
    let sources = trees_of(template, needed, platform, evaluation.gathered);
    // What looks wrong in stages is told by the build.
    let stages = evaluation.stages(needed, platform, template, &sources, &mut Vec::new())?;
    let around = Around { platform, sources: &sources, stages: &stages };
    let unit = match fetch.in_stage.as_ref().and_then(|stage| stages.get(stage)) {
        Some(stage) => stage.clone(),
        None => evaluation.start(template.base.as_ref(), &around),
    };
    let layer =
        Layer { name: name.to_owned(), span, steps: Vec::new(), keep: Vec::new(), allow_private_keys: Vec::new() };
    let trees = around.trees();
    let (gathered, reach, terms) = (evaluation.gathered, evaluation.reach, evaluation.terms);
    let contents = contents(gathered, evaluation.taken, terms);
    let inputs = Inputs { sources: trees.clone(), archives: BTreeMap::new(), contents: &contents };
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
        take_out: &|wanted| Ok(take_out_of_images(wanted, gathered, reach)?),
        provision: terms.provision,
        store: reach.store,
        terms,
        cache_scope: Vec::new(),
        now: terms.now.seconds(),
    };
    run.fetch(&command(fetch), &unit.root, evaluation.inline)
}

fn command(fetch: &FetchSource) -> Run {
    Run {
        command: Command::Argv(fetch.command.clone()),
        env: BTreeMap::new(),
        workdir: None,
        user: None,
        network: true,
        mounts: fetch.mounts.clone(),
        caches: Vec::new(),
        secrets: Vec::new(),
        timeout_s: None,
        memory_bytes: None,
        cpus: None,
    }
}
