//! The files of packages: looked for in the store, then in a vendored layout, then wherever somebody may have them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread;

use crate::base::Epoch;
use crate::input::copy::{self, Expected};
use crate::input::remote::BlobSink;
use crate::input::{InputError, Reach, each};
use crate::lock::ReleasePin;
use crate::packages::PackagePin;
use crate::source::debian::{Hosts, Mirror, address};
use crate::source::url::Request;
use crate::template::Repository;
use crate::transport::Proof;

use super::unpacked::{recall, unpack};
use super::{PackagesError, Unpacked};

/// Packages that are under way at once: one for each processor, which decompresses it. With fewer the connection would be
/// idle, with more a mirror may complain.
const AT_ONCE: std::ops::RangeInclusive<usize> = 8..=16;

/// How much later than its release a set is looked for in the snapshot service, in seconds. The service takes an archive
/// some hours after it changed, and an archive keeps what it replaced for a day and a half.
const LATER_SECONDS: i64 = 12 * 3600;

/// Packages of a set, unpacked, in the order of `pins`. `releases` are those of the set: where no mirror has a file any
/// more, the distribution's snapshot service is asked for it at their date.
pub fn bring(
    pins: &[PackagePin],
    releases: &[ReleasePin],
    repositories: &BTreeMap<String, Repository>,
    reach: &Reach<'_>,
) -> Result<Vec<Unpacked>, InputError> {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let at_once = processors.clamp(*AT_ONCE.start(), *AT_ONCE.end());
    // The large ones first, so that none is left alone at the end.
    let mut order: Vec<(usize, &PackagePin)> = pins.iter().enumerate().collect();
    order.sort_by_key(|(_, pin)| std::cmp::Reverse(pin.size));
    let brought =
        each(&order, at_once, |(at, pin)| Ok::<_, InputError>((*at, one(pin, releases, repositories, reach)?)));
    let mut brought = brought?;
    brought.sort_by_key(|(at, _)| *at);
    Ok(brought.into_iter().map(|(_, unpacked)| unpacked).collect())
}

fn one(
    pin: &PackagePin,
    releases: &[ReleasePin],
    repositories: &BTreeMap<String, Repository>,
    reach: &Reach<'_>,
) -> Result<Unpacked, InputError> {
    if let Some(known) = recall(pin, reach.store) {
        return Ok(known);
    }
    let digest = pin.sha256.to_string();
    if !reach.store.has_blob(&digest, pin.size) {
        let vendored = reach.vendor.and_then(|vendor| vendor.open(&digest));
        match vendored {
            Some(blob) => {
                let expected = Expected { digest: pin.sha256, size_bytes: Some(pin.size) };
                copy::take(&shown(pin), expected, blob, reach.store)?;
            }
            None => fetch(pin, releases, repositories, reach)?,
        }
    }
    unpack(pin, reach.store)
}

/// A package for messages.
pub(super) fn shown(pin: &PackagePin) -> String {
    format!("{} {} ({})", pin.name, pin.version, pin.architecture)
}

fn fetch(
    pin: &PackagePin,
    releases: &[ReleasePin],
    repositories: &BTreeMap<String, Repository>,
    reach: &Reach<'_>,
) -> Result<(), InputError> {
    let definition = repositories.get(&pin.repository);
    let mirrors = definition.map(|definition| mirrors(pin, releases, definition, reach.remote.debian));
    let mut places = mirrors.iter().flatten().map(|mirror| address(mirror, &pin.file));
    let nowhere = || PackagesError::Nowhere { package: shown(pin), repository: pin.repository.clone() };
    let url = places.next().ok_or_else(nowhere)?;
    let request = Request { url, mirrors: places.collect(), sha256: None, proof: Proof::Content };
    let mut sink = BlobSink(reach.store.writer()?);
    let fetched = reach.remote.web.fetch(&request, Some((pin.sha256, pin.size)), &mut sink);
    fetched.map_err(|source| match source.is_missing() {
        true => InputError::from(PackagesError::Gone { package: shown(pin), source: Box::new(source) }),
        false => source.into(),
    })?;
    Ok(sink.0.commit(&pin.sha256.to_string())?)
}

/// Who may have a file: the mirrors of all suites of its repository, then the snapshot service. A pin does not say which
/// suite it is from: a package moves from one to the next and stays the same.
fn mirrors(pin: &PackagePin, releases: &[ReleasePin], definition: &Repository, hosts: &Hosts) -> Vec<Mirror> {
    let suites = definition.suites.iter();
    let of_snapshots = suites.clone().filter_map(|suite| {
        let release = releases.iter().find(|release| release.repository == pin.repository && release.suite == *suite);
        let later = |release: &ReleasePin| Epoch::from_seconds(release.date.seconds() + LATER_SECONDS);
        let at = definition.snapshot.or_else(|| release.and_then(later))?;
        Some(hosts.snapshot(suite, at))
    });
    let mut all: Vec<Mirror> = Vec::new();
    for mirror in suites.flat_map(|suite| hosts.mirrors(&definition.mirrors, suite)).chain(of_snapshots) {
        if !all.iter().any(|known| known.address == mirror.address) {
            all.push(mirror);
        }
    }
    // Archives of security updates have a part of the pool of their own.
    let is_security = pin.file.starts_with("pool/updates/");
    all.sort_by_key(|mirror| (mirror.by, mirror.is_of_security() != is_security));
    all
}
