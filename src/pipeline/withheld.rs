//! Secrets that commands need and nobody gave, before any of them runs.

use std::collections::BTreeMap;

use crate::base::LayerKey;
use crate::template::{Action, Finding, Layer, Severity, Step, Template};

use super::provision::Commands;
use super::provision::kept::recall;
use super::terms::Cache;
use super::units::{Target, Units};

/// A finding for each secret that is missing, at its step. A layer that is recalled needs none.
pub(super) fn withheld(units: &Units<'_>, targets: &[Target<'_>]) -> Vec<Finding> {
    let lacks = |layer: &Layer| layer.steps.iter().any(|step| missing(step, units).next().is_some());
    if !targets.iter().any(|target| layers_of(target).iter().any(|(_, layer)| lacks(layer))) {
        return Vec::new();
    }
    // The keys say which layers are recalled, and are known without running anything. What cannot be evaluated is told by
    // the evaluation that counts.
    let Ok((images, _)) = Units { commands: Commands::Recalled, ..*units }.images(targets) else { return Vec::new() };
    let mut findings = Vec::new();
    for (target, evaluated) in targets.iter().zip(images) {
        let plans = evaluated.of_stages.iter().chain(&evaluated.image.layers).map(|layer| &layer.plan);
        let keys: BTreeMap<&str, &LayerKey> = plans.map(|plan| (plan.name.as_str(), &plan.key)).collect();
        let is_kept = |name: &str| {
            let kept = keys.get(name).filter(|_| units.terms.cache == Cache::Used);
            kept.is_some_and(|key| recall(key, units.reach.store).is_some())
        };
        for (name, layer) in layers_of(target).into_iter().filter(|(_, layer)| lacks(layer)) {
            if !is_kept(&name) {
                findings.extend(layer.steps.iter().flat_map(|step| told(layer, step, units)));
            }
        }
    }
    findings
}

/// The layers of an image and of the stages that it needs, with the names that they have in a plan.
fn layers_of<'t>(target: &Target<'t>) -> Vec<(String, &'t Layer)> {
    let Template { stages, layers, .. } = target.template;
    let stages = target.names.iter().filter_map(|name| Some((*name, stages.get(*name)?)));
    let of_stages =
        stages.flat_map(|(stage, of)| of.layers.iter().map(move |layer| (format!("{stage}/{}", layer.name), layer)));
    of_stages.chain(layers.iter().map(|layer| (layer.name.clone(), layer))).collect()
}

/// The secrets that a step needs and nobody gave.
fn missing<'s>(step: &'s Step, units: &Units<'s>) -> impl Iterator<Item = &'s str> {
    let secrets = match &step.action {
        Action::Run(run) => run.secrets.as_slice(),
        _ => &[],
    };
    let provision = units.terms.provision;
    secrets.iter().map(String::as_str).filter(|id| !provision.was_given(id))
}

fn told(layer: &Layer, step: &Step, units: &Units<'_>) -> Vec<Finding> {
    let finding = |id: &str| {
        let message = format!("layer `{}`: the secret `{id}` was not given", layer.name);
        let hint = format!("give it with `--secret id={id},env=VARIABLE` or `--secret id={id},file=PATH`");
        Finding::told(step.span, Severity::Error, message, Some(hint))
    };
    missing(step, units).map(finding).collect()
}
