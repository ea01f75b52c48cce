//! Channels that are set by hand.

use super::*;

fn set_to(registry: &Registry, digest: &BlobDigest, version: Option<&str>, reason: &str) -> Result<Move, ChannelError> {
    let setting = Setting { digest, version, reason, when: when() };
    within(registry, |place| set(place, &name("latest"), &setting))
}

#[test]
fn a_channel_is_set_back_and_goes_on_from_there() {
    let registry = registry();
    pushed(&registry, "1.8.1");
    pushed(&registry, "1.8.2");
    let old = image(&registry, "1.8.1");
    let moved = set_to(&registry, &old, None, "the checkout is broken").expect("set");
    assert!(matches!(&moved.outcome, Outcome::Moved { number: 3, .. }), "{moved:?}");
    assert!(holds(&registry, "1.8.1"));
    let last = shown(&registry).expect("a record").pop().expect("an entry").entry;
    assert_eq!((last.version.as_str(), last.reason.as_str()), ("1.8.1", "the checkout is broken"));
    // The pipeline of the broken one runs once more.
    assert!(matches!(pushed(&registry, "1.8.2"), Outcome::Ahead { how: moved::How::SetBack, .. }));
    assert!(matches!(pushed(&registry, "1.8.3"), Outcome::Moved { number: 4, .. }));
    assert_eq!(versions(&registry), ["1.8.1", "1.8.2", "1.8.1", "1.8.3"]);
    registry.reset();
    let newest = image(&registry, "1.8.3");
    let again = set_to(&registry, &newest, Some("1.8.3"), "again").expect("nothing to do");
    assert!(matches!(again.outcome, Outcome::Holds(_)) && writes(&registry).is_empty());
}

#[test]
fn a_tag_without_a_record_gets_one_unless_it_is_a_release() {
    let registry = registry();
    let (other, wanted) = (image(&registry, "0.1.0"), image(&registry, "1.8.1"));
    write_tag(&registry, "latest", &other.to_string());
    set_to(&registry, &wanted, None, "kiln moves it now").expect("adopted");
    let first = shown(&registry).expect("a record").remove(0).entry;
    assert_eq!((first.from, first.to), (Some(other), wanted));
    assert!(matches!(pushed(&registry, "1.8.2"), Outcome::Moved { number: 2, .. }));
    // What holds the version that it is called by is a release, and stays.
    write_tag(&registry, "1.8.1", &wanted.to_string());
    let setting = Setting { digest: &other, version: None, reason: "no", when: when() };
    registry.reset();
    let error = within(&registry, |place| set(place, &name("1.8.1"), &setting)).expect_err("refused");
    assert!(matches!(&error, ChannelError::ReleaseTag { .. }) && error.class() == Class::Refused);
    assert!(error.hint().is_some() && writes(&registry).is_empty());
}

#[test]
fn what_somebody_moved_without_kiln_is_decided_by_hand() {
    let registry = registry();
    pushed(&registry, "1.8.1");
    let stray = image(&registry, "6.6.6");
    write_tag(&registry, "latest", &stray.to_string());
    let error = push(&registry, "1.8.2").expect_err("strayed");
    assert!(matches!(&error, ChannelError::Strayed { number: 1, .. }) && error.class() == Class::Mismatch, "{error}");
    assert!(matches!(shown(&registry), Err(ChannelError::Strayed { .. })));
    assert!(error.hint().is_some_and(|hint| hint.contains("kiln channel set")));
    assert_eq!(tag(&registry, "latest"), Some(stray.to_string()));
    set_to(&registry, &image(&registry, "1.8.2"), None, "it was not ours").expect("set");
    assert_eq!(versions(&registry), ["1.8.1", "1.8.2"]);
}

#[test]
fn what_is_set_is_there_and_has_a_version_and_a_reason() {
    let registry = registry();
    let silent = registry.store(|store| {
        let config = store.put_blob(b"config");
        let bytes = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"digest":"{config}","mediaType":"x","size":6}},"layers":[]}}"#,
            MediaType::ImageManifest.as_ref()
        );
        store.put_manifest(REPOSITORY, "", MediaType::ImageManifest.as_ref(), bytes.as_bytes())
    });
    let silent: BlobDigest = silent.parse().expect("a digest");
    let wanted = image(&registry, "1.8.1");
    let fails = |digest: &BlobDigest, version: Option<&str>, reason: &str| {
        let error = set_to(&registry, digest, version, reason).expect_err("refused");
        assert!(error.hint().is_some(), "{error}");
        error
    };
    assert!(matches!(fails(&silent, None, "why"), ChannelError::NoVersion { .. }));
    assert!(matches!(fails(&wanted, Some("1.8.2"), "why"), ChannelError::OtherVersion { .. }));
    assert!(matches!(fails(&wanted, None, " "), ChannelError::Text { what: "reason" }));
    assert!(matches!(fails(&wanted, None, "a\u{1b}[2J"), ChannelError::Text { what: "reason" }));
    assert!(matches!(fails(&silent, Some("a\nb"), "why"), ChannelError::Text { what: "version" }));
    assert!(matches!(fails(&digest_of(b"nowhere"), Some("1"), "why"), ChannelError::Registry(_)));
    assert_eq!(writes(&registry), [""; 0]);
    let moved = set_to(&registry, &silent, Some("1.8.0"), "why").expect("set");
    assert_eq!(moved.outcome.holds().map(|at| at.version.as_str()), Some("1.8.0"));
}
