//! Pushes to a registry that fails at any request: what has a name is whole, a name never moves, and the next push mends all.

mod broken;
mod channels;
mod killed;
mod race;
mod resumed;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::place::{Ended, Place, Running};
use crate::registry::Registry;

/// Where everything goes.
const REPOSITORY: &str = "acme/faults";

/// Two layers for two platforms.
const TEMPLATE: &str = "[image]\nname = 'faults'\nversion = '1'\nplatforms = ['linux/amd64', 'linux/arm64']\n\
    epoch = '2026-01-01T00:00:00Z'\ncreated = '2026-01-01T00:00:00Z'\n\
    [[layer]]\nname = 'low'\nwrite = '/low'\ntext = 'low'\n[[layer]]\nname = 'top'\nwrite = '/top'\ntext = 'TEXT'\n";

/// Runs at once: most of the time they wait.
const AT_ONCE: usize = 6;

/// What a registry holds.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    tags: BTreeMap<(String, String), String>,
    manifests: BTreeSet<(String, String)>,
    blobs: BTreeSet<(String, String)>,
}

fn place(text: &str) -> Place {
    let place = Place::new();
    std::fs::write(place.path("kiln.toml"), TEMPLATE.replace("TEXT", text)).expect("our own directory");
    place
}

/// `kiln push`, with patience for one failure.
fn start(place: &Place, registry: &Registry, store: &str, environment: &[(&str, &str)]) -> Running {
    start_of(place, &[".", &format!("{}/{REPOSITORY}", registry.place())], store, environment)
}

fn start_of(place: &Place, words: &[&str], store: &str, environment: &[(&str, &str)]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
    command.arg("push").args(words).args(["--store", store]);
    place.start_command(command, &[&[("KILN_ATTEMPTS", "2")], environment].concat())
}

/// All that is there. Each tag leads to something whole.
fn contents(registry: &Registry) -> Contents {
    registry.store(|store| {
        for (repository, tag) in store.tags.keys() {
            let missing = store.missing(repository, tag);
            assert_eq!(missing, BTreeSet::new(), "{repository}:{tag} holds something incomplete");
        }
        Contents {
            tags: store.tags.clone(),
            manifests: store.manifests.keys().cloned().collect(),
            blobs: store.blobs.keys().cloned().collect(),
        }
    })
}

/// What a push without trouble leaves, and how many requests it takes.
fn clean(place: &Place, configure: impl FnOnce(&Registry)) -> (Contents, usize) {
    let registry = Registry::start();
    configure(&registry);
    let ended = start(place, &registry, "clean", &[]).finish();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    (contents(&registry), registry.calls().len())
}

/// It ended in an orderly way, and whatever has a name has the right one.
#[track_caller]
fn check(what: &str, ended: &Ended, registry: &Registry, clean: &Contents) {
    let told = || format!("{what}: {ended:?}\n{:#?}", registry.lines());
    assert!(matches!(ended.code, Some(0 | 1 | 3 | 4 | 5)), "{}", told());
    assert!(!ended.stderr.contains("panicked"), "{}", told());
    assert_eq!(ended.stderr.contains("error: "), ended.code != Some(0), "{}", told());
    let found = contents(registry);
    for (name, digest) in &found.tags {
        assert_eq!(clean.tags.get(name), Some(digest), "{}", told());
    }
    let whole = found.tags.keys().any(|(_, tag)| tag == "1");
    assert!(whole || ended.code != Some(0), "{}", told());
}

/// Another push, without trouble, leaves what it would have left at first.
#[track_caller]
fn mend(what: &str, place: &Place, registry: &Registry, store: &str, clean: &Contents) {
    registry.reset();
    let ended = start(place, registry, store, &[]).finish();
    assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
    assert_eq!(contents(registry), *clean, "{what}: {}\n{:#?}", ended.stderr, registry.lines());
    assert_eq!(registry.offences(), Vec::<String>::new(), "{what}");
}

/// Does all of it on several threads.
fn each<T: Sync>(all: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(one);
                }
            });
        }
    });
}
