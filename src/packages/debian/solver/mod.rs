//! From requests to a set of packages.
//!
//! ```text
//! Pool + Task --Search--> clauses <--> Sat        a package becomes clauses when it comes to be there
//!                 |  open(): what is decided, and how, as apt does it
//!                 v
//!               set --reasons()--> Chosen          | collision --explain()--> a chain of requirements
//! ```
//! What follows without a choice is followed first. Then choices are made in the order in which they came up: of
//! alternatives the first, of packages those of the name before those that provide it, of versions what the system has,
//! then the newest. A choice that leads into a collision is taken back, and never made again. At the end, what nothing
//! leads to is dropped.
//!
//! At first only those versions are looked at that apt would: what the system has, and the newest. Older ones come in
//! only where there is no set without them. The system's own packages stay as they are unless something demands a newer
//! one.
//!
//! Own code, not resolvo: that decides in an order of its own before it knows what a choice brings, so that its sets are
//! larger than apt's, and it comes with an asynchronous runtime, together some thirty crates.

mod error;
mod explain;
mod note;
mod priority;
mod reason;
mod sat;
mod search;
#[cfg(test)]
mod tests;

use super::package::{Package, Priority, Standing};
use super::pool::{Id, Pool};
use crate::packages::nearest::nearest;
use crate::packages::{PackagePin, Reason, Request, Wish};

pub use error::SolveError;
pub use priority::spelled_out;
use search::{Found, Scope, Search};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// In the order of the template, without priorities ([`spelled_out`]).
    pub requests: &'a [Request],
    /// Whether recommended packages come too.
    pub recommends: Recommends,
    /// What a system without packages gets.
    pub foundation: Foundation,
}

/// Whether recommended packages come too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recommends {
    /// They do, as far as nothing is in their way.
    Take,
    /// They stay away.
    Skip,
}

/// What comes without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foundation {
    /// Nothing: the base is a system already, or none is wanted.
    Nothing,
    /// All that is `Essential: yes`, as `mmdebstrap --variant=essential` does. There is no apt in it.
    Essential,
    /// And all of priority `required`, and apt, as `mmdebstrap --variant=minbase` does.
    Minbase,
}

/// A package that is to be there and is not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// As it is offered.
    pub package: &'a Package,
    /// Why.
    pub reason: Reason,
    /// The version that the system has, if it has another.
    pub replaces: Option<&'a str>,
}

impl Chosen<'_> {
    /// What the lock says of it. `None` for what is no file of a repository.
    pub fn pin(&self, repository: &str) -> Option<PackagePin> {
        let package = self.package;
        Some(PackagePin {
            name: package.name().to_owned(),
            version: package.version().to_owned(),
            architecture: package.architecture().to_owned(),
            file: package.file().to_owned(),
            size: package.size_bytes,
            sha256: package.sha256?,
            source: package.source().to_owned(),
            repository: repository.to_owned(),
            reason: self.reason.clone(),
        })
    }
}

/// Finds the packages that have to be added to a system, in the order of their names.
pub fn solve<'a>(pool: &Pool<'a>, task: &Task<'a>) -> Result<Vec<Chosen<'a>>, SolveError> {
    for request in task.requests {
        check(pool, request)?;
    }
    let foundation = foundation(pool, task.foundation);
    let mut found = Search::new(pool, task, Scope::Newest).run(&foundation)?;
    if matches!(found, Found::Collision(_)) {
        found = Search::new(pool, task, Scope::All).run(&foundation)?;
    }
    let mut set = match found {
        Found::Set(set) => set,
        Found::Collision(notes) => return Err(SolveError::Unsolvable { lines: explain::explain(pool, notes) }),
    };
    set.sort_unstable();
    let reasons = reason::reasons(pool, task, &foundation, &set)
        .map_err(|(id, source)| SolveError::Relations { package: pool.shown(id), source })?;
    let mut chosen: Vec<Chosen<'a>> = reasons
        .into_iter()
        .filter(|(id, _)| !pool.candidate(*id).is_installed())
        .filter_map(|(id, reason)| {
            let package = pool.candidate(id).offered?;
            let old = pool
                .named(package.name())
                .iter()
                .map(|id| pool.candidate(*id))
                .find(|old| old.is_installed() && pool.native(old.package) == pool.native(package));
            Some(Chosen { package, reason, replaces: old.map(|old| old.package.version()) })
        })
        .collect();
    chosen.sort_by_key(|chosen| (chosen.package.name(), chosen.package.architecture()));
    Ok(chosen)
}

/// All candidates that a request is about, whatever their versions.
fn asked(pool: &Pool<'_>, request: &Request) -> Vec<Id> {
    let architecture = request.architecture.as_deref().unwrap_or(pool.architecture());
    let is_meant = |id: &Id| pool.native(pool.package(*id)) == architecture;
    let real: Vec<Id> = pool.named(&request.name).iter().copied().filter(is_meant).collect();
    if !real.is_empty() || request.wish == Wish::LeaveOut {
        return real;
    }
    // A name that one package stands for means that package.
    let providers: Vec<Id> = pool.providers(&request.name).filter(is_meant).collect();
    match names(pool, &providers)[..] {
        [_] => providers,
        _ => Vec::new(),
    }
}

/// Fails if a request cannot be fulfilled whatever else is asked for.
fn check(pool: &Pool<'_>, request: &Request) -> Result<(), SolveError> {
    let candidates = asked(pool, request);
    if request.wish == Wish::LeaveOut {
        let in_base = candidates.iter().any(|id| pool.candidate(*id).is_installed());
        return if in_base { Err(SolveError::InBase { request: request.to_string() }) } else { Ok(()) };
    }
    if candidates.is_empty() {
        let providers: Vec<Id> = pool.providers(&request.name).collect();
        let name = request.name.clone();
        return Err(match names(pool, &providers) {
            none if none.is_empty() => {
                let nearest = nearest(&name, pool.names());
                SolveError::Unknown { name, nearest }
            }
            providers => SolveError::Virtual { name, providers },
        });
    }
    if candidates.iter().any(|id| request.admits(pool.package(*id).version())) {
        return Ok(());
    }
    let has = candidates.iter().map(|id| pool.package(*id).version().to_owned()).collect();
    Err(SolveError::NoVersion { request: request.to_string(), has })
}

fn names(pool: &Pool<'_>, ids: &[Id]) -> Vec<String> {
    let mut names: Vec<String> = ids.iter().map(|id| pool.package(*id).name().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The newest of each package that belongs to every system.
fn foundation(pool: &Pool<'_>, wanted: Foundation) -> Vec<Id> {
    let is_wanted = |package: &Package| match wanted {
        Foundation::Nothing => false,
        Foundation::Essential => package.standing == Standing::Essential,
        Foundation::Minbase => {
            package.standing == Standing::Essential || package.priority == Priority::Required || package.name() == "apt"
        }
    };
    pool.natives().filter(|id| is_wanted(pool.package(*id))).collect()
}
