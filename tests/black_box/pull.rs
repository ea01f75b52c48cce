//! Images that come from registries.

use serde_json::{Value, json};

use crate::harness::{Project, require};
use crate::inputs::skopeo;
use crate::registry::Registry;
use crate::server::Server;

const TEMPLATE: &str = "[image]\nname = 'x'\nversion = '1'\nplatforms = ['linux/amd64', 'linux/arm64']\n\
    epoch = '2026-01-01T00:00:00Z'\ncreated = '2026-02-01T00:00:00Z'\n[variables]\ntext = 'one'\n\
    [[layer]]\nname = 'x'\nwrite = '/etc/hello'\ntext = '${text}'\n";

/// A registry with an image of two platforms, and its digest.
fn served(project: &Project, text: &str) -> (Registry, String, String) {
    let registry = Registry::start();
    let digest = project.build(&["--set", &format!("text={text}")]);
    let name = format!("{}/a/b:1", registry.place());
    project.kiln(&["push", "store:x:1", &name]).ok();
    (registry, name, digest)
}

#[test]
fn a_pulled_image_is_in_the_store_and_in_every_output() {
    let project = Project::new(TEMPLATE);
    let (_registry, name, digest) = served(&project, "one");
    let store = project.top().join("other");
    let kiln = |args: &[&str]| project.kiln(args).env("KILN_STORE", &store);
    let pulled = kiln(&["pull", &name]).ok().expect_said("3 blobs fetched");
    assert_eq!(pulled.text(), format!("{digest}\n"));
    kiln(&["pull", &name]).ok().expect_said("0 blobs fetched");
    assert!(kiln(&["store", "ls"]).ok().text().contains(name.rsplit_once(':').expect("a tag").0));
    assert_eq!(kiln(&["inspect", &format!("store:{name}")]).ok().text().lines().next(), Some(&*digest));
    let json = kiln(&["pull", &name, "--platform", "linux/arm64", "--json"]).ok().json();
    assert_ne!(json["digest"], json!(digest));
    let outputs = ["-o", "rootfs:root", "-o", "rootfs-tar:root.tar", "-o", "docker-archive:d.tar", "-o", "oci:one"];
    kiln(&["pull", &name, "--platform", "linux/amd64"]).args(outputs).ok();
    assert_eq!(project.read("root/etc/hello"), b"one");
    kiln(&["pull", &name, "-o", "rootfs:root"]).run().expect_code(1).expect_said("holds the image of one platform");
    kiln(&["pull", &name, "-o", "oci:all", "-o", "oci-archive:all.tar"]).ok();
    assert_eq!(kiln(&["inspect", "oci:all"]).ok().text().lines().next(), Some(&*digest));
    kiln(&["pull", &name, "-o", "oci:all"]).ok().expect_said("oci:all: is up to date");
    project.write("mine", "x");
    kiln(&["pull", &name, "-o", "oci:mine"]).run().expect_code(3);
    kiln(&["pull", "debian"]).run().expect_code(2).expect_said("docker.io/library/debian");
    kiln(&["pull", &name.replace("a/b", "no/such")]).run().expect_code(5);
    kiln(&["pull", &name, "--platform", "linux/s390x"]).run().expect_code(1).expect_said("linux/arm64");
    // What is here needs no network any more.
    kiln(&["copy", &format!("store:{name}"), "oci:again", "--offline"]).ok();
}

