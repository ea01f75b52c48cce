//! How far the workers may run ahead of what is written.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands out places from first to last, never more than a window beyond what is done.
pub(super) struct Window {
    state: Mutex<State>,
    moved: Condvar,
    end: usize,
    width: usize,
}

struct State {
    claimed: usize,
    done: usize,
    stopped: bool,
}

impl Window {
    /// Places from `start` to `end`, at most `width` of them claimed and not done.
    pub(super) fn new(start: usize, end: usize, width: usize) -> Self {
        Self {
            state: Mutex::new(State { claimed: start, done: start, stopped: false }),
            moved: Condvar::new(),
            end,
            width,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next place; waits until the window reaches it. `None`: all are claimed, or the work was stopped.
    pub(super) fn claim(&self) -> Option<usize> {
        let mut state = self.lock();
        while !state.stopped && state.claimed < self.end && state.claimed - state.done >= self.width {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.claimed >= self.end {
            return None;
        }
        state.claimed += 1;
        Some(state.claimed - 1)
    }

    /// One more place is done.
    pub(super) fn done(&self) {
        self.lock().done += 1;
        self.moved.notify_one();
    }

    /// Nobody gets a place any more.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_handed_out_once_and_not_beyond_the_window() {
        let window = Window::new(2, 5, 2);
        assert_eq!((window.claim(), window.claim()), (Some(2), Some(3)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| window.claim());
            window.done();
            assert_eq!(waiting.join().ok(), Some(Some(4)));
        });
        assert_eq!(window.claim(), None);
    }

    #[test]
    fn a_stopped_window_hands_out_nothing() {
        let window = Window::new(0, 5, 1);
        window.stop();
        assert_eq!(window.claim(), None);
    }
}
