//! OCI layouts with one image: one of one gzip layer is written, what a layout names is read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What `gzip` and most builders use.
const LEVEL: u32 = 6;
/// Tag of the images that are written.
pub(crate) const TAG: &str = "1";

/// When the images say that they were made.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// Where the tar of a layer is written to.
pub(crate) type LayerWriter = Digesting<GzEncoder<Digesting<BufWriter<File>>>>;

/// Counts and digests what is written.
pub(crate) struct Digesting<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Digesting<W> {
    fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new(), bytes: 0 }
    }

    fn finish(self) -> (W, String, u64) {
        (self.inner, name_of(&self.digest.finalize()), self.bytes)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a layout in place of what is there; `fill` writes the layer's tar.
pub(crate) fn write(layout: &Path, fill: impl FnOnce(LayerWriter) -> io::Result<LayerWriter>) -> io::Result<()> {
    if layout.exists() {
        fs::remove_dir_all(layout)?;
    }
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let packed = Digesting::new(BufWriter::new(File::create(blobs.join("layer"))?));
    let tar = fill(Digesting::new(GzEncoder::new(packed, Compression::new(LEVEL))))?;
    let (encoder, diff_id, _) = tar.finish();
    let (mut writer, layer, layer_bytes) = encoder.finish()?.finish();
    writer.flush()?;
    fs::rename(blobs.join("layer"), blobs.join(&layer["sha256:".len()..]))?;
    let put = |value: Value| -> io::Result<(String, usize)> {
        let bytes = serde_json::to_vec(&value)?;
        let digest = name_of(&Sha256::digest(&bytes));
        fs::write(blobs.join(&digest["sha256:".len()..]), &bytes)?;
        Ok((digest, bytes.len()))
    };
    let rootfs = json!({ "type": "layers", "diff_ids": [diff_id] });
    // Without a history buildah neither finds its steps on this base again nor commits two of them.
    let history = json!([{ "created": CREATED, "created_by": "bench" }]);
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": history });
    let (config, config_bytes) = put(config)?;
    let oci = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let (manifest, manifest_bytes) = put(json!({
        "schemaVersion": 2,
        "mediaType": oci("manifest.v1+json"),
        "config": { "mediaType": oci("config.v1+json"), "digest": config, "size": config_bytes },
        "layers": [{ "mediaType": oci("layer.v1.tar+gzip"), "digest": layer, "size": layer_bytes }],
    }))?;
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": oci("manifest.v1+json"), "digest": manifest, "size": manifest_bytes,
        "annotations": { "org.opencontainers.image.ref.name": TAG },
    }]});
    fs::write(layout.join("index.json"), serde_json::to_vec(&index)?)?;
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
}

/// The layers of the image with this tag, or of the first one: the blob and its length in bytes.
pub(crate) fn layers(layout: &Path, tag: Option<&str>) -> io::Result<Vec<(PathBuf, u64)>> {
    let read = |path: &Path| -> io::Result<Value> { Ok(serde_json::from_slice(&fs::read(layout.join(path))?)?) };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        layout.join("blobs").join(digest.replace(':', "/"))
    };
    let index = read(Path::new("index.json"))?;
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_tag = |manifest: &&Value| {
        tag.is_none_or(|tag| manifest["annotations"]["org.opencontainers.image.ref.name"].as_str() == Some(tag))
    };
    let found = manifests.iter().find(has_tag).ok_or_else(|| io::Error::other("no image of that tag"))?;
    let manifest = read(&blob(found))?;
    let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(layers.iter().map(|layer| (blob(layer), layer["size"].as_u64().unwrap_or_default())).collect())
}

fn name_of(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |name, byte| name + &format!("{byte:02x}"))
}