#[test]
fn a_layout_holds_all_that_the_index_names() {
    let project = Project::new(TEMPLATE);
    let (registry, name, _) = served(&project, "one");
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let mut index: Value = registry
        .store(|store| serde_json::from_slice(&store.manifest("a/b", "1").expect("it is there").1.1).expect("JSON"));
    registry.store(|store| {
        let (config, layer) = (store.put_blob_in("a/b", b"{}"), store.put_blob_in("a/b", b"provenance"));
        let attestation = json!({
            "schemaVersion": 2, "mediaType": manifest,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
            "layers": [{ "mediaType": "application/vnd.in-toto+json", "digest": layer, "size": 10 }],
        })
        .to_string();
        let digest = store.put_manifest("a/b", "", manifest, attestation.as_bytes());
        let platform = json!({ "os": "unknown", "architecture": "unknown" });
        let entry = json!({ "mediaType": manifest, "digest": digest, "size": attestation.len(), "platform": platform });
        index["manifests"].as_array_mut().expect("a list").push(entry);
        store.put_manifest("a/b", "2", "application/vnd.oci.image.index.v1+json", index.to_string().as_bytes());
    });
    let name = name.replace(":1", ":2").replace(&registry.place().replace(":1", ":2"), &registry.place());
    project.kiln(&["pull", &name, "-o", "oci:all", "-o", "oci-archive:all.tar"]).ok();
    let copied = project.kiln(&["copy", "oci:all", "oci-archive:all2.tar"]).ok();
    assert!(copied.text().starts_with("oci-archive:all2.tar:2@sha256:"));
    assert_eq!(project.read("all.tar"), project.read("all2.tar"));
}

#[test]
fn what_others_pushed_is_pulled() {
    let project = Project::new(TEMPLATE);
    let Some(registry) = Server::docker_registry(project.top()) else { return };
    if require("skopeo").is_none() {
        return;
    }
    project.build(&["-o", "oci:built"]);
    let at = |name: &str| format!("{}/{name}", registry.place());
    let to = |name: &str| format!("docker://{}", at(name));
    let plain = ["copy", "-q", "--dest-tls-verify=false"];
    skopeo(&project, &[&plain[..], &["--all", "oci:built:1", &to("oci:1")]].concat());
    skopeo(&project, &[&plain[..], &["--format", "v2s2", "oci:built:1", &to("docker:1")]].concat());
    skopeo(&project, &[&plain[..], &["--all", "--format", "v2s2", "oci:built:1", &to("list:1")]].concat());
    for name in ["oci:1", "docker:1", "list:1"] {
        let pulled = project.kiln(&["pull", &at(name), "-o", &format!("oci:{}", name.replace(':', "-"))]).ok().digest();
        let directory = format!("dir:seen-{}", name.replace(':', "-"));
        skopeo(&project, &["copy", "-q", "--all", "--src-tls-verify=false", &to(name), &directory]);
        let seen = project.read(&format!("seen-{}/manifest.json", name.replace(':', "-")));
        assert_eq!(pulled, crate::registry::store::digest_of(&seen), "{name}");
        let copied = project.kiln(&["copy", &at(name), &at(&format!("copy-of-{name}"))]).ok();
        assert!(copied.text().ends_with(&format!("@{pulled}\n")), "bytes and digests stay: {}", copied.text());
    }
    project.kiln(&["pull", &at("docker:1"), "-o", "rootfs:root"]).ok();
    assert_eq!(project.read("root/etc/hello"), b"one");
}

#[test]
fn a_name_that_is_frozen_stays() {
    let project = Project::new(TEMPLATE);
    let (registry, name, digest) = served(&project, "one");
    let repository = name.rsplit_once(':').expect("a tag").0.to_owned();
    project.kiln(&["pull", &name]).ok();
    project.kiln(&["push", &format!("store:{name}"), &format!("{repository}-copy:1")]).ok();
    let other = project.build(&["--set", "text=two", "--version", "2"]);
    project.kiln(&["push", "store:x:2", &format!("{repository}:2")]).ok();
    // Somebody moves the tag.
    registry.store(|store| store.tags.insert(("a/b".to_owned(), "1".to_owned()), other));
    project.kiln(&["pull", &name]).run().expect_code(3).expect_said(&digest);
    assert_eq!(project.kiln(&["inspect", &format!("store:{name}")]).ok().text().lines().next(), Some(&*digest));
}
