//! Several units at once, each on a thread of its own.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::queue::Queue;

/// How often it is looked whether the user wants to stop: a person does not notice less.
const LOOK: Duration = Duration::from_millis(50);

/// What those who work share.
pub(in crate::pipeline) struct Desk<'a> {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Set when the user wants to stop.
    interrupted: &'a AtomicBool,
    /// Set when the user wants to stop or something has failed; `None` if one works alone.
    halt: Option<AtomicBool>,
}

/// Those who work beside a unit.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct Others<'a> {
    desk: &'a Desk<'a>,
    at: usize,
}

impl Desk<'_> {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.queue());
        self.changed.notify_all();
    }

    /// The next that can be begun; `None` when there will be none.
    fn next(&self) -> Option<usize> {
        let mut queue = self.queue();
        loop {
            match queue.begin() {
                None if queue.is_over() => return None,
                None => queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                begun => return begun,
            }
        }
    }

    /// Sees to it that all stop when the user wants to, until nothing is left to do.
    fn look(&self) {
        let mut queue = self.queue();
        while !queue.is_over() {
            if let Some(halt) = &self.halt
                && self.interrupted.load(Ordering::Relaxed)
            {
                halt.store(true, Ordering::Relaxed);
            }
            let waited = self.changed.wait_timeout(queue, LOOK);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<'a> Others<'a> {
    /// Set when commands have to stop: the user wants to, or another unit has failed.
    pub(in crate::pipeline) fn halt(&self) -> &'a AtomicBool {
        self.desk.halt.as_ref().unwrap_or(self.desk.interrupted)
    }

    /// This unit has failed: lets no other go on with commands. Whoever holds what another waits for says so before it gives
    /// that back, or the other would do the same once more.
    pub(in crate::pipeline) fn stop(&self) {
        self.is_first_to_stop();
    }

    /// The same, and waits until no other works. False if another unit has failed before.
    pub(in crate::pipeline) fn silence(&self) -> bool {
        if !self.is_first_to_stop() {
            return false;
        }
        let mut queue = self.desk.queue();
        while queue.running() > 1 {
            queue = self.desk.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl Others<'_> {
    fn is_first_to_stop(&self) -> bool {
        let is_first = self.desk.halt.as_ref().is_none_or(|halt| !halt.swap(true, Ordering::Relaxed));
        if is_first {
            self.desk.change(|queue| queue.stop_behind(self.at));
        }
        is_first
    }
}

/// What became of the units, each in its place; failures in the order of the places. What was not begun is neither.
pub(super) struct Outcome<R, E> {
    pub(super) done: Vec<Option<R>>,
    pub(super) failures: Vec<(usize, E)>,
}

/// What was done so far, each in its place.
pub(super) type Done<R> = [OnceLock<R>];

/// Does `work` for each unit, of which `needs` has the places of those that it needs, `jobs` at once. With one job they are
/// done one after the other, on this thread.
pub(super) fn work<R: Send + Sync, E: Send>(
    needs: Vec<Vec<usize>>,
    jobs: NonZeroUsize,
    interrupted: &AtomicBool,
    work: impl Fn(usize, &Done<R>, Others<'_>) -> Result<R, E> + Sync,
) -> Outcome<R, E> {
    let workers = jobs.get().min(needs.len());
    let done: Vec<OnceLock<R>> = needs.iter().map(|_| OnceLock::new()).collect();
    let failures = Mutex::new(Vec::new());
    let desk = Desk {
        queue: Mutex::new(Queue::new(needs)),
        changed: Condvar::new(),
        interrupted,
        halt: (workers > 1).then(|| AtomicBool::new(false)),
    };
    let run = || {
        while let Some(at) = desk.next() {
            let others = Others { desk: &desk, at };
            let leaving = Leaving(others);
            match work(at, &done, others) {
                Ok(made) => {
                    if let Some(place) = done.get(at) {
                        // Nobody else has begun this unit.
                        let _ = place.set(made);
                    }
                    desk.change(|queue| queue.finish(at));
                }
                Err(failure) => {
                    failures.lock().unwrap_or_else(PoisonError::into_inner).push((at, failure));
                    others.stop();
                    desk.change(|queue| queue.fail(at));
                }
            }
            std::mem::forget(leaving);
        }
    };
    if workers > 1 {
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(run);
            }
            desk.look();
        });
    } else {
        run();
    }
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|(at, _)| *at);
    Outcome { done: done.into_iter().map(OnceLock::into_inner).collect(), failures }
}

