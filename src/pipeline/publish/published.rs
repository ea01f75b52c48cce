//! Whether what would be built is published already.

use crate::base::{BlobDigest, ManifestDigest, Platform};
use crate::image::checks;
use crate::input::{Reach, each};
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::pipeline::terms::Terms;
use crate::publish::{Destination, Place, PublishError, RegistryPlace, record};
use crate::registry::{Created, Tag};
use crate::store::Name;

use super::addresses::Address;
use super::send::Sent;

/// Questions that are asked at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// What is at all addresses under all names, if it was built by the same plan: as this machine remembers, or as the record
/// there says. Nothing if one of them lacks it. This store knows of it from then on, and their channels move: who was killed
/// between the name and these comes here.
pub fn published(
    prepared: &Prepared,
    addresses: &[Address],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Option<Vec<Sent>>, Error> {
    let found: Result<Vec<Option<Sent>>, PublishError> = each(addresses, QUESTIONS_AT_ONCE, |address| {
        let Destination::Registry(repository, _) = &address.destination else { return Ok(None) };
        let place = RegistryPlace { client: &reach.remote.registry, repository: repository.clone() };
        let digest = at(prepared, &place, address.names.tags())?;
        let names = || address.names.tags().iter().map(|tag| (tag.clone(), Created::AlreadyThere)).collect();
        Ok(digest.map(|digest| Sent::found(&place, digest, names())))
    });
    let Some(mut found) = found?.into_iter().collect::<Option<Vec<Sent>>>() else { return Ok(None) };
    let name = prepared.plan.name.clone().map(|name| Name { name, version: prepared.plan.version.clone() });
    for (sent, address) in found.iter_mut().zip(addresses) {
        sent.settle(name.as_ref(), reach.store, terms)?;
        sent.move_channels(address, reach, terms);
    }
    Ok(Some(found))
}

/// The platforms of what is published, each with its manifest, for the next job: as the place says it.
pub fn platforms(sent: &Sent, address: &Address, reach: &Reach<'_>) -> Result<Vec<(Platform, BlobDigest)>, Error> {
    let Destination::Registry(repository, _) = &address.destination else { return Ok(Vec::new()) };
    let top = reach.remote.registry.document_of(repository, &sent.receipt.digest).map_err(PublishError::from)?;
    let entries = checks::index(&top.bytes).unwrap_or_default().into_iter();
    let digest = |digest: ManifestDigest| BlobDigest::from(*digest.as_bytes());
    Ok(entries.filter_map(|entry| Some((entry.platform?, digest(entry.digest)))).collect())
}

fn at(prepared: &Prepared, place: &RegistryPlace<'_>, tags: &[Tag]) -> Result<Option<BlobDigest>, PublishError> {
    let held = each(tags, QUESTIONS_AT_ONCE, |tag| place.holds(tag))?;
    let Some(Some(digest)) = held.first().copied() else { return Ok(None) };
    if held.iter().any(|other| *other != Some(digest)) {
        return Ok(None);
    }
    let remembered = prepared.last.as_ref().is_some_and(|last| {
        last.digest == digest.to_string() && last.plan.digest().is_ok_and(|plan| plan == prepared.digest)
    });
    let there = remembered || record::names_plan(&place.referrers(&digest)?, &prepared.digest);
    Ok(there.then_some(digest))
}
