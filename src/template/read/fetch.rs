//! What the command of `[sources.NAME] fetch` is given. Sources are known before it can be read, because it names some.

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::template::finding::Kind;
use crate::template::form::Form;
use crate::template::model::{FetchSource, Mount, Source, SourceFrom};
use crate::template::span::Span;
use crate::template::value::Table;

use super::Reader;
use super::layer::SourceNames;
use super::origin::stage;
use super::run::{argv, mounts};

/// The directory that the command fills.
const OUT: &str = "out";

/// The command alone.
pub(super) fn command(reader: &mut Reader<'_>, table: &Table) -> Option<FetchSource> {
    let command = argv(reader, "fetch", table.get("fetch")?)?;
    Some(FetchSource { command, in_stage: None, mounts: Vec::new() })
}

/// Where each command runs, and what it sees.
pub(super) fn surroundings(
    reader: &mut Reader<'_>,
    root: &Table,
    sources: &mut BTreeMap<String, Source>,
    names: &SourceNames,
) {
    for entry in root.table("sources").map_or(&[][..], |table| &table.entries) {
        let Some(table) = entry.node.as_table() else { continue };
        let Some(SourceFrom::Fetch(fetch)) = sources.get_mut(&entry.key.text).map(|source| &mut source.from) else {
            continue;
        };
        match table.get("in") {
            Some(node) => fetch.in_stage = stage(reader, "in", node, names),
            None if root.get("base").is_none() => {
                let example = "in = \"build\"".to_owned();
                let whose = "the source, because the image has no base".to_owned();
                reader.report(entry.key.span, Kind::MissingKey { keys: vec!["in"], whose, example });
            }
            None => {}
        }
        let (found, targets) = mounts(reader, table, names);
        reader.duplicates("mount target", &targets);
        check_out(reader, &found, &targets);
        fetch.mounts = found;
    }
}

/// A mount must not hide what the command makes.
fn check_out(reader: &mut Reader<'_>, mounts: &[Mount], targets: &[(String, Span)]) {
    let is_out = |path: &ImagePath| path.parts().next() == Some(OUT.as_bytes());
    for (text, span) in targets {
        if mounts.iter().any(|mount| is_out(&mount.to) && mount.to.to_string() == *text) {
            let why = format!("`/{OUT}` is for what the command makes");
            reader.bad("to", *span, Form::FilePath, text, Some(why));
        }
    }
}
