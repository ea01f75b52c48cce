//! What `kiln store gc` removes, and what it never does.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::harness::Project;
use crate::outputs::{SMALL, small};

const DAY: u64 = 86_400;

/// Digests of every blob in the store.
fn blobs(project: &Project) -> BTreeSet<String> {
    let files = walkdir::WalkDir::new(project.top().join("store/blobs/sha256")).min_depth(2).into_iter();
    let parts = files.map(|file| file.expect("our own store").into_path());
    let name = |path: PathBuf| {
        let part = |path: &std::path::Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        format!("sha256:{}{}", part(path.parent().expect("a directory")), part(&path))
    };
    parts.map(name).collect()
}

fn path_of(project: &Project, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").expect("a digest");
    project.top().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..])
}

/// Everything that a build made or used: the layers, the config, the manifest.
fn needs(built: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().expect("a digest").to_owned();
    let layers = built["layers"].as_array().expect("layers").iter().map(|layer| text(&layer["digest"]));
    let images = built["images"].as_array().expect("images");
    layers.chain(images.iter().flat_map(|image| [text(&image["digest"]), text(&image["config"])])).collect()
}

/// Makes blobs look as if they were used last `days` ago.
fn unused(project: &Project, digests: &BTreeSet<String>, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * DAY);
    for digest in digests {
        let file = fs::File::open(path_of(project, digest)).expect("the blob is there");
        file.set_modified(then).expect("our own file");
    }
}

/// Makes a build look `days` old: when its blobs were used last, and when its name and its template were built.
fn age(project: &Project, digests: &BTreeSet<String>, days: u64) {
    unused(project, digests, days);
    let then = SystemTime::now() - Duration::from_secs(days * DAY);
    let seconds = then.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    for folder in ["refs", "builds"] {
        for entry in walkdir::WalkDir::new(project.top().join("store").join(folder)) {
            let path = entry.expect("our own store").into_path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let lines = text.lines().map(|line| {
                let mut note: Value = serde_json::from_str(line).expect("notes are JSON");
                let named = digests.contains(note["digest"].as_str().unwrap_or_default());
                if named {
                    note["when"] = seconds.into();
                }
                note.to_string() + "\n"
            });
            fs::write(&path, lines.collect::<String>()).expect("our own store");
        }
    }
}

fn build(project: &Project, word: &str) -> Value {
    project.kiln(&["build", "--json", "--set", &format!("word={word}")]).ok().json()
}

fn gc(project: &Project, arguments: &[&str]) -> Value {
    project.kiln(&["store", "gc", "--json"]).args(arguments).ok().json()
}

/// A template whose builds with other words share nothing but the empty config of no layer.
fn unshared() -> Project {
    let project =
        Project::new(&SMALL.replace("copy = \"app\"\nto = \"/srv/\"", "write = \"/a/${word}\"\ntext = \"x\""));
    project.write("app/file", "hello\n");
    project
}

#[test]
fn the_last_build_of_a_template_stays_whatever_the_limits_are() {
    let project = unshared();
    let old = needs(&build(&project, "old"));
    let last = needs(&build(&project, "last"));
    age(&project, &(&old | &last), 400);
    let report = gc(&project, &["--keep-days", "0", "--max-size", "0"]);
    assert_eq!(blobs(&project), last, "{report}");
    assert_eq!(report["removed_blobs"], (&old - &last).len());
    assert_eq!(report["kept_blobs"], last.len());
    let again = build(&project, "last");
    assert!(again["layers"].as_array().expect("layers").iter().all(|layer| layer["cached"] == true), "{again}");
    project.kiln(&["store", "check"]).ok();
}

#[test]
fn a_published_name_stays_whatever_the_limits_are() {
    let project = unshared();
    let published = needs(&build(&project, "published"));
    let name = project.top().join("store/refs/test%2Fsmall/1");
    assert!(name.is_dir(), "where the store keeps names");
    fs::write(name.join("frozen"), "").expect("our own store");
    let later = needs(&project.kiln(&["build", "--json", "--version", "2", "--set", "word=later"]).ok().json());
    age(&project, &(&published | &later), 400);
    gc(&project, &["--keep-days", "0", "--max-size", "0"]);
    assert_eq!(blobs(&project), &published | &later);
    project.kiln(&["inspect", "store:test/small:1", "--files"]).ok();
}

