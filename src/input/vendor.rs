//! All inputs of a lock in one OCI layout: what a machine without a network builds from.
//!
//! ```text
//! DIR/oci-layout, index.json        a manifest for each image; a small artifact for each download, commit and fetch
//! DIR/blobs/sha256/HEX              their blobs: found by digest, which is all that a build asks for
//! ```
//! Everything that reads OCI layouts can look into it, copy it and check it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::base::json::bytes_of;
use crate::lock::{FetchPin, GitPin, PackagesPin, Pin, Request};
use crate::store::{Store, replace_file};

use super::{BaseImage, InputError, Reach};

/// A layout to take inputs from.
#[derive(Debug, Clone)]
pub struct Vendor {
    root: PathBuf,
}

/// What a vendored download, commit or fetch is called.
const ARTIFACT_TYPE: &str = "application/vnd.kiln.input.v1";
/// Registered with IANA.
const DEB: &str = "application/vnd.debian.binary-package";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

impl Vendor {
    /// Opens what `kiln vendor` wrote.
    pub fn open_layout(root: &Path) -> Result<Self, InputError> {
        let fail = |source| InputError::Vendor { doing: "read", path: root.to_owned(), source };
        fs::metadata(root.join("oci-layout")).map_err(fail)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Opens a blob. Whoever reads it compares it with its digest.
    pub fn open(&self, digest: &str) -> Option<File> {
        File::open(blob_path(&self.root, digest)?).ok()
    }

    /// A small blob, if it is what its digest says.
    pub fn document(&self, digest: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = crate::image::checks::DOCUMENT_MAX_BYTES as u64;
        self.open(digest)?.take(limit).read_to_end(&mut bytes).ok()?;
        (digest_of::<ContentDigest>(&bytes).to_string() == digest).then_some(bytes)
    }
}

fn blob_path(root: &Path, digest: &str) -> Option<PathBuf> {
    let digest: ContentDigest = digest.parse().ok()?;
    Some(root.join("blobs/sha256").join(digest.hex()))
}

/// Writes a layout, blob by blob; what is there already stays.
pub struct Writer<'a> {
    root: &'a Path,
    store: &'a Store,
    manifests: Vec<Value>,
}

impl<'a> Writer<'a> {
    /// Begins in `root`, which is made if it is not there.
    pub fn new(root: &'a Path, store: &'a Store) -> Result<Self, InputError> {
        let writer = Self { root, store, manifests: Vec::new() };
        fs::create_dir_all(root.join("blobs/sha256")).map_err(|source| writer.fail(source))?;
        Ok(writer)
    }

    fn fail(&self, source: io::Error) -> InputError {
        InputError::Vendor { doing: "write", path: self.root.to_owned(), source }
    }

    /// Adds an image with all its layers.
    pub fn image(&mut self, image: &BaseImage, reach: &Reach<'_>) -> Result<(), InputError> {
        image.bring_blobs(reach)?;
        for layer in &image.image.layers {
            self.blob(&layer.digest.to_string())?;
        }
        self.bytes(&image.image.config.bytes)?;
        self.bytes(&image.image.manifest.bytes)?;
        let platform = &image.image.platform;
        let mut shown = json!({ "os": platform.os, "architecture": platform.architecture });
        if let Some(variant) = &platform.variant {
            shown["variant"] = json!(variant);
        }
        self.manifests.push(json!({
            "mediaType": image.image.manifest.media_type.as_ref(),
            "digest": image.image.manifest.digest,
            "size": image.image.manifest.bytes.len(),
            "platform": shown,
            "annotations": { "org.opencontainers.image.ref.name": image.request.image },
        }));
        Ok(())
    }

    /// Adds a download, a commit or what a command fetched, whose blob is in the store.
    pub fn artifact(&mut self, request: &Request, pin: &Pin) -> Result<(), InputError> {
        let (digest, media_type) = match pin {
            Pin::Url(pin) => (pin.sha256, "application/octet-stream"),
            Pin::Git(GitPin { tree, .. }) | Pin::Fetch(FetchPin { tree, .. }) => {
                (*tree, "application/vnd.oci.image.layer.v1.tar")
            }
            Pin::Packages(pin) => return self.packages(request, pin),
            Pin::Image(_) => return Ok(()),
        };
        self.one(request, &digest, media_type, &pin.to_string(), &request.to_string())
    }

    /// Adds the files of a set, each as an artifact of its own: sets share packages.
    fn packages(&mut self, request: &Request, pin: &PackagesPin) -> Result<(), InputError> {
        for package in &pin.set {
            let name = format!("{} {} ({})", package.name, package.version, package.architecture);
            self.one(request, &package.sha256, DEB, &name, &format!("package {name}"))?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        request: &Request,
        digest: &ContentDigest,
        media_type: &str,
        pin: &str,
        name: &str,
    ) -> Result<(), InputError> {
        let digest = digest.to_string();
        self.blob(&digest)?;
        let size = self.store.open_blob(&digest)?.metadata().map_err(|source| self.fail(source))?.len();
        let empty = self.bytes(b"{}")?;
        let manifest = bytes_of(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": ARTIFACT_TYPE,
            "config": { "mediaType": EMPTY, "digest": empty, "size": 2 },
            "layers": [{ "mediaType": media_type, "digest": digest, "size": size }],
            "annotations": { "dev.kiln.input": request.to_string(), "dev.kiln.pin": pin },
        }));
        let digest = self.bytes(&manifest)?;
        self.manifests.push(json!({
            "mediaType": MANIFEST, "artifactType": ARTIFACT_TYPE, "digest": digest, "size": manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": name },
        }));
        Ok(())
    }

    /// Writes what makes the directory a layout. Before that it is none.
    pub fn finish(self) -> Result<usize, InputError> {
        let index = bytes_of(&json!({ "schemaVersion": 2, "manifests": self.manifests }));
        self.replace("index.json", &index)?;
        self.replace("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}")?;
        Ok(self.manifests.len())
    }

    fn blob(&self, digest: &str) -> Result<(), InputError> {
        match blob_path(self.root, digest) {
            Some(path) if !path.exists() => Ok(self.store.place_blob(digest, &path)?),
            _ => Ok(()),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> Result<String, InputError> {
        let digest = digest_of::<ContentDigest>(bytes);
        self.replace(&format!("blobs/sha256/{}", digest.hex()), bytes)?;
        Ok(digest.to_string())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), InputError> {
        replace_file(&self.root.join(name), bytes).map_err(|source| self.fail(source))
    }
}
