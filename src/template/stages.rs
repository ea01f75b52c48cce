//! Which stages an image needs, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Kind};
use super::model::{Action, Base, BaseFrom, Command, Layer, SourceRef, Stage, Template};

impl Template {
    /// The stages that the image needs, each behind those that it needs itself. Without a cycle, which [`cycles`] finds.
    pub fn needed_stages(&self) -> Vec<&str> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        for name in needs(self.base.as_ref(), &self.layers) {
            self.visit(name, &mut seen, &mut order);
        }
        order
    }

    fn visit<'a>(&'a self, name: &'a str, seen: &mut BTreeSet<&'a str>, order: &mut Vec<&'a str>) {
        let Some(stage) = self.stages.get(name).filter(|_| seen.insert(name)) else { return };
        for needed in needs(stage.base.as_ref(), &stage.layers) {
            self.visit(needed, seen, order);
        }
        order.push(name);
    }
}

impl Template {
    /// Changes what steps name, in the image and in all stages.
    pub fn each_reference(&mut self, mut change: impl FnMut(&mut SourceRef)) {
        let layers = self.stages.values_mut().flat_map(|stage| &mut stage.layers).chain(&mut self.layers);
        for step in layers.flat_map(|layer| &mut layer.steps) {
            match &mut step.action {
                Action::Copy(copy) => change(&mut copy.from),
                Action::Extract(extract) => change(&mut extract.from),
                Action::Run(run) => {
                    if let Command::Script { from, .. } = &mut run.command {
                        change(from);
                    }
                    run.mounts.iter_mut().for_each(|mount| change(&mut mount.from));
                }
                _ => {}
            }
        }
    }
}

/// What the steps of layers name, in order.
pub fn references(layers: &[Layer]) -> impl Iterator<Item = &SourceRef> {
    layers.iter().flat_map(|layer| &layer.steps).flat_map(|step| {
        let (first, mounts) = match &step.action {
            Action::Copy(copy) => (Some(&copy.from), &[][..]),
            Action::Extract(extract) => (Some(&extract.from), &[][..]),
            Action::Run(run) => match &run.command {
                Command::Script { from, .. } => (Some(from), run.mounts.as_slice()),
                _ => (None, run.mounts.as_slice()),
            },
            _ => (None, &[][..]),
        };
        first.into_iter().chain(mounts.iter().map(|mount| &mount.from))
    })
}

/// The names that a base and layers refer to: sources and stages.
fn needs<'a>(base: Option<&'a Base>, layers: &'a [Layer]) -> impl Iterator<Item = &'a str> {
    let base = base.and_then(|base| match &base.from {
        BaseFrom::Stage(name) => Some(name.as_str()),
        BaseFrom::Image(_) => None,
    });
    base.into_iter().chain(references(layers).map(|reference| reference.source.as_str()))
}

/// A finding for each stage that needs itself, once a cycle.
pub(super) fn cycles(stages: &BTreeMap<String, Stage>, findings: &mut Vec<Finding>) {
    let mut done = BTreeSet::new();
    for name in stages.keys() {
        let mut way = Vec::new();
        follow(name, stages, &mut way, &mut done, findings);
    }
}

fn follow<'a>(
    name: &'a str,
    stages: &'a BTreeMap<String, Stage>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    findings: &mut Vec<Finding>,
) {
    if let Some(start) = way.iter().position(|other| *other == name) {
        let through = way[start..].iter().chain([&name]).map(|name| (*name).to_owned()).collect();
        let span = stages.get(name).map(|stage| stage.span).unwrap_or_default();
        findings.push(Finding::new(span, Kind::StageCycle { name: name.to_owned(), through }));
        return;
    }
    let Some(stage) = stages.get(name).filter(|_| !done.contains(name)) else { return };
    way.push(name);
    for needed in needs(stage.base.as_ref(), &stage.layers) {
        follow(needed, stages, way, done, findings);
    }
    way.pop();
    done.insert(name);
}
