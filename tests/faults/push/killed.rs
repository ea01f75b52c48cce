//! A push that is killed at any request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{clean, contents, each, mend, place, start};
use crate::registry::{Mischief, Registry, Rule};

/// Kills the process of this number at the k-th request, as soon as somebody says which one it is.
pub(super) fn kill_at(registry: &Registry, k: usize) -> Arc<AtomicI32> {
    let process = Arc::new(AtomicI32::new(0));
    let told = Arc::clone(&process);
    registry.on_call(move |call, _| {
        if call.number != k {
            return;
        }
        while told.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(process) = Pid::from_raw(told.load(Ordering::Relaxed)) {
            let _ = kill_process(process, Signal::KILL);
        }
    });
    process
}

#[test]
fn a_push_that_was_killed_is_done_by_the_next_one() {
    let place = place("text");
    let (clean, requests) = clean(&place, |_| {});
    let runs: Vec<_> = (1..=requests).flat_map(|k| [(k, true), (k, false)]).collect();
    each(&runs, |(k, acts)| {
        let what = format!("killed at request {k} of {requests}, which is done: {acts}");
        let registry = Registry::start();
        if !acts {
            registry.misbehave(Rule::nth(*k, Mischief::Vanish));
        }
        let process = kill_at(&registry, *k);
        let store = format!("killed-{k}-{acts}");
        let running = start(&place, &registry, &store, &[]);
        process.store(Pid::from_child(&running.child).as_raw_nonzero().get(), Ordering::Relaxed);
        let ended = running.finish();
        assert_eq!(ended.code, None, "{what}: {}", ended.stderr);
        for (name, digest) in contents(&registry).tags {
            assert_eq!(clean.tags.get(&name), Some(&digest), "{what}");
        }
        let store = if k % 2 == 0 { store } else { format!("fresh-{k}-{acts}") };
        mend(&what, &place, &registry, &store, &clean);
        place.assert_sound(&store);
    });
}
