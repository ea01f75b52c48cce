//! What is there before a set is added.

use std::collections::BTreeMap;

use crate::base::ContentDigest;
use crate::input::{InputError, Reach};
use crate::packages::PackagePin;
use crate::packages::debian::{Held, Installed, Package, installed};
use crate::template::Repository;

use super::suites::Offered;
use super::{Asked, PackagesError, bring};

/// What the base has, with what earlier steps made of it.
pub(super) fn standing(
    asked: &Asked<'_>,
    native: &str,
    offered: &[Offered],
    reach: &Reach<'_>,
) -> Result<Vec<Installed>, InputError> {
    let status = installed(asked.standing.status.unwrap_or_default());
    let mut all = status.map_err(|source| PackagesError::Status { source })?;
    let earlier = &asked.standing.earlier;
    let mut known = listed(earlier, offered);
    let missing: Vec<PackagePin> =
        earlier.iter().filter(|pin| !known.contains_key(&pin.sha256)).map(|pin| (*pin).clone()).collect();
    known.extend(in_their_files(asked, &missing, reach)?);
    for pin in earlier {
        let Some(package) = known.get(&pin.sha256).cloned() else { continue };
        let is_replaced = |old: &Package| old.name() == package.name() && of(old, native) == of(&package, native);
        all.retain(|old| !is_replaced(&old.package));
        all.push(Installed { package, held: Held::Free });
    }
    Ok(all)
}

/// The architecture of a package, where `all` is the system's.
fn of<'a>(package: &'a Package, native: &'a str) -> &'a str {
    if package.architecture() == "all" { native } else { package.architecture() }
}

/// Those that an index still lists.
fn listed(pins: &[&PackagePin], offered: &[Offered]) -> BTreeMap<ContentDigest, Package> {
    let wanted: BTreeMap<ContentDigest, &PackagePin> = pins.iter().map(|pin| (pin.sha256, *pin)).collect();
    let all = offered.iter().flat_map(|offered| &offered.packages);
    let listed = all.filter_map(|package| {
        let pin = wanted.get(&package.sha256?)?;
        (package.name() == pin.name).then(|| (pin.sha256, package.clone()))
    });
    listed.collect()
}

/// Those that no index lists any more, as their own files have it.
fn in_their_files(
    asked: &Asked<'_>,
    pins: &[PackagePin],
    reach: &Reach<'_>,
) -> Result<Vec<(ContentDigest, Package)>, InputError> {
    let repositories: BTreeMap<String, Repository> =
        asked.repositories.iter().map(|(name, definition)| ((*name).to_owned(), (*definition).clone())).collect();
    let brought = bring(pins, asked.known, &repositories, reach)?;
    Ok(brought.into_iter().map(|unpacked| (unpacked.pin.sha256, unpacked.deb.control.package)).collect())
}
