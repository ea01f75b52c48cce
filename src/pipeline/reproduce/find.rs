//! The layers that differ between two builds of one template.

use crate::base::Platform;
use crate::pipeline::prepare::Prepared;
use crate::plan::LayerPlan;
use crate::tree::Changeset;

/// A layer in both builds.
pub(super) struct Found<'p> {
    pub(super) platform: &'p Platform,
    pub(super) plan: &'p LayerPlan,
    pub(super) of: Of,
    pub(super) a: &'p Changeset,
    pub(super) b: &'p Changeset,
}

/// What a layer is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Stage,
    Image,
}

/// One layer of one build.
struct Slot<'p> {
    platform: &'p Platform,
    plan: &'p LayerPlan,
    of: Of,
    changes: Option<&'p Changeset>,
}

/// In the order in which they are made, stages first: what stands on the first or takes from it may differ because of it.
pub(super) fn differences<'p>(a: &'p Prepared, b: &'p Prepared) -> Vec<Found<'p>> {
    let both = slots(a).into_iter().zip(slots(b));
    let found = both.filter_map(|(one, other)| {
        let (a, b) = (one.changes?, other.changes?);
        (a.digest() != b.digest()).then_some(Found { platform: one.platform, plan: one.plan, of: one.of, a, b })
    });
    found.collect()
}

fn slots(prepared: &Prepared) -> Vec<Slot<'_>> {
    let mut slots = Vec::new();
    for platform in &prepared.platforms {
        let of_platform = prepared.stages.iter().filter(|stage| stage.platform == platform.platform);
        slots.extend(of_platform.map(|stage| Slot {
            platform: &stage.platform,
            plan: &stage.plan,
            of: Of::Stage,
            changes: stage.changeset.as_deref(),
        }));
        slots.extend(platform.layers.iter().map(|layer| Slot {
            platform: &platform.platform,
            plan: &layer.plan,
            of: Of::Image,
            changes: layer.content.as_ref().map(|content| content.changeset.as_ref()),
        }));
    }
    slots
}
