//! `?priority(..)`: all packages that a distribution calls so important.

use std::collections::BTreeSet;

use crate::packages::debian::package::{Package, Priority};
use crate::packages::debian::pool::Pool;
use crate::packages::request::Priority as Asked;
use crate::packages::{Request, Wish};

/// The same requests with names in place of priorities. What another request names, to leave it out or in a version, is
/// that one's.
pub fn spelled_out(pool: &Pool<'_>, requests: &[Request]) -> Vec<Request> {
    let named: BTreeSet<&str> = requests.iter().map(|request| request.name.as_str()).collect();
    let mut all = Vec::new();
    for request in requests {
        match request.wish {
            Wish::Priority(priority) => {
                let names = of_priority(pool, least(priority)).filter(|name| !named.contains(name));
                all.extend(names.map(|name| Request { name: name.to_owned(), architecture: None, wish: Wish::Any }));
            }
            _ => all.push(request.clone()),
        }
    }
    all
}

/// The least important that is meant.
fn least(priority: Asked) -> Priority {
    match priority {
        Asked::Required => Priority::Required,
        Asked::Important => Priority::Important,
        Asked::Standard => Priority::Standard,
    }
}

/// The names of what there is of a priority, in their order.
fn of_priority<'p>(pool: &'p Pool<'_>, least: Priority) -> impl Iterator<Item = &'p str> {
    pool.natives().map(|id| pool.package(id)).filter(move |package| package.priority <= least).map(Package::name)
}
