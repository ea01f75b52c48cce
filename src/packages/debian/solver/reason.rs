//! Why each package is there, and that none is there for nothing.

use std::collections::{BTreeMap, VecDeque};

use super::super::error::IndexError;
use super::super::package::{Package, Relates};
use super::super::pool::{Id, Pool};
use super::{Recommends, Task};
use crate::packages::Reason;

/// The packages of a set that something leads to, each with what led to it first. What nothing leads to is left out: the
/// search may have needed it for a choice that it took back.
pub(super) fn reasons(
    pool: &Pool<'_>,
    task: &Task<'_>,
    foundation: &[Id],
    set: &[Id],
) -> Result<BTreeMap<Id, Reason>, (Id, IndexError)> {
    let is_there = |id: &Id| set.binary_search(id).is_ok();
    let mut found: BTreeMap<Id, Reason> = BTreeMap::new();
    let mut todo = VecDeque::new();
    let mut put = |id: Id, reason: Reason, todo: &mut VecDeque<Id>| {
        found.entry(id).or_insert_with(|| {
            todo.push_back(id);
            reason
        });
    };
    for request in task.requests {
        for id in super::asked(pool, request).into_iter().filter(is_there) {
            put(id, Reason::Asked, &mut todo);
        }
    }
    for id in foundation {
        for id in pool.named(pool.package(*id).name()).iter().copied().filter(is_there) {
            put(id, Reason::Foundation, &mut todo);
        }
    }
    for id in set.iter().copied() {
        let stays = pool.named(pool.package(id).name()).iter().any(|id| pool.candidate(*id).is_installed());
        if stays {
            put(id, Reason::Base, &mut todo);
        }
    }
    let fields = [Relates::PreDepends, Relates::Depends, Relates::Recommends];
    let fields = if task.recommends == Recommends::Skip { &fields[..2] } else { &fields[..] };
    while let Some(by) = todo.pop_front() {
        let package: &Package = pool.package(by);
        for field in fields {
            if *field == Relates::Recommends && pool.candidate(by).is_installed() {
                continue;
            }
            let groups = package.relations(*field, pool.architecture()).map_err(|error| (by, error))?;
            for alternatives in groups {
                let first = alternatives
                    .iter()
                    .find_map(|relation| pool.satisfying(relation, package).into_iter().find(is_there));
                let Some(first) = first else { continue };
                let name = package.name().to_owned();
                let reason = match field {
                    Relates::Recommends => Reason::Recommended(name),
                    _ => Reason::Needed(name),
                };
                put(first, reason, &mut todo);
            }
        }
    }
    Ok(found)
}
