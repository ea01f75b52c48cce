//! `kiln drift`: what moved or vanished, where it stands, and how loud that is.

use serde_json::json;

use crate::harness::{Program, Project};
use crate::outputs::small;
use crate::registry::Registry;
use crate::server::{Deletion, Server};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry with one image under `acme/shop:1`, and files that name it.
struct Scene {
    registry: Registry,
    project: Project,
    place: String,
    digest: String,
}

impl Scene {
    fn new() -> Self {
        let registry = Registry::start();
        let place = format!("{}/acme/shop", registry.place());
        let digest = put(&registry, "1", "first");
        Self { registry, project: Project::empty(), place, digest }
    }

    fn drift(&self, args: &[&str]) -> Program {
        self.project.kiln(&["drift"]).args(args).env("KILN_ATTEMPTS", "1")
    }

    /// `NAME:1@DIGEST`
    fn name(&self) -> String {
        format!("{}:1@{}", self.place, self.digest)
    }

    fn lock(&self) {
        let (place, digest) = (&self.place, &self.digest);
        let text = format!(
            "version = 1\nprofile = \"1\"\nepoch = \"2026-01-01T00:00:00Z\"\ncreated = \"2026-01-01T00:00:00Z\"\n\n\
             [[image]]\nimage = \"{place}:1\"\nplatform = \"linux/amd64\"\ndigest = \"{digest}\"\nmanifest = \"{digest}\"\n"
        );
        self.project.write("kiln.lock", text);
    }

    /// The image goes, and what holds it.
    fn lose(&self) {
        self.registry.store(|store| {
            store.manifests.retain(|(_, known), _| *known != self.digest);
            store.tags.retain(|_, held| *held != self.digest);
        });
    }
}

fn put(registry: &Registry, tag: &str, note: &str) -> String {
    let index =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": { "n": note } }).to_string();
    registry.store(|store| store.put_manifest("acme/shop", tag, INDEX, index.as_bytes()))
}

#[test]
fn what_moved_is_told_with_its_places() {
    let scene = Scene::new();
    let (name, place, digest) = (scene.name(), &scene.place, &scene.digest);
    scene.project.write("compose.yaml", format!("services:\n  a:\n    image: {name}\n  b:\n    image: {name}\n"));
    scene.project.write("Dockerfile", format!("FROM {name} AS x\n"));
    let files = ["compose.yaml", "Dockerfile"];
    let fine = scene.drift(&files).ok().expect_said("1 image, all as pinned");
    assert_eq!(fine.text(), "");
    let quiet = scene.drift(&["-q", "compose.yaml"]).ok();
    assert_eq!((quiet.text(), quiet.stderr.as_str()), ("", ""), "silent when all is well");
    let now = put(&scene.registry, "1", "second");
    let moved = scene.drift(&files).run().expect_code(4).expect_said("1 image, 0 as pinned, 1 moved");
    let said = format!("{place}:1 moved: {digest} -> {now}\n");
    let expected: String =
        ["compose.yaml:3:12", "compose.yaml:5:12", "Dockerfile:1:6"].map(|at| format!("{at}: {said}")).concat();
    assert_eq!(moved.text(), expected);
    let quiet = scene.drift(&["-q", "Dockerfile"]).run().expect_code(4);
    assert_eq!((quiet.text(), quiet.stderr.as_str()), (format!("Dockerfile:1:6: {said}").as_str(), ""));
    scene.lose();
    let gone = scene.drift(&["Dockerfile"]).run().expect_code(4).expect_said("1 vanished");
    assert!(gone.text().contains(&format!("{digest} is gone; the tag holds {now}")), "{}", gone.all());
    assert!(scene.registry.calls().iter().all(|call| call.reads()));
    assert!(!scene.project.top().join("store").exists(), "nothing is written here");
}

#[test]
fn a_lock_goes_by_the_digest() {
    let scene = Scene::new();
    scene.lock();
    scene.drift(&["kiln.lock"]).ok().expect_said("all as pinned");
    let now = put(&scene.registry, "1", "second");
    let news =
        scene.drift(&["kiln.lock"]).ok().expect_said("note: kiln.lock:7:10").expect_said("`kiln update` takes it");
    assert!(news.text().is_empty() && news.stderr.contains(&now), "{}", news.all());
    let strict = scene.drift(&["kiln.lock", "--strict"]).run().expect_code(4);
    assert!(strict.text().starts_with("kiln.lock:7:10: "), "{}", strict.all());
    let quiet = scene.drift(&["-q", "kiln.lock"]).ok();
    assert_eq!((quiet.text(), quiet.stderr.as_str()), ("", ""));
    scene.lose();
    scene.drift(&["kiln.lock"]).run().expect_code(4).expect_said("1 vanished");
}

