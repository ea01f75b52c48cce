//! What goes: the manifests of what was built or is kept, and where their blobs are.

use std::collections::BTreeMap;

use crate::base::reference::Located;
use crate::base::{BlobDigest, PlanDigest};
use crate::image::MediaType;
use crate::pipeline::build::Built;
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::publish::origin::{FileOrigin, StoreOrigin};
use crate::publish::record;
use crate::publish::{Origin, Shipment, collect};
use crate::registry::{ImageName, Manifest, Repository};
use crate::store::{Name, Store, StoreError};

/// What goes.
#[derive(Debug)]
pub struct Cargo {
    /// Its manifests.
    pub shipment: Shipment,
    /// Blobs that the store need not have, and where they are.
    pub elsewhere: BTreeMap<BlobDigest, Repository>,
    /// What it is in the store; then it must not become anything else once it is published.
    pub name: Option<Name>,
    /// What it was built by.
    pub plan: Option<PlanDigest>,
}

impl Cargo {
    /// What was built.
    pub fn of_build(prepared: &Prepared, built: &Built) -> Result<Self, Error> {
        let mut manifests: Vec<Manifest> = built.images.iter().map(|image| Manifest::from(&image.manifest)).collect();
        manifests.extend(built.index.as_ref().map(|index| Manifest {
            digest: BlobDigest::from(*index.digest.as_bytes()),
            media_type: MediaType::ImageIndex,
            bytes: index.bytes.clone(),
        }));
        let shipment = Shipment { manifests, ..Shipment::default() };
        let name = prepared.plan.name.clone().map(|name| Name { name, version: prepared.plan.version.clone() });
        Ok(Self { shipment, elsewhere: elsewhere(prepared), name, plan: Some(prepared.digest) })
    }

    /// What the store keeps under a name, if it is whole: a tag that holds a part of the platforms could never hold the rest.
    pub fn of_store(name: &Name, store: &Store) -> Result<Self, Error> {
        let (name, entry) = store.find(name)?;
        if entry.narrowed {
            return Err(Error::Narrowed { name: name.to_string() });
        }
        let origin = StoreOrigin { store };
        let missing = || StoreError::Missing { digest: entry.digest.clone() };
        let top = origin.resolve(&entry.digest)?.ok_or_else(missing)?;
        let shipment = collect(&origin, top)?;
        Ok(Self { shipment, elsewhere: BTreeMap::new(), name: Some(name), plan: None })
    }

    /// What is in a layout or an archive, with all that refers to it there; and the name that it has.
    pub fn of_file(at: &Located, origin: &FileOrigin) -> Result<(Self, Option<String>), Error> {
        let (top, name) = origin.top(at)?;
        let shipment = collect(origin, top)?;
        Ok((Self { shipment, elsewhere: BTreeMap::new(), name: None, plan: None }, name))
    }

    /// The same with a record of its plan, which places that keep what refers to something get along.
    pub fn recorded(&self, store: &Store) -> Result<Shipment, Error> {
        let mut shipment = self.shipment.clone();
        if let (Some(plan), Some(top)) = (&self.plan, self.shipment.top()) {
            let empty = crate::base::hash::digest_of::<BlobDigest>(record::EMPTY);
            store.put_bytes(&empty.to_string(), record::EMPTY)?;
            shipment.attachments.push(record::attachment(top, plan));
        }
        Ok(shipment)
    }
}

/// The layers of bases that are in registries.
fn elsewhere(prepared: &Prepared) -> BTreeMap<BlobDigest, Repository> {
    let bases = prepared.platforms.iter().filter_map(|platform| platform.base.as_ref());
    let mut elsewhere = BTreeMap::new();
    for foreign in bases.filter_map(|request| prepared.gathered.images.get(request)) {
        let name = foreign.image.registry_name().and_then(|name| name.parse::<ImageName>().ok());
        let Some(ImageName { repository, .. }) = name else { continue };
        for layer in &foreign.image.image.layers {
            elsewhere.insert(BlobDigest::from(*layer.digest.as_bytes()), repository.clone());
        }
    }
    elsewhere
}
