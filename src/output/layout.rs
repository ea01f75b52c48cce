//! The OCI image layout (image-spec, image-layout.md), as a directory and as a tar.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::json;

use crate::base::LayerDigest;
use crate::base::json::bytes_of;
use crate::base::reference::Located;
use crate::image::{Index, Links, MediaType, annotations};

use super::Subject;
use super::error::OutputError;
use super::tarball::Tarball;

/// One file of the layout.
enum Piece<'a> {
    Bytes(Cow<'a, [u8]>),
    Blob(LayerDigest, u64),
}

/// What the image is called in the layout: the tag that was asked for, else the version.
pub fn ref_name<'a>(subject: &Subject<'a>, at: &'a Located) -> Option<&'a str> {
    at.tag.as_deref().or(subject.version)
}

/// Everything in the layout by name; the order of names is the order in the tar.
fn pieces<'a>(subject: &Subject<'a>, ref_name: Option<&str>) -> BTreeMap<String, Piece<'a>> {
    let mut pieces = BTreeMap::new();
    let mut put = |hex: String, piece| pieces.insert(format!("blobs/sha256/{hex}"), piece);
    for image in subject.images {
        put(image.manifest.digest.hex(), Piece::Bytes(Cow::Borrowed(&image.manifest.bytes)));
        put(image.config.digest.hex(), Piece::Bytes(Cow::Borrowed(&image.config.bytes)));
        for layer in &image.layers {
            put(layer.digest.hex(), Piece::Blob(layer.digest, layer.size_bytes));
        }
    }
    for other in subject.others {
        put(other.digest.hex(), Piece::Bytes(Cow::Borrowed(&other.bytes)));
        for (digest, size_bytes) in &other.blobs {
            put(digest.hex(), Piece::Blob(*digest, *size_bytes));
        }
    }
    if let Some(index) = subject.index {
        put(index.digest.hex(), Piece::Bytes(Cow::Borrowed(&index.bytes)));
    }
    pieces.insert("index.json".to_owned(), Piece::Bytes(Cow::Owned(index_json(subject, ref_name))));
    let version = bytes_of(&json!({ "imageLayoutVersion": "1.0.0" }));
    pieces.insert("oci-layout".to_owned(), Piece::Bytes(Cow::Owned(version)));
    pieces
}

/// `index.json` names the image, or the index of its platforms.
fn index_json(subject: &Subject<'_>, ref_name: Option<&str>) -> Vec<u8> {
    let (media_type, size) = match (subject.index, subject.images.first()) {
        (Some(index), _) => (index_type(index), index.bytes.len()),
        (None, Some(image)) => (image.manifest.media_type.clone(), image.manifest.bytes.len()),
        (None, None) => (MediaType::ImageManifest, 0),
    };
    let mut descriptor = json!({ "digest": subject.digest(), "mediaType": media_type.as_ref(), "size": size });
    if let Some(name) = ref_name {
        descriptor["annotations"] = json!({ annotations::REF_NAME: name });
    }
    bytes_of(&json!({
        "manifests": [descriptor],
        "mediaType": MediaType::ImageIndex.as_ref(),
        "schemaVersion": 2,
    }))
}

/// An index of others may be docker's.
fn index_type(index: &Index) -> MediaType {
    let said = Links::of(&index.bytes).ok().and_then(|links| links.media_type);
    said.map_or(MediaType::ImageIndex, |said| MediaType::from(said.as_str()))
}

/// Fills an empty directory.
pub(super) fn write_directory(
    subject: &Subject<'_>,
    ref_name: Option<&str>,
    directory: &Path,
) -> Result<(), OutputError> {
    let (blobs, sha256) = (directory.join("blobs"), directory.join("blobs/sha256"));
    fs::create_dir_all(&sha256).map_err(|source| OutputError::io("make", &sha256, source))?;
    for (name, piece) in pieces(subject, ref_name) {
        let path = directory.join(name);
        match piece {
            Piece::Bytes(bytes) => write_file(&path, &bytes)?,
            Piece::Blob(digest, size_bytes) => place(subject, (&digest, size_bytes), &path)?,
        }
    }
    for directory in [&sha256, &blobs, directory] {
        sync(directory)?;
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| OutputError::io("write", path, source))
}

fn place(subject: &Subject<'_>, (digest, size_bytes): (&LayerDigest, u64), path: &Path) -> Result<(), OutputError> {
    let placed = subject.supply.place(digest, path);
    placed.map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull => OutputError::Write { source },
        _ => OutputError::Blob { digest: digest.to_string(), source },
    })?;
    let meta = fs::metadata(path).map_err(|source| OutputError::io("read", path, source))?;
    if meta.len() != size_bytes {
        let (digest, expected) = (digest.to_string(), size_bytes);
        return Err(OutputError::BlobSize { digest, expected, found: meta.len() });
    }
    // A link to a file of the store needs no sync: the store did that before the file had its name.
    if meta.nlink() == 1 { sync(path) } else { Ok(()) }
}

fn sync(path: &Path) -> Result<(), OutputError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|source| OutputError::io("sync", path, source))
}

/// Writes the same as a tar.
pub(super) fn write_archive(
    subject: &Subject<'_>,
    ref_name: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    let mut tarball = Tarball::new(out);
    tarball.directory("blobs/")?;
    tarball.directory("blobs/sha256/")?;
    for (name, piece) in pieces(subject, ref_name) {
        match piece {
            Piece::Bytes(bytes) => tarball.bytes(&name, &bytes)?,
            Piece::Blob(digest, size_bytes) => {
                let blob = subject.supply.open(&digest);
                let mut blob = blob.map_err(|source| OutputError::Blob { digest: digest.to_string(), source })?;
                tarball.stream(&name, size_bytes, &mut blob, &digest)?;
            }
        }
    }
    tarball.finish()
}
