//! Several pushers for one name.

use super::{REPOSITORY, place, start_of};
use crate::place::{Ended, Place};
use crate::registry::{Refusal, Registry, TagRule};

/// How many pushers there are, round by round.
const ROUNDS: [usize; 7] = [2, 3, 4, 5, 6, 7, 8];

/// Somebody with an image, built.
struct Pusher {
    place: Place,
    digest: String,
}

fn pushers(text: impl Fn(usize) -> String) -> Vec<Pusher> {
    let make = |number| {
        let place = place(&text(number));
        let digest = place.digest("store").trim().to_owned();
        Pusher { place, digest }
    };
    (0..ROUNDS[ROUNDS.len() - 1]).map(make).collect()
}

/// All of them push at once; gives what each said, and who wrote the tag.
fn round(registry: &Registry, pushers: &[Pusher], tag: &str) -> (Vec<Ended>, Vec<String>) {
    let name = format!("{}/{REPOSITORY}:{tag}", registry.place());
    let running: Vec<_> =
        pushers.iter().map(|it| start_of(&it.place, &["store:faults", &name], "store", &[])).collect();
    let ended = running.into_iter().map(super::Running::finish).collect();
    let calls = registry.calls_of(&format!("/manifests/{tag}"));
    let written = calls.into_iter().filter(|call| call.method == "PUT" && call.status == Some(201));
    (ended, written.filter_map(|call| call.digest).collect())
}

fn tag(registry: &Registry, tag: &str) -> String {
    registry.store(|store| store.tag(REPOSITORY, tag).expect("somebody succeeds").to_owned())
}

/// Who is told that it succeeded, and everybody else that they lost.
#[track_caller]
fn winners<'a>(ended: &[Ended], pushers: &'a [Pusher], name: &str) -> Vec<&'a str> {
    let mut winners = Vec::new();
    for (ended, pusher) in ended.iter().zip(pushers) {
        match ended.code {
            Some(0) => {
                assert_eq!(ended.stdout, format!("{name}@{}\n", pusher.digest));
                winners.push(pusher.digest.as_str());
            }
            Some(3) => {
                let told = ended.stderr.contains(name) && ended.stderr.contains(&pusher.digest);
                assert!(told && ended.stderr.contains("raise the version"), "{}", ended.stderr);
            }
            _ => panic!("{ended:?}"),
        }
    }
    winners
}

#[test]
fn where_the_registry_orders_creation_there_is_one_digest_ever() {
    let different = pushers(|number| format!("content {number}"));
    let immutable = |refusal| TagRule::immutable(refusal);
    for (rule, honours) in
        [(immutable(Refusal::Conflict), false), (immutable(Refusal::TagInvalid), false), (TagRule::Movable, true)]
    {
        let registry = Registry::start();
        registry.configure(|settings| {
            settings.tag_rule = rule;
            settings.honours_if_none_match = honours;
        });
        for count in ROUNDS {
            let name = format!("r{count}");
            let (ended, written) = round(&registry, &different[..count], &name);
            let full = format!("{}/{REPOSITORY}:{name}", registry.place());
            let winners = winners(&ended, &different[..count], &full);
            assert_eq!(winners, [tag(&registry, &name)]);
            assert_eq!(written, winners, "it was written once");
        }
    }
}

/// The window between the question and the write cannot be closed from outside. What is read afterwards is told.
#[test]
fn where_the_registry_does_not_order_creation_everybody_is_told_what_was_read() {
    let different = pushers(|number| format!("content {number}"));
    let registry = Registry::start();
    for count in ROUNDS {
        let name = format!("r{count}");
        let (ended, written) = round(&registry, &different[..count], &name);
        let full = format!("{}/{REPOSITORY}:{name}", registry.place());
        let winners = winners(&ended, &different[..count], &full);
        // Who wrote last has read its own.
        let holds = tag(&registry, &name);
        assert!(written.last() == Some(&holds) || written.len() > 1, "{written:?}");
        assert!(winners.contains(&holds.as_str()), "{winners:?} {holds}");
        assert!(winners.iter().all(|digest| written.iter().any(|it| it == digest)), "{winners:?} {written:?}");
    }
}

#[test]
fn the_same_content_succeeds_for_everybody() {
    let same = pushers(|_| "the same".to_owned());
    for rule in [TagRule::Movable, TagRule::immutable(Refusal::Conflict)] {
        let registry = Registry::start();
        registry.configure(|settings| settings.tag_rule = rule);
        for count in ROUNDS {
            let name = format!("r{count}");
            let (ended, _) = round(&registry, &same[..count], &name);
            let full = format!("{}/{REPOSITORY}:{name}", registry.place());
            assert_eq!(winners(&ended, &same[..count], &full).len(), count);
            assert_eq!(tag(&registry, &name), same[0].digest);
        }
    }
}
