use super::*;
use crate::registry::Repository;
use crate::transport::testing::{Mischief, Reply, Rule, store::digest_of};
use crate::transport::{Network, TransportError};

fn resolve(image: &ImageName) -> Result<crate::registry::Manifest, RegistryError> {
    Client::new(&transport(), &Files::default(), &quiet)?.resolve(image)
}

#[test]
fn tags_and_digests_are_resolved() {
    let (registry, expected) = served();
    for rest in ["a/b:1".to_owned(), format!("a/b@{expected}"), format!("a/b:other@{expected}")] {
        let found = resolve(&name(&registry, &rest)).expect("found");
        assert_eq!((found.digest.to_string(), found.bytes), (expected.clone(), manifest("first")));
        assert_eq!(found.media_type.as_ref(), MANIFEST);
    }
    let call = registry.calls_of("/manifests/1").pop().expect("a call");
    let accept = call.header("accept").expect("what is understood");
    assert!(accept.contains("oci.image.index") && accept.contains("distribution.manifest.list.v2"), "{accept}");
}

#[test]
fn what_is_not_there_is_named() {
    let (registry, _) = served();
    let error = resolve(&name(&registry, "a/b:2")).expect_err("no such tag");
    assert!(matches!(error, RegistryError::NotFound { what: "the image", .. }) && error.is_unavailable());
    let place = registry.place();
    assert_eq!(
        error.to_string(),
        format!("`{place}` does not have the image `{place}/a/b:2`: MANIFEST_UNKNOWN: manifest unknown")
    );
    let digest = digest(&digest_of(b"no blob"));
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let error = client.blob(&name(&registry, "a/b").repository, &digest, 7, &mut Vec::new()).expect_err("no blob");
    assert!(matches!(error, RegistryError::NotFound { what: "the blob", .. }), "{error:?}");
}

#[test]
fn other_bytes_are_refused() {
    let (registry, expected) = served();
    registry.misbehave(Rule::on("/manifests/", Mischief::Flip));
    // By tag, the registry contradicts itself; by digest, it lies.
    for rest in ["a/b:1".to_owned(), format!("a/b@{expected}")] {
        let error = resolve(&name(&registry, &rest)).expect_err("other bytes");
        assert!(matches!(&error, RegistryError::Digest { expected: named, .. } if *named == expected), "{error:?}");
        assert!(error.is_mismatch());
    }
    registry.reset();
    let other = digest_of(&manifest("other"));
    let lie = Mischief::Header { name: "Docker-Content-Digest".to_owned(), value: other };
    registry.misbehave(Rule::on("/manifests/", lie));
    assert!(matches!(resolve(&name(&registry, "a/b:1")), Err(RegistryError::Digest { .. })));
}

