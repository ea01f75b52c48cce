//! An image that exists, read for people: from the store or from a file.

use std::io::Read;

use serde_json::Value;

use crate::base::Platform;
use crate::base::reference::Reference;
use crate::image::{Image, LayerDescriptor, checks};
use crate::input::{self, BaseImage, Reach};
use crate::layer::read::{decoder, ignore, layer};
use crate::source::image::{ImageFile, open};
use crate::store::{Name, Store};
use crate::tree::{Changeset, Tree};

use super::error::Error;

/// An image.
#[derive(Debug)]
pub struct Seen {
    /// Of the index or the manifest.
    pub digest: String,
    /// One for each platform that was asked for.
    pub images: Vec<SeenImage>,
}

/// The image of one platform.
#[derive(Debug)]
pub struct SeenImage {
    /// Its documents.
    pub image: Image,
    /// The config as JSON.
    pub config: Value,
    /// The manifest's annotations.
    pub annotations: Value,
    /// Layers from the bottom up.
    pub layers: Vec<SeenLayer>,
}

/// One layer.
#[derive(Debug)]
pub struct SeenLayer {
    /// What the history says of it.
    pub created_by: String,
    /// Its blob.
    pub descriptor: LayerDescriptor,
    /// What is in it, if that was asked for.
    pub changeset: Option<Changeset>,
}

impl SeenImage {
    /// All layers put together.
    pub fn root(&self) -> Tree {
        let mut root = Tree::new();
        for changeset in self.layers.iter().filter_map(|layer| layer.changeset.as_ref()) {
            root.apply(changeset);
        }
        root
    }
}

/// Whether the layers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Config and manifest alone.
    Documents,
    /// The files of every layer too.
    Files,
}

/// Where an image is read from.
enum Place<'a> {
    Store(&'a Store),
    File(Box<ImageFile>),
}

/// Reads the image that a name of the store holds.
pub fn look_in_store(name: &Name, platform: Option<&Platform>, depth: Depth, store: &Store) -> Result<Seen, Error> {
    let (_, entry) = store.find(name)?;
    let images = stored_images(&entry.digest, store)?;
    see_all(entry.digest, images, platform, depth, &Place::Store(store))
}

/// Reads the image that a name in a registry holds now. What is fetched for it stays in the store.
pub fn look_in_registry(
    image: &str,
    platform: Option<&Platform>,
    machine: &Platform,
    depth: Depth,
    reach: &Reach<'_>,
) -> Result<Seen, Error> {
    let (digest, images) = input::image::look(image, machine, reach)?;
    let is_wanted = |image: &&BaseImage| platform.is_none_or(|wanted| image.image.platform == *wanted);
    if depth == Depth::Files {
        for image in images.iter().filter(is_wanted) {
            image.bring_blobs(reach)?;
        }
    }
    let images = images.into_iter().map(|image| image.image).collect();
    see_all(digest, images, platform, depth, &Place::Store(reach.store))
}

/// Reads the image in a file or directory.
pub fn look_at_file(reference: &Reference, platform: Option<&Platform>, depth: Depth) -> Result<Seen, Error> {
    let file = open(reference)?;
    let (digest, images) = (file.digest(), file.images()?);
    see_all(digest, images, platform, depth, &Place::File(Box::new(file)))
}

fn see_all(
    digest: String,
    images: Vec<Image>,
    platform: Option<&Platform>,
    depth: Depth,
    place: &Place<'_>,
) -> Result<Seen, Error> {
    let found = images.iter().map(|image| image.platform.to_string()).collect::<Vec<_>>().join(", ");
    let chosen: Vec<Image> =
        images.into_iter().filter(|image| platform.is_none_or(|wanted| image.platform == *wanted)).collect();
    if let (Some(wanted), true) = (platform, chosen.is_empty()) {
        return Err(Error::NoSuchPlatform { wanted: wanted.to_string(), found });
    }
    let images = chosen.into_iter().map(|image| see(image, depth, place)).collect::<Result<_, _>>()?;
    Ok(Seen { digest, images })
}

fn stored_images(digest: &str, store: &Store) -> Result<Vec<Image>, Error> {
    let damaged = |_| Error::Store(crate::store::StoreError::Damaged { digest: digest.to_owned() });
    let bytes = store.read_blob(digest)?;
    if let Ok(entries) = checks::index(&bytes) {
        let images = entries.iter().map(|entry| stored_images(&entry.digest.to_string(), store));
        return Ok(images.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    let facts = checks::manifest(&bytes).map_err(damaged)?;
    let config = store.read_blob(&facts.config.to_string())?;
    Ok(vec![checks::image(bytes, config).map_err(damaged)?])
}

fn see(image: Image, depth: Depth, place: &Place<'_>) -> Result<SeenImage, Error> {
    let config: Value = serde_json::from_slice(&image.config.bytes)?;
    let manifest: Value = serde_json::from_slice(&image.manifest.bytes)?;
    let history = config["history"].as_array().into_iter().flatten();
    let mut names = history
        .filter(|entry| entry["empty_layer"] != Value::Bool(true))
        .map(|entry| entry["created_by"].as_str().unwrap_or_default().to_owned());
    let mut layers = Vec::new();
    for descriptor in &image.layers {
        let changeset = match depth {
            Depth::Documents => None,
            Depth::Files => Some(read_layer(descriptor, place)?),
        };
        let created_by = names.next().unwrap_or_default();
        layers.push(SeenLayer { created_by, descriptor: descriptor.clone(), changeset });
    }
    Ok(SeenImage { config, annotations: manifest["annotations"].clone(), layers, image })
}

fn read_layer(descriptor: &LayerDescriptor, place: &Place<'_>) -> Result<Changeset, Error> {
    let digest = descriptor.digest.to_string();
    let blob: Box<dyn Read> = match place {
        Place::Store(store) => Box::new(store.open_blob(&digest)?),
        Place::File(file) => Box::new(file.layer(descriptor)?),
    };
    let fail = |source| Error::ReadLayer { digest: digest.clone(), source };
    let tar = decoder(blob).map_err(|source| fail(crate::layer::read::ReadError::Io { offset: 0, source }))?;
    layer(tar, &mut ignore).map_err(fail)
}
