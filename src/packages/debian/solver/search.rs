//! The search: packages become clauses when they come to be there, and what is open is decided as apt would.

use std::collections::BTreeMap;

use super::super::index::Held;
use super::super::package::{Package, Relates};
use super::super::pool::{Id, Pool};
use super::super::relation::Relation;
use super::error::SolveError;
use super::note::Note;
use super::sat::{ClauseId, Literal, Outcome, Sat};
use super::{Recommends, Task};
use crate::packages::Wish;

/// Which versions are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Of each package what the system has, and what apt would take.
    Newest,
    /// All.
    All,
}

/// The end of a search.
pub(super) enum Found<'a> {
    /// What is to be there.
    Set(Vec<Id>),
    /// What collides.
    Collision(Vec<Note<'a>>),
}

/// A group of candidates of which one is to be there, the preferred one first.
struct Choice {
    candidates: Vec<Id>,
}

/// A search in the making.
pub(super) struct Search<'a, 'p> {
    pool: &'p Pool<'a>,
    task: &'p Task<'a>,
    sat: Sat<Note<'a>>,
    /// Whether a candidate is looked at.
    visible: Vec<bool>,
    /// Choices that hold always.
    roots: Vec<Choice>,
    /// By package, once it was looked at: what it needs, and what it would like.
    needs: BTreeMap<Id, Vec<Choice>>,
    wishes: BTreeMap<Id, Vec<Choice>>,
}

impl<'a, 'p> Search<'a, 'p> {
    pub(super) fn new(pool: &'p Pool<'a>, task: &'p Task<'a>, scope: Scope) -> Self {
        Self {
            pool,
            task,
            sat: Sat::new(pool.len()),
            visible: visible(pool, task, scope),
            roots: Vec::new(),
            needs: BTreeMap::new(),
            wishes: BTreeMap::new(),
        }
    }

