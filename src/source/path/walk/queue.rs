//! The directories that are still to be visited. Each thread has its own stack of them and gives some away only when
//! another thread has none: on a tree of thousands of small directories a common stack costs more than the visits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::place::Place;

/// What threads hand to each other.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Threads that wait for something to do.
    idle: AtomicUsize,
}

struct State {
    places: Vec<Place>,
    /// Threads that have directories of their own, and may find more.
    busy: usize,
}

impl Queue {
    /// Work for so many threads.
    pub(super) fn new(top: Place, threads: usize) -> Self {
        let state = State { places: vec![top], busy: threads };
        Self { state: Mutex::new(state), changed: Condvar::new(), idle: AtomicUsize::new(0) }
    }

    /// The next directory for a thread whose own stack is `own`; waits for one as long as somebody may still find one.
    pub(super) fn next(&self, own: &mut Vec<Place>) -> Option<Place> {
        if own.len() > 1 && self.idle.load(Ordering::Relaxed) > 0 {
            // The lower half: directories nearer to the root, with more below them.
            let half = own.len() / 2;
            self.lock().places.extend(own.drain(..half));
            self.changed.notify_all();
        }
        own.pop().or_else(|| self.wait(own))
    }

    fn wait(&self, own: &mut Vec<Place>) -> Option<Place> {
        let mut state = self.lock();
        state.busy -= 1;
        while state.places.is_empty() {
            if state.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            self.idle.fetch_add(1, Ordering::Relaxed);
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
        state.busy += 1;
        let half = state.places.len() / 2;
        own.extend(state.places.drain(half..));
        own.pop()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked takes the whole scan with it when it is joined.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
