//! Clauses and what follows from them: conflict-driven clause learning (Marques-Silva and Sakallah, 1999; the names are
//! those of Eén and Sörensson, "An extensible SAT-solver", 2003).
//!
//! What is decided, and when, is for the caller to say: a solver of packages has preferences, and no others are wanted
//! here. Clauses may come at any time, which is how the packages that matter, some hundreds of sixty thousand, become
//! known. Nothing depends on chance or on an order of addresses.

/// A package that is there, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) variable: u32,
    pub(super) holds: bool,
}

impl Literal {
    pub(super) fn yes(variable: u32) -> Self {
        Self { variable, holds: true }
    }

    pub(super) fn no(variable: u32) -> Self {
        Self { variable, holds: false }
    }

    fn opposite(self) -> Self {
        Self { holds: !self.holds, ..self }
    }

    fn index(self) -> usize {
        self.variable as usize * 2 + usize::from(self.holds)
    }
}

/// Number of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClauseId(usize);

#[derive(Debug)]
struct Clause<N> {
    /// The first two are watched.
    literals: Vec<Literal>,
    origin: Origin<N>,
}

#[derive(Debug)]
enum Origin<N> {
    Given(N),
    /// From these clauses, and from the values of these variables, which hold always.
    Learned(Vec<ClauseId>, Vec<u32>),
}

#[derive(Debug, Clone, Copy)]
struct Value {
    holds: bool,
    level: usize,
    /// `None`: it was decided.
    reason: Option<ClauseId>,
}

/// What came of following the clauses.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing follows any more.
    Settled,
    /// This variable came to hold. Its clauses may be added now.
    Holds(u32),
    /// This clause cannot be satisfied.
    Conflict(ClauseId),
}

/// Clauses with notes of what they say, and the values so far.
#[derive(Debug)]
pub(super) struct Sat<N> {
    clauses: Vec<Clause<N>>,
    /// By literal: the clauses that watch it.
    watches: Vec<Vec<ClauseId>>,
    values: Vec<Option<Value>>,
    trail: Vec<Literal>,
    /// Length of the trail at each decision.
    decisions: Vec<usize>,
    /// How much of the trail has been followed.
    followed: usize,
}

impl<N> Sat<N> {
    /// No clauses on so many variables.
    pub(super) fn new(variables: usize) -> Self {
        Self {
            clauses: Vec::new(),
            watches: vec![Vec::new(); variables * 2],
            values: vec![None; variables],
            trail: Vec::new(),
            decisions: Vec::new(),
            followed: 0,
        }
    }

    /// Whether a variable holds; `None`: not known yet.
    pub(super) fn holds(&self, variable: u32) -> Option<bool> {
        self.values[variable as usize].map(|value| value.holds)
    }

    /// The variables that hold, in the order in which they came to.
    pub(super) fn held(&self) -> impl Iterator<Item = u32> {
        self.trail.iter().filter(|literal| literal.holds).map(|literal| literal.variable)
    }

    fn value(&self, literal: Literal) -> Option<bool> {
        self.holds(literal.variable).map(|holds| holds == literal.holds)
    }

    fn level(&self, literal: Literal) -> usize {
        self.values[literal.variable as usize].map_or(usize::MAX, |value| value.level)
    }

    /// Adds a clause. Gives it back if it cannot be satisfied any more; it must then have a literal of the last decision.
    pub(super) fn add(&mut self, literals: Vec<Literal>, note: N) -> Result<ClauseId, ClauseId> {
        self.put(literals, Origin::Given(note))
    }

    fn put(&mut self, mut literals: Vec<Literal>, origin: Origin<N>) -> Result<ClauseId, ClauseId> {
        let id = ClauseId(self.clauses.len());
        // What may still hold is watched, then what was lost last: it comes back first.
        literals.sort_by_key(|literal| match self.value(*literal) {
            Some(true) => (0, 0),
            None => (1, 0),
            Some(false) => (2, usize::MAX - self.level(*literal)),
        });
        for literal in literals.iter().take(2) {
            self.watches[literal.index()].push(id);
        }
        let first = literals.first().map(|literal| (*literal, self.value(*literal)));
        let second = literals.get(1).map(|literal| self.value(*literal));
        self.clauses.push(Clause { literals, origin });
        match (first, second) {
            (None | Some((_, Some(false))), _) => Err(id),
            (Some((literal, None)), None | Some(Some(false))) => {
                self.assign(literal, Some(id));
                Ok(id)
            }
            _ => Ok(id),
        }
    }