    /// Searches to the end.
    pub(super) fn run(mut self, foundation: &[Id]) -> Result<Found<'a>, SolveError> {
        if let Err(conflict) = self.ask(foundation) {
            let core = self.sat.learn(conflict);
            return Ok(self.collision(core));
        }
        loop {
            let conflict = match self.sat.follow() {
                Outcome::Holds(id) => self.meet(id)?,
                Outcome::Conflict(conflict) => Some(conflict),
                Outcome::Settled => match self.open() {
                    Some(next) => {
                        self.sat.decide(next);
                        None
                    }
                    None => return Ok(Found::Set(self.sat.held().collect())),
                },
            };
            if let Some(conflict) = conflict
                && let Err(core) = self.sat.learn(conflict)
            {
                return Ok(self.collision(Err(core)));
            }
        }
    }

    fn collision(&self, core: Result<(), Vec<ClauseId>>) -> Found<'a> {
        let core = core.err().unwrap_or_default();
        Found::Collision(core.into_iter().filter_map(|id| self.sat.note(id)).cloned().collect())
    }

    /// The clauses that hold always: what the system has, what it cannot do without, what is asked for.
    fn ask(&mut self, foundation: &[Id]) -> Result<(), ClauseId> {
        let pool = self.pool;
        for id in pool.ids() {
            match pool.candidate(id).held {
                Some(Held::Held) => drop(self.sat.add(vec![Literal::yes(id)], Note::Held(id))?),
                Some(Held::Free) => self.choose(self.versions(id), Note::Stays(id))?,
                None => {}
            }
        }
        for id in foundation {
            self.choose(self.versions(*id), Note::Foundation(*id))?;
        }
        for request in self.task.requests {
            let candidates = super::asked(pool, request);
            if request.wish == Wish::LeaveOut {
                for id in candidates {
                    self.sat.add(vec![Literal::no(id)], Note::LeftOut(request, id))?;
                }
                continue;
            }
            let (fit, other): (Vec<Id>, Vec<Id>) =
                candidates.into_iter().partition(|id| request.admits(pool.package(*id).version()));
            for id in other {
                if self.is_visible(id) {
                    self.sat.add(vec![Literal::no(id)], Note::LeftOut(request, id))?;
                }
            }
            let fit = fit.into_iter().filter(|id| self.is_visible(*id)).collect();
            self.choose(fit, Note::Asked(request))?;
        }
        Ok(())
    }

    fn choose(&mut self, candidates: Vec<Id>, note: Note<'a>) -> Result<(), ClauseId> {
        self.sat.add(candidates.iter().map(|id| Literal::yes(*id)).collect(), note)?;
        self.roots.push(Choice { candidates });
        Ok(())
    }

    fn is_visible(&self, id: Id) -> bool {
        self.visible.get(id as usize).copied().unwrap_or(false)
    }

    /// The versions of a package that may stand for it.
    fn versions(&self, id: Id) -> Vec<Id> {
        let of = self.pool.package(id);
        let same = |other: &Id| self.pool.native(self.pool.package(*other)) == self.pool.native(of);
        self.pool.named(of.name()).iter().copied().filter(|id| self.is_visible(*id)).filter(same).collect()
    }

    /// Adds the clauses of a package that came to be there, once, and all of them. Gives one that cannot be satisfied.
    fn meet(&mut self, id: Id) -> Result<Option<ClauseId>, SolveError> {
        if self.needs.contains_key(&id) {
            return Ok(None);
        }
        self.needs.insert(id, Vec::new());
        let (pool, package) = (self.pool, self.pool.package(id));
        let mut conflicts = Vec::new();
        for other in pool.named(package.name()) {
            if *other != id && self.is_visible(*other) && !pool.are_siblings(id, *other) {
                let two = self.sat.add(vec![Literal::no(id), Literal::no(*other)], Note::Two(id, *other));
                conflicts.extend(two.err());
            }
        }
        for field in [Relates::Conflicts, Relates::Breaks] {
            for relation in self.relations(id, field)?.into_iter().flatten() {
                for other in pool.excluded(&relation, id) {
                    conflicts.extend(self.exclude(id, field, &relation, other).err());
                }
            }
        }
        for field in [Relates::PreDepends, Relates::Depends] {
            for alternatives in self.relations(id, field)? {
                conflicts.extend(self.need(id, field, alternatives).err());
            }
        }
        self.note_wishes(id)?;
        Ok(conflicts.into_iter().next())
    }

    fn exclude(&mut self, by: Id, field: Relates, relation: &Relation<'a>, other: Id) -> Result<(), ClauseId> {
        let both_installed = self.pool.candidate(by).is_installed() && self.pool.candidate(other).is_installed();
        // What the base has is as it is.
        if !self.is_visible(other) || both_installed {
            return Ok(());
        }
        let note = Note::Excludes { by, field, relation: relation.clone(), other };
        self.sat.add(vec![Literal::no(by), Literal::no(other)], note).map(drop)
    }

    fn need(&mut self, of: Id, field: Relates, alternatives: Vec<Relation<'a>>) -> Result<(), ClauseId> {
        let found = self.candidates(of, &alternatives);
        // A base that lacks something already is as it is.
        let is_installed = |id: &Id| self.pool.candidate(*id).is_installed();
        if is_installed(&of) && !found.iter().any(is_installed) {
            return Ok(());
        }
        let literals = std::iter::once(Literal::no(of)).chain(found.iter().map(|id| Literal::yes(*id))).collect();
        let added = self.sat.add(literals, Note::Needs { of, field, alternatives, found: found.clone() });
        if found.len() > 1 {
            self.needs.entry(of).or_default().push(Choice { candidates: found });
        }
        added.map(drop)
    }

    fn note_wishes(&mut self, id: Id) -> Result<(), SolveError> {
        if self.task.recommends == Recommends::Skip || self.pool.candidate(id).is_installed() {
            return Ok(());
        }
        let mut wishes = Vec::new();
        for alternatives in self.relations(id, Relates::Recommends)? {
            wishes.push(Choice { candidates: self.candidates(id, &alternatives) });
        }
        self.wishes.insert(id, wishes);
        Ok(())
    }

    /// Who satisfies alternatives, in the order of preference, each once.
    fn candidates(&self, of: Id, alternatives: &[Relation<'_>]) -> Vec<Id> {
        let asks: &Package = self.pool.package(of);
        let mut found = Vec::new();
        for relation in alternatives {
            for id in self.pool.satisfying(relation, asks) {
                if self.is_visible(id) && !found.contains(&id) {
                    found.push(id);
                }
            }
        }
        found
    }

    fn relations(&self, id: Id, field: Relates) -> Result<Vec<Vec<Relation<'a>>>, SolveError> {
        let relations = self.pool.package(id).relations(field, self.pool.architecture());
        relations.map_err(|source| SolveError::Relations { package: self.pool.shown(id), source })
    }

    /// What to decide next: the first choice that is open, needs before wishes.
    fn open(&self) -> Option<Id> {
        let needs = self.sat.held().filter_map(|id| self.needs.get(&id)).flatten();
        let needs = self.roots.iter().chain(needs).find_map(|choice| self.preferred(choice));
        needs.or_else(|| {
            let wishes = self.sat.held().filter_map(|id| self.wishes.get(&id)).flatten();
            wishes.into_iter().find_map(|choice| self.preferred(choice))
        })
    }

    /// The first candidate that may be there, if none of the choice is yet.
    fn preferred(&self, choice: &Choice) -> Option<Id> {
        if choice.candidates.iter().any(|id| self.sat.holds(*id) == Some(true)) {
            return None;
        }
        choice.candidates.iter().copied().find(|id| self.sat.holds(*id).is_none())
    }
}

