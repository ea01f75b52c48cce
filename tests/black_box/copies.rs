//! Images on their way between registries, layouts and archives.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Program, Project, require};
use crate::inputs::skopeo;
use crate::registry::Registry;
use crate::registry::store::digest_of;

const TEMPLATE: &str = "[image]\nname = 'shop/api'\nversion = '1.0'\nplatforms = ['linux/amd64', 'linux/arm64']\n\
    epoch = '2026-01-01T00:00:00Z'\ncreated = '2026-02-01T00:00:00Z'\n[variables]\ntext = 'one'\n\
    [[layer]]\nname = 'x'\nwrite = '/hello'\ntext = '${text}'\n";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn index(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("index.json")).expect("a layout")).expect("JSON")
}

/// Puts something that refers to a digest into a repository, and gives its digest.
fn sign(registry: &Registry, repository: &str, subject: &str, size: usize) -> String {
    registry.store(|store| {
        let config = store.put_blob_in(repository, b"{}");
        let layer = store.put_blob_in(repository, b"signed");
        let artifact = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-signature",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
            "layers": [{ "mediaType": "application/x-signature", "digest": layer, "size": 6 }],
            "subject": { "mediaType": "application/vnd.oci.image.index.v1+json", "digest": subject, "size": size },
        });
        store.put_manifest(repository, "", MANIFEST, artifact.to_string().as_bytes())
    })
}

#[test]
fn a_layout_is_made_extended_and_refused_for_another_digest() {
    let project = Project::new(TEMPLATE);
    let digest = project.build(&["-o", "oci:built", "-o", "oci-archive:built.tar"]);
    let copied = project.kiln(&["copy", "store:shop/api:1.0", "oci:made", "oci-archive:made.tar"]).ok();
    assert_eq!(copied.text(), format!("oci:made:1.0@{digest}\noci-archive:made.tar:1.0@{digest}\n"));
    assert_eq!(project.read("made.tar"), project.read("built.tar"));
    assert_eq!(project.read("made/index.json"), project.read("built/index.json"));
    project.kiln(&["copy", "oci:made", "oci:made:again"]).ok();
    assert_eq!(index(&project.path("made"))["manifests"].as_array().map(Vec::len), Some(2));
    let other = project.build(&["--set", "text=two"]);
    let refused = project.kiln(&["copy", "store:shop/api:1.0", "oci:made", "oci:other"]).run().expect_code(3);
    let refused = refused.expect_said("`oci:made:1.0` is published already").expect_said(&digest);
    assert_eq!(refused.text(), format!("oci:other:1.0@{other}\n"), "every destination is tried");
    let before = project.read("made.tar");
    project.kiln(&["copy", "store:shop/api:1.0", "oci-archive:made.tar"]).run().expect_code(3);
    assert_eq!(project.read("made.tar"), before);
    project.kiln(&["copy", "store:shop/api:1.0", "oci-archive:made.tar:two"]).ok();
    assert_eq!(project.kiln(&["inspect", "oci-archive:made.tar:1.0"]).ok().text().lines().next(), Some(&*digest));
    assert_eq!(project.kiln(&["inspect", "oci-archive:made.tar:two"]).ok().text().lines().next(), Some(&*other));
    project.write("file", "x");
    project.kiln(&["copy", "store:shop/api:1.0", "oci:file"]).run().expect_code(1).expect_said("not an OCI layout");
}

#[test]
fn eight_processes_push_into_one_directory_at_once() {
    let project = Project::new(TEMPLATE);
    let images: Vec<String> = (0..8)
        .map(|at| project.build(&["--set", &format!("text=number {at}"), "--version", &format!("{at}")]))
        .collect();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let project = &project;
            scope.spawn(move || project.kiln(&["copy", &format!("store:shop/api:{at}"), "oci:all"]).ok());
        }
    });
    for (at, digest) in images.iter().enumerate() {
        let seen = project.kiln(&["inspect", &format!("oci:all:{at}")]).ok();
        assert_eq!(seen.text().lines().next(), Some(digest.as_str()));
    }
    let names: Vec<_> =
        fs::read_dir(project.path("all")).expect("a layout").map(|it| it.expect("ours").file_name()).collect();
    assert_eq!(names.len(), 3, "nothing is left beside: {names:?}");
}

#[test]
fn a_round_trip_keeps_digest_and_referrers() {
    let project = Project::new(TEMPLATE);
    let digest = project.build(&[]);
    for has_referrers in [true, false] {
        let (from, to) = (Registry::start(), Registry::start());
        to.configure(|settings| settings.has_referrers = has_referrers);
        let source = format!("{}/shop/api:1.0", from.place());
        project.kiln(&["push", "store:shop/api:1.0", &source]).ok();
        let size = from.store(|store| store.manifest("shop/api", &digest).map_or(0, |(_, (_, bytes))| bytes.len()));
        let signature = sign(&from, "shop/api", &digest, size);
        let beside = format!("{}.sig", digest.replace(':', "-"));
        let config = json!({ "mediaType": "application/x", "digest": digest_of(b"{}"), "size": 2 });
        let cosign = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [] }).to_string();
        from.store(|store| store.put_manifest("shop/api", &beside, MANIFEST, cosign.as_bytes()));
        let layout = format!("oci:layout-{has_referrers}");
        project.kiln(&["copy", &source, &layout]).ok();
        let copied = project.kiln(&["copy", &layout, &format!("{}/other:2", to.place())]).ok();
        assert_eq!(copied.text(), format!("{}/other:2@{digest}\n", to.place()));
        assert!(to.store(|store| store.missing("other", "2")).is_empty());
        assert_eq!(
            to.store(|store| store.tag("other", &beside).map(str::to_owned)),
            Some(digest_of(cosign.as_bytes()))
        );
        assert!(to.store(|store| store.manifest("other", &signature).is_some()), "{has_referrers}");
        if !has_referrers {
            assert!(to.store(|store| store.tag("other", &digest.replace(':', "-")).is_some()));
        }
        project.kiln(&["copy", &format!("{}/other@{digest}", to.place()), "oci:nameless"]).ok();
        let sent: u64 = {
            to.reset();
            project.kiln(&["copy", &layout, &format!("{}/other:2", to.place())]).ok();
            to.calls().iter().filter(|call| call.method != "GET").map(|call| call.length).sum()
        };
        assert_eq!(sent, 0, "the second copy sends nothing: {:?}", to.lines());
    }
}

