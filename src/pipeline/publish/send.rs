//! Sends what goes to each address.

use crate::base::BlobDigest;
use crate::input::Reach;
use crate::pipeline::error::Error;
use crate::pipeline::terms::Terms;
use crate::publish::channel::advance;
use crate::publish::{
    Destination, How, Move, Place, PublishError, Receipt, RegistryPlace, Shipment, Stock, StoreStock, copy, push,
};
use crate::registry::{Created, Tag};
use crate::store::{Name, PublishedNote, Store};

use super::addresses::Address;
use super::cargo::Cargo;

impl Cargo {
    /// The store, and the registries that have what it lacks.
    pub fn stock<'a>(&'a self, reach: &'a Reach<'_>) -> StoreStock<'a> {
        StoreStock { store: reach.store, elsewhere: &self.elsewhere, client: &reach.remote.registry }
    }
}

/// What became of one address.
#[derive(Debug)]
pub struct Sent {
    /// `HOST/REPOSITORY`, `oci:DIR`
    pub place: String,
    /// What was done.
    pub receipt: Receipt,
    /// What became of its channels.
    pub channels: Vec<Move>,
    /// Channels that could not be moved, though all the rest is done.
    pub stuck: Vec<Error>,
}

impl Sent {
    /// Of what was found there.
    pub(super) fn found(place: &dyn Place, digest: BlobDigest, names: Vec<(Tag, Created)>) -> Self {
        Self::new(place, Receipt { names, ..Receipt::nothing(digest) })
    }

    /// Of what was done, before any channel moved.
    pub fn new(place: &dyn Place, receipt: Receipt) -> Self {
        Self { place: place.name(), receipt, channels: Vec::new(), stuck: Vec::new() }
    }

    /// Moves the channels of an address to what is there under its version now.
    pub(super) fn move_channels(&mut self, address: &Address, reach: &Reach<'_>, terms: &Terms<'_>) {
        let (Destination::Registry(repository, _), Some(aims)) = (&address.destination, &address.channels) else {
            return;
        };
        let place = RegistryPlace { client: &reach.remote.registry, repository: repository.clone() };
        for (channel, moved) in advance(&place, aims, &self.receipt.digest, terms.now) {
            match moved {
                Ok(moved) => self.channels.push(moved),
                Err(error) => {
                    let (published, source) = (format!("{repository}:{}", aims.version), PublishError::from(error));
                    self.stuck.push(Error::Channel { published, channel, source: Box::new(source) });
                }
            }
        }
    }

    /// `HOST/REPOSITORY:TAG@DIGEST` of each name.
    pub fn full_names(&self) -> Vec<String> {
        let full = |(tag, _): &(Tag, Created)| format!("{}:{tag}@{}", self.place, self.receipt.digest);
        self.receipt.names.iter().map(full).collect()
    }
}

/// Publishes it everywhere, also if one of the places fails.
pub fn send(
    cargo: &Cargo,
    addresses: &[Address],
    stock: &dyn Stock,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Vec<Result<Sent, Error>>, Error> {
    if let (Some(name), Some(top)) = (&cargo.name, cargo.shipment.top()) {
        reach.store.check_movable(name, &top.digest.to_string())?;
    }
    Ok(addresses.iter().map(|address| send_one(cargo, address, stock, reach, terms)).collect())
}

fn send_one(
    cargo: &Cargo,
    address: &Address,
    stock: &dyn Stock,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Sent, Error> {
    let send_to = |place: &dyn Place, shipment: &Shipment| -> Result<Sent, Error> {
        // Another plan may have led to the same image: its record is missing there.
        let send = if shipment.attachments.is_empty() { push } else { copy };
        let receipt = send(shipment, place, &address.names, stock, terms.interrupted);
        let receipt = receipt.map_err(|error| set_aside(error, reach.store))?;
        Ok(Sent::new(place, receipt))
    };
    let mut sent = match &address.destination {
        Destination::Registry(repository, _) => {
            let place = RegistryPlace { client: &reach.remote.registry, repository: repository.clone() };
            let sent = send_to(&place, &cargo.recorded(reach.store)?)?;
            sent.settle(cargo.name.as_ref(), reach.store, terms)?;
            remember(cargo, &sent, &repository.to_string(), reach.store);
            sent
        }
        // Readers of layouts take an entry without a name for another image: no record of the plan goes there.
        destination => {
            let sent = send_to(&*destination.open(&reach.remote.registry)?, &cargo.shipment)?;
            freeze(cargo.name.as_ref(), &sent, reach.store)?;
            sent
        }
    };
    sent.move_channels(address, reach, terms);
    Ok(sent)
}

impl Sent {
    /// Lets this store know what was published, now or before: the name that it has here stays what it is, and a look for
    /// what moved knows what to look at.
    pub(super) fn settle(&self, name: Option<&Name>, store: &Store, terms: &Terms<'_>) -> Result<(), Error> {
        freeze(name, self, store)?;
        for (tag, _) in &self.receipt.names {
            let (name, digest) = (format!("{}:{tag}", self.place), self.receipt.digest.to_string());
            store.remember_published(&PublishedNote { name, digest, when: terms.now.seconds() })?;
        }
        Ok(())
    }
}

/// A damaged blob of the store goes out of the way, so that the next build makes it anew. It may be another place's that is
/// damaged, so it is looked at first.
fn set_aside(error: PublishError, store: &Store) -> PublishError {
    if let PublishError::Damaged { digest, .. } = &error {
        // What is wrong with it is said already.
        let _ = store.verify_blob(&digest.to_string());
    }
    error
}

/// Remembers where each blob is now.
fn remember(cargo: &Cargo, sent: &Sent, repository: &str, store: &Store) {
    for (blob, how) in &sent.receipt.blobs {
        if *how != How::There || cargo.elsewhere.contains_key(&blob.digest) {
            // What is not remembered is sent once more where it could have been mounted.
            let _ = store.remember_place(&blob.digest, repository);
        }
    }
}

/// What was published under its version stays what it is here, too.
fn freeze(name: Option<&Name>, sent: &Sent, store: &Store) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    let held = store.current(name).is_some_and(|held| held.digest == sent.receipt.digest.to_string());
    let is_version = |(tag, _): &(Tag, Created)| name.version.as_deref() == Some(tag.as_str());
    if held && sent.receipt.names.iter().any(is_version) && !store.is_frozen(name) {
        store.freeze(name)?;
    }
    Ok(())
}