/// Which candidates are looked at. Of what the system has, older versions only if they are asked for.
fn visible(pool: &Pool<'_>, task: &Task<'_>, scope: Scope) -> Vec<bool> {
    // Most names have one package: nothing to choose.
    let mut visible = vec![true; pool.len()];
    for ids in pool.by_name().filter(|ids| ids.len() > 1) {
        for id in ids {
            if let Some(place) = visible.get_mut(*id as usize) {
                *place = false;
            }
        }
        let mut architectures: Vec<&str> = ids.iter().map(|id| pool.native(pool.package(*id))).collect();
        architectures.sort_unstable();
        architectures.dedup();
        for architecture in architectures {
            let own: Vec<Id> =
                ids.iter().copied().filter(|id| pool.native(pool.package(*id)) == architecture).collect();
            let installed = own.iter().copied().find(|id| pool.candidate(*id).is_installed());
            let is_newer = |id: &Id| {
                installed.is_none_or(|installed| {
                    let (own, installed) = (pool.package(*id).version(), pool.package(installed).version());
                    super::super::version::compare(own, installed).is_gt()
                })
            };
            let mut offered = own.iter().copied().filter(|id| !pool.candidate(*id).is_installed()).filter(is_newer);
            let chosen: Vec<Id> = match scope {
                Scope::All => offered.collect(),
                Scope::Newest => offered.next().into_iter().collect(),
            };
            for id in chosen.into_iter().chain(installed) {
                if let Some(place) = visible.get_mut(id as usize) {
                    *place = true;
                }
            }
        }
    }
    // A version that is asked for is looked at, whatever it is: the newest of them, or all.
    for request in task.requests.iter().filter(|request| matches!(request.wish, Wish::Version(_))) {
        let mut fit = super::asked(pool, request);
        fit.retain(|id| request.admits(pool.package(*id).version()));
        let most = if scope == Scope::All { usize::MAX } else { 1 };
        let newest = fit.iter().filter(|id| !pool.candidate(**id).is_installed()).take(most);
        for id in newest {
            if let Some(place) = visible.get_mut(*id as usize) {
                *place = true;
            }
        }
    }
    visible
}
