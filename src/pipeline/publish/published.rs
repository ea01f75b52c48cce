//! Whether what would be built is published already.

use crate::base::BlobDigest;
use crate::input::Reach;
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::publish::{Destination, Place, PublishError, RegistryPlace, record};
use crate::registry::{Created, Tag};

use super::addresses::Address;
use super::send::Sent;

/// What is at all addresses under all names, if it was built by the same plan: as this machine remembers, or as the record
/// there says. Nothing if one of them lacks it.
pub fn published(prepared: &Prepared, addresses: &[Address], reach: &Reach<'_>) -> Result<Option<Vec<Sent>>, Error> {
    let mut all = Vec::new();
    for address in addresses {
        let Destination::Registry(repository, _) = &address.destination else { return Ok(None) };
        let place = RegistryPlace { client: &reach.remote.registry, repository: repository.clone() };
        match at(prepared, &place, address.names.tags())? {
            Some(digest) => {
                let names = address.names.tags().iter().map(|tag| (tag.clone(), Created::AlreadyThere)).collect();
                all.push(Sent::found(&place, digest, names));
            }
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

fn at(prepared: &Prepared, place: &RegistryPlace<'_>, tags: &[Tag]) -> Result<Option<BlobDigest>, PublishError> {
    let mut held = tags.iter().map(|tag| place.holds(tag));
    let Some(digest) = held.next().transpose()?.flatten() else { return Ok(None) };
    for other in held {
        if other? != Some(digest) {
            return Ok(None);
        }
    }
    let remembered = prepared.last.as_ref().is_some_and(|last| {
        last.digest == digest.to_string() && last.plan.digest().is_ok_and(|plan| plan == prepared.digest)
    });
    let there = remembered || record::names_plan(&place.referrers(&digest)?, &prepared.digest);
    Ok(there.then_some(digest))
}
