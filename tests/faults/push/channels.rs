//! Pushes with channels that are killed at any request: the next one leaves the channel where its record says.

use std::sync::atomic::Ordering;

use rustix::process::Pid;

use super::killed::kill_at;
use super::{REPOSITORY, each, place, start_of};
use crate::place::{Ended, Place, Running};
use crate::registry::{Mischief, Registry, Rule};

/// A channel that was there before, and goes on.
fn channelled() -> Place {
    let place = place("text");
    let text = std::fs::read_to_string(place.path("kiln.toml")).expect("our own file");
    let text = text.replace("version = '1'", "version = '1.0.0'") + "[publish]\nchannels = ['latest']\n";
    std::fs::write(place.path("kiln.toml"), text).expect("our own directory");
    place
}

fn push(place: &Place, registry: &Registry, version: &str, store: &str) -> Running {
    let destination = format!("{}/{REPOSITORY}", registry.place());
    start_of(place, &[".", &destination, "--version", version], store, &[])
}

/// A registry with one entry.
fn registry(place: &Place) -> Registry {
    let registry = Registry::start();
    registry.configure(|settings| settings.honours_if_none_match = true);
    let ended = push(place, &registry, "1.0.0", "first").finish();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    registry.reset();
    registry
}

fn tag(registry: &Registry, tag: &str) -> Option<String> {
    registry.store(|store| store.tag(REPOSITORY, tag).map(str::to_owned))
}

fn log(place: &Place, registry: &Registry) -> Ended {
    place.run(&["channel", "log", &format!("{}/{REPOSITORY}:latest", registry.place())])
}

#[test]
fn a_channel_whose_push_was_killed_is_mended_by_the_next_one() {
    let place = channelled();
    let requests = {
        let registry = registry(&place);
        assert_eq!(push(&place, &registry, "1.1.0", "clean").finish().code, Some(0));
        registry.calls().len()
    };
    let runs: Vec<_> = (1..=requests).flat_map(|k| [(k, true), (k, false)]).collect();
    each(&runs, |(k, acts)| {
        let what = format!("killed at request {k} of {requests}, which is done: {acts}");
        let registry = registry(&place);
        if !acts {
            registry.misbehave(Rule::nth(*k, Mischief::Vanish));
        }
        let process = kill_at(&registry, *k);
        let running = push(&place, &registry, "1.1.0", &format!("killed-{k}-{acts}"));
        process.store(Pid::from_child(&running.child).as_raw_nonzero().get(), Ordering::Relaxed);
        let ended = running.finish();
        assert_eq!(ended.code, None, "{what}: {}", ended.stderr);
        registry.reset();
        // The channel holds a release that is there, and moves only once that has its name.
        let held = tag(&registry, "latest").expect("it was there");
        let releases = [tag(&registry, "1.0.0"), tag(&registry, "1.1.0")];
        assert!(releases.contains(&Some(held)), "{what}: {:#?}", registry.lines());
        // A release that is not further on mends it as well, and so does the same one.
        let next = if k % 2 == 0 { "1.1.0" } else { "1.0.0" };
        let mended = push(&place, &registry, next, "first").finish();
        assert_eq!(mended.code, Some(0), "{what}: {}", mended.stderr);
        let shown = log(&place, &registry);
        assert_eq!(shown.code, Some(0), "{what}: {}", shown.stderr);
        let ended = push(&place, &registry, "1.1.0", "first").finish();
        assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
        assert_eq!(tag(&registry, "latest"), tag(&registry, "1.1.0"), "{what}");
        let shown = log(&place, &registry);
        assert_eq!(shown.stdout.lines().count(), 2, "{what}: two moves, each recorded once: {}", shown.stdout);
    });
}
