//! Layouts and archives as places, and what is collected from wherever it is.

mod archive;
mod collect;
mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::origin::manifest_of;
use super::*;
use crate::base::BlobDigest;
use crate::base::hash::digest_of;
use crate::base::json::bytes_of;
use crate::image::{Descriptor, MediaType};
use crate::registry::{BlobSource, Manifest, Repository, Tag};

/// Blobs and documents in memory.
#[derive(Default)]
struct Shelf {
    blobs: BTreeMap<BlobDigest, Vec<u8>>,
    referrers: BTreeMap<BlobDigest, Vec<Descriptor>>,
    tags: BTreeMap<String, BlobDigest>,
}

struct Bytes<'a>(&'a [u8]);

impl BlobSource for Bytes<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0))
    }
}

impl Stock for Shelf {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        let missing = PublishError::NoBlob { digest: blob.digest, size_bytes: blob.size };
        Ok(Box::new(Bytes(self.blobs.get(&blob.digest).ok_or(missing)?)))
    }

    fn near(&self, _: &BlobDigest) -> Vec<Repository> {
        Vec::new()
    }
}

impl Origin for Shelf {
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError> {
        let digest = self.tags.get(wanted).copied().or_else(|| wanted.parse().ok());
        let bytes = digest.and_then(|digest| self.blobs.get(&digest));
        bytes.map(|bytes| manifest_of(bytes.clone(), None)).transpose()
    }

    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError> {
        self.resolve(&of.digest.to_string())
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        Ok(self.referrers.get(subject).cloned().unwrap_or_default())
    }
}

impl Shelf {
    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest: BlobDigest = digest_of(bytes);
        self.blobs.insert(digest, bytes.to_vec());
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    fn document(&mut self, document: &Value) -> Manifest {
        let bytes = bytes_of(document);
        let manifest = manifest_of(bytes.clone(), None).expect("a document");
        self.put(manifest.media_type.as_ref(), &bytes);
        manifest
    }

    /// A manifest with a config of this text and one layer.
    fn image(&mut self, note: &str) -> Manifest {
        let config = self.put("application/vnd.oci.image.config.v1+json", format!("{{\"x\":\"{note}\"}}").as_bytes());
        let layer = self.put("application/vnd.oci.image.layer.v1.tar", note.repeat(1000).as_bytes());
        let media_type = MediaType::ImageManifest.as_ref().to_owned();
        self.document(&json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer] }))
    }

    fn index(&mut self, manifests: &[&Manifest]) -> Manifest {
        let entries: Vec<Value> = manifests.iter().map(|manifest| json!(entry(manifest))).collect();
        let media_type = MediaType::ImageIndex.as_ref().to_owned();
        self.document(&json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": entries }))
    }

    /// Something that refers to another one, and is listed there.
    fn artifact(&mut self, subject: &Manifest, note: &str) -> Manifest {
        let config = self.put("application/vnd.oci.empty.v1+json", b"{}");
        let layer = self.put("application/x-note", note.as_bytes());
        let artifact = self.document(&json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.as_ref(),
            "artifactType": "application/x-note",
            "config": config,
            "layers": [layer],
            "subject": entry(subject),
        }));
        self.referrers.entry(subject.digest).or_default().push(entry(&artifact));
        artifact
    }
}

fn entry(manifest: &Manifest) -> Descriptor {
    Descriptor::plain(&manifest.media_type, manifest.digest, manifest.bytes.len() as u64)
}

fn names(tags: &[&str]) -> Names {
    Names::new(tags.iter().map(|tag| tag.parse::<Tag>().expect("a tag")))
}

fn send(shelf: &Shelf, top: &Manifest, place: &dyn Place, tags: &[&str]) -> Result<Receipt, PublishError> {
    let shipment = collect(shelf, top.clone())?;
    copy(&shipment, place, &names(tags), shelf, &AtomicBool::new(false))
}

/// Every file below a directory, with its bytes.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(directory).into_iter().map(|entry| entry.expect("ours"));
    let files = walk.filter(|entry| entry.file_type().is_file());
    let name = |path: &Path| path.strip_prefix(directory).expect("below").display().to_string();
    files.map(|entry| (name(entry.path()), fs::read(entry.path()).expect("ours"))).collect()
}
