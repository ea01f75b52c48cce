//! The archive that `docker save` writes and `docker load` and `podman load` read: `manifest.json`, the config, and the
//! layers as plain tars.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::json;

use crate::base::json::bytes_of;
use crate::image::Image;

use super::Subject;
use super::error::OutputError;
use super::tarball::Tarball;

/// `NAME:TAG`, with the version as the tag if none was asked for. Without either the engine knows the image by its digest
/// alone; kiln never makes up a `latest`.
pub fn repo_tag(subject: &Subject<'_>, tag: Option<&str>) -> Result<Option<String>, OutputError> {
    match (subject.name, tag.or(subject.version)) {
        (Some(name), Some(tag)) => Ok(Some(format!("{name}:{tag}"))),
        (None, Some(_)) if tag.is_some() => Err(OutputError::NoName { tag: tag.unwrap_or_default().to_owned() }),
        _ => Ok(None),
    }
}

/// Writes the archive. `manifest.json` comes last in the order of names, but for readers that go through the archive once
/// it stands first.
pub fn write(subject: &Subject<'_>, image: &Image, tag: Option<&str>, out: &mut dyn Write) -> Result<(), OutputError> {
    let config = format!("{}.json", image.config.digest.hex());
    let layers: Vec<String> = image.layers.iter().map(|layer| format!("{}.tar", layer.diff_id.hex())).collect();
    let tags: Vec<String> = repo_tag(subject, tag)?.into_iter().collect();
    let manifest = bytes_of(&json!([{ "Config": config, "Layers": layers, "RepoTags": tags }]));
    let mut tarball = Tarball::new(out);
    tarball.bytes("manifest.json", &manifest)?;
    tarball.bytes(&config, &image.config.bytes)?;
    let mut written = BTreeSet::new();
    for (layer, name) in image.layers.iter().zip(&layers) {
        let diff_id = &layer.diff_id;
        if !written.insert(diff_id) {
            continue;
        }
        let opened = subject.supply.open_uncompressed(diff_id);
        let (mut tar, size) = opened.map_err(|source| OutputError::Blob { digest: diff_id.to_string(), source })?;
        tarball.stream(name, size, &mut tar, diff_id)?;
    }
    tarball.finish()
}
