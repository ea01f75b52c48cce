//! Which module may import which: nothing that is not in the table.

use crate::settle;
use crate::sources::{self, Source};

/// Each folder of `src/` and what its product code may name as `crate::…`, in topological order: a module imports
/// only what stands above it.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("transport", &["base"]),
    ("tree", &["base"]),
    ("layer", &["base", "tree"]),
    ("secret", &["base", "tree", "layer"]),
    ("compare", &["base", "tree", "layer"]),
    ("packages", &["base", "tree", "layer"]),
    ("template", &["base", "packages"]),
    ("config", &["template"]),
    ("lock", &["base", "packages"]),
    ("step", &["base", "tree", "template"]),
    ("residue", &["base", "tree"]),
    ("plan", &["base", "tree", "template", "layer"]),
    ("image", &["base", "template"]),
    ("registry", &["base", "transport", "image"]),
    ("assemble", &["base", "tree", "layer"]),
    ("source", &["base", "tree", "layer", "packages", "image", "transport"]),
    ("store", &["base", "tree", "plan"]),
    (
        "input",
        &[
            "base",
            "transport",
            "tree",
            "template",
            "lock",
            "layer",
            "secret",
            "packages",
            "image",
            "registry",
            "source",
            "store",
        ],
    ),
    ("output", &["base", "tree", "image"]),
    (
        "publish",
        &[
            "base",
            "transport",
            "template",
            "packages",
            "plan",
            "image",
            "registry",
            "source",
            "store",
            "input",
            "output",
        ],
    ),
    ("sandbox", &["base", "tree", "store", "output"]),
    (
        "pipeline",
        &[
            "base", "tree", "template", "lock", "layer", "secret", "compare", "packages", "step", "residue", "plan",
            "image", "registry", "assemble", "source", "store", "input", "output", "publish", "sandbox",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "transport",
            "tree",
            "template",
            "config",
            "lock",
            "layer",
            "secret",
            "residue",
            "plan",
            "image",
            "registry",
            "source",
            "store",
            "input",
            "output",
            "publish",
            "sandbox",
            "pipeline",
        ],
    ),
];

#[test]
fn the_table_is_in_topological_order() {
    let mut complaints = Vec::new();
    for (index, (module, allowed)) in EDGES.iter().enumerate() {
        for other in *allowed {
            if !EDGES[..index].iter().any(|(above, _)| above == other) {
                complaints.push(format!("tests/tidy/edges.rs: `{module}` imports `{other}`, which is not above it"));
            }
        }
    }
    settle(complaints);
}

#[test]
fn modules_import_what_the_table_allows() {
    let mut complaints = Vec::new();
    for source in sources::all() {
        let Some(allowed) = allowed(&source, &mut complaints) else { continue };
        for line in source.product() {
            for target in targets(&line.code) {
                if target != source.module && !allowed.contains(&target.as_str()) {
                    complaints.push(format!(
                        "{}: `{}` may not import `{target}`: move what both need into a module below, or change the \
                         table in tests/tidy/edges.rs and say why",
                        source.at(line),
                        source.module
                    ));
                }
            }
            if line.code.contains(&escape(&source)) {
                complaints.push(format!("{}: name another module as `crate::…`, not with `super`", source.at(line)));
            }
        }
    }
    settle(complaints);
}

#[test]
fn every_edge_of_the_table_exists() {
    let all = sources::all();
    let mut complaints = Vec::new();
    for (module, allowed) in EDGES {
        for other in *allowed {
            let used = all
                .iter()
                .filter(|source| source.module == *module)
                .flat_map(Source::product)
                .any(|line| targets(&line.code).iter().any(|target| target == other));
            if !used {
                complaints
                    .push(format!("tests/tidy/edges.rs: `{module}` no longer imports `{other}`: remove the edge"));
            }
        }
    }
    settle(complaints);
}

fn allowed(source: &Source, complaints: &mut Vec<String>) -> Option<&'static [&'static str]> {
    if source.module.is_empty() {
        return None;
    }
    let found = EDGES.iter().find(|(module, _)| *module == source.module);
    if found.is_none() {
        complaints.push(format!("{}:1: `{}` is not in the table of tests/tidy/edges.rs", source.path, source.module));
    }
    found.map(|(_, allowed)| *allowed)
}

/// The modules that a line names: what follows each `crate::`.
fn targets(code: &str) -> Vec<String> {
    let identifier = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.split("crate::").skip(1).map(identifier).collect()
}

/// As many `super` as lead out of the module.
fn escape(source: &Source) -> String {
    let depth = source.path.split('/').count() - 2;
    let folder = source.path.ends_with("/mod.rs");
    "super::".repeat(if folder { depth } else { depth + 1 })
}