    /// Decides that a variable holds. It must not be known yet.
    pub(super) fn decide(&mut self, variable: u32) {
        self.decisions.push(self.trail.len());
        self.assign(Literal::yes(variable), None);
    }

    fn assign(&mut self, literal: Literal, reason: Option<ClauseId>) {
        let value = Value { holds: literal.holds, level: self.decisions.len(), reason };
        self.values[literal.variable as usize] = Some(value);
        self.trail.push(literal);
    }

    /// Follows the clauses until something is to be said.
    pub(super) fn follow(&mut self) -> Outcome {
        while let Some(literal) = self.trail.get(self.followed).copied() {
            self.followed += 1;
            if let Some(conflict) = self.visit(literal.opposite()) {
                return Outcome::Conflict(conflict);
            }
            if literal.holds {
                return Outcome::Holds(literal.variable);
            }
        }
        Outcome::Settled
    }

    /// Looks at the clauses that watch a literal that was lost.
    fn visit(&mut self, lost: Literal) -> Option<ClauseId> {
        let watching = std::mem::take(&mut self.watches[lost.index()]);
        let mut kept = Vec::with_capacity(watching.len());
        let mut conflict = None;
        for id in watching {
            if conflict.is_some() || self.still_watches(id, lost, &mut conflict) {
                kept.push(id);
            }
        }
        self.watches[lost.index()].append(&mut kept);
        conflict
    }

    /// Finds another literal to watch. If there is none, the other watched one has to hold.
    fn still_watches(&mut self, id: ClauseId, lost: Literal, conflict: &mut Option<ClauseId>) -> bool {
        let literals = &self.clauses[id.0].literals;
        let other = literals.iter().take(2).copied().find(|literal| *literal != lost);
        if other.is_some_and(|other| self.value(other) == Some(true)) {
            return true;
        }
        let next = literals.iter().skip(2).position(|literal| self.value(*literal) != Some(false));
        if let Some(next) = next {
            let literals = &mut self.clauses[id.0].literals;
            let place = usize::from(literals.first() != Some(&lost));
            literals.swap(place, next + 2);
            let watched = literals[place];
            self.watches[watched.index()].push(id);
            return false;
        }
        match other.map(|other| (other, self.value(other))) {
            Some((other, None)) => self.assign(other, Some(id)),
            _ => *conflict = Some(id),
        }
        true
    }

    /// Learns from a conflict and takes back the decisions that led to it. `Err`: none did; the notes of the clauses that
    /// cannot all be satisfied.
    pub(super) fn learn(&mut self, conflict: ClauseId) -> Result<(), Vec<ClauseId>> {
        let level = self.decisions.len();
        if level == 0 {
            return Err(self.core(conflict));
        }
        let mut seen = std::collections::BTreeSet::new();
        let (mut literals, mut from, mut always) = (Vec::new(), Vec::new(), Vec::new());
        let mut open = 0;
        let mut next = Some(conflict);
        let mut at = self.trail.len();
        let mut first = None;
        while let Some(clause) = next {
            from.push(clause);
            for literal in &self.clauses[clause.0].literals {
                if self.value(*literal) == Some(true) || !seen.insert(literal.variable) {
                    continue;
                }
                match self.level(*literal) {
                    0 => always.push(literal.variable),
                    of if of == level => open += 1,
                    _ => literals.push(*literal),
                }
            }
            // Back to the last thing that had a part in it.
            let last = loop {
                let Some(before) = at.checked_sub(1) else { break None };
                at = before;
                let literal = self.trail[at];
                if seen.contains(&literal.variable) && self.level(literal) == level {
                    break Some(literal);
                }
            };
            let Some(last) = last else { break };
            open -= 1;
            if open == 0 {
                first = Some(last.opposite());
                break;
            }
            next = self.values[last.variable as usize].and_then(|value| value.reason);
        }
        let back = literals.iter().map(|literal| self.level(*literal)).max().unwrap_or(0);
        self.take_back(back);
        literals.extend(first);
        // Its one literal of the last decision is free again, so that it now has to hold.
        self.put(literals, Origin::Learned(from, always)).map(drop).or_else(|clause| self.learn(clause))
    }

