//! Which sources and stages an image needs, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Kind};
use super::model::{Action, Base, BaseFrom, Command, Layer, Source, SourceFrom, SourceRef, Stage, Template};

impl Template {
    /// The sources and stages that the image needs, each behind those that it needs itself. Without a cycle, which
    /// [`cycles`] finds.
    pub fn needed(&self) -> Vec<&str> {
        self.graph(Through::Fetches).order(needs(self.base.as_ref(), &self.layers))
    }

    /// Those of them that the files of the image come from, in the same order: without what only a `fetch` needs, whose
    /// result is pinned.
    pub fn used(&self) -> Vec<&str> {
        self.graph(Through::Steps).order(needs(self.base.as_ref(), &self.layers))
    }

    /// What a source or stage needs, in the same way; itself it is last.
    pub fn needed_by<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.graph(Through::Fetches).order(std::iter::once(name))
    }

    fn graph(&self, through: Through) -> Graph<'_> {
        Graph { base: self.base.as_ref(), stages: &self.stages, sources: &self.sources, through }
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
pub fn needs<'a>(base: Option<&'a Base>, layers: &'a [Layer]) -> impl Iterator<Item = &'a str> {
    let base = base.and_then(|base| match &base.from {
        BaseFrom::Stage(name) => Some(name.as_str()),
        BaseFrom::Image(_) => None,
    });
    base.into_iter().chain(references(layers).map(|reference| reference.source.as_str()))
}

/// Whether what a `fetch` needs counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    /// It does.
    Fetches,
    /// Only what steps name does.
    Steps,
}

/// What needs what: sources and stages have one space of names.
struct Graph<'a> {
    base: Option<&'a Base>,
    stages: &'a BTreeMap<String, Stage>,
    sources: &'a BTreeMap<String, Source>,
    through: Through,
}

impl<'a> Graph<'a> {
    /// The names that a source or stage refers to.
    fn needs(&self, name: &str) -> Vec<&'a str> {
        if let Some(stage) = self.stages.get(name) {
            return needs(stage.base.as_ref(), &stage.layers).collect();
        }
        let source = self.sources.get(name).filter(|_| self.through == Through::Fetches);
        let Some(SourceFrom::Fetch(fetch)) = source.map(|source| &source.from) else {
            return Vec::new();
        };
        let stage = match &fetch.in_stage {
            Some(name) => Some(name.as_str()),
            None => needs(self.base, &[]).next(),
        };
        stage.into_iter().chain(fetch.mounts.iter().map(|mount| mount.from.source.as_str())).collect()
    }

    /// These, each behind what it needs.
    fn order(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
        names.for_each(|name| self.visit(name, &mut seen, &mut order));
        order
    }

    fn visit(&self, name: &'a str, seen: &mut BTreeSet<&'a str>, order: &mut Vec<&'a str>) {
        if seen.insert(name) {
            self.needs(name).into_iter().for_each(|needed| self.visit(needed, seen, order));
            order.push(name);
        }
    }

    fn follow(&self, name: &'a str, way: &mut Vec<&'a str>, done: &mut BTreeSet<&'a str>, findings: &mut Vec<Finding>) {
        if let Some(start) = way.iter().position(|other| *other == name) {
            let through = way[start..].iter().chain([&name]).map(|name| (*name).to_owned()).collect();
            let stage = self.stages.get(name).map(|stage| stage.span);
            let span = stage.or(self.sources.get(name).map(|source| source.span)).unwrap_or_default();
            findings.push(Finding::new(span, Kind::StageCycle { name: name.to_owned(), through }));
            return;
        }
        if done.contains(name) {
            return;
        }
        way.push(name);
        self.needs(name).into_iter().for_each(|needed| self.follow(needed, way, done, findings));
        way.pop();
        done.insert(name);
    }
}

/// A finding for each stage or source that needs itself, once a cycle.
pub(super) fn cycles(
    base: Option<&Base>,
    stages: &BTreeMap<String, Stage>,
    sources: &BTreeMap<String, Source>,
    findings: &mut Vec<Finding>,
) {
    let graph = Graph { base, stages, sources, through: Through::Fetches };
    let mut done = BTreeSet::new();
    for name in stages.keys().chain(sources.keys()) {
        graph.follow(name, &mut Vec::new(), &mut done, findings);
    }
}
