//! Base images as others make them: an OCI layout with one layer, which is one gzip stream of one tar.
//!
//! They are generated like the trees and not made of a distribution's packages, so that they are the same on every machine
//! and need no network.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use crate::content::Material;
use crate::tree::{self, Planned};

/// What `gzip` and most builders use.
const LEVEL: u32 = 6;
const EPOCH_SECONDS: u64 = 1_767_225_600;
/// Tag of the image in its layout.
pub(crate) const TAG: &str = "1";

/// Counts and digests what is written.
struct Digesting<W> {
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

/// Writes the layout `name` below `root`, unless it is there already. `planned` is sorted by path; its first directory is
/// left away.
pub(crate) fn write(root: &Path, name: &str, material: &Material, planned: &[Planned]) -> io::Result<()> {
    let (marker, stamp) = (root.join(format!("{name}.generated")), tree::stamp(planned));
    if fs::read_to_string(&marker).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    eprintln!("generating {name}: {} files", planned.len());
    let layout = root.join(name);
    if layout.exists() {
        fs::remove_dir_all(&layout)?;
    }
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let packed = Digesting::new(BufWriter::new(File::create(blobs.join("layer"))?));
    let mut tar = tar::Builder::new(Digesting::new(GzEncoder::new(packed, Compression::new(LEVEL))));
    let mut directories = BTreeSet::new();
    for file in planned {
        append(&mut tar, &mut directories, material, file)?;
    }
    let (encoder, diff_id, _) = tar.into_inner()?.finish();
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
    let (config, config_bytes) = put(json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs }))?;
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
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    fs::write(marker, stamp)
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    directories: &mut BTreeSet<String>,
    material: &Material,
    file: &Planned,
) -> io::Result<()> {
    let path = file.path.split_once('/').map_or(file.path.as_str(), |(_, rest)| rest);
    for (end, _) in path.match_indices('/') {
        if directories.insert(path[..end].to_owned()) {
            tar.append_data(&mut header(EntryType::Directory, 0o755, 0), &path[..=end], io::empty())?;
        }
    }
    match &file.target {
        Some(target) => tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target),
        None => {
            let mut header = header(EntryType::Regular, file.mode, file.size as u64);
            tar.append_data(&mut header, path, FileContent::new(material, file))
        }
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(EPOCH_SECONDS);
    header.set_size(size);
    header
}

/// What a planned file holds, piece after piece.
struct FileContent<'a> {
    material: &'a Material,
    file: &'a Planned,
    next: usize,
    piece: Vec<u8>,
    at: usize,
}

impl<'a> FileContent<'a> {
    fn new(material: &'a Material, file: &'a Planned) -> Self {
        Self { material, file, next: 0, piece: Vec::new(), at: 0 }
    }
}

impl Read for FileContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.at = 0;
            tree::fill_piece(self.material, self.file, self.next, &mut self.piece);
            self.next += 1;
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..][..length]);
        self.at += length;
        Ok(length)
    }
}

fn name_of(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |name, byte| name + &format!("{byte:02x}"))
}
