//! Puts results that are made in any order into their order, without a thread of its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes items with their places and gives them to a function one by one, the lowest place first. Whoever brings the
/// item that comes next also hands on those that were waiting for it; everybody else goes on with other work.
pub(super) struct Lane<Item, State> {
    queue: Mutex<Queue<Item>>,
    state: Mutex<State>,
}

struct Queue<Item> {
    next: usize,
    waiting: BTreeMap<usize, Item>,
    busy: bool,
}

/// A lock that a panicking thread held is taken over: the panic itself ends the build when its thread is joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Item, State> Lane<Item, State> {
    /// A lane on which the item at `first` comes first.
    pub(super) fn new(first: usize, state: State) -> Self {
        Self {
            queue: Mutex::new(Queue { next: first, waiting: BTreeMap::new(), busy: false }),
            state: Mutex::new(state),
        }
    }

    /// Brings the item at `place`. `take` is called for each item whose turn has come; after an error nothing more is
    /// handed on.
    pub(super) fn bring<E>(
        &self,
        place: usize,
        item: Item,
        mut take: impl FnMut(&mut State, Item) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut queue = lock(&self.queue);
        queue.waiting.insert(place, item);
        if queue.busy {
            return Ok(());
        }
        queue.busy = true;
        loop {
            let next = queue.next;
            let Some(item) = queue.waiting.remove(&next) else {
                queue.busy = false;
                return Ok(());
            };
            drop(queue);
            take(&mut lock(&self.state), item)?;
            queue = lock(&self.queue);
            queue.next += 1;
        }
    }

    /// What the function made of the items.
    pub(super) fn finish(self) -> State {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order_whoever_brings_them() {
        let lane = Lane::new(0, Vec::new());
        std::thread::scope(|scope| {
            for start in 0..4 {
                let lane = &lane;
                scope.spawn(move || {
                    for place in (start..1000).step_by(4) {
                        lane.bring(place, place, |all: &mut Vec<usize>, item| {
                            all.push(item);
                            Ok::<(), ()>(())
                        })
                        .expect("no error");
                    }
                });
            }
        });
        assert_eq!(lane.finish(), (0..1000).collect::<Vec<_>>());
    }
}
