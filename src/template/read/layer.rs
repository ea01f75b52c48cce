//! `[[layer]]`.

use crate::template::form::{self, Form};
use crate::template::grammar;
use crate::template::model::{Layer, Mtime};
use crate::template::value::{Node, Table};

use super::Reader;
use super::packages;
use super::step;

/// What steps may refer to.
pub(super) struct SourceNames {
    /// The sources of this platform, sorted.
    pub(super) here: Vec<String>,
    /// Stages, whose files can be taken in the same way.
    pub(super) stages: Vec<String>,
    /// Sources of other platforms only.
    pub(super) elsewhere: Vec<String>,
    /// Repositories of packages, sorted.
    pub(super) repositories: Vec<String>,
}

pub(super) fn layers(reader: &mut Reader<'_>, root: &Table, sources: &SourceNames) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (node, table) in root.tables("layer") {
        if reader.is_for_this_platform(table) {
            layers.extend(layer(reader, node, table, sources));
        }
    }
    let names: Vec<_> = layers.iter().map(|layer| (layer.name.clone(), layer.span)).collect();
    reader.duplicates("layer", &names);
    layers
}

fn layer(reader: &mut Reader<'_>, node: &Node, table: &Table, sources: &SourceNames) -> Option<Layer> {
    let good = |text: &str| (!text.trim().is_empty() && form::is_line(text)).then(|| text.to_owned());
    let name = reader.word_at(table, "name", Form::LayerName, good);
    let mtime = mtime(reader, table);
    let mut steps = Vec::new();
    if table.get("step").is_some() {
        for (_, inner) in table.tables("step") {
            if reader.is_for_this_platform(inner) {
                let mtime = self::mtime(reader, inner).or(mtime);
                steps.extend(step::step(reader, inner, mtime, sources));
            }
        }
    } else if table.entries.iter().any(|entry| grammar::action(&entry.key.text).is_some()) {
        steps.extend(step::step(reader, table, mtime, sources));
    }
    let span = table.get("name").map_or(node.span, |name| name.span);
    let keep = reader.globs(table, "keep");
    let allow_private_keys = reader.globs(table, "allow-private-keys");
    let split = packages::split(reader, table);
    name.map(|name| Layer { name, span, steps, keep, allow_private_keys, split })
}

fn mtime(reader: &mut Reader<'_>, table: &Table) -> Option<Mtime> {
    reader.word_at(table, "mtime", Form::Mtime, form::mtime)
}