    fn take_back(&mut self, level: usize) {
        let Some(length) = self.decisions.get(level).copied() else { return };
        for literal in self.trail.drain(length..) {
            self.values[literal.variable as usize] = None;
        }
        self.decisions.truncate(level);
        self.followed = length;
    }

    /// The given clauses that a conflict without decisions comes from.
    fn core(&self, conflict: ClauseId) -> Vec<ClauseId> {
        let mut core = std::collections::BTreeSet::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut todo = vec![conflict];
        let reason = |variable: u32| self.values[variable as usize].and_then(|value| value.reason);
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            let clause = &self.clauses[id.0];
            match &clause.origin {
                Origin::Given(_) => drop(core.insert(id)),
                Origin::Learned(from, always) => {
                    todo.extend(from);
                    todo.extend(always.iter().filter_map(|variable| reason(*variable)));
                }
            }
            todo.extend(
                clause
                    .literals
                    .iter()
                    .filter(|literal| self.level(**literal) == 0)
                    .filter_map(|literal| reason(literal.variable)),
            );
        }
        core.into_iter().collect()
    }

    /// What a clause that was given says.
    pub(super) fn note(&self, id: ClauseId) -> Option<&N> {
        match &self.clauses[id.0].origin {
            Origin::Given(note) => Some(note),
            Origin::Learned(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decides whatever is open until all is known; `false`: it cannot be, and the core cannot either.
    fn solve(variables: u32, clauses: &[Vec<(u32, bool)>]) -> Option<Vec<bool>> {
        let mut sat = Sat::new(variables as usize);
        for (number, clause) in clauses.iter().enumerate() {
            let mut literals: Vec<Literal> =
                clause.iter().map(|(variable, holds)| Literal { variable: *variable, holds: *holds }).collect();
            literals.dedup();
            if let Err(conflict) = sat.add(literals, number) {
                check_core(&sat, variables, clauses, sat.core(conflict));
                return None;
            }
        }
        loop {
            match sat.follow() {
                Outcome::Holds(_) => {}
                Outcome::Conflict(conflict) => {
                    if let Err(core) = sat.learn(conflict) {
                        check_core(&sat, variables, clauses, core);
                        return None;
                    }
                }
                Outcome::Settled => match (0..variables).find(|variable| sat.holds(*variable).is_none()) {
                    Some(variable) => sat.decide(variable),
                    None => return (0..variables).map(|variable| sat.holds(variable)).collect(),
                },
            }
        }
    }

    fn check_core(sat: &Sat<usize>, variables: u32, clauses: &[Vec<(u32, bool)>], core: Vec<ClauseId>) {
        let core: Vec<_> = core.into_iter().map(|id| clauses[*sat.note(id).expect("a given clause")].clone()).collect();
        assert!(!satisfiable(variables, &core), "the core explains it: {core:?}");
    }

    fn satisfies(values: &[bool], clauses: &[Vec<(u32, bool)>]) -> bool {
        clauses.iter().all(|clause| clause.iter().any(|(variable, holds)| values[*variable as usize] == *holds))
    }

    fn satisfiable(variables: u32, clauses: &[Vec<(u32, bool)>]) -> bool {
        (0..1u32 << variables).any(|bits| {
            let values: Vec<bool> = (0..variables).map(|variable| bits >> variable & 1 == 1).collect();
            satisfies(&values, clauses)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_can_be_satisfied_is(
            clauses in prop::collection::vec(prop::collection::vec((0u32..7, any::<bool>()), 1..4), 0..40)
        ) {
            match solve(7, &clauses) {
                Some(values) => prop_assert!(satisfies(&values, &clauses)),
                None => prop_assert!(!satisfiable(7, &clauses)),
            }
        }
    }
}
