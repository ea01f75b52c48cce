//! Images in files: `oci:`, `oci-archive:` and `docker-archive:`.
//!
//! ```text
//! Reference --open--> ImageFile --image(platform)--> Image        manifest and config, verified and checked
//!                               --layer(descriptor)--> impl Read  the blob, verified when it ends
//! ```
//! An archive is gone through once for the places of its files; no blob is ever held in memory. Kiln reads these itself
//! because every byte has to be verified against the digest that led to it.
//!
//! Architecture Invariant: nothing is written, and nothing is believed that was not digested.

pub mod docker;
pub mod error;
pub mod files;
pub mod select;
#[cfg(test)]
mod tests;
pub mod verify;

pub use error::ImageFileError;
pub use verify::{Verified, VerifyError};

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::base::digest::{DIGEST_BYTES, hex};
use crate::base::hash::digest_of;
use crate::base::reference::{Located, Reference};
use crate::base::{IndexDigest, Platform};
use crate::image::checks::{self, DOCUMENT_MAX_BYTES};
use crate::image::{CheckError, Image, Index, IndexEntry, LayerDescriptor};

use files::Files;

/// An image for one or several platforms in a file or directory.
pub struct ImageFile {
    files: Files,
    top: Top,
    /// Where blobs are that are not under their digests: in docker archives.
    names: BTreeMap<String, String>,
}

enum Top {
    Manifest(IndexEntry),
    Index(Index),
    Docker(Box<Image>),
}

/// Opens what `reference` names, and finds the image that its tag names, or the only one.
pub fn open(reference: &Reference) -> Result<ImageFile, ImageFileError> {
    match reference {
        Reference::OciDirectory(at) => open_layout(Files::directory(&at.path), at),
        Reference::OciArchive(at) => open_layout(Files::archive(&at.path)?, at),
        Reference::DockerArchive(at) => {
            let files = Files::archive(&at.path)?;
            let (image, names) = docker::read(&files, at)?;
            Ok(ImageFile { files, top: Top::Docker(Box::new(image)), names })
        }
        Reference::Store { .. } | Reference::Registry(_) => {
            Err(ImageFileError::NotAFile { reference: reference.to_string() })
        }
    }
}

fn open_layout(files: Files, at: &Located) -> Result<ImageFile, ImageFileError> {
    let path = &at.path;
    select::check_version(&files)?;
    let bytes = files.small("index.json")?;
    let entries = checks::index(&bytes).map_err(|source| check(path, source))?;
    let names = BTreeMap::new();
    let top = match select::select(entries, at)? {
        // Some tools list the images of the platforms right here.
        select::Selected::All(entries) => {
            Top::Index(Index { digest: digest_of(&bytes), bytes, manifests: images(entries) })
        }
        select::Selected::One(entry) if checks::is_manifest(&entry.media_type) => Top::Manifest(entry),
        select::Selected::One(entry) if checks::is_index(&entry.media_type) => {
            let bytes = document(&files, &names, entry.digest.as_bytes(), entry.size_bytes)?;
            let manifests = checks::index(&bytes).map_err(|source| check(path, source))?;
            Top::Index(Index {
                digest: IndexDigest::from(*entry.digest.as_bytes()),
                bytes,
                manifests: images(manifests),
            })
        }
        select::Selected::One(entry) => {
            let found = entry.media_type.to_string();
            return Err(check(path, CheckError::MediaType { what: "image", found }));
        }
    };
    Ok(ImageFile { files, top, names })
}

/// The images among the entries of an index: attestations stand there too, for the platform `unknown/unknown`.
fn images(entries: Vec<IndexEntry>) -> Vec<IndexEntry> {
    let is_image = |entry: &IndexEntry| {
        checks::is_manifest(&entry.media_type)
            && entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
    };
    entries.into_iter().filter(is_image).collect()
}

fn check(path: &Path, source: CheckError) -> ImageFileError {
    ImageFileError::Check { path: path.to_owned(), source }
}

impl ImageFile {
    /// The index, if the image has one.
    pub fn index(&self) -> Option<&Index> {
        match &self.top {
            Top::Index(index) => Some(index),
            Top::Manifest(_) | Top::Docker(_) => None,
        }
    }

    /// Digest of the index or manifest. A docker archive has none; this is that of the manifest kiln makes for it.
    pub fn digest(&self) -> String {
        match &self.top {
            Top::Index(index) => index.digest.to_string(),
            Top::Manifest(entry) => entry.digest.to_string(),
            Top::Docker(image) => image.manifest.digest.to_string(),
        }
    }

    /// The image for `platform`; without one, the only image.
    pub fn image(&self, platform: Option<&Platform>) -> Result<Image, ImageFileError> {
        let image = match &self.top {
            Top::Docker(image) => (**image).clone(),
            Top::Manifest(entry) => self.read(entry)?,
            Top::Index(index) => return self.read(select::platform(&index.manifests, platform)?),
        };
        match platform {
            Some(wanted) if *wanted != image.platform => {
                Err(ImageFileError::NoSuchPlatform { wanted: wanted.clone(), found: image.platform.to_string() })
            }
            _ => Ok(image),
        }
    }

    /// The images for all platforms, in the order of the index.
    pub fn images(&self) -> Result<Vec<Image>, ImageFileError> {
        match &self.top {
            Top::Index(index) => index.manifests.iter().map(|entry| self.read(entry)).collect(),
            Top::Manifest(_) | Top::Docker(_) => Ok(vec![self.image(None)?]),
        }
    }

    /// The blob of a layer. Reading it to its end fails if it is not what its digest says.
    pub fn layer(&self, layer: &LayerDescriptor) -> Result<Verified<Box<dyn Read + Send>>, ImageFileError> {
        blob(&self.files, &self.names, layer.digest.as_bytes(), layer.size_bytes)
    }

    fn read(&self, entry: &IndexEntry) -> Result<Image, ImageFileError> {
        let path = self.files.path();
        let manifest = document(&self.files, &self.names, entry.digest.as_bytes(), entry.size_bytes)?;
        let facts = checks::manifest(&manifest).map_err(|source| check(path, source))?;
        let config = document(&self.files, &self.names, facts.config.as_bytes(), facts.config_size_bytes)?;
        checks::image(manifest, config).map_err(|source| check(path, source))
    }
}

fn blob(
    files: &Files,
    names: &BTreeMap<String, String>,
    digest: &[u8; DIGEST_BYTES],
    size_bytes: u64,
) -> Result<Verified<Box<dyn Read + Send>>, ImageFileError> {
    let hex = hex(digest);
    let name = names.get(&hex).cloned().unwrap_or_else(|| format!("blobs/sha256/{hex}"));
    Ok(Verified::new(files.open(&name)?, *digest, size_bytes))
}

/// A whole blob that is JSON, which has a limit.
fn document(
    files: &Files,
    names: &BTreeMap<String, String>,
    digest: &[u8; DIGEST_BYTES],
    size_bytes: u64,
) -> Result<Vec<u8>, ImageFileError> {
    let path = files.path();
    if size_bytes > DOCUMENT_MAX_BYTES as u64 {
        let size_bytes = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        return Err(check(path, CheckError::TooLarge { what: "document", size_bytes }));
    }
    let mut bytes = Vec::new();
    let read = blob(files, names, digest, size_bytes)?.read_to_end(&mut bytes);
    read.map_err(|source| ImageFileError::Read { path: path.to_owned(), name: hex(digest), source })?;
    Ok(bytes)
}
