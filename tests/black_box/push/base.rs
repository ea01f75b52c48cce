//! Blobs that the registry has elsewhere: mounted, never sent, and a base's never fetched to be sent.

use super::{REPOSITORY, Shop};
use crate::foreign::{Layer, Tar, documents, on};
use crate::registry::{Registry, Right};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A base in a repository of its own; gives its layer's digest.
fn put_base(registry: &Registry, repository: &str) -> String {
    let layer = Layer::gzip(&Tar::new().directory("etc/").file("etc/name", "base\n").bytes());
    let (config, manifest) = documents(std::slice::from_ref(&layer));
    registry.store(|store| {
        store.put_blob_in(repository, config.as_bytes());
        store.put_blob_in(repository, &layer.blob);
        store.put_manifest(repository, "1", MANIFEST, manifest.as_bytes());
    });
    layer.digest
}

#[test]
fn a_second_repository_of_a_registry_gets_everything_from_the_first() {
    let shop = Shop::new();
    shop.push(&[]).ok();
    shop.registry.reset();
    let second = format!("{}/other/repository", shop.registry.place());
    let told = shop.push_to(&second, &["--json"]).ok().json();
    let blobs = told["destinations"][0]["blobs"].as_array().expect("a list");
    assert!(blobs.iter().all(|blob| blob["how"] == "mounted" && blob["from"] == shop.place()), "{told:#}");
    let sent = shop.writes().iter().filter(|call| call.target.contains("/blobs/")).map(|call| call.length).sum::<u64>();
    assert_eq!(sent, 0, "{:#?}", shop.lines());
    shop.assert_decent();
    // Where it does not mount, they are sent.
    shop.registry.configure(|settings| settings.never_mounts = true);
    let told = shop.push_to(&format!("{}/third", shop.registry.place()), &["--json"]).ok().json();
    let blobs = told["destinations"][0]["blobs"].as_array().expect("a list");
    assert!(blobs.iter().all(|blob| blob["how"] == "sent"), "{told:#}");
    shop.assert_decent();
}

#[test]
fn what_may_not_be_read_is_sent_instead_of_mounted() {
    let shop = Shop::new();
    shop.push(&[]).ok();
    shop.registry.configure(|settings| settings.rights = [(REPOSITORY.to_owned(), Right::Nothing)].into());
    shop.push_to(&format!("{}/other", shop.registry.place()), &[]).ok();
    shop.assert_decent();
}

/// A store that knows the base's files, and lost the bytes that they came in.
fn without_bytes() -> (Shop, String, String) {
    let shop = Shop::with("");
    let layer = put_base(&shop.registry, "base/os");
    let base = format!("{}/base/os", shop.registry.place());
    shop.project.write("kiln.toml", on(&format!("{base}:1")).replace("'x'\nplat", "'x'\nversion = '1.0'\nplat"));
    shop.project.build(&[]);
    let hex = layer.trim_start_matches("sha256:");
    let file = shop.project.top().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    std::fs::remove_file(file).expect("it is there");
    shop.registry.reset();
    (shop, layer, base)
}

#[test]
fn a_base_of_the_same_registry_is_mounted_and_not_fetched() {
    let (shop, layer, base) = without_bytes();
    let told = shop.push(&["--json"]).ok().json();
    let blobs = told["destinations"][0]["blobs"].as_array().expect("a list");
    let of_base = blobs.iter().find(|blob| blob["digest"] == layer).expect("the base's layer");
    assert_eq!((&of_base["how"], of_base["from"].as_str()), (&"mounted".into(), Some(base.as_str())));
    let fetched = |line: &String| line.starts_with("GET") && line.contains("/blobs/");
    assert!(!shop.lines().iter().any(fetched), "{:#?}", shop.lines());
    assert_eq!(shop.tags(), ["1.0"]);
}

#[test]
fn a_base_of_another_registry_goes_from_there_to_here() {
    let (shop, layer, _) = without_bytes();
    let other = Registry::start();
    shop.push_to(&format!("{}/{REPOSITORY}", other.place()), &[]).ok();
    let there = other.store(|store| (store.missing(REPOSITORY, "1.0"), store.blob(REPOSITORY, &layer).is_some()));
    assert!(there.0.is_empty() && there.1, "{there:?}");
    // Nobody can bring what is nowhere.
    let (shop, layer, _) = without_bytes();
    shop.registry.store(|store| store.blobs.retain(|(_, digest), _| *digest != layer));
    let other = Registry::start();
    let ended = shop.push_to(&format!("{}/{REPOSITORY}", other.place()), &[]).run().expect_code(5);
    assert!(ended.stderr.contains(&layer) && other.store(|store| store.tags.is_empty()), "{}", ended.all());
}
