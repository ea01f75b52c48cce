//! Images of others, made byte by byte: tars in which anything can stand, layouts, and registries that hold them.

// Each binary that uses this uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::Path;

use tar::{EntryType, Header};

use crate::registry::Registry;
use crate::registry::store::digest_of;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A template on a base. All times are given, so that digests of several projects can be compared.
pub(crate) fn on(base: &str) -> String {
    format!(
        "[image]\nname = 'x'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
         created = '2026-02-01T00:00:00Z'\n[base]\nimage = '{base}'\n[[layer]]\nname = 'x'\nwrite = '/x'\ntext = 'x'\n"
    )
}

/// A tar in which anything can stand.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(crate) fn put(mut self, kind: EntryType, name: &str, link: &str, data: &[u8]) -> Self {
        let header = header(kind, name, link, data.len() as u64);
        self.0.append(&header, data).expect("memory does not fail");
        self
    }

    pub(crate) fn file(self, name: &str, data: &str) -> Self {
        self.put(EntryType::Regular, name, "", data.as_bytes())
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        self.put(EntryType::Directory, name, "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.put(EntryType::Symlink, name, target, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.put(EntryType::Link, name, target, b"")
    }

    pub(crate) fn pax(mut self, key: &str, value: &str) -> Self {
        self.0.append_pax_extensions([(key, value.as_bytes())]).expect("memory does not fail");
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("memory does not fail")
    }

    pub(crate) fn layer(self) -> Layer {
        Layer::plain(self.bytes())
    }
}

/// The name and the link go in without the checks of the library.
pub(crate) fn header(kind: EntryType, name: &str, link: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A layer as the documents describe it, and the blob, which may be another.
pub(crate) struct Layer {
    pub(crate) blob: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) size: usize,
    pub(crate) diff_id: String,
    pub(crate) codec: &'static str,
}

impl Layer {
    pub(crate) fn new(tar: &[u8], blob: Vec<u8>, codec: &'static str) -> Self {
        Self { digest: digest_of(&blob), size: blob.len(), diff_id: digest_of(tar), codec, blob }
    }

    pub(crate) fn plain(tar: Vec<u8>) -> Self {
        Self::new(&tar.clone(), tar, "")
    }

    pub(crate) fn gzip(tar: &[u8]) -> Self {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(tar).expect("memory does not fail");
        Self::new(tar, encoder.finish().expect("memory does not fail"), "+gzip")
    }
}

/// The config and the manifest of an image.
pub(crate) fn documents(layers: &[Layer]) -> (String, String) {
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let rootfs = serde_json::json!({ "type": "layers", "diff_ids": diff_ids });
    let config = serde_json::json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs }).to_string();
    let described = |kind: &str, digest: &str, size: usize| serde_json::json!({ "mediaType": kind, "digest": digest, "size": size });
    let layers = layers.iter().map(|layer| {
        described(&format!("application/vnd.oci.image.layer.v1.tar{}", layer.codec), &layer.digest, layer.size)
    });
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG, &digest_of(config.as_bytes()), config.len()),
        "layers": layers.collect::<Vec<_>>(),
    });
    (config, manifest.to_string())
}

/// Writes an image layout in place of what is there.
pub(crate) fn write_layout(directory: &Path, layers: &[Layer]) {
    fs::remove_dir_all(directory).ok();
    fs::create_dir_all(directory.join("blobs/sha256")).expect("a directory of our own");
    let put = |path: &str, bytes: &[u8]| fs::write(directory.join(path), bytes).expect("a directory of our own");
    let (config, manifest) = documents(layers);
    let blob = |digest: &str, bytes: &[u8]| put(&format!("blobs/{}", digest.replace(':', "/")), bytes);
    blob(&digest_of(config.as_bytes()), config.as_bytes());
    blob(&digest_of(manifest.as_bytes()), manifest.as_bytes());
    layers.iter().for_each(|layer| blob(&layer.digest, &layer.blob));
    let entry = serde_json::json!({
        "mediaType": MANIFEST, "digest": digest_of(manifest.as_bytes()), "size": manifest.len(),
    });
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] });
    put("index.json", index.to_string().as_bytes());
    put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
}

pub(crate) fn good() -> Layer {
    Layer::gzip(&Tar::new().directory("etc/").file("etc/name", "good\n").bytes())
}

/// An image in a registry; gives its name and the digest of its layer.
pub(crate) fn push(registry: &Registry, layer: &Layer) -> (String, String) {
    (push_all(registry, std::slice::from_ref(layer)), layer.digest.clone())
}

/// An image of several layers in a registry; gives its name.
pub(crate) fn push_all(registry: &Registry, layers: &[Layer]) -> String {
    let (config, manifest) = documents(layers);
    registry.store(|store| {
        store.put_blob(config.as_bytes());
        layers.iter().for_each(|layer| drop(store.put_blob(&layer.blob)));
        store.put_manifest("a/b", "1", MANIFEST, manifest.as_bytes());
    });
    format!("{}/a/b:1", registry.place())
}
