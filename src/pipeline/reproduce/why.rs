//! Why a layer differs: its files, the steps that touched them, and what else the template has to do with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ContentDigest;
use crate::base::glob::{Globs, Is};
use crate::compare::{Comparison, Side, Varied, compare};
use crate::input::Reach;
use crate::input::vendor::Vendor;
use crate::pipeline::build::{everything, take_out};
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::pipeline::provision::telling::describe;
use crate::pipeline::terms::Terms;
use crate::pipeline::units::own;
use crate::residue::rule_for;
use crate::store::Spool;
use crate::template::{Action, Layer, Run as Command};
use crate::tree::{Change, Changeset, Kind};

use super::find::{Found, Of};
use super::report::{Different, DifferentStep};
use super::runs::Run;

/// Compares the first layer of two runs that differs; the others are named.
pub(super) fn explain(
    (found, others): (&Found<'_>, &[Found<'_>]),
    first: &Run,
    second: &Run,
    layout: &Vendor,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Different, Error> {
    let name = found.plan.name.as_str();
    let taken_a = taken(found.a, found.b, first, layout, reach)?;
    let taken_b = taken(found.b, found.a, second, layout, reach)?;
    let contents_a = everything(&first.prepared, &taken_a, terms);
    let contents_b = everything(&second.prepared, &taken_b, terms);
    let comparison = compare(
        &Side { changes: found.a, contents: &contents_a },
        &Side { changes: found.b, contents: &contents_b },
        &varied(name, first, second),
    );
    let layer = layer_of(&first.prepared, found);
    let commands: Vec<(usize, &Command)> = layer.into_iter().flat_map(commands).collect();
    let touched = touched(found, &comparison, &first.prepared, &second.prepared);
    let to_blame: BTreeSet<usize> = touched.values().flatten().copied().collect();
    let implicated = commands.iter().filter(|(number, _)| to_blame.is_empty() || to_blame.contains(number));
    let implicated: Vec<(usize, &Command)> = implicated.copied().collect();
    let place = |number: usize| {
        let step = layer.and_then(|layer| layer.steps.get(number.checked_sub(1)?));
        step.map(|step| first.prepared.loaded.place(step.span)).unwrap_or_default()
    };
    let steps = implicated.iter().map(|(number, run)| DifferentStep {
        number: *number,
        place: place(*number),
        command: describe(&run.command),
    });
    Ok(Different {
        platform: found.platform.to_string(),
        layer: name.to_owned(),
        place: layer.map(|layer| first.prepared.loaded.place(layer.span)).unwrap_or_default(),
        steps: steps.collect(),
        notes: notes(layer, &implicated, &comparison),
        touched: if commands.len() > 1 { touched } else { BTreeMap::new() },
        others: others.iter().map(|other| other.plan.name.clone()).collect(),
        comparison,
    })
}

/// Contents of what differs that only somebody else's images have.
fn taken(
    own: &Changeset,
    other: &Changeset,
    run: &Run,
    layout: &Vendor,
    reach: &Reach<'_>,
) -> Result<Vec<Spool>, Error> {
    let differs = own.iter().filter(|(path, change)| other.get(path) != Some(*change));
    let wanted: BTreeSet<ContentDigest> = differs
        .filter_map(|(_, change)| match change {
            Change::Node(node) => match &node.kind {
                Kind::File { content, .. } => Some(content.digest),
                _ => None,
            },
            Change::Whiteout => None,
        })
        .collect();
    take_out(&run.prepared, &wanted, &reach.from_layout(&run.store, layout))
}

/// The values of both runs, as the recognition of causes wants them.
fn varied(layer: &str, first: &Run, second: &Run) -> Varied {
    let own_name = own(layer);
    let root = |run: &Run| run.store.root().display().to_string();
    let same = |text: &str| (text.to_owned(), text.to_owned());
    Varied {
        hostname: (first.values.steps.hostname.clone(), second.values.steps.hostname.clone()),
        cpus: (first.values.processors, second.values.processors),
        seconds: (first.clock_of(own_name), second.clock_of(own_name)),
        // These three are fixed by the sandbox.
        timezone: same("UTC"),
        locale: same("C.UTF-8"),
        uid: (0, 0),
        directory: (root(first), root(second)),
    }
}

/// The layer of the template that a layer of the plan is.
fn layer_of<'p>(prepared: &'p Prepared, found: &Found<'_>) -> Option<&'p Layer> {
    let platform = prepared.platforms.iter().find(|platform| platform.platform == *found.platform)?;
    let template = &platform.template;
    let own = || template.layers.iter().find(|layer| layer.name == found.plan.name);
    let of_stage = || {
        let (stage, name) = found.plan.name.split_once('/')?;
        template.stages.get(stage)?.layers.iter().find(|layer| layer.name == name)
    };
    match found.of {
        Of::Stage => of_stage(),
        Of::Image => own().or_else(of_stage),
    }
}

/// The commands of a layer, with the numbers of their steps from 1.
fn commands(layer: &Layer) -> impl Iterator<Item = (usize, &Command)> {
    layer.steps.iter().enumerate().filter_map(|(at, step)| match &step.action {
        Action::Run(run) => Some((at + 1, run.as_ref())),
        _ => None,
    })
}

/// The steps that touched each path that differs, in either run.
fn touched(
    found: &Found<'_>,
    comparison: &Comparison,
    first: &Prepared,
    second: &Prepared,
) -> BTreeMap<String, Vec<usize>> {
    let of = |prepared: &Prepared, path: &str| -> Vec<usize> {
        let touched = prepared.touched.get(&found.plan.key);
        touched.into_iter().flat_map(|touched| touched.steps(path)).collect()
    };
    let steps = comparison.differences.iter().map(|difference| {
        let path = difference.path.to_string();
        let steps: BTreeSet<usize> = of(first, &path).into_iter().chain(of(second, &path)).collect();
        (path, steps.into_iter().collect::<Vec<_>>())
    });
    steps.filter(|(_, steps)| !steps.is_empty()).collect()
}

/// What in the template lets such differences in.
fn notes(layer: Option<&Layer>, implicated: &[(usize, &Command)], comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(layer) = layer else { return notes };
    for (number, run) in implicated {
        if run.network {
            notes.push(format!(
                "step {number} has `network = true`: what it is answered is in no lock; fetch it as a source instead"
            ));
        }
        if let Some(cache) = run.caches.first() {
            notes.push(format!(
                "step {number} has a `cache` at `{cache}`: it was empty in every run, and what it holds elsewhere is in no lock"
            ));
        }
    }
    if implicated.is_empty() {
        notes.push("the layer runs no command: a file that it is made of changed between the runs".to_owned());
    }
    // The globs were checked when the template was read.
    let globs: Vec<&str> = layer.keep.iter().map(String::as_str).collect();
    let keep = Globs::new(&globs).unwrap_or_default();
    for difference in &comparison.differences {
        let path = &difference.path;
        if keep.covers(path, Is::Other)
            && let Some(rule) = rule_for(path, Is::Other)
        {
            notes.push(format!("`keep` holds `{path}`; without it: {} (`{}`: {})", rule.done(), rule.name, rule.why));
        }
    }
    notes
}
