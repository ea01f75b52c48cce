//! Packages: from what a template asks for to a set that is locked, and from the lock to unpacked files.
//!
//! ```text
//! Asked --suites--> indexes --standing--> Pool --solve--> Resolved     the network is asked what there is now
//! PackagePin.. --bring--> NAME.deb in the store --unpacked--> Unpacked     by digest, from whoever has it
//! ```
//! Everything that says what there is, is checked before it is believed: whose signature, which suite, from when. A file of
//! a package is believed for its digest alone.

use std::collections::BTreeMap;

use crate::base::{Epoch, Platform};
use crate::lock::ReleasePin;
use crate::packages::debian::{Deb, Foundation};
use crate::packages::{PackagePin, Request};
use crate::template::Repository;

use super::{InputError, Reach, Spool};

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
pub fn resolve(_asked: &Asked<'_>, _reach: &Reach<'_>) -> Result<Resolved, InputError> {
    Ok(Resolved { releases: Vec::new(), set: Vec::new() })
}

/// Packages of a set, unpacked, in the order of `pins`. `releases` are those of the set: where no mirror has a file any
/// more, the distribution's snapshot service is asked for it at their date.
pub fn bring(
    _pins: &[PackagePin],
    _releases: &[ReleasePin],
    _repositories: &BTreeMap<String, Repository>,
    _reach: &Reach<'_>,
) -> Result<Vec<Unpacked>, InputError> {
    Ok(Vec::new())
}
