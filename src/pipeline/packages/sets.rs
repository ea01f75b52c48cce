//! The steps of a template that ask for packages, and what each of them stands on.

use std::collections::BTreeMap;

use crate::base::Platform;
use crate::lock::{ImageRequest, Lock, PackagesRequest};
use crate::packages::PackagePin;
use crate::pipeline::asks::base_image;
use crate::template::{Action, Base, BaseFrom, Layer, Packages, Span, Template};

use super::pinned;

/// A step that asks for packages.
pub(in crate::pipeline) struct Set<'t> {
    pub(in crate::pipeline) packages: &'t Packages,
    /// The key of its entry in the lock.
    pub(in crate::pipeline) request: PackagesRequest,
    pub(in crate::pipeline) span: Span,
    /// What is below it.
    pub(in crate::pipeline) standing: Standing,
    /// The platform that its unit runs on.
    pub(in crate::pipeline) platform: &'t Platform,
    /// The platform that the image is built for.
    pub(in crate::pipeline) target: &'t Platform,
    /// The stage that has the image which all stands on; nothing if that is the image's own.
    pub(in crate::pipeline) needs: Vec<&'t str>,
}

/// What a set stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pipeline) struct Standing {
    /// The image at the bottom.
    pub(in crate::pipeline) base: Option<ImageRequest>,
    /// The sets of the steps below.
    pub(in crate::pipeline) sets: Vec<PackagesRequest>,
}

impl Standing {
    /// The packages of these sets.
    pub(super) fn pins<'l>(&self, lock: Option<&'l Lock>) -> impl Iterator<Item = &'l PackagePin> {
        self.sets.iter().filter_map(move |request| pinned(lock, request)).flat_map(|pin| &pin.set)
    }
}

/// What a unit leaves for those that stand on it.
#[derive(Clone, Default)]
struct Ground<'t> {
    standing: Standing,
    needs: Vec<&'t str>,
}

/// The key of what a step asks for. `platform` is its unit's, `stage` the unit's name if it is not the image.
pub(in crate::pipeline) fn request(packages: &Packages, stage: Option<&str>, platform: &Platform) -> PackagesRequest {
    PackagesRequest {
        packages: packages.requests.iter().map(ToString::to_string).collect(),
        repositories: packages.repositories.clone(),
        recommends: packages.recommends,
        stage: stage.map(str::to_owned),
        platform: platform.clone(),
    }
}

/// The steps of an image and of the stages that it needs, each behind those that it stands on. What is asked for twice in one
/// unit is there once.
pub(in crate::pipeline) fn sets<'t>(template: &'t Template, platform: &'t Platform) -> Vec<Set<'t>> {
    let mut sets = Vec::new();
    let mut grounds: BTreeMap<&str, Ground<'t>> = BTreeMap::new();
    for name in template.needed() {
        let Some((name, stage)) = template.stages.get_key_value(name) else { continue };
        let runs_on = stage.runs_on.as_ref().unwrap_or(platform);
        let mut ground = ground(stage.base.as_ref(), Some(name), runs_on, &grounds);
        add(&stage.layers, Some(name), runs_on, platform, &mut ground, &mut sets);
        grounds.insert(name, ground);
    }
    let mut ground = ground(template.base.as_ref(), None, platform, &grounds);
    add(&template.layers, None, platform, platform, &mut ground, &mut sets);
    sets
}

fn ground<'t>(
    base: Option<&Base>,
    unit: Option<&'t str>,
    platform: &Platform,
    stages: &BTreeMap<&str, Ground<'t>>,
) -> Ground<'t> {
    if let Some(Base { from: BaseFrom::Stage(name), .. }) = base {
        return stages.get(name.as_str()).cloned().unwrap_or_default();
    }
    let base = base_image(base, platform).map(|(_, request)| request);
    Ground { standing: Standing { base, sets: Vec::new() }, needs: unit.into_iter().collect() }
}

fn add<'t>(
    layers: &'t [Layer],
    unit: Option<&'t str>,
    platform: &'t Platform,
    target: &'t Platform,
    ground: &mut Ground<'t>,
    sets: &mut Vec<Set<'t>>,
) {
    for step in layers.iter().flat_map(|layer| &layer.steps) {
        let Action::Packages(packages) = &step.action else { continue };
        let request = request(packages, unit, platform);
        if ground.standing.sets.contains(&request) {
            continue;
        }
        sets.push(Set {
            packages,
            request: request.clone(),
            span: step.span,
            standing: ground.standing.clone(),
            platform,
            target,
            needs: ground.needs.clone(),
        });
        ground.standing.sets.push(request);
    }
}
