//! What goes: the manifests of what was built or is kept, and where their blobs are.

use std::collections::BTreeMap;

use crate::base::{BlobDigest, PlanDigest};
use crate::image::{Links, MediaType, checks};
use crate::pipeline::build::Built;
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::publish::record;
use crate::publish::{PublishError, Shipment};
use crate::registry::{ImageName, Manifest, Repository};
use crate::store::{Name, Store};

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
        let mut manifests: Vec<Manifest> = built
            .images
            .iter()
            .map(|image| Manifest {
                digest: BlobDigest::from(*image.manifest.digest.as_bytes()),
                media_type: image.manifest.media_type.clone(),
                bytes: image.manifest.bytes.clone(),
            })
            .collect();
        manifests.extend(built.index.as_ref().map(|index| Manifest {
            digest: BlobDigest::from(*index.digest.as_bytes()),
            media_type: MediaType::ImageIndex,
            bytes: index.bytes.clone(),
        }));
        let shipment = Shipment { manifests, ..Shipment::default() };
        let name = prepared.plan.name.clone().map(|name| Name { name, version: prepared.plan.version.clone() });
        Ok(Self { shipment, elsewhere: elsewhere(prepared), name, plan: Some(prepared.digest) })
    }

    /// What the store keeps under a name.
    pub fn of_store(name: &Name, store: &Store) -> Result<Self, Error> {
        let (name, entry) = store.find(name)?;
        let mut manifests = Vec::new();
        collect(&entry.digest, MediaType::from(entry.media_type.as_str()), store, &mut manifests)?;
        let shipment = Shipment { manifests, ..Shipment::default() };
        Ok(Self { shipment, elsewhere: BTreeMap::new(), name: Some(name), plan: None })
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

/// A manifest or index of the store after all that it leads to.
fn collect(digest: &str, media_type: MediaType, store: &Store, all: &mut Vec<Manifest>) -> Result<(), Error> {
    let bytes = store.read_blob(digest)?;
    let links = Links::of(&bytes).map_err(PublishError::from)?;
    if checks::is_index(&media_type) {
        for entry in &links.manifests {
            collect(&entry.digest.to_string(), MediaType::from(entry.media_type.as_str()), store, all)?;
        }
    }
    let digest = crate::base::hash::digest_of(&bytes);
    all.push(Manifest { digest, media_type, bytes });
    Ok(())
}