#[test]
fn blobs_go_from_registry_to_registry_without_the_store() {
    let project = Project::new(TEMPLATE);
    let digest = project.build(&[]);
    let (from, to) = (Registry::start(), Registry::start());
    let source = format!("{}/shop/api:1.0", from.place());
    project.kiln(&["push", "store:shop/api:1.0", &source]).ok();
    let target = format!("{}/a", to.place());
    let store = project.top().join("empty");
    project.kiln(&["copy", &source, &target, &format!("{}/b/c:9", from.place())]).env("KILN_STORE", &store).ok();
    assert_eq!(to.store(|store| store.tag("a", "1.0").map(str::to_owned)), Some(digest));
    let blobs = walkdir::WalkDir::new(store.join("blobs")).into_iter().flatten().filter(|it| it.file_type().is_file());
    assert_eq!(blobs.count(), 0, "nothing touches the disk");
    assert!(
        from.calls_of("/b/c/").iter().any(|call| call.query("mount").is_some()),
        "one registry takes it from itself"
    );
}

#[test]
fn others_read_what_was_copied() {
    let project = Project::new(TEMPLATE);
    let digest = project.build(&[]);
    project.kiln(&["copy", "store:shop/api:1.0", "oci:lay", "oci-archive:arc.tar"]).ok();
    project.build(&["--set", "text=two", "--platform", "linux/amd64", "--version", "2"]);
    project.kiln(&["copy", "store:shop/api:2", "oci:lay", "oci-archive:arc.tar"]).ok();
    if require("skopeo").is_some() {
        skopeo(&project, &["copy", "-q", "--all", "oci:lay:1.0", "dir:out"]);
        let copied: Vec<u8> = project.read("out/manifest.json");
        assert_eq!(digest_of(&copied), digest);
        skopeo(&project, &["copy", "-q", "oci-archive:arc.tar:2", "dir:two"]);
        skopeo(&project, &["copy", "-q", "dir:two", "oci:lay:from-skopeo"]);
        project.kiln(&["copy", "store:shop/api:1.0", "oci:lay:after"]).ok();
        project.kiln(&["inspect", "oci:lay:from-skopeo"]).ok();
    }
    if let Some(umoci) = require("umoci") {
        let umoci = |args: &[&str]| {
            Program::new(&umoci)
                .args(args)
                .env("HOME", project.top())
                .env("PATH", "/usr/bin:/bin")
                .cwd(project.path(""))
                .ok()
        };
        let listed = umoci(&["ls", "--layout", "lay"]);
        assert!(listed.text().lines().any(|line| line == "1.0") && listed.text().lines().any(|line| line == "2"));
        umoci(&["init", "--layout", "fresh"]);
        project.kiln(&["copy", "store:shop/api:2", "oci:fresh"]).ok();
        umoci(&["stat", "--image", "fresh:2"]);
        umoci(&["gc", "--layout", "fresh"]);
        project.kiln(&["inspect", "oci:fresh", "--files"]).ok();
    }
}

#[test]
fn a_copy_that_is_killed_leaves_nothing_under_a_name() {
    let project = Project::new(TEMPLATE);
    project.build(&[]);
    let from = Registry::start();
    let source = format!("{}/x:1", from.place());
    project.kiln(&["push", "store:shop/api:1.0", &source]).ok();
    from.misbehave(crate::registry::Rule::on("/blobs/", crate::registry::Mischief::Hang));
    for target in ["oci:lay", "oci-archive:arc.tar"] {
        let timeout = ["-s", "KILL", "2"];
        let kiln = project.kiln(&["copy", &source, target]).env("KILN_STORE", project.top().join("empty"));
        kiln.under("/usr/bin/timeout", &timeout).run();
    }
    assert!(!project.path("lay/index.json").exists() && !project.path("arc.tar").exists());
    from.reset();
    project.kiln(&["copy", &source, "oci:lay", "oci-archive:arc.tar"]).ok();
    let names =
        |path: &Path| fs::read_dir(path).expect("ours").map(|it| it.expect("ours").file_name()).collect::<Vec<_>>();
    assert_eq!(names(&project.path("lay")).len(), 3);
    assert!(
        !names(&project.path("")).iter().any(|name| name.to_string_lossy().starts_with('.')),
        "what was left is swept"
    );
}
