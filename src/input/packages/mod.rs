//! Packages: from what a template asks for to a set that is locked, and from the lock to unpacked files.
//!
//! ```text
//! Asked --suites--> indexes --standing--> Pool --solve--> Resolved     the network is asked what there is now
//! PackagePin.. --bring--> NAME.deb in the store --unpacked--> Unpacked     by digest, from whoever has it
//! ```
//! Everything that says what there is, is checked before it is believed: whose signature, which suite, from when. A file of
//! a package is believed for its digest alone.

pub mod bring;
pub mod error;
mod standing;
mod suites;
#[cfg(test)]
mod tests;
mod unpacked;

use crate::base::{Epoch, Platform};
use crate::lock::ReleasePin;
use crate::packages::debian::{Deb, Foundation, Offer, Pool, Recommends, Task, solve, spelled_out};
use crate::packages::{PackagePin, Request};
use crate::source::debian::architecture;
use crate::template::Repository;

use super::{InputError, Reach, Spool};

pub use bring::bring;
pub use error::PackagesError;
use suites::Offered;

/// Packages for one platform, with all that decides which they are.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Where they come from, in the order of the template: name and definition.
    pub repositories: Vec<(&'a str, &'a Repository)>,
    /// What is asked for, in the order of the template.
    pub requests: &'a [Request],
    /// Whether recommended packages come too.
    pub recommends: bool,
    /// What they are for.
    pub platform: &'a Platform,
    /// What is there already.
    pub standing: Standing<'a>,
    /// What the lock has seen of these suites: nothing older is taken.
    pub known: &'a [ReleasePin],
    /// The time at which releases and keys have to count, where the repository names none.
    pub now: Epoch,
}

/// What is there before a set is added.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// dpkg's database of the base (`/var/lib/dpkg/status`), if it has one.
    pub status: Option<&'a [u8]>,
    /// What earlier steps add, in their order: a later one of the same name replaces an earlier one.
    pub earlier: Vec<&'a PackagePin>,
    /// What a system without packages gets.
    pub foundation: Foundation,
}

/// A set for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The releases that were read, in the order of repositories and suites.
    pub releases: Vec<ReleasePin>,
    /// What is added to what is there, sorted by name and architecture.
    pub set: Vec<PackagePin>,
}

/// A package of a set, unpacked.
#[derive(Debug)]
pub struct Unpacked {
    /// Which one.
    pub pin: PackagePin,
    /// What it says of itself, and its files.
    pub deb: Deb,
    /// The contents of its files.
    pub spool: Spool,
}

/// Asks the repositories what they have now, and finds the packages that have to be added.
pub fn resolve(asked: &Asked<'_>, reach: &Reach<'_>) -> Result<Resolved, InputError> {
    let native = architecture(asked.platform)?;
    let mut architectures = vec![native];
    for foreign in asked.requests.iter().filter_map(|request| request.architecture.as_deref()) {
        if !architectures.contains(&foreign) {
            architectures.push(foreign);
        }
    }
    let offered = suites::offered(asked, &architectures, reach)?;
    let installed = standing::standing(asked, native, &offered, reach)?;
    let offers: Vec<Offer<'_>> =
        offered.iter().map(|offered| Offer { packages: &offered.packages, automatic: offered.automatic }).collect();
    let pool = Pool::new(native, &offers, &installed).map_err(|source| PackagesError::Relations { source })?;
    let requests = spelled_out(&pool, asked.requests);
    let task = Task {
        requests: &requests,
        recommends: if asked.recommends { Recommends::Take } else { Recommends::Skip },
        foundation: asked.standing.foundation,
    };
    let chosen = solve(&pool, &task).map_err(PackagesError::Solve)?;
    let set = chosen.iter().filter_map(|chosen| {
        let chosen_at = std::ptr::from_ref(chosen.package);
        let offers = |offered: &&Offered| offered.packages.as_ptr_range().contains(&chosen_at);
        // Whatever is chosen is offered, and whatever is offered has a digest.
        chosen.pin(&offered.iter().find(offers)?.repository)
    });
    let set = set.collect();
    let release = |offered: &Offered| ReleasePin {
        repository: offered.repository.clone(),
        suite: offered.suite.clone(),
        date: offered.date,
    };
    Ok(Resolved { releases: offered.iter().map(release).collect(), set })
}
