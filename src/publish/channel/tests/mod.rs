//! Channels in a registry that others change at the same time, and that misbehaves.

mod races;
mod record;
mod set;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::base::hash::digest_of;
use crate::base::{BlobDigest, Class, Epoch};
use crate::image::MediaType;
use crate::publish::registry::RegistryPlace;
use crate::registry::{Client, Files, Manifest, Repository};
use crate::template::Order;
use crate::transport::testing::{Refusal, Registry, TagRule};
use crate::transport::{News, Retries, Settings, Transport};

const REPOSITORY: &str = "shop/api";

fn quiet(_: News) {}

/// A registry that creates a tag only if it is not there, as one with immutable releases does.
fn registry() -> Registry {
    let registry = Registry::start();
    registry.configure(|settings| settings.honours_if_none_match = true);
    registry
}

fn transport() -> Transport {
    let quick = Duration::from_millis(1);
    let retries = Retries { attempts: 2, base_delay: quick, longest_delay: quick, longest_requested: quick };
    Transport::new(Settings { retries, ..Settings::default() }, Arc::default()).expect("a client")
}

/// Does something in the repository, as a process of its own would.
fn within<T>(registry: &Registry, work: impl FnOnce(&RegistryPlace<'_>) -> T) -> T {
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    work(&RegistryPlace {
        client: &client,
        repository: Repository { registry: registry.place(), name: REPOSITORY.to_owned() },
    })
}

/// The image of a version, which is there once it was asked for.
fn image(registry: &Registry, version: &str) -> BlobDigest {
    registry.store(|store| {
        let config = store.put_blob(b"config");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.as_ref(),
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 6 },
            "layers": [],
            "annotations": { "org.opencontainers.image.version": version },
        });
        let bytes = manifest.to_string().into_bytes();
        store.put_manifest(REPOSITORY, "", MediaType::ImageManifest.as_ref(), &bytes).parse().expect("a digest")
    })
}

fn when() -> Epoch {
    Epoch::from_seconds(1_767_225_600).expect("a time")
}

fn name(text: &str) -> ChannelName {
    ChannelName::new(text.parse().expect("a tag")).expect("a name")
}

/// Publishes a version, whose channel `latest` is.
fn push(registry: &Registry, version: &str) -> Result<Move, ChannelError> {
    let digest = image(registry, version);
    let aims = Aims::new(&["latest".to_owned()], Order::Semver, version).expect("aims");
    within(registry, |place| advance(place, &aims, &digest, when()).pop().expect("one channel").1)
}

fn pushed(registry: &Registry, version: &str) -> Outcome {
    push(registry, version).expect("moved or left").outcome
}

fn shown(registry: &Registry) -> Result<Vec<Kept>, ChannelError> {
    within(registry, |place| log(place, &name("latest")))
}

fn versions(registry: &Registry) -> Vec<String> {
    shown(registry).expect("a record").into_iter().map(|kept| kept.entry.version).collect()
}

fn tag(registry: &Registry, tag: &str) -> Option<String> {
    registry.store(|store| store.tag(REPOSITORY, tag).map(str::to_owned))
}

fn holds(registry: &Registry, version: &str) -> bool {
    let digest = image(registry, version).to_string();
    tag(registry, "latest") == Some(digest)
}

/// Sets a tag without kiln.
fn write_tag(registry: &Registry, tag: &str, digest: &str) {
    registry.store(|store| {
        let (_, (media_type, bytes)) = store.manifest(REPOSITORY, digest).expect("a manifest");
        let (media_type, bytes) = (media_type.clone(), bytes.clone());
        store.put_manifest(REPOSITORY, tag, &media_type, &bytes);
    });
}

fn remove_tag(registry: &Registry, tag: &str) {
    registry.store(|store| store.tags.remove(&(REPOSITORY.to_owned(), tag.to_owned())).expect("it was there"));
}

fn entry_tag(number: u32) -> String {
    name("latest").entry_tag(number).expect("a tag").to_string()
}

/// Puts an entry into the registry without kiln.
fn write_entry(registry: &Registry, entry: &Entry) -> BlobDigest {
    let manifest = entry.manifest();
    registry.store(|store| {
        store.put_blob(crate::publish::record::EMPTY);
        let media_type = manifest.media_type.as_ref();
        store.put_manifest(REPOSITORY, &entry_tag(entry.number), media_type, &manifest.bytes);
    });
    manifest.digest
}

/// What was written, by method and the last part of the path.
fn writes(registry: &Registry) -> Vec<String> {
    let calls = registry.calls().into_iter().filter(|call| !call.reads());
    calls.map(|call| format!("{} {}", call.method, call.path().rsplit('/').next().unwrap_or_default())).collect()
}

#[test]
fn a_channel_goes_forward_and_every_move_is_recorded() {
    let registry = registry();
    assert!(matches!(pushed(&registry, "1.8.1"), Outcome::Moved { number: 1, from: None, .. }));
    assert!(matches!(pushed(&registry, "1.9.0"), Outcome::Moved { number: 2, from: Some(_), .. }));
    assert!(holds(&registry, "1.9.0"));
    let back = push(&registry, "1.8.2").expect("left");
    assert!(matches!(&back.outcome, Outcome::Ahead { .. }), "{back:?}");
    assert!(back.lines()[0].contains("holds 1.9.0") && back.lines()[0].contains("further on than 1.8.2"), "{back:?}");
    assert!(matches!(pushed(&registry, "v1.9.0"), Outcome::Ahead { how: moved::How::Equal, .. }));
    assert!(holds(&registry, "1.9.0"));
    let entries = shown(&registry).expect("a record");
    let (first, second) = (&entries[0], &entries[1]);
    assert_eq!((first.entry.from, first.entry.to), (None, image(&registry, "1.8.1")));
    assert_eq!((second.entry.from, second.entry.to), (Some(first.entry.to), image(&registry, "1.9.0")));
    assert_eq!((second.entry.previous, second.entry.when, entries.len()), (Some(first.digest), when(), 2));
    assert_eq!(registry.offences(), [""; 0]);
}