#[test]
fn over_the_size_what_was_not_used_for_longest_goes_first() {
    let project = unshared();
    let words = ["first", "second", "third", "last"];
    let builds = words.map(|word| needs(&build(&project, word)));
    // Used least recently: the second, then the first, then the third. All within the days to keep.
    for (at, days) in [(0, 6), (1, 9), (2, 3)] {
        age(&project, &builds[at], days);
    }
    // No name holds them any more: otherwise they would be kept by their days.
    fs::remove_dir_all(project.top().join("store/refs")).expect("our own store");
    fs::create_dir(project.top().join("store/refs")).expect("our own store");
    let size = |digests: &BTreeSet<String>| -> u64 {
        digests.iter().map(|digest| fs::metadata(path_of(&project, digest)).map_or(0, |meta| meta.len())).sum()
    };
    let all = builds.iter().fold(BTreeSet::new(), |all, more| &all | more);
    assert_eq!(blobs(&project), all);
    let nothing = gc(&project, &["--max-size", &size(&all).to_string()]);
    assert_eq!((&nothing["removed_blobs"], blobs(&project)), (&0.into(), all.clone()), "just as large as allowed");
    for (at, left) in [(1, vec![0, 2, 3]), (0, vec![2, 3]), (2, vec![3])] {
        let expected = left.iter().fold(BTreeSet::new(), |left, at| &left | &builds[*at]);
        let limit = size(&expected).to_string();
        let dry = gc(&project, &["--max-size", &limit, "--dry-run"]);
        let real = gc(&project, &["--max-size", &limit]);
        assert_eq!(dry, real);
        assert_eq!(blobs(&project), expected, "`{}` goes first", words[at]);
        assert_eq!(real["kept_bytes"], size(&expected));
    }
    let root = gc(&project, &["--max-size", "0"]);
    assert_eq!((&root["removed_blobs"], blobs(&project)), (&0.into(), builds[3].clone()), "roots never go");
}

#[test]
fn what_was_built_yesterday_stays_though_it_was_made_long_ago() {
    for name in ["name = \"test/small\"", "name = \"test/other\""] {
        let project = unshared();
        project.write(
            "kiln.toml",
            String::from_utf8_lossy(&project.read("kiln.toml")).replace("name = \"test/small\"", name),
        );
        let built = build(&project, "same");
        age(&project, &needs(&built), 400);
        let again = build(&project, "same");
        assert_eq!(again["layers"][0]["cached"], true, "{again}");
        // As on a machine that builds each time in a new directory.
        fs::remove_file(project.path("kiln.toml")).expect("our own file");
        let report = gc(&project, &["--keep-days", "14"]);
        assert_eq!(blobs(&project), needs(&built), "{report}");
    }
}

#[test]
fn a_removed_template_and_its_days_let_go_of_a_build() {
    let project = small();
    let built = needs(&build(&project, "old"));
    age(&project, &built, 15);
    fs::remove_file(project.path("kiln.toml")).expect("our own file");
    let kept = gc(&project, &["--keep-days", "16"]);
    assert_eq!(kept["removed_blobs"], 0, "{kept}");
    gc(&project, &["--keep-days", "14"]);
    assert_eq!(blobs(&project), BTreeSet::new());
    let log = project.kiln(&["store", "log", "test/small:1"]).ok();
    assert!(log.text().contains("(removed)"), "the name remembers: {}", log.all());
    assert!(project.kiln(&["store", "ls"]).ok().text().contains("(removed)"));
    project.kiln(&["store", "check"]).ok();
}

#[test]
fn an_image_that_loses_a_layer_goes_as_a_whole() {
    let project = unshared();
    let old = build(&project, "old");
    let last = needs(&build(&project, "last"));
    age(&project, &needs(&old), 10);
    // Used within the days to keep, one layer less recently than the rest.
    unused(&project, &needs(&old), 1);
    let digest = |value: &Value| value.as_str().expect("a digest").to_owned();
    let layer = BTreeSet::from([digest(&old["layers"][0]["digest"])]);
    unused(&project, &layer, 3);
    // The name holds the old one, as if the last had been built under another.
    let log = project.top().join("store/refs/test%2Fsmall/1/log");
    let held = fs::read_to_string(&log).expect("our own store");
    fs::write(&log, format!("{}\n", held.lines().next().expect("the first build"))).expect("our own store");
    let before = blobs(&project);
    let sizes = before.iter().map(|digest| path_of(&project, digest).metadata().expect("there").len());
    let limit = (sizes.sum::<u64>() - 1).to_string();
    project.kiln(&["store", "check"]).ok();
    gc(&project, &["--keep-days", "5", "--max-size", &limit]);
    let gone: BTreeSet<String> = &before - &blobs(&project);
    assert_eq!(gone, &layer | &BTreeSet::from([digest(&old["digest"])]), "the layer and the manifest that names it");
    assert!(blobs(&project).is_superset(&last));
    project.kiln(&["store", "check"]).ok();
}