#[test]
fn documents_that_are_no_image_are_refused() {
    let registry = Registry::start();
    let put = |media_type: &str, text: &str| {
        registry.store(|store| store.put_manifest("a/b", "1", media_type, text.as_bytes()));
        resolve(&name(&registry, "a/b:1"))
    };
    let v1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    assert!(matches!(put(v1, "{}"), Err(RegistryError::Schema1 { .. })));
    assert!(matches!(put("application/json", r#"{"schemaVersion":1}"#), Err(RegistryError::Schema1 { .. })));
    assert!(matches!(put("application/vnd.x", "{}"), Err(RegistryError::MediaType { .. })));
    assert!(matches!(put("text/plain", "hello"), Err(RegistryError::MediaType { .. })));
    let index = r#"{"mediaType":"application/vnd.oci.image.index.v1+json"}"#;
    assert!(matches!(put(MANIFEST, index), Err(RegistryError::TwoTypes { .. })));
    assert!(put("application/json", index).is_ok());
    assert!(put(&format!("{MANIFEST}; charset=utf-8"), r#"{"schemaVersion":2}"#).is_ok());
    let long = " ".repeat(crate::image::checks::DOCUMENT_MAX_BYTES + 1);
    let error = put(MANIFEST, &long).expect_err("too long");
    let RegistryError::Transport { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*source, TransportError::TooLarge { .. }), "{source:?}");
}

#[test]
fn blobs_come_whole_whatever_happens() {
    let registry = Registry::start();
    let bytes: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = digest(&registry.store(|store| store.put_blob(&bytes)));
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let elsewhere = Registry::start();
    elsewhere.store(|store| store.put_file("/storage", &bytes));
    let troubles = [
        Mischief::Cut { after: 70_000 },
        Mischief::Answer(Reply::new(429).with("Retry-After", "0")),
        Mischief::Answer(Reply::new(500)),
        Mischief::Flip,
        Mischief::Redirect { status: 307, to: elsewhere.url("/storage") },
    ];
    for trouble in troubles {
        registry.reset();
        registry.misbehave(Rule::on("/blobs/", trouble.clone()).times(1));
        let mut sink = Vec::new();
        let repository = name(&registry, "a/b").repository;
        let received = client.blob(&repository, &expected, bytes.len() as u64, &mut sink);
        assert_eq!(received.expect("fetched").size_bytes, bytes.len() as u64, "{trouble:?}");
        assert!(sink == bytes, "{trouble:?}");
    }
    for (trouble, is_length) in [(Mischief::Flip, false), (Mischief::Longer { by: 3 }, true)] {
        registry.reset();
        registry.misbehave(Rule::on("/blobs/", trouble));
        let repository = name(&registry, "a/b").repository;
        let error = client.blob(&repository, &expected, bytes.len() as u64, &mut Vec::new()).expect_err("wrong");
        assert!(error.is_mismatch(), "{error:?}");
        let RegistryError::Transport { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!(matches!(**source, TransportError::Length { .. }), is_length, "{source:?}");
    }
}

#[test]
fn several_threads_may_pull_at_once() {
    let registry = Registry::start();
    registry.require(crate::transport::testing::Access::tokens());
    let blobs: Vec<Vec<u8>> = (0..8_u8).map(|at| vec![at; 100_000]).collect();
    let digests: Vec<_> = blobs.iter().map(|blob| digest(&registry.store(|store| store.put_blob(blob)))).collect();
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let repository = name(&registry, "a/b").repository;
    std::thread::scope(|scope| {
        for (blob, digest) in blobs.iter().zip(&digests) {
            let (client, repository) = (&client, &repository);
            scope.spawn(move || {
                let mut sink = Vec::new();
                client.blob(repository, digest, blob.len() as u64, &mut sink).expect("fetched");
                assert!(sink == *blob);
            });
        }
    });
}

#[test]
fn offline_is_said_at_once() {
    let (registry, _) = served();
    let transport = Transport::new(Settings { network: Network::Offline, ..settings() }, Arc::default());
    let transport = transport.expect("a client");
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let error = client.resolve(&name(&registry, "a/b:1")).expect_err("offline");
    let RegistryError::Transport { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, TransportError::Offline { .. }));
    assert!(error.hint().is_some_and(|hint| hint.contains("--offline")) && error.is_unavailable());
    assert!(registry.calls().is_empty());
}

#[test]
fn an_interrupt_is_one() {
    let (registry, _) = served();
    let stopped = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let transport = Transport::new(settings(), stopped).expect("a client");
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    assert!(client.resolve(&name(&registry, "a/b:1")).expect_err("stopped").is_interrupt());
}

#[test]
fn a_registry_of_this_machine_may_speak_tls() {
    use crate::transport::testing::tls;
    let registry = Registry::start_secure();
    let expected = registry.store(|store| store.put_manifest("a/b", "1", MANIFEST, &manifest("first")));
    let settings = Settings { authorities: vec![tls::authority()], ..settings() };
    let transport = Transport::new(settings, Arc::default()).expect("a client");
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let found = client.resolve(&name(&registry, "a/b:1")).expect("found");
    assert_eq!(found.digest.to_string(), expected);
}

#[test]
fn mirrors_are_asked_first_and_the_name_stays() {
    let (own, mirror, broken) = (Registry::start(), Registry::start(), Registry::start());
    let image: ImageName = format!("{}/a/b:1", own.place()).parse().expect("a name");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("registries.conf");
    let conf = format!(
        "[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}/m'\n",
        own.place(),
        broken.place(),
        mirror.place()
    );
    std::fs::write(&path, conf).expect("written");
    let files = Files { registries_conf: vec![path], ..Files::default() };
    let transport = transport();
    let client = Client::new(&transport, &files, &quiet).expect("a client");

    mirror.store(|store| store.put_manifest("m/a/b", "1", MANIFEST, &manifest("first")));
    let found = client.resolve(&image).expect("on the second mirror");
    assert_eq!(found.bytes, manifest("first"));
    assert_eq!((broken.calls_of("/manifests/").len(), own.calls().len()), (1, 0));

    // What the first mirror sent of a blob is not fetched again.
    let blob = vec![7; 10_000];
    let digest = digest(&broken.store(|store| store.put_blob(&blob)));
    mirror.store(|store| store.put_blob(&blob));
    broken.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 4000 }).times(1));
    broken.misbehave(Rule::on("/blobs/", Mischief::Answer(Reply::new(404))));
    let mut sink = Vec::new();
    client.blob(&image.repository, &digest, 10_000, &mut sink).expect("from both");
    assert_eq!(sink, blob);
    assert_eq!(mirror.calls_of("/blobs/")[0].header("range"), Some("bytes=4000-"));

    let nowhere = Repository { name: "x".to_owned(), ..image.repository };
    let error = client.manifest(&nowhere, digest).expect_err("nowhere");
    let RegistryError::NoMirror { tried, source, .. } = &error else { panic!("{error:?}") };
    assert!(tried.len() == 2 && matches!(**source, RegistryError::NotFound { .. }) && error.hint().is_some());
    assert!(error.to_string().contains(&broken.place()) && error.to_string().contains(&mirror.place()));
}