#[test]
fn the_highest_code_wins_and_everything_is_in_the_json() {
    let scene = Scene::new();
    let now = put(&scene.registry, "1", "second");
    let (name, lost) = (scene.name(), format!("127.0.0.1:1/x:1@{}", scene.digest));
    scene.project.write("both", format!("{name}\n{lost}\n$X/shop@{}\n", scene.digest));
    let ended = scene.drift(&["both"]).run().expect_code(5);
    assert_eq!(ended.text().lines().count(), 2, "{}", ended.all());
    let ended = ended.expect_said("1 moved, 1 unknown").expect_said("both:3:2: `X/shop` before a digest is no name");
    assert!(ended.text().contains("both:2:1: 127.0.0.1:1/x:1 is unknown: "), "{}", ended.all());
    let json = scene.drift(&["both", "--json"]).run().expect_code(5).json();
    let moved = &json["pins"][0];
    assert_eq!(
        *moved,
        json!({
            "repository": scene.place, "tag": "1", "digest": scene.digest, "state": "moved", "tag_holds": now,
            "digest_is_there": true, "why": null, "decides": "tag", "is_wrong": true,
            "places": [{ "file": "both", "line": 1, "column": 1 }],
        })
    );
    assert_eq!((&json["pins"][1]["state"], &json["unread"][0]["line"]), (&json!("unknown"), &json!(3)));
    scene.drift(&["both", "--offline"]).run().expect_code(5).expect_said("2 unknown");
}

#[test]
fn what_a_push_published_is_remembered_and_written_down() {
    let (project, registry) = (small(), Registry::start());
    let place = format!("{}/acme/shop", registry.place());
    project.kiln(&["push", ".", &place, "--tag", "1.0", "--metadata-file", "pushed.json"]).ok();
    project.kiln(&["drift", &place, "pushed.json"]).ok().expect_said("all as pinned");
    let text = String::from_utf8(project.read("pushed.json")).expect("text");
    let line = text.lines().position(|line| line.contains(":1.0@sha256:")).expect("the name") + 1;
    put(&registry, "1.0", "other");
    let moved = project.kiln(&["drift", "pushed.json"]).run().expect_code(4);
    assert!(moved.text().contains(&format!("pushed.json:{line}:")), "{}", moved.all());
    let moved = project.kiln(&["drift", &format!("{place}:1.0")]).run().expect_code(4);
    assert!(moved.text().starts_with("published 2") && moved.text().contains(":1.0 moved"), "{}", moved.all());
    // Another machine knows nothing of it.
    let other = project.kiln(&["drift", &place]).env("KILN_STORE", project.top().join("other")).run().expect_code(1);
    other.expect_said("warning: this store remembers nothing");
}

#[test]
fn what_is_nothing_to_check_is_told() {
    let scene = Scene::new();
    scene.project.write("empty", "FROM python:3.12\n");
    let empty = scene.drift(&["empty"]).run().expect_code(1);
    empty.expect_said("warning: there is nothing to check in `empty`").expect_said("nothing was checked");
    scene.project.write("kiln.lock", "version = 7\n");
    scene.drift(&["kiln.lock"]).run().expect_code(1).expect_said("kiln.lock");
    for wrong in ["nowhere.yaml", ".", "r.example.org/X"] {
        let ended = scene.drift(&[wrong]).run().expect_code(2);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("help:"), "{}", ended.all());
    }
    scene.project.kiln(&["drift"]).run().expect_code(2);
}

#[test]
fn a_real_registry_is_asked() {
    let project = small();
    let Some(server) = Server::docker_registry_with(project.top(), Deletion::On) else { return };
    let place = format!("{}/acme/shop", server.place());
    let pushed = project.kiln(&["push", ".", &place, "--tag", "1.0"]).ok();
    project.write("names", pushed.text());
    project.kiln(&["drift", "names", &place]).ok().expect_said("all as pinned");
    let (_, digest) = pushed.last_line().split_once('@').expect("a digest");
    let url = format!("http://{}/v2/acme/shop/manifests/{digest}", server.place());
    let deleted = ureq::delete(&url).call().expect("it can be deleted").status().as_u16();
    assert_eq!(deleted, 202);
    let gone = project.kiln(&["drift", "names"]).run().expect_code(4);
    assert!(gone.text().starts_with("names:1:1: ") && gone.text().contains("vanished"), "{}", gone.all());
}
