//! Each request of a push fails in each way.

use super::{check, clean, each, mend, place, start};
use crate::registry::{Mischief, Registry, Reply, Rule};

/// What a push that tries twice survives.
fn passing() -> Vec<(&'static str, Mischief)> {
    let error = || Reply::error(500, "UNKNOWN", "unknown error");
    vec![
        ("cut", Mischief::Vanish),
        ("done, then cut", Mischief::ActThenVanish),
        ("500", Mischief::Answer(error())),
        ("done, then 500", Mischief::ActThenAnswer(error())),
    ]
}

/// What it need not survive.
fn wrong() -> Vec<(&'static str, Mischief)> {
    vec![
        ("404", Mischief::Answer(Reply::error(404, "NAME_UNKNOWN", "unknown"))),
        ("400", Mischief::Answer(Reply::error(400, "UNSUPPORTED", "no"))),
        ("200 with nothing", Mischief::Answer(Reply::new(200))),
        ("201 with nothing", Mischief::Answer(Reply::new(201))),
        ("another digest", Mischief::wrong_digest()),
        ("not HTTP", Mischief::Garbage),
    ]
}

fn registry(has_referrers: bool) -> Registry {
    let registry = Registry::start();
    registry.configure(|settings| settings.has_referrers = has_referrers);
    registry
}

/// Fails at each request in each way; `expect` is told the exit code.
fn each_request(
    has_referrers: bool,
    ways: &[(&'static str, Mischief)],
    expect: impl Fn(&str, Option<i32>, &str) + Sync,
) {
    let place = place("text");
    let (clean, requests) =
        clean(&place, |registry| registry.configure(|settings| settings.has_referrers = has_referrers));
    let runs: Vec<_> = ways.iter().flat_map(|way| (1..=requests).map(move |k| (k, way))).collect();
    each(&runs, |(k, (name, mischief))| {
        let what = format!("{name} at request {k} of {requests}");
        let registry = registry(has_referrers);
        registry.misbehave(Rule::nth(*k, mischief.clone()));
        // The store is full: what is tested is the way to the registry.
        let ended = start(&place, &registry, "clean", &[("KILN_STALL", "2")]).finish();
        check(&what, &ended, &registry, &clean);
        expect(&what, ended.code, &format!("{}{:#?}", ended.stderr, registry.lines()));
        // Half of them are mended by a machine that has never heard of it.
        let store = if k % 2 == 0 { "clean".to_owned() } else { format!("fresh-{name}-{k}") };
        mend(&what, &place, &registry, &store, &clean);
    });
    place.assert_sound("clean");
}

fn survives(what: &str, code: Option<i32>, told: &str) {
    assert_eq!(code, Some(0), "{what}: {told}");
}

#[test]
fn a_passing_failure_of_any_request_is_survived() {
    each_request(true, &passing(), survives);
}

#[test]
fn a_passing_failure_of_any_request_is_survived_where_a_tag_lists_what_refers() {
    each_request(false, &passing()[1..3], survives);
}

#[test]
fn a_wrong_answer_to_any_request_makes_no_wrong_tag() {
    each_request(true, &wrong(), |_, _, _| {});
}

/// Few of them: each takes as long as somebody waits.
#[test]
fn a_registry_that_falls_silent_is_tried_again() {
    let place = place("text");
    let (clean, requests) = clean(&place, |_| {});
    let runs: Vec<_> = (1..=requests).flat_map(|k| [(k, Mischief::Hang), (k, Mischief::ActThenHang)]).collect();
    each(&runs, |(k, mischief)| {
        let what = format!("{mischief:?} at request {k} of {requests}");
        let registry = registry(true);
        registry.misbehave(Rule::nth(*k, mischief.clone()));
        let ended = start(&place, &registry, "clean", &[("KILN_STALL", "1")]).finish();
        check(&what, &ended, &registry, &clean);
        survives(&what, ended.code, &ended.stderr);
        mend(&what, &place, &registry, "clean", &clean);
    });
}
