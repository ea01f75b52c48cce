//! Tags are written by few: who wants to move one has to come by.

use crate::settle;
use crate::sources;

/// What product code says, and the places that may say it.
const RIGHTS: &[(&str, &[&str], &str)] = &[
    ("move_channel(", &["src/registry/write/channel.rs", "src/publish/channel/"], "channels move with a record"),
    ("Channel::declared(", &["src/publish/channel/"], "channels move with a record"),
    (
        "create_tag(",
        &["src/registry/write/tag.rs", "src/publish/registry.rs", "src/publish/channel/"],
        "a name is given to what is whole, by a push",
    ),
    ("Method::Put", &["src/registry/write/", "src/transport/"], "only what is there may change a registry"),
];

/// The files of `src/registry/write/` that may write to `manifests/`, and under what.
const WRITERS: &[&str] = &[
    // A tag that is not there.
    "src/registry/write/tag.rs",
    // A tag that was declared to move.
    "src/registry/write/channel.rs",
    // A digest.
    "src/registry/write/manifest.rs",
    // The list of what refers to a digest.
    "src/registry/write/attach.rs",
    // A tag that is thrown away.
    "src/registry/write/probe/mod.rs",
];

#[test]
fn tags_are_written_where_the_table_says() {
    let mut complaints = Vec::new();
    for source in sources::all() {
        for line in source.product() {
            for (words, homes, why) in RIGHTS {
                if line.code.contains(words) && !homes.iter().any(|home| source.path.starts_with(home)) {
                    complaints.push(format!(
                        "{}: `{words}` belongs in {}: {why}; see tests/tidy/moves.rs",
                        source.at(line),
                        homes.join(", ")
                    ));
                }
            }
        }
    }
    settle(complaints);
}

#[test]
fn nothing_else_writes_manifests() {
    let mut complaints = Vec::new();
    for source in sources::all() {
        let says = |words: &str| source.product().find(|line| line.code.contains(words));
        if let (Some(line), Some(_)) = (says("manifests/"), says("Method::Put"))
            && !WRITERS.contains(&source.path.as_str())
        {
            complaints.push(format!(
                "{}: only {} send a PUT to `manifests/`; see tests/tidy/moves.rs",
                source.at(line),
                WRITERS.join(", ")
            ));
        }
    }
    settle(complaints);
}

#[test]
fn every_right_is_used() {
    let all = sources::all();
    let mut complaints = Vec::new();
    let used = |home: &str, words: &str| {
        let mut here = all.iter().filter(|source| source.path.starts_with(home));
        here.any(|source| source.product().any(|line| line.code.contains(words)))
    };
    for (words, homes, _) in RIGHTS {
        for home in homes.iter().filter(|home| !used(home, words)) {
            complaints.push(format!("tests/tidy/moves.rs: nothing in {home} says `{words}`: remove it"));
        }
    }
    for writer in WRITERS.iter().filter(|writer| !used(writer, "Method::Put")) {
        complaints.push(format!("tests/tidy/moves.rs: {writer} writes nothing: remove it"));
    }
    settle(complaints);
}
