//! Which unit comes next: each behind those that it needs, else in the order of the template.

use std::collections::BTreeSet;

/// Units by their places in the order of the template, in which each stands behind those that it needs.
#[derive(Debug)]
pub(super) struct Queue {
    needs: Vec<Vec<usize>>,
    states: Vec<State>,
    /// None from here on is begun any more.
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Failed,
}

impl Queue {
    /// Nothing is begun. `needs` has for each unit the places of those that it needs.
    pub(super) fn new(needs: Vec<Vec<usize>>) -> Self {
        let (states, end) = (vec![State::Waiting; needs.len()], needs.len());
        Self { needs, states, end }
    }

    /// The first that can be begun. It runs from now on.
    pub(super) fn begin(&mut self) -> Option<usize> {
        let at = self.ready()?;
        self.put(at, State::Running);
        Some(at)
    }

    /// It is done.
    pub(super) fn finish(&mut self, at: usize) {
        self.put(at, State::Done);
    }

    /// It failed.
    pub(super) fn fail(&mut self, at: usize) {
        self.put(at, State::Failed);
    }

    /// Nothing behind it is begun any more. What stands before it is: so a build in which several would fail tells the first
    /// of them, as far as no commands have to run for that.
    pub(super) fn stop_behind(&mut self, at: usize) {
        self.end = self.end.min(at + 1);
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.states.iter().filter(|state| **state == State::Running).count()
    }

    /// Whether nothing runs and nothing can be begun.
    pub(super) fn is_over(&self) -> bool {
        self.running() == 0 && self.ready().is_none()
    }

    fn ready(&self) -> Option<usize> {
        let is_done = |at: &usize| self.states.get(*at) == Some(&State::Done);
        let mut units = self.states.iter().zip(&self.needs).take(self.end);
        units.position(|(state, needs)| *state == State::Waiting && needs.iter().all(is_done))
    }

    fn put(&mut self, at: usize, new: State) {
        if let Some(state) = self.states.get_mut(at) {
            *state = new;
        }
    }
}

/// All that each unit needs, directly or not, in order.
pub(super) fn closures(needs: &[Vec<usize>]) -> Vec<BTreeSet<usize>> {
    let mut closures: Vec<BTreeSet<usize>> = Vec::with_capacity(needs.len());
    for direct in needs {
        let indirect = direct.iter().filter_map(|at| closures.get(*at)).flatten();
        let all = direct.iter().chain(indirect).copied().collect();
        closures.push(all);
    }
    closures
}

/// Whether any two of `units` can run at once: neither needs the other.
pub(super) fn can_meet(units: &[usize], closures: &[BTreeSet<usize>]) -> bool {
    let needs = |one: usize, other: &usize| closures.get(one).is_some_and(|all| all.contains(other));
    units.iter().enumerate().any(|(at, later)| units[..at].iter().any(|earlier| !needs(*later, earlier)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 needs 0 and 1, 3 needs nothing, 4 needs 2.
    fn needs() -> Vec<Vec<usize>> {
        vec![vec![], vec![], vec![0, 1], vec![], vec![2]]
    }

    #[test]
    fn each_comes_behind_what_it_needs() {
        let mut queue = Queue::new(needs());
        assert_eq!([queue.begin(), queue.begin(), queue.begin()], [Some(0), Some(1), Some(3)]);
        assert_eq!((queue.begin(), queue.running()), (None, 3));
        queue.finish(1);
        assert_eq!(queue.begin(), None);
        queue.finish(0);
        assert_eq!((queue.begin(), queue.begin()), (Some(2), None));
        queue.finish(3);
        queue.finish(2);
        assert_eq!(queue.begin(), Some(4));
        assert!(!queue.is_over());
        queue.finish(4);
        assert!(queue.is_over());
    }

    #[test]
    fn behind_a_failure_nothing_is_begun_and_before_it_all() {
        let mut queue = Queue::new(vec![vec![], vec![0], vec![], vec![], vec![3]]);
        assert_eq!([queue.begin(), queue.begin(), queue.begin()], [Some(0), Some(2), Some(3)]);
        queue.fail(2);
        queue.stop_behind(2);
        queue.finish(3);
        assert_eq!((queue.begin(), queue.is_over()), (None, false));
        queue.finish(0);
        assert_eq!(queue.begin(), Some(1));
        queue.fail(1);
        assert!(queue.is_over());
    }

    #[test]
    fn what_needs_something_that_failed_is_never_begun() {
        let mut queue = Queue::new(vec![vec![], vec![], vec![0]]);
        assert_eq!([queue.begin(), queue.begin()], [Some(0), Some(1)]);
        queue.fail(0);
        assert!(!queue.is_over());
        queue.finish(1);
        assert!(queue.is_over());
        assert!(Queue::new(Vec::new()).is_over());
    }

    #[test]
    fn two_can_run_at_once_unless_one_needs_the_other() {
        let closures = closures(&needs());
        assert_eq!(closures[4], BTreeSet::from([0, 1, 2]));
        assert!(can_meet(&[0, 1], &closures) && can_meet(&[2, 3], &closures) && can_meet(&[0, 2, 3], &closures));
        assert!(!can_meet(&[0, 2, 4], &closures) && !can_meet(&[3], &closures) && !can_meet(&[], &closures));
    }
}