/// Somebody who works. Who does not come to an end has failed: the others must not wait for what never comes.
struct Leaving<'a>(Others<'a>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.stop();
        self.0.desk.change(|queue| queue.fail(self.0.at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).expect("not zero")
    }

    fn free() -> AtomicBool {
        AtomicBool::new(false)
    }

    #[test]
    fn those_that_need_nothing_of_each_other_work_at_once_and_the_results_are_in_order() {
        let both = Barrier::new(2);
        let outcome = work(vec![vec![], vec![], vec![0, 1]], jobs(2), &free(), |at, done, _| {
            if at == 2 {
                return Ok::<_, ()>(done.iter().filter_map(OnceLock::get).sum());
            }
            both.wait();
            Ok(at + 10)
        });
        assert_eq!(outcome.done, [Some(10), Some(11), Some(21)]);
        assert!(outcome.failures.is_empty());
    }

    #[test]
    fn one_job_is_one_after_the_other_and_ends_with_the_first_failure() {
        let order = Mutex::new(Vec::new());
        let here = std::thread::current().id();
        let outcome = work(vec![vec![], vec![], vec![1], vec![]], jobs(1), &free(), |at, _, others| {
            assert_eq!(std::thread::current().id(), here);
            order.lock().expect("a list").push(at);
            if at == 2 && others.silence() { Err("no") } else { Ok(()) }
        });
        assert_eq!(order.into_inner().expect("a list"), [0, 1, 2]);
        assert_eq!((outcome.done, outcome.failures), (vec![Some(()), Some(()), None, None], vec![(2, "no")]));
    }

    #[test]
    fn a_failure_stops_the_others_and_failures_come_in_order() {
        let both = Barrier::new(2);
        let outcome = work(vec![vec![], vec![], vec![]], jobs(2), &free(), |at, _, others| {
            both.wait();
            while at == 0 && !others.halt().load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Err::<(), _>(at)
        });
        assert_eq!(outcome.failures, [(0, 0), (1, 1)]);
    }

    #[test]
    fn one_can_wait_until_the_others_are_silent_and_only_one() {
        let (both, ended) = (Barrier::new(2), AtomicBool::new(false));
        let outcome = work(vec![vec![], vec![]], jobs(2), &free(), |_, _, others| {
            both.wait();
            let first = others.silence();
            if first {
                assert!(ended.load(Ordering::SeqCst), "the other has ended");
            } else {
                ended.store(true, Ordering::SeqCst);
            }
            Err::<(), _>(first)
        });
        let silent: Vec<bool> = outcome.failures.iter().map(|(_, first)| *first).collect();
        assert!(silent == [true, false] || silent == [false, true], "{silent:?}");
    }

    #[test]
    fn who_wants_to_stop_stops_all() {
        let interrupted = AtomicBool::new(false);
        let outcome = work(vec![vec![], vec![], vec![]], jobs(2), &interrupted, |at, _, others| {
            interrupted.store(true, Ordering::Relaxed);
            while !others.halt().load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Err::<(), _>(at)
        });
        assert!(outcome.failures.len() >= 2, "{:?}", outcome.failures);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_defect_in_one_does_not_let_the_others_wait() {
        work(
            vec![vec![], vec![0]],
            jobs(2),
            &free(),
            |at, _, _| if at == 0 { panic!("defect") } else { Ok::<_, ()>(()) },
        );
    }
}
