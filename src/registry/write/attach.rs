//! What refers to something: attestations, signatures, records (distribution-spec, "Pushing Manifests with Subject").
//!
//! ```text
//! Manifest.. --PUT by digest--> the registry lists them itself, or: fallback tag --read, add, PUT, read--> until ours are there
//! ```
//! Under the fallback tag entries are only added. What remains: registries write a tag whatever it holds. Who read the list
//! before we wrote and writes it after we looked leaves our entries out, and nobody notices. kiln adds them again at the
//! next push.

use serde_json::{Map, Value, json};

use crate::base::BlobDigest;
use crate::base::hash::digest_of;
use crate::base::json::bytes_of;
use crate::image::{Descriptor, Links, MediaType};
use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::name::Repository;
use crate::registry::tag::Tag;
use crate::transport::{Method, Request};

use super::again;
use super::manifest::Indexed;

/// How often somebody else may be faster.
const ROUNDS: usize = 10;

impl Client<'_> {
    /// Writes manifests that all refer to `subject`, and sees to it that they are found there. What is listed and there
    /// already is not written again. Says which were written.
    pub fn attach(
        &self,
        repository: &Repository,
        subject: &BlobDigest,
        artifacts: &[Manifest],
    ) -> Result<Vec<BlobDigest>, RegistryError> {
        let known = self.referrers(repository, subject)?.entries;
        let mut missing: Vec<&Manifest> = Vec::new();
        for artifact in artifacts {
            let is_listed = known.iter().any(|entry| entry.digest == artifact.digest);
            // A list can name what is gone.
            if !is_listed || self.standing(repository, &artifact.digest.to_string())?.is_none() {
                missing.push(artifact);
            }
        }
        let mut unlisted = Vec::new();
        for artifact in &missing {
            if self.push_manifest(repository, artifact)? == Indexed::No {
                unlisted.push(descriptor(artifact));
            }
        }
        if !unlisted.is_empty() {
            self.add_to_fallback(repository, subject, &unlisted)?;
        }
        Ok(missing.iter().map(|artifact| artifact.digest).collect())
    }

    /// Two clients can read the same list and write one after the other; then the first one's entries are gone. So it is
    /// read after each write, and ours are added until they are there.
    fn add_to_fallback(
        &self,
        repository: &Repository,
        subject: &BlobDigest,
        entries: &[Descriptor],
    ) -> Result<(), RegistryError> {
        let tag = Tag::fallback(subject);
        let mut patience = self.transport.patience(self.watch);
        let mut written = 0;
        loop {
            let held = self.fallback(repository, subject)?.map(|(held, links)| (held.bytes, links));
            let lacks = |entry: &&Descriptor| {
                held.as_ref().is_none_or(|(_, links)| links.manifests.iter().all(|known| known.digest != entry.digest))
            };
            let missing: Vec<&Descriptor> = entries.iter().filter(lacks).collect();
            if missing.is_empty() {
                return Ok(());
            }
            if written == ROUNDS {
                return Err(RegistryError::Crowded { tag: shown(repository, tag.as_str()), rounds: ROUNDS });
            }
            let index = with_entries(held.map(|(bytes, _)| bytes).as_deref(), &missing);
            match self.put_fallback(repository, &tag, index) {
                Ok(()) => written += 1,
                Err(error) => again::wait(&mut patience, error)?,
            }
        }
    }

    /// One PUT, which is not repeated: the list may be another one by then.
    fn put_fallback(&self, repository: &Repository, tag: &Tag, index: Vec<u8>) -> Result<(), RegistryError> {
        let name = shown(repository, tag.as_str());
        let subject = Subject { doing: Doing::Write, what: "the list of what refers to", image: &name };
        self.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(Method::Put, self.url(repository, &format!("manifests/{tag}"))?);
            let request = request.authorized(header).with_body(MediaType::ImageIndex.as_ref(), index.clone());
            self.transport.send_once(&request)?.success().map(drop)
        })
    }
}

/// How an artifact is listed: with its kind and all its annotations.
pub fn descriptor(artifact: &Manifest) -> Descriptor {
    let links = Links::of(&artifact.bytes).ok();
    Descriptor {
        media_type: artifact.media_type.to_string(),
        digest: digest_of(&artifact.bytes),
        size: artifact.bytes.len() as u64,
        artifact_type: links.as_ref().and_then(Links::kind),
        annotations: links.map(|links| links.annotations).unwrap_or_default(),
        platform: None,
        urls: Vec::new(),
    }
}

/// An index with more entries. What is in it that kiln does not know stays.
fn with_entries(index: Option<&[u8]>, entries: &[&Descriptor]) -> Vec<u8> {
    let empty = || {
        let fields = [("mediaType", json!(MediaType::ImageIndex.as_ref())), ("schemaVersion", json!(2))];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let mut index: Map<String, Value> =
        index.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_else(empty);
    let manifests = index.entry("manifests").or_insert(Value::Null);
    let entries = entries.iter().map(|entry| json!(entry));
    match manifests {
        Value::Array(manifests) => manifests.extend(entries),
        // What programs in Go write for a list that they did not begin.
        manifests => *manifests = entries.collect(),
    }
    bytes_of(&Value::Object(index))
}
