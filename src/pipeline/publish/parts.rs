//! An image that several machines build: one platform each, and one that puts them together.
//!
//! ```text
//! machine 1   Prepared + Built --keep_part-->  its blobs and manifest, under `part-HEX`, and a Part
//! machine 2   ..
//! any         Part.. --join-->                 Cargo: the manifests as they are there, and the index
//! ```

use std::collections::BTreeMap;

use crate::base::hash::digest_of;
use crate::base::{BlobDigest, LayerDigest, PlanDigest};
use crate::image::{self, Image, MediaType, annotations, checks};
use crate::input::Reach;
use crate::pipeline::build::Built;
use crate::pipeline::error::Error;
use crate::pipeline::prepare::Prepared;
use crate::pipeline::terms::Terms;
use crate::publish::part::{Common, FORMAT, Part, PartPlace};
use crate::publish::{Destination, Names, PublishError, Shipment};
use crate::registry::{ImageName, Manifest, Repository, Tag};

use super::addresses::{Address, TagWish, channels, plan_tag};
use super::cargo::Cargo;
use super::send::{Sent, send};

/// What a part is called until the whole has a name.
fn tag_of(manifest: &BlobDigest) -> Result<Tag, Error> {
    Ok(format!("part-{}", manifest.short()).parse().map_err(PublishError::from)?)
}

/// Brings the image of one platform to where the whole will be, without the names that it will have.
pub fn keep_part(
    prepared: &Prepared,
    built: &Built,
    places: Vec<PartPlace>,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<(Part, Vec<Result<Sent, Error>>), Error> {
    let loaded = &prepared.loaded;
    let plan = prepared.plan.parts()?.pop().ok_or(PublishError::Nothing)?;
    let cargo = Cargo { name: None, plan: None, ..Cargo::of_build(prepared, built)? };
    let manifest = cargo.shipment.top().ok_or(PublishError::Nothing)?.digest;
    let names = Names::new([tag_of(&manifest)?]);
    let addresses = places.iter().map(|place| {
        let repository = repository(&place.repository)?;
        let destination = Destination::Registry(repository, None);
        Ok(Address { destination, names: names.clone(), channels: None })
    });
    let addresses = addresses.collect::<Result<Vec<Address>, Error>>()?;
    let publish = &loaded.facts.publish;
    let common = Common {
        template: loaded.document.digest(),
        lock: loaded.lock.as_ref().map(|lock| digest_of(lock.to_text().as_bytes())),
        head: prepared.plan.head(),
        platforms: loaded.settled.platforms.clone(),
        places,
        channels: publish.channels.clone(),
        order: publish.order.name().to_owned(),
    };
    let part = Part { format: FORMAT.to_owned(), common, plan, manifest };
    Ok((part, send(&cargo, &addresses, &cargo.stock(reach), reach, terms)?))
}

/// The names that the whole gets in a place. The tag of its plan is made of all parts: that of this one's plan is none.
pub fn part_place(address: &Address, tags: &[TagWish], own: &PlanDigest) -> Result<PartPlace, Error> {
    let own = plan_tag(own)?;
    let names = address.names.tags().iter().filter(|tag| **tag != own).map(Tag::to_string);
    let repository = match &address.destination {
        Destination::Registry(repository, _) => repository.to_string(),
        other => other.to_string(),
    };
    Ok(PartPlace { repository, tags: names.collect(), plan_tag: tags.contains(&TagWish::Plan) })
}

/// The whole of an image whose parts are in every place, and where it goes.
pub fn join(common: &Common, parts: &[&Part], reach: &Reach<'_>) -> Result<(Cargo, Vec<Address>), Error> {
    let plan = common.plan(parts)?;
    let mut addresses = Vec::new();
    for place in &common.places {
        let tags = place.tags.iter().map(|tag| tag.parse::<Tag>());
        let mut tags = tags.collect::<Result<Vec<Tag>, _>>().map_err(PublishError::from)?;
        if place.plan_tag {
            tags.push(plan_tag(&plan)?);
        }
        let destination = Destination::Registry(repository(&place.repository)?, None);
        let names = Names::new(tags);
        let channels = channels(&names, &common.channels, common.order()?, common.head.version.as_deref())?;
        addresses.push(Address { destination, names, channels });
    }
    let first = common.places.first().ok_or(Error::NoDestination)?;
    let from = repository(&first.repository)?;
    let images = parts.iter().map(|part| image_of(part, &from, reach)).collect::<Result<Vec<Image>, Error>>()?;
    let mut manifests: Vec<Manifest> = images.iter().map(|image| Manifest::from(&image.manifest)).collect();
    if images.len() > 1 {
        let head = &common.head;
        let (name, version) = (head.name.as_deref(), head.version.as_deref());
        let annotations = annotations::annotations(head.created, name, version, &head.annotations);
        let index = image::index(&images, &annotations)?;
        let digest = BlobDigest::from(*index.digest.as_bytes());
        manifests.push(Manifest { digest, media_type: MediaType::ImageIndex, bytes: index.bytes });
    }
    let elsewhere = elsewhere(&images, &from);
    let shipment = Shipment { manifests, ..Shipment::default() };
    Ok((Cargo { shipment, elsewhere, name: None, plan: Some(plan) }, addresses))
}

fn repository(text: &str) -> Result<Repository, Error> {
    Ok(text.parse::<ImageName>().map_err(PublishError::from)?.repository)
}

/// The image of a part, as the registry has it, held against what the part says.
fn image_of(part: &Part, from: &Repository, reach: &Reach<'_>) -> Result<Image, Error> {
    let client = &reach.remote.registry;
    let manifest = client.document_of(from, &part.manifest).map_err(PublishError::from)?;
    let check = |source| Error::from(PublishError::Manifest(source));
    let facts = checks::manifest(&manifest.bytes).map_err(check)?;
    let config = BlobDigest::from(*facts.config.as_bytes());
    let mut bytes = Vec::new();
    client.blob(from, &config, facts.config_size_bytes, &mut bytes).map_err(PublishError::from)?;
    let image = checks::image(manifest.bytes, bytes).map_err(check)?;
    part.check(&image.platform)?;
    Ok(image)
}

/// The blobs of the parts, in case that one of several places lacks them.
fn elsewhere(images: &[Image], from: &Repository) -> BTreeMap<BlobDigest, Repository> {
    let layers = images.iter().flat_map(|image| &image.layers).map(|layer| layer.digest);
    let configs = images.iter().map(|image| LayerDigest::from(*image.config.digest.as_bytes()));
    layers.chain(configs).map(|digest| (BlobDigest::from(*digest.as_bytes()), from.clone())).collect()
}

/// The tags that kept the parts until now.
pub fn part_tags(parts: &[&Part]) -> Result<Vec<Tag>, Error> {
    parts.iter().map(|part| tag_of(&part.manifest)).collect()
}
