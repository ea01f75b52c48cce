//! What only one unit of a build does at a time, by name: whoever comes second waits and finds it done.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{ContentDigest, LayerKey};

use super::GroundLayer;

/// How often who waits looks whether there is still a reason to.
const LOOK: Duration = Duration::from_millis(50);

/// Something that is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doing {
    /// The sandbox is opened.
    Sandbox,
    /// The commands of a layer run.
    Layer(LayerKey),
    /// A command works with a cache, by scope and path: most programs expect that nobody else does.
    Cache(Vec<u8>, String),
    /// An archive is unpacked.
    Archive(ContentDigest),
    /// A tree is unpacked, by where it lies in memory.
    Tree(usize),
    /// Contents are taken out of images, whose layers may have to be downloaded.
    Images,
    /// Packages are brought in.
    Packages,
}

/// Who does what.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    taken: Mutex<BTreeSet<Doing>>,
    given_back: Condvar,
}

/// Something is being done until this is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    doing: BTreeSet<Doing>,
}

impl Turns {
    /// Waits until nobody does it.
    pub(crate) fn wait(&self, doing: Doing) -> Turn<'_> {
        let doing = BTreeSet::from([doing]);
        let mut taken = self.taken();
        while !taken.is_disjoint(&doing) {
            taken = self.given_back.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        taken.extend(doing.iter().cloned());
        Turn { turns: self, doing }
    }

    /// Waits until nobody unpacks this tree, which units share.
    pub(crate) fn unpack(&self, layer: &Arc<GroundLayer>) -> Turn<'_> {
        self.wait(Doing::Tree(Arc::as_ptr(layer).addr()))
    }

    /// Waits until nobody does any of it; then all of it is one's own. `None` once `halt` is set.
    pub(crate) fn wait_unless(&self, doing: BTreeSet<Doing>, halt: &AtomicBool) -> Option<Turn<'_>> {
        let mut taken = self.taken();
        while !halt.load(Ordering::Relaxed) {
            if taken.is_disjoint(&doing) {
                taken.extend(doing.iter().cloned());
                return Some(Turn { turns: self, doing });
            }
            taken = self.given_back.wait_timeout(taken, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<Doing>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.taken().retain(|doing| !self.doing.contains(doing));
        self.turns.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_does_it_and_the_other_comes_after() {
        let (turns, inside) = (Turns::default(), AtomicBool::new(false));
        let act = || {
            for _ in 0..50 {
                let _turn = turns.wait(Doing::Images);
                assert!(!inside.swap(true, Ordering::SeqCst), "nobody else");
                std::thread::yield_now();
                inside.store(false, Ordering::SeqCst);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(act);
            scope.spawn(act);
        });
    }

    #[test]
    fn all_is_had_or_nothing_and_a_halt_ends_the_wait() {
        let cache = |path: &str| Doing::Cache(Vec::new(), path.to_owned());
        let (turns, free, halt) = (Turns::default(), AtomicBool::new(false), AtomicBool::new(true));
        let first = turns.wait_unless(BTreeSet::from([cache("/a"), cache("/b")]), &free);
        assert!(first.is_some());
        assert!(turns.wait_unless(BTreeSet::from([cache("/b"), cache("/c")]), &halt).is_none());
        assert!(turns.wait_unless(BTreeSet::from([cache("/c")]), &free).is_some(), "it was not kept");
        drop(first);
        assert!(turns.wait_unless(BTreeSet::from([cache("/b"), cache("/c")]), &free).is_some());
        assert!(turns.wait_unless(BTreeSet::new(), &free).is_some());
    }
}
