//! Several things at once, with results in their order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` for each of `items`, so many at once. After a failure nothing new is begun; the first failure in the order
/// of the items is the result, whichever came first.
pub fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let result = work(item);
            if result.is_err() {
                // Whoever asks for the next item finds none.
                next.store(items.len(), Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_and_the_first_failure_wins() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(each(&items, 4, |item| Ok::<_, usize>(item * 2)), Ok((0..100).map(|item| item * 2).collect()));
        assert_eq!(each(&items, 1, |item| if *item < 7 { Ok(()) } else { Err(*item) }), Err(7));
        // Both are begun before either fails.
        let begun = std::sync::Barrier::new(2);
        let fail = |item: &usize| {
            begun.wait();
            Err::<(), _>(*item)
        };
        for _ in 0..100 {
            assert_eq!(each(&[1, 2], 2, fail), Err(1));
        }
        assert_eq!(each(&[] as &[usize], 4, |_| Ok::<_, ()>(())), Ok(Vec::new()));
    }
}