#[test]
fn the_entry_is_written_before_the_tag_and_nothing_the_second_time() {
    let registry = registry();
    pushed(&registry, "1.8.1");
    let written = writes(&registry);
    assert_eq!(written[written.len() - 2..], ["PUT ch-latest-000001", "PUT latest"], "{written:?}");
    registry.reset();
    assert!(matches!(pushed(&registry, "1.8.1"), Outcome::Holds(_)));
    assert_eq!(writes(&registry), [""; 0]);
    let heads = registry.calls_of("/manifests/latest").len();
    assert_eq!((heads, registry.calls_of("ch-latest").len()), (1, 4), "{:?}", registry.lines());
}

#[test]
fn who_was_killed_before_the_tag_leaves_what_the_next_push_mends() {
    for held in [Some("1.8.0"), None] {
        let registry = registry();
        pushed(&registry, "1.8.0");
        pushed(&registry, "1.8.1");
        match held {
            Some(version) => write_tag(&registry, "latest", &image(&registry, version).to_string()),
            None => remove_tag(&registry, "latest"),
        }
        let error = shown(&registry).expect_err("behind");
        assert!(
            matches!(&error, ChannelError::Behind { number: 2, .. }) && error.class() == Class::Mismatch,
            "{error}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("next push")));
        // A push that does not move it does it as well.
        let moved = push(&registry, "1.7.0").expect("left");
        assert!(moved.mended.is_some() && matches!(moved.outcome, Outcome::Ahead { .. }), "{moved:?}");
        assert!(holds(&registry, "1.8.1"));
        assert_eq!(versions(&registry), ["1.8.0", "1.8.1"]);
    }
}

#[test]
fn a_tag_without_a_record_is_somebody_elses() {
    let registry = registry();
    let other = image(&registry, "0.1.0");
    write_tag(&registry, "latest", &other.to_string());
    let error = push(&registry, "1.8.1").expect_err("refused");
    assert!(matches!(&error, ChannelError::Foreign { offered: Some(_), .. }) && error.class() == Class::Refused);
    assert!(error.to_string().contains("1.8.1") && error.to_string().contains(&other.short()), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("kiln channel set") && hint.contains("--reason")));
    assert!(matches!(shown(&registry), Err(ChannelError::Foreign { offered: None, .. })));
    assert_eq!((tag(&registry, "latest"), writes(&registry)), (Some(other.to_string()), Vec::new()));
}

#[test]
fn what_cannot_be_compared_is_told() {
    let registry = registry();
    let odd = image(&registry, "nightly");
    let setting = Setting { digest: &odd, version: None, reason: "test", when: when() };
    within(&registry, |place| set(place, &name("latest"), &setting)).expect("set");
    let error = push(&registry, "1.8.1").expect_err("no order");
    assert!(matches!(&error, ChannelError::Incomparable { .. }) && error.class() == Class::Failed, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--version V")));
}

#[test]
fn a_registry_that_lets_no_tag_move_is_told_and_nothing_piles_up() {
    for refusal in [Refusal::TagInvalid, Refusal::Denied, Refusal::Conflict, Refusal::PreconditionFailed] {
        let registry = registry();
        pushed(&registry, "1.8.1");
        registry.configure(|settings| settings.tag_rule = TagRule::immutable(refusal));
        for version in ["1.8.2", "1.8.3"] {
            let error = push(&registry, version).expect_err("refused");
            assert!(matches!(&error, ChannelError::Immovable { .. }), "{error}");
            assert!(error.class() == Class::Refused && error.hint().is_some());
        }
        assert!(tag(&registry, &entry_tag(2)).is_some() && tag(&registry, &entry_tag(3)).is_none());
        // Channels are what registries make an exception for.
        registry.configure(|settings| settings.movable = vec!["latest".to_owned()]);
        let moved = push(&registry, "1.8.3").expect("moved");
        assert!(moved.mended.is_some() && holds(&registry, "1.8.3"), "{moved:?}");
        assert_eq!(versions(&registry), ["1.8.1", "1.8.2", "1.8.3"]);
    }
}

#[test]
fn a_registry_that_is_not_there_is_told_as_that() {
    let registry = registry();
    let aims = Aims::new(&["latest".to_owned(), "edge".to_owned()], Order::Semver, "1.0.0").expect("aims");
    let digest = digest_of(b"nowhere");
    registry
        .misbehave(crate::transport::testing::Rule::on("/manifests/edge", crate::transport::testing::Mischief::Vanish));
    let moved = within(&registry, |place| advance(place, &aims, &digest, when()));
    let classes: Vec<Class> =
        moved.iter().filter_map(|(_, moved)| moved.as_ref().err()).map(ChannelError::class).collect();
    assert_eq!(classes, [Class::Unavailable, Class::Unavailable], "no such image, and no answer: {moved:?}");
    assert!(matches!(&moved[0].1, Err(error @ ChannelError::Registry(_)) if error.hint().is_some()));
}
