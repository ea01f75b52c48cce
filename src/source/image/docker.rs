//! The archives of `docker save`. They have no OCI manifest that holds for all of them, so kiln makes one: of the config
//! as it is, and the layers as they are.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Deserialize;

use crate::base::reference::Located;
use crate::base::{DiffId, Hasher, LayerDigest};
use crate::image::build::bare_manifest;
use crate::image::{CheckError, Image, LayerDescriptor, MediaType, checks};
use crate::layer::read::Codec;

use super::error::ImageFileError;
use super::files::Files;
use super::select::list;

/// One image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// The image that `at` names, and the names of its layers' files by digest.
pub(super) fn read(files: &Files, at: &Located) -> Result<(Image, BTreeMap<String, String>), ImageFileError> {
    let path = || files.path().to_owned();
    let check = |source| ImageFileError::Check { path: path(), source };
    let json = files.small("manifest.json")?;
    let all: Vec<Saved> =
        serde_json::from_slice(&json).map_err(|source| ImageFileError::DockerManifest { path: path(), source })?;
    let saved = select(&all, at)?;
    let config = files.small(&saved.config)?;
    let facts = checks::config(&config).map_err(check)?;
    let names = saved.layers.as_deref().unwrap_or_default();
    if names.len() != facts.diff_ids.len() {
        return Err(check(CheckError::LayerCount { layers: names.len(), diff_ids: facts.diff_ids.len() }));
    }
    let mut by_digest = BTreeMap::new();
    let mut layers = Vec::with_capacity(names.len());
    for (name, diff_id) in names.iter().zip(facts.diff_ids) {
        let layer = describe(files, name, diff_id)?;
        by_digest.insert(layer.digest.hex(), name.clone());
        layers.push(layer);
    }
    let image = checks::image(bare_manifest(&config, &layers), config).map_err(check)?;
    Ok((image, by_digest))
}

/// The image with the tag: a whole `NAME:TAG`, or the part behind the colon.
fn select<'a>(all: &'a [Saved], at: &Located) -> Result<&'a Saved, ImageFileError> {
    let tags = |saved: &'a Saved| saved.repo_tags.iter().flatten();
    let is_meant = |tag: &str| {
        let wanted = at.tag.as_deref();
        wanted == Some(tag) || wanted == tag.rsplit_once(':').map(|(_, tag)| tag)
    };
    let matching: Vec<&Saved> =
        all.iter().filter(|saved| at.tag.is_none() || tags(saved).any(|tag| is_meant(tag))).collect();
    let found: Vec<String> = all.iter().flat_map(tags).cloned().collect();
    let (path, found) = (at.path.clone(), list(&found));
    match (&matching[..], &at.tag) {
        ([only], _) => Ok(only),
        ([], Some(tag)) => Err(ImageFileError::NoSuchTag { path, tag: tag.clone(), found }),
        _ => Err(ImageFileError::Ambiguous { path, found }),
    }
}

/// A plain tar is its own diff ID, which is verified when it is read. The digest of a compressed one stands nowhere.
fn describe(files: &Files, name: &str, diff_id: DiffId) -> Result<LayerDescriptor, ImageFileError> {
    let read = |source| ImageFileError::Read { path: files.path().to_owned(), name: name.to_owned(), source };
    let mut start = Vec::new();
    files.open(name)?.take(6).read_to_end(&mut start).map_err(read)?;
    let media_type = match Codec::of(&start) {
        Codec::Gzip => MediaType::ImageLayerGzip,
        Codec::Zstd => MediaType::ImageLayerZstd,
        Codec::Plain | Codec::Xz | Codec::Bzip2 => MediaType::ImageLayer,
    };
    let size_bytes = match files {
        Files::Archive(archive) => archive.size_bytes(name).unwrap_or_default(),
        Files::Directory(_) => 0,
    };
    let digest = if media_type == MediaType::ImageLayer {
        LayerDigest::from(*diff_id.as_bytes())
    } else {
        let mut hasher = Hasher::new();
        io::copy(&mut files.open(name)?, &mut hasher).map_err(read)?;
        hasher.finish()
    };
    Ok(LayerDescriptor { diff_id, digest, size_bytes, media_type })
}
