//! What the registry holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::manifests;
use super::uploads::Uploads;

/// A media type and bytes.
pub(crate) type Document = (String, Vec<u8>);

/// Blobs, manifests and tags; and files at any path, for what is no registry.
#[derive(Default)]
pub(crate) struct Store {
    /// By digest, for all repositories.
    pub(crate) everywhere: BTreeMap<String, Blob>,
    /// By repository and digest: what was pushed or mounted there.
    pub(crate) blobs: BTreeMap<(String, String), Blob>,
    /// By repository and digest.
    pub(crate) manifests: BTreeMap<(String, String), Document>,
    /// By repository and tag: a digest.
    pub(crate) tags: BTreeMap<(String, String), String>,
    /// By path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What has begun to come.
    pub(crate) uploads: Uploads,
}

/// A blob; long ones are known by size only.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) size: u64,
    pub(crate) bytes: Option<Arc<Vec<u8>>>,
}

impl Blob {
    fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, bytes: Some(Arc::new(bytes.to_owned())) }
    }
}

impl Store {
    /// Keeps a blob for every repository; gives its digest.
    pub(crate) fn put_blob(&mut self, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        self.everywhere.insert(digest.clone(), Blob::of(bytes));
        digest
    }

    /// Keeps a blob in one repository; gives its digest.
    pub(crate) fn put_blob_in(&mut self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        self.blobs.insert(key(repository, &digest), Blob::of(bytes));
        digest
    }

    /// Keeps a manifest or an index, with a tag if it is not empty, whatever the rules are; gives its digest.
    pub(crate) fn put_manifest(&mut self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        let value = (media_type.to_owned(), bytes.to_owned());
        self.manifests.insert(key(repository, &digest), value);
        if !tag.is_empty() {
            self.tags.insert(key(repository, tag), digest.clone());
        }
        digest
    }

    /// Keeps a file at a path.
    pub(crate) fn put_file(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(path.to_owned(), bytes.to_owned());
    }

    /// What a repository has under a digest.
    pub(crate) fn blob(&self, repository: &str, digest: &str) -> Option<&Blob> {
        self.blobs.get(&key(repository, digest)).or_else(|| self.everywhere.get(digest))
    }

    /// The digest of a tag.
    pub(crate) fn tag(&self, repository: &str, tag: &str) -> Option<&str> {
        self.tags.get(&key(repository, tag)).map(String::as_str)
    }

    /// The tags of a repository, sorted.
    pub(crate) fn tags_of(&self, repository: &str) -> Vec<&str> {
        self.tags.keys().filter(|(known, _)| known == repository).map(|(_, tag)| tag.as_str()).collect()
    }

    /// A manifest by digest or tag, with its digest.
    pub(crate) fn manifest(&self, repository: &str, name: &str) -> Option<(&str, &Document)> {
        let digest = self.tag(repository, name).unwrap_or(name);
        self.manifests.get_key_value(&key(repository, digest)).map(|((_, digest), value)| (digest.as_str(), value))
    }

    /// All that is missing below a manifest, at any depth, by digest; the manifest itself if it is not there.
    pub(crate) fn missing(&self, repository: &str, name: &str) -> BTreeSet<String> {
        let Some((_, (_, bytes))) = self.manifest(repository, name) else { return BTreeSet::from([name.to_owned()]) };
        let mut missing = BTreeSet::new();
        for wanted in manifests::wanted(bytes).unwrap_or_default() {
            if wanted.is_manifest {
                missing.extend(self.missing(repository, &wanted.digest));
            } else if self.blob(repository, &wanted.digest).is_none() {
                missing.insert(wanted.digest);
            }
        }
        missing
    }
}

pub(super) fn key(repository: &str, name: &str) -> (String, String) {
    (repository.to_owned(), name.to_owned())
}

/// `sha256:..`
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    shown(&Sha256::new_with_prefix(bytes))
}

/// `sha256:..` of what was hashed so far.
pub(super) fn shown(hasher: &Sha256) -> String {
    let hex: String = hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Whether it is written as a digest that this registry knows.
pub(super) fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
