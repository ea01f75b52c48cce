//! Several pushers at once: whatever the interleaving, the tag ends where the record ends, and that is the furthest version.

use std::thread;

use super::*;
use crate::transport::testing::Call;

/// Writes an entry when a request comes, before it is answered.
fn meanwhile(registry: &Registry, on: &'static str, mut entry: impl FnMut(usize) -> Option<Entry> + Send + 'static) {
    let mut count = 0;
    registry.on_call(move |call: &Call, store| {
        if format!("{} {}", call.method, call.path()).ends_with(on) {
            count += 1;
            if let Some(entry) = entry(count) {
                let Manifest { media_type, bytes, .. } = entry.manifest();
                store.put_manifest(REPOSITORY, &entry_tag(entry.number), media_type.as_ref(), &bytes);
            }
        }
    });
}

fn entry_after(last: &Kept, to: BlobDigest, version: &str) -> Entry {
    Entry {
        number: last.entry.number + 1,
        from: Some(last.entry.to),
        to,
        version: version.to_owned(),
        previous: Some(last.digest),
        ..last.entry.clone()
    }
}

fn last(registry: &Registry) -> Kept {
    shown(registry).expect("a record").pop().expect("an entry")
}

#[test]
fn pushers_at_once_end_at_the_furthest_version() {
    for round in 0..6 {
        let registry = registry();
        let versions: Vec<String> = (0..8).map(|at| format!("1.{}.0", (at * 3 + round) % 8)).collect();
        for version in &versions {
            image(&registry, version);
        }
        thread::scope(|scope| {
            let pushers =
                versions.iter().map(|version| scope.spawn(|| push(&registry, version).expect("moved or left")));
            let pushers: Vec<_> = pushers.collect();
            for pusher in pushers {
                pusher.join().expect("no panic");
            }
        });
        let entries = shown(&registry).expect("a record that agrees with the tag");
        assert!(holds(&registry, "1.7.0"), "{entries:?}");
        let order: Vec<&str> = entries.iter().map(|kept| kept.entry.version.as_str()).collect();
        assert!(order.is_sorted() && order.last() == Some(&"1.7.0"), "forward only: {order:?}");
    }
}

/// A registry that does not order who creates a tag may lose an entry: then more cannot be said than that all end alike.
#[test]
fn where_creation_is_not_ordered_the_tag_still_ends_at_the_last_entry() {
    for round in 0..6 {
        let registry = Registry::start();
        let versions: Vec<String> = (0..4).map(|at| format!("1.{}.0", (at + round) % 4)).collect();
        for version in &versions {
            image(&registry, version);
        }
        thread::scope(|scope| {
            for version in &versions {
                scope.spawn(|| push(&registry, version));
            }
        });
        let last = (1..).take_while(|number| tag(&registry, &entry_tag(*number)).is_some()).last().expect("an entry");
        let bytes = registry.store(|store| store.manifest(REPOSITORY, &entry_tag(last)).expect("it").1.1.clone());
        let manifest = Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes };
        let entry = Entry::read(&manifest, &name("latest"), last).expect("an entry");
        assert_eq!(tag(&registry, "latest"), Some(entry.to.to_string()), "{:?}", registry.lines());
    }
}

#[test]
fn who_comes_second_to_an_entry_looks_again() {
    for (rival, moves) in [("1.8.5", true), ("2.0.0", false)] {
        let registry = registry();
        pushed(&registry, "1.8.0");
        let entry = entry_after(&last(&registry), image(&registry, rival), rival);
        meanwhile(&registry, "PUT /v2/shop/api/manifests/ch-latest-000002", move |count| {
            (count == 1).then(|| entry.clone())
        });
        let moved = push(&registry, "1.9.0").expect("moved or left");
        // The other one had not come to the tag yet.
        assert!(moved.mended.is_some(), "{moved:?}");
        assert_eq!(matches!(moved.outcome, Outcome::Moved { number: 3, .. }), moves, "{moved:?}");
        assert!(holds(&registry, if moves { "1.9.0" } else { "2.0.0" }));
        assert_eq!(versions(&registry)[1], rival);
    }
}

#[test]
fn who_is_overtaken_before_the_tag_sets_it_to_what_the_other_one_says() {
    let registry = registry();
    pushed(&registry, "1.8.0");
    let first = last(&registry);
    let mine = Entry { reason: "push".to_owned(), ..entry_after(&first, image(&registry, "1.9.0"), "1.9.0") };
    let mine = Kept { digest: mine.manifest().digest, entry: mine };
    let theirs = entry_after(&mine, image(&registry, "2.0.0"), "2.0.0");
    meanwhile(&registry, "PUT /v2/shop/api/manifests/latest", move |count| (count == 1).then(|| theirs.clone()));
    assert!(matches!(pushed(&registry, "1.9.0"), Outcome::Moved { number: 2, .. }));
    assert!(holds(&registry, "2.0.0"), "{:?}", registry.lines());
    assert_eq!(versions(&registry), ["1.8.0", "1.9.0", "2.0.0"]);
}

#[test]
fn who_loses_an_entry_to_a_registry_that_does_not_order_them_makes_another() {
    let registry = registry();
    pushed(&registry, "1.8.0");
    let theirs = entry_after(&last(&registry), image(&registry, "1.8.5"), "1.8.5");
    // Their PUT was on its way when we looked at ours.
    meanwhile(&registry, "PUT /v2/shop/api/manifests/latest", move |count| (count == 1).then(|| theirs.clone()));
    assert!(matches!(pushed(&registry, "1.9.0"), Outcome::Moved { number: 3, .. }));
    assert!(holds(&registry, "1.9.0"));
    assert_eq!(versions(&registry), ["1.8.0", "1.8.5", "1.9.0"]);
}

#[test]
fn a_channel_that_others_never_leave_alone_is_given_up() {
    let registry = registry();
    pushed(&registry, "1.0.0");
    let (mut before, old) = (last(&registry), image(&registry, "1.0.1"));
    registry.on_call(move |call: &Call, store| {
        let next = entry_after(&before, old, "1.0.1");
        if call.method == "PUT" && call.path().ends_with(&entry_tag(next.number)) {
            let Manifest { media_type, bytes, digest } = next.manifest();
            store.put_manifest(REPOSITORY, &entry_tag(next.number), media_type.as_ref(), &bytes);
            before = Kept { entry: next, digest };
        }
    });
    let error = push(&registry, "1.9.0").expect_err("given up");
    assert!(matches!(&error, ChannelError::Crowded { .. }) && error.class() == Class::Unavailable, "{error}");
    assert!(error.hint().is_some());
}
