//! What the registry holds.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// Blobs, manifests and tags; and files at any path, for what is no registry.
#[derive(Default)]
pub(crate) struct Store {
    /// By digest, for all repositories.
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// By repository and digest: media type and bytes.
    pub(crate) manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    /// By repository and tag: a digest.
    pub(crate) tags: BTreeMap<(String, String), String>,
    /// By path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Store {
    /// Keeps a blob; gives its digest.
    pub(crate) fn put_blob(&mut self, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        self.blobs.insert(digest.clone(), bytes.to_owned());
        digest
    }

    /// Keeps a manifest or an index, with a tag if it is not empty; gives its digest.
    pub(crate) fn put_manifest(&mut self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        let value = (media_type.to_owned(), bytes.to_owned());
        self.manifests.insert((repository.to_owned(), digest.clone()), value);
        if !tag.is_empty() {
            self.tags.insert((repository.to_owned(), tag.to_owned()), digest.clone());
        }
        digest
    }

    /// Keeps a file at a path.
    pub(crate) fn put_file(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(path.to_owned(), bytes.to_owned());
    }
}

/// `sha256:..`
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
