//! The stack of directories that are still to be visited.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::place::Place;

/// Directories to visit, and how many threads may still find more of them.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    places: Vec<Place>,
    busy: usize,
}

impl Queue {
    pub(super) fn new(top: Place) -> Self {
        Self { state: Mutex::new(State { places: vec![top], busy: 0 }), changed: Condvar::new() }
    }

    /// The next directory; waits for one as long as somebody may still find one. Each is followed by a call of
    /// [`Queue::done`].
    pub(super) fn next(&self) -> Option<Place> {
        let mut state = self.lock();
        loop {
            if let Some(place) = state.places.pop() {
                state.busy += 1;
                return Some(place);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A directory was visited; `below` are the directories in it.
    pub(super) fn done(&self, below: &mut Vec<Place>) {
        let mut state = self.lock();
        state.busy -= 1;
        state.places.append(below);
        if !state.places.is_empty() || state.busy == 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked takes the whole scan with it when it is joined.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
