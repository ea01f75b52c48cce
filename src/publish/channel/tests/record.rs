//! Records that somebody changed, or of which a registry lost a part.

use super::super::record::Record;
use super::*;
use crate::publish::channel::name::NUMBER_MAX;

fn entry(number: u32, previous: Option<BlobDigest>) -> Entry {
    Entry {
        channel: "latest".to_owned(),
        number,
        from: (number > 1).then(|| digest_of(format!("image {}", number - 1).as_bytes())),
        to: digest_of(format!("image {number}").as_bytes()),
        version: format!("1.{number}.0"),
        when: when(),
        reason: "test".to_owned(),
        previous,
    }
}

/// A record of so many entries. Its tag is there if there is one.
fn recorded(count: u32) -> Registry {
    let registry = registry();
    let mut previous = None;
    for number in 1..=count {
        let mut entry = entry(number, previous);
        entry.to = image(&registry, &entry.version);
        entry.from = (number > 1).then(|| image(&registry, &format!("1.{}.0", number - 1)));
        previous = Some(write_entry(&registry, &entry));
    }
    if count > 0 {
        write_tag(&registry, "latest", &image(&registry, &format!("1.{count}.0")).to_string());
    }
    registry
}

/// Puts another entry where one is.
fn rewrite(registry: &Registry, entry: Entry) {
    assert!(tag(registry, &entry_tag(entry.number)).is_some());
    write_entry(registry, &entry);
}

#[test]
fn the_last_entry_is_found_without_a_list() {
    for count in [0, 1, 2, 3, 4, 7, 8, 9, 30, 31, 32, 100] {
        let registry = recorded(count);
        let last = within(&registry, |place| {
            Record { place, name: &name("latest") }.look().expect("seen").last.map_or(0, |last| last.entry.number)
        });
        assert_eq!(last, count);
        assert!(registry.calls_of("tags/list").is_empty());
        let asked = registry.calls_of("ch-latest").len();
        let most = 2 * (u32::BITS - count.leading_zeros()) as usize + 2;
        assert!(asked <= most, "{asked} questions for {count} entries: {:?}", registry.lines());
    }
}

#[test]
fn a_record_that_was_changed_is_found_out() {
    type Change = fn(&Registry);
    let spoiled: [(Change, &str); 7] = [
        (|registry| write_tag(registry, &entry_tag(2), &image(registry, "1.2.0").to_string()), "Entry"),
        (
            |registry| rewrite(registry, Entry { reason: "other".to_owned(), ..entry(2, Some(digest_of(b"x"))) }),
            "Chain",
        ),
        (|registry| rewrite(registry, entry(1, None)), "Chain"),
        (|registry| remove_tag(registry, &entry_tag(1)), "Entry"),
        (|registry| remove_tag(registry, &entry_tag(4)), "Hole"),
        (|registry| remove_tag(registry, &entry_tag(5)), "Hole"),
        (|registry| remove_tag(registry, &entry_tag(6)), "Strayed"),
    ];
    for (index, (change, expected)) in spoiled.into_iter().enumerate() {
        let registry = recorded(6);
        assert_eq!(versions(&registry).len(), 6);
        change(&registry);
        let error = match index {
            // Where the first one is missing, there seems to be no record.
            3 => push(&registry, "9.0.0").expect_err("no record"),
            _ => shown(&registry).expect_err(expected),
        };
        let found = match &error {
            ChannelError::Entry { number: 2, .. } => "Entry",
            ChannelError::Chain { channel, .. } if channel.ends_with(":latest") => "Chain",
            ChannelError::Hole { missing: 4 | 5, found: 6, .. } => "Hole",
            ChannelError::Strayed { number: 5, .. } => "Strayed",
            ChannelError::Foreign { .. } if index == 3 => "Entry",
            other => panic!("{index}: {other}"),
        };
        assert_eq!(found, expected, "{error}");
        let class = if index == 3 { Class::Refused } else { Class::Mismatch };
        assert!(error.class() == class && error.hint().is_some(), "{error}");
    }
}

#[test]
fn nothing_moves_where_a_registry_lost_a_part_of_the_record() {
    let registry = recorded(6);
    remove_tag(&registry, &entry_tag(5));
    let before = tag(&registry, "latest");
    let error = push(&registry, "9.0.0").expect_err("a hole");
    assert!(matches!(&error, ChannelError::Hole { missing: 5, .. }), "{error}");
    let digest = image(&registry, "1.1.0");
    let setting = Setting { digest: &digest, version: None, reason: "no", when: when() };
    let error = within(&registry, |place| set(place, &name("latest"), &setting)).expect_err("a hole");
    assert!(matches!(&error, ChannelError::Hole { .. }), "{error}");
    assert_eq!((tag(&registry, "latest"), writes(&registry)), (before, Vec::new()));
}

#[test]
fn there_may_be_no_channel_and_no_room() {
    let registry = registry();
    let error = shown(&registry).expect_err("nothing");
    assert!(matches!(&error, ChannelError::NoChannel { .. }) && error.hint().is_some(), "{error}");
    let kept = |number| Kept { entry: entry(number, None), digest: digest_of(b"entry") };
    within(&registry, |place| {
        let name = name("latest");
        let record = Record { place, name: &name };
        assert_eq!(record.next(None).expect("room"), 1);
        assert_eq!(record.next(Some(&kept(NUMBER_MAX - 1))).expect("room"), NUMBER_MAX);
        let error = record.next(Some(&kept(NUMBER_MAX))).expect_err("full");
        assert!(matches!(&error, ChannelError::Full { .. }) && error.hint().is_some(), "{error}");
    });
}
