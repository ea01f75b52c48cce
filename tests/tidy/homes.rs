//! Each third-party crate has a home: the files that may name it. Everything else goes through that module's types.

use std::fs;

use crate::settle;
use crate::sources;

/// Any file: vocabulary, not machinery.
const ANYWHERE: &[&str] = &["src/"];

/// Each dependency of Cargo.toml and the paths that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("aho_corasick", &["src/secret/needles.rs"]),
    ("annotate_snippets", &["src/template/render.rs"]),
    // Python writes digests so; secrets may be found so.
    ("base64", &["src/transport/secret.rs", "src/residue/record.rs", "src/secret/"]),
    ("bzip2", &["src/layer/read/"]),
    ("clap", &["src/cli/"]),
    ("clap_complete", &["src/cli/"]),
    ("clap_mangen", &["src/cli/"]),
    ("deb822_fast", &["src/packages/debian/paragraph.rs"]),
    ("flate2", &["src/layer/read/"]),
    // It brings the SHA-1 that detects collisions, which ids of git objects are checked with, and keystores of Java.
    ("gix_index", &["src/source/path/", "src/source/git/id.rs", "src/residue/keystore.rs"]),
    // A `.dockerignore` has rules of its own.
    ("globset", &["src/base/glob.rs", "src/source/path/rules.rs"]),
    ("ignore", &["src/source/path/"]),
    ("imara_diff", &["src/compare/"]),
    ("indicatif", &["src/cli/progress.rs"]),
    // A zip archive holds civil times; servers say when to try again and archives when they were made; dates are recognised in texts.
    (
        "jiff",
        &[
            "src/base/epoch.rs",
            "src/compare/",
            "src/layer/read/zip.rs",
            "src/packages/debian/release.rs",
            "src/transport/retry.rs",
        ],
    ),
    // Numbers of system calls, and the few calls that rustix does not have.
    ("libc", &["src/sandbox/"]),
    ("libdeflater", &["src/layer/codec.rs"]),
    ("liblzma", &["src/layer/read/"]),
    // dpkg tells by it whether a conffile was changed.
    ("md5", &["src/packages/debian/install/sums.rs"]),
    ("memchr", &["src/secret/"]),
    // A module of src/source/git/ has the same name.
    ("object", &["src/compare/insight/", "src/source/git/"]),
    ("oci_spec", &["src/image/"]),
    // What a test of a template expects; what a cause looks like.
    ("regex", &["src/template/model/expect.rs", "src/compare/cause/"]),
    ("pgp", &["src/packages/debian/keyring.rs", "src/packages/debian/signature.rs"]),
    (
        "rustix",
        &[
            "src/source/",
            "src/store/",
            "src/output/",
            "src/publish/",
            "src/sandbox/",
            "src/registry/auth_file.rs",
            "src/registry/helper.rs",
            "src/cli/prompt.rs",
        ],
    ),
    ("seccompiler", &["src/sandbox/"]),
    ("rustls_native_certs", &["src/transport/tls.rs"]),
    ("serde", ANYWHERE),
    ("serde_json", ANYWHERE),
    ("semver", &["src/publish/version.rs"]),
    ("sha2", &["src/base/hash.rs"]),
    ("shlex", &["src/base/shell.rs"]),
    ("signal_hook", &["src/cli/"]),
    ("strsim", &["src/template/", "src/packages/nearest.rs", "src/step/", "src/store/", "src/source/git/"]),
    // The tar of an output holds blobs, not a tree; of apk's own tar, the headers change.
    ("tar", &["src/layer/", "src/output/tarball.rs", "src/residue/scripts.rs"]),
    ("tempfile", &["src/source/", "src/store/", "src/output/", "src/publish/layout/", "src/registry/auth_file.rs"]),
    ("thiserror", ANYWHERE),
    ("toml", &["src/template/", "src/config/", "src/lock/", "src/registry/mirrors.rs"]),
    ("ureq", &["src/transport/"]),
    ("walkdir", &["src/store/", "src/output/"]),
    ("zip", &["src/layer/read/"]),
    ("zeroize", &["src/secret/"]),
    ("zstd", &["src/layer/"]),
];

#[test]
fn crates_are_named_at_home_only() {
    let mut complaints = Vec::new();
    for source in sources::all() {
        for line in source.product() {
            for (name, homes) in HOMES {
                let home = homes.iter().any(|home| source.path.starts_with(home));
                if !home && uses(&line.code, name) {
                    complaints.push(format!(
                        "{}: `{name}` lives in {}: use that module's types, or change tests/tidy/homes.rs and say why",
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
fn every_home_is_lived_in() {
    let all = sources::all();
    let mut complaints = Vec::new();
    for (name, homes) in HOMES {
        for home in *homes {
            let used = all
                .iter()
                .filter(|source| source.path.starts_with(home))
                .any(|source| source.product().any(|line| uses(&line.code, name)));
            if !used {
                complaints.push(format!("tests/tidy/homes.rs: nothing in {home} names `{name}`: remove the home"));
            }
        }
    }
    settle(complaints);
}

#[test]
fn every_dependency_has_a_home() {
    let text = fs::read_to_string(sources::root().join("Cargo.toml")).expect("the manifest can be read");
    let mut complaints = Vec::new();
    let mut dependencies = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            dependencies = line == "[dependencies]";
        }
        let Some((name, _)) = line.split_once('=').filter(|_| dependencies && !line.starts_with('#')) else {
            continue;
        };
        let name = name.trim().replace('-', "_");
        if !HOMES.iter().any(|(known, _)| *known == name) {
            let line = index + 1;
            complaints.push(format!("Cargo.toml:{line}: `{name}` has no home: add it to tests/tidy/homes.rs"));
        }
    }
    settle(complaints);
}

fn uses(code: &str, name: &str) -> bool {
    sources::mentions(code, &format!("{name}::")) || code.trim() == format!("use {name};")
}
