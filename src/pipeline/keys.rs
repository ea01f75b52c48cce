//! Private keys in what is built: none comes from beside the template unless it is expected, and each from elsewhere is told.

use std::collections::BTreeSet;

use crate::plan::LayerPlan;
use crate::store::{LayerNote, Shelf, Store};
use crate::tree::{Change, Changeset, Content, Contents, Kind, Node};

use super::build::{BuiltLayer, everything};
use super::error::Error;
use super::landing::{self, Key};
use super::prepare::{LayerContent, Prepared, PreparedPlatform};
use super::terms::{Event, Terms};

/// Whether a content comes from beside the template.
fn is_beside(prepared: &Prepared, content: &Content) -> bool {
    prepared.gathered.scans.values().any(|named| named.scan.origins.read_at(content, 0, &mut []).is_ok())
}

/// Those of the keys in a layer that come from beside the template, and those that come from elsewhere.
fn by_origin(prepared: &Prepared, changes: &Changeset, keys: Vec<Key>) -> (Vec<Key>, Vec<Key>) {
    keys.into_iter().partition(|(path, _)| match changes.get(path) {
        Some(Change::Node(Node { kind: Kind::File { content, .. }, .. })) => is_beside(prepared, content),
        _ => false,
    })
}

/// The private keys of a layer that is packed already.
pub(super) fn noted(
    prepared: &Prepared,
    content: &LayerContent,
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Vec<Key>, Error> {
    let note: Option<LayerNote> = store.note(Shelf::Layers, &content.key.hex());
    if let Some(keys) = note.and_then(|note| landing::read_keys(&note.private_keys?)) {
        return Ok(keys);
    }
    // Of what nobody has looked at, only this is at hand for certain.
    let beside = content.changeset.iter().filter(|(_, change)| match change {
        Change::Node(Node { kind: Kind::File { content, .. }, .. }) => is_beside(prepared, content),
        _ => false,
    });
    let beside = beside.map(|(path, change)| (path.clone(), change.clone())).collect();
    landing::found_keys(&beside, &everything(prepared, &[], terms))
}

/// Of the keys that were found in a layer, those that come from elsewhere and are not expected. Fails if one comes from beside
/// the template.
pub(super) fn sift(
    prepared: &Prepared,
    platform: &PreparedPlatform,
    plan: &LayerPlan,
    changes: &Changeset,
    found: Vec<Key>,
) -> Result<Vec<Key>, Error> {
    let allowed = allowed(platform, &plan.name);
    let (beside, elsewhere) = by_origin(prepared, changes, found);
    landing::private_keys(&plan.name, &beside, allowed)?;
    Ok(landing::unexpected(&elsewhere, allowed).into_iter().cloned().collect())
}

/// Tells the private keys that layers have from elsewhere.
pub(super) fn tell_layers(layers: &[BuiltLayer], terms: &Terms<'_>) {
    let mut told = BTreeSet::new();
    for layer in layers {
        let from = format!("layer `{}`", layer.name);
        for (path, kind) in &layer.foreign_keys {
            // Platforms have layers in common.
            if told.insert((&layer.name, path, kind)) {
                (terms.watch)(Event::PrivateKey { from: &from, path: &path.to_string(), kind });
            }
        }
    }
}

/// Tells the private keys in the images below.
pub(super) fn tell_bases(prepared: &Prepared, terms: &Terms<'_>) {
    let bases = prepared.platforms.iter().filter_map(|platform| prepared.gathered.images.get(platform.base.as_ref()?));
    for foreign in bases {
        let from = format!("base `{}`", foreign.image.request.image);
        let keys = foreign.layers.iter().flat_map(|layer| &layer.private_keys);
        for (path, kind) in keys {
            (terms.watch)(Event::PrivateKey { from: &from, path, kind });
        }
    }
}

/// The private keys that a layer may have.
fn allowed<'a>(platform: &'a PreparedPlatform, name: &str) -> &'a [String] {
    let template = &platform.template;
    let of_stages = template
        .stages
        .iter()
        .flat_map(|(stage, of)| of.layers.iter().map(move |layer| (format!("{stage}/{}", layer.name), layer)));
    let own = template.layers.iter().map(|layer| (layer.name.clone(), layer));
    let found = own.chain(of_stages).find(|(other, _)| other == name);
    found.map_or(&[], |(_, layer)| layer.allow_private_keys.as_slice())
}
