//! `kiln probe`: what registries can do, and what is left in them.

use serde_json::Value;

use crate::harness::{Ended, Project};
use crate::registry::{Refusal, Registry, TagRule};
use crate::server::{Deletion, Server};

const ABILITIES: [&str; 8] =
    ["mount", "chunks", "resume", "referrers", "immutable_tags", "conditional_put", "manifest_size", "deletion"];

fn probe(project: &Project, place: &str, args: &[&str]) -> Ended {
    project.kiln(&["probe", place]).args(args).env("KILN_ATTEMPTS", "1").run()
}

/// The verdicts, in the order of [`ABILITIES`].
fn verdicts(json: &Value) -> Vec<&str> {
    let verdict = |ability: &&str| json["abilities"][ability]["verdict"].as_str().unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!(json["abilities"].as_object().map(serde_json::Map::len), Some(ABILITIES.len()), "{json:#}");
    ABILITIES.iter().map(verdict).collect()
}

#[test]
fn it_says_what_it_will_write_and_leaves_nothing() {
    let (project, registry) = (Project::empty(), Registry::start());
    let place = format!("{}/acme/scratch", registry.place());
    let ended = probe(&project, &place, &[]).expect_code(0);
    let ended = ended
        .expect_said(&format!("writing into {place}: the tag `kiln-probe-"))
        .expect_said("make the repository immutable");
    assert_eq!(ended.text().lines().count(), ABILITIES.len(), "{}", ended.all());
    assert!(
        ended.text().contains("immutable tags            no        a second push moved the tag\n"),
        "{}",
        ended.all()
    );
    let other = format!("{}/acme/other", registry.place());
    let json = probe(&project, &place, &["--json", "--mount-from", &other]).expect_code(0).json();
    assert_eq!(verdicts(&json), ["yes", "yes", "yes", "yes", "no", "no", "yes", "yes"], "{json:#}");
    assert_eq!(json["left_over"], Value::Array(Vec::new()));
    let is_empty =
        registry.store(|store| store.tags.is_empty() && store.manifests.is_empty() && store.blobs.is_empty());
    assert!(is_empty, "{:#?}", registry.lines());
    assert_eq!(registry.offences(), Vec::<String>::new());
    let tags = registry.calls().into_iter().filter(|call| call.method == "PUT" && call.target.contains("/manifests/"));
    let throw_away = |target: &str| target.contains("/manifests/sha256:") || target.contains("/manifests/kiln-probe-");
    assert!(tags.into_iter().all(|call| throw_away(&call.target)), "{:#?}", registry.lines());
    assert!(!project.top().join("store").exists(), "nothing is written here");
}

#[test]
fn immutable_tags_are_found_out_and_what_is_left_is_named() {
    let (project, registry) = (Project::empty(), Registry::start());
    registry.configure(|settings| {
        settings.tag_rule = TagRule::immutable(Refusal::Conflict);
        settings.refuses_deletion = true;
        settings.has_referrers = false;
    });
    let place = format!("{}/acme/scratch", registry.place());
    let ended = probe(&project, &place, &[]).expect_code(0);
    let ended = ended.expect_said(&format!("left: the tag {place}:kiln-probe-")).expect_said("exempt `sha256-*`");
    assert!(ended.text().contains("a tag that is there is refused with 409"), "{}", ended.all());
    project.kiln(&["tags", &place]).ok().expect_said("1 tag of tools left out");
}

#[test]
fn a_registry_that_cannot_be_written_to_is_5() {
    let project = Project::empty();
    probe(&project, "127.0.0.1:1/x", &[]).expect_code(5).expect_said("127.0.0.1:1");
    let registry = Registry::start();
    let place = format!("{}/acme/scratch", registry.place());
    registry.configure(|settings| {
        settings.rights.insert("acme/scratch".to_owned(), crate::registry::Right::Read);
    });
    let ended = probe(&project, &place, &["--json"]).expect_code(5).expect_said("does not let us write");
    assert!(ended.stdout.is_empty(), "{}", ended.all());
    for wrong in [
        &["x"][..],
        &[&format!("{place}:1")],
        &[&place, "--mount-from", "r.example.org/x"],
        &[&place, "--mount-from", &place],
    ] {
        project.kiln(&["probe"]).args(wrong).run().expect_code(2).expect_said("help:");
    }
}

#[test]
fn a_real_registry_is_as_it_is_known() {
    let project = Project::empty();
    for deletion in [Deletion::On, Deletion::Off] {
        let directory = project.path(if deletion == Deletion::On { "on" } else { "off" });
        std::fs::create_dir(&directory).expect("made");
        let Some(server) = Server::docker_registry_with(&directory, deletion) else { return };
        let (place, other) = (format!("{}/acme/scratch", server.place()), format!("{}/acme/other", server.place()));
        let ended = probe(&project, &place, &["--json", "--mount-from", &other]).expect_code(0);
        let json = ended.json();
        // Version 2.8: no referrers API, uploads are forgotten with their connection, `If-None-Match` is not heard.
        let removed = if deletion == Deletion::On { "yes" } else { "no" };
        assert_eq!(verdicts(&json), ["yes", "yes", "no", "no", "no", "no", "yes", removed], "{json:#}");
        assert_eq!(json["left_over"].as_array().is_some_and(Vec::is_empty), deletion == Deletion::On, "{json:#}");
    }
}
