//! `kiln diff`

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::args::Diff;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::look::{Depth, SeenImage};
use crate::tree::{Change, Tree, dump};

use super::inspect::{only, parse, see};

/// One line of a difference: what was, what is.
struct Line {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

/// Shows what differs between two images.
pub fn run(args: &Diff, session: &Session) -> Result<ExitCode, Failure> {
    let platform = args.platform.as_ref();
    let before = see(&parse(&args.before, "diff")?, platform, Depth::Files, (&args.store, &args.network), session)?;
    let after = see(&parse(&args.after, "diff")?, platform, Depth::Files, (&args.store, &args.network), session)?;
    let (before, after) = (only(&before)?, only(&after)?);
    let files = files(&before.root(), &after.root());
    let config = config(&before.config, &after.config);
    let sizes = (bytes(before), bytes(after));
    if args.json {
        print_json(&json!({
            "files": files.iter().map(as_json).collect::<Vec<_>>(),
            "config": config.iter().map(as_json).collect::<Vec<_>>(),
            "size_bytes": { "before": sizes.0, "after": sizes.1 },
        }))?;
    } else {
        print(&as_text(&files, &config, sizes))?;
    }
    if args.check && !(files.is_empty() && config.is_empty()) {
        return Err(Failure::Mismatch { message: format!("`{}` and `{}` differ", args.before, args.after) });
    }
    Ok(ExitCode::SUCCESS)
}

fn bytes(image: &SeenImage) -> u64 {
    image.layers.iter().map(|layer| layer.descriptor.size_bytes).sum()
}

/// The line of the dump of each path that differs, before and after.
fn files(before: &Tree, after: &Tree) -> Vec<Line> {
    let paths: BTreeSet<_> = before.iter().chain(after.iter()).map(|(path, _)| path).collect();
    let line = |tree: &Tree, path| {
        tree.get(path).map(|node| {
            let mut text = String::new();
            dump::Writer::new().line(path, &Change::Node(node.clone()), &mut text);
            text.trim_end().replace('\n', ";")
        })
    };
    let lines = paths.into_iter().map(|path| Line {
        path: path.to_string(),
        before: line(before, path),
        after: line(after, path),
    });
    lines.filter(|line| line.before != line.after).collect()
}

/// What differs in the configs, but for the lists of layers, which say the same as the files.
fn config(before: &Value, after: &Value) -> Vec<Line> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    flatten("", before, &mut old);
    flatten("", after, &mut new);
    let paths: BTreeSet<&String> = old.iter().chain(&new).map(|(path, _)| path).collect();
    let find = |list: &[(String, String)], path: &String| {
        list.iter().find(|(at, _)| at == path).map(|(_, value)| value.clone())
    };
    let lines =
        paths.into_iter().map(|path| Line { path: path.clone(), before: find(&old, path), after: find(&new, path) });
    lines.filter(|line| line.before != line.after).collect()
}

fn flatten(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "rootfs" | "history")) {
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&at, value, out);
            }
        }
        value => out.push((path.to_owned(), value.to_string())),
    }
}

fn as_text(files: &[Line], config: &[Line], sizes: (u64, u64)) -> String {
    let mut text = String::new();
    for line in files.iter().chain(config) {
        match (&line.before, &line.after) {
            (None, Some(after)) => text.push_str(&format!("+ {}\n    {after}\n", line.path)),
            (Some(before), None) => text.push_str(&format!("- {}\n    {before}\n", line.path)),
            (before, after) => {
                let show = |side: &Option<String>| side.clone().unwrap_or_default();
                text.push_str(&format!("~ {}\n  - {}\n  + {}\n", line.path, show(before), show(after)));
            }
        }
    }
    text.push_str(&format!(
        "different: {} and {}; {} -> {}\n",
        size::count(files.len(), "file"),
        size::count(config.len(), "config value"),
        size::show(sizes.0),
        size::show(sizes.1)
    ));
    text
}

fn as_json(line: &Line) -> Value {
    json!({ "path": line.path, "before": line.before, "after": line.after })
}
