//! `kiln tags`: all of them, in an order that people expect, without what tools keep.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Project;
use crate::outputs::small;
use crate::registry::access::Access;
use crate::registry::{Mischief, Registry, Reply, Rule};
use crate::server::{Deletion, Server};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry in which each tag holds an index of its own, and where that is.
fn served(tags: &[&str]) -> (Registry, String) {
    let registry = Registry::start();
    for tag in tags {
        put(&registry, tag);
    }
    let place = format!("{}/acme/shop", registry.place());
    (registry, place)
}

fn put(registry: &Registry, tag: &str) -> String {
    let index =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": { "n": tag } }).to_string();
    registry.store(|store| store.put_manifest("acme/shop", tag, INDEX, index.as_bytes()))
}

#[test]
fn tags_come_in_natural_order_without_those_of_tools() {
    let fallback = format!("sha256-{}", "0a".repeat(32));
    let own = [&*fallback, "part-0123456789ab", "ch-1.2-000001", "kiln-probe-00"];
    let (registry, place) = served(&[&["1.10", "v2", "1.9", "1.9.1", "latest", "1.2"], &own[..]].concat());
    for page in [None, Some(1), Some(3)] {
        registry.configure(|settings| settings.tags_page = page);
        let project = Project::empty();
        let ended = project.kiln(&["tags", &place]).ok().expect_said("4 tags of tools left out");
        assert_eq!(ended.text(), "1.2\n1.9\n1.9.1\n1.10\nlatest\nv2\n");
        let all = project.kiln(&["tags", &place, "--all"]).ok();
        assert_eq!((all.text().lines().count(), all.stderr.as_str()), (10, ""), "{}", all.all());
        let quiet = project.kiln(&["tags", &place, "-q"]).ok();
        assert_eq!((quiet.text(), quiet.stderr.as_str()), (ended.text(), ""));
        assert!(!project.top().join("store").exists(), "nothing is written here");
    }
    assert!(registry.calls().iter().all(|call| call.reads()));
}

#[test]
fn digests_are_asked_for_one_by_one() {
    let (registry, place) = served(&[]);
    let (first, second) = (put(&registry, "1.9"), put(&registry, "1.10"));
    let project = Project::empty();
    let ended = project.kiln(&["tags", &place, "--digests"]).ok();
    assert_eq!(ended.text(), format!("1.9  {first}\n1.10  {second}\n"));
    let heads = registry.calls().iter().filter(|call| call.method == "HEAD").count();
    assert_eq!(heads, 2, "{:#?}", registry.lines());
    let listed = project.kiln(&["tags", &place, "--digests", "--json"]).ok().json();
    assert_eq!(listed["tags"], json!([{ "tag": "1.9", "digest": first }, { "tag": "1.10", "digest": second }]));
    let listed = project.kiln(&["tags", &place, "--json"]).ok().json();
    assert_eq!(listed, json!({ "repository": place, "tags": [{ "tag": "1.9" }, { "tag": "1.10" }], "left_out": 0 }));
    // It went between the two questions.
    registry.misbehave(Rule::on("manifests/1.9", Mischief::Answer(Reply::new(404))));
    let ended = project.kiln(&["tags", &place, "--digests"]).ok();
    assert_eq!(ended.text(), format!("1.9  -\n1.10  {second}\n"));
}

#[test]
fn what_cannot_be_listed_is_5_with_advice_and_what_is_no_repository_2() {
    let (registry, place) = served(&["1"]);
    let project = Project::empty();
    let nowhere = format!("{}/acme/other", registry.place());
    let unknown = project.kiln(&["tags", &nowhere]).run().expect_code(5);
    unknown.expect_said(&format!("the repository `{nowhere}`")).expect_said("help: check the name");
    project.kiln(&["tags", "127.0.0.1:1/x"]).env("KILN_ATTEMPTS", "1").run().expect_code(5).expect_said("127.0.0.1:1");
    registry.require(Access::Basic { user: "kim".to_owned(), password: "hunter2".to_owned() });
    project.kiln(&["tags", &place]).run().expect_code(5).expect_said("kiln login");
    for wrong in ["debian", &format!("{place}:1"), "oci:x", "r.example.org/X"] {
        let ended = project.kiln(&["tags", wrong]).run().expect_code(2);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("help:"), "{}", ended.all());
    }
}

#[test]
fn a_name_that_a_terminal_would_obey_is_not_shown() {
    let (registry, place) = served(&["1"]);
    let reply = Reply::new(200).body("application/json", "{\"tags\":[\"1\",\"\\u001b[2J\\n9\"]}");
    registry.misbehave(Rule::on("tags/list", Mischief::Answer(reply)));
    let ended = Project::empty().kiln(&["tags", &place]).ok().expect_said("1 name of the registry cannot be tags");
    assert_eq!(ended.text(), "1\n");
}

#[test]
fn ten_thousand_tags_are_no_trouble() {
    let (registry, place) = served(&[]);
    registry.store(|store| {
        let digest = store.put_manifest("acme/shop", "", INDEX, b"{}");
        for number in 0..10_000 {
            store.tags.insert(("acme/shop".to_owned(), format!("1.{number}")), digest.clone());
        }
    });
    registry.configure(|settings| settings.tags_page = Some(1000));
    let begun = Instant::now();
    let ended = Project::empty().kiln(&["tags", &place]).ok();
    let taken = begun.elapsed();
    let expected: String = (0..10_000).map(|number| format!("1.{number}\n")).collect();
    assert!(ended.text() == expected, "not in order");
    // It takes a tenth of a second; machines that run tests are busy.
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}

#[test]
fn the_tags_of_a_real_registry_are_listed() {
    let project = small();
    let Some(server) = Server::docker_registry_with(project.top(), Deletion::Off) else { return };
    let place = format!("{}/acme/shop", server.place());
    let pushed = project.kiln(&["push", ".", &place, "--tag", "1.10", "--tag", "1.9"]).ok();
    let (_, digest) = pushed.last_line().split_once('@').expect("a digest");
    let ended = project.kiln(&["tags", &place, "--digests"]).ok();
    // It has no referrers API: the record of the plan is under a tag, which is left out.
    let ended = ended.expect_said("left out");
    assert!(ended.text().contains(&format!("1.9  {digest}\n1.10  {digest}\n")), "{}", ended.all());
    assert!(!ended.text().contains("sha256-"), "{}", ended.all());
    project
        .kiln(&["tags", &format!("{}/acme/none", server.place())])
        .run()
        .expect_code(5)
        .expect_said("the repository");
}
