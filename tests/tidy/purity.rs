//! Modules that compute bytes see no surroundings, and the surroundings are read in few places.

use crate::settle;
use crate::sources;

/// Modules whose results depend on their arguments alone.
const PURE: &[&str] = &[
    "base", "tree", "template", "config", "lock", "layer", "secret", "compare", "packages", "step", "residue", "plan",
    "image",
];

/// What a pure module may not name, and what to do instead.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("std::time::SystemTime", "take an `Epoch`"),
    ("SystemTime", "take an `Epoch`"),
    ("Instant", "measure in cli"),
    ("Timestamp::now", "take an `Epoch`"),
    ("Zoned::now", "take an `Epoch`"),
    ("std::env", "take the value as an argument"),
    ("env::", "take the value as an argument"),
    ("env!", "take the value as an argument"),
    ("option_env!", "take the value as an argument"),
    ("std::fs", "take bytes or a reader"),
    ("fs::", "take bytes or a reader"),
    ("File::open", "take a reader"),
    ("std::os::unix::fs", "take a reader"),
    ("std::net", "nothing here talks to a network"),
    ("std::process", "nothing here starts a process"),
    ("std::thread", "leave threads to assemble"),
    ("thread::", "leave threads to assemble"),
    ("RandomState", "order must not depend on chance"),
    ("rand::", "bytes must not depend on chance"),
    ("getrandom", "bytes must not depend on chance"),
];

/// Names that belong to few files: the name, where it may stand, what to do elsewhere.
const CHOKE_POINTS: &[(&str, &[&str], &str)] = &[
    ("HashMap", &[], "use `BTreeMap`: a hash map's order differs from run to run"),
    ("HashSet", &[], "use `BTreeSet`: a hash set's order differs from run to run"),
    ("GzDecoder", &[], "use `MultiGzDecoder`: this one stops at the first gzip member"),
    // An image file is looked at through a store of its own where the usual one cannot be opened.
    (
        "std::env",
        // The child of the sandbox is a program of its own: its name, its directory, its answer.
        &["src/cli/environment.rs", "src/cli/verbs/inspect.rs", "src/sandbox/"],
        "read it in src/cli/environment.rs and pass it on",
    ),
    ("env::var", &["src/cli/environment.rs"], "read it in src/cli/environment.rs and pass it on"),
    ("env::var_os", &["src/cli/environment.rs"], "read it in src/cli/environment.rs and pass it on"),
    // The store marks when a blob was used last, so that gc may keep what is recent.
    (
        "SystemTime",
        &["src/cli/environment.rs", "src/store/blob.rs", "src/sandbox/host.rs"],
        "take the time as an argument",
    ),
    // A step may take so long; the build says how long it took; the probe waits a bounded time for the file system's clock to move on.
    (
        "Instant",
        &[
            "src/cli/verbs/build.rs",
            "src/cli/verbs/reproduce.rs",
            "src/cli/verbs/test.rs",
            "src/source/path/probe.rs",
            "src/sandbox/host.rs",
            "src/sandbox/service.rs",
        ],
        "measure in cli",
    ),
    // It writes over tags and removes things; its own kind alone.
    (
        "Prober",
        &["src/registry/write/probe/", "src/publish/probe/"],
        "a push looks first and removes nothing: see src/registry/write/",
    ),
    ("Timestamp::now", &[], "take an `Epoch`"),
    ("Zoned::now", &[], "take an `Epoch`"),
    ("println!", &[], "write through src/cli/report.rs"),
    ("print!", &[], "write through src/cli/report.rs"),
    ("eprintln!", &[], "write through src/cli/report.rs"),
    ("eprint!", &[], "write through src/cli/report.rs"),
    ("dbg!", &[], "remove it"),
    // `docker-archive:-` is the one output that is a stream.
    ("io::stdout", &["src/cli/", "src/output/mod.rs", "src/sandbox/child.rs"], "return it and let cli print"),
    ("stdout()", &["src/cli/", "src/output/mod.rs", "src/sandbox/child.rs"], "return it and let cli print"),
    ("io::stderr", &["src/cli/", "src/sandbox/command.rs"], "return it and let cli print"),
    ("stderr()", &["src/cli/", "src/sandbox/command.rs"], "return it and let cli print"),
    ("process::exit", &["src/main.rs"], "return an exit code"),
];

#[test]
fn pure_modules_see_no_surroundings() {
    let mut complaints = Vec::new();
    for source in sources::all().iter().filter(|source| PURE.contains(&source.module.as_str())) {
        for line in source.product() {
            for (name, advice) in SURROUNDINGS {
                if names(&line.code, name) {
                    complaints.push(format!("{}: `{name}` in a pure module: {advice}", source.at(line)));
                }
            }
        }
    }
    settle(complaints);
}

#[test]
fn surroundings_are_read_in_few_places() {
    let mut complaints = Vec::new();
    for source in sources::all() {
        for line in source.product() {
            for (name, places, advice) in CHOKE_POINTS {
                let here = places.iter().any(|place| source.path.starts_with(place));
                if !here && names(&line.code, name) {
                    complaints.push(format!("{}: `{name}` does not belong here: {advice}", source.at(line)));
                }
            }
        }
    }
    settle(complaints);
}

/// Whether a line names a thing, directly or at the end of a path.
fn names(code: &str, name: &str) -> bool {
    sources::mentions(code, name) || sources::mentions(&code.replace("::", " "), &name.replace("::", " "))
}
