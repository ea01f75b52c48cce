//! An OCI layout, as a directory or as an archive, to be read whole.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::base::BlobDigest;
use crate::base::hash::digest_of;
use crate::base::reference::{Located, Reference};
use crate::image::{Descriptor, Links, annotations, checks};
use crate::publish::error::PublishError;
use crate::publish::stock::Stock;
use crate::registry::{BlobSource, Damaged, Manifest, Repository, Tag};
use crate::source::image::ImageFileError;
use crate::source::image::files::Files;
use crate::source::image::select::{Selected, check_version, select};

use super::{Origin, manifest_of, referring};

/// A layout and its `index.json` as it was when it was opened.
pub struct FileOrigin {
    files: Files,
    index: Vec<u8>,
    entries: Vec<Descriptor>,
}

impl FileOrigin {
    /// Opens `oci:DIR` or `oci-archive:FILE`.
    pub fn open(reference: &Reference) -> Result<Self, PublishError> {
        let files = match reference {
            Reference::OciDirectory(at) => Files::directory(&at.path),
            Reference::OciArchive(at) => Files::archive(&at.path)?,
            _ => return Err(ImageFileError::NotAFile { reference: reference.to_string() }.into()),
        };
        check_version(&files)?;
        let index = files.small("index.json")?;
        let entries = Links::of(&index)?.manifests;
        Ok(Self { files, index, entries })
    }

    /// What `at` names by its tag; without one, the only image. With the name that it has there.
    pub fn top(&self, at: &Located) -> Result<(Manifest, Option<String>), PublishError> {
        let check = |source| ImageFileError::Check { path: self.files.path().to_owned(), source };
        let entries = checks::index(&self.index).map_err(check)?;
        match select(entries, at)? {
            Selected::All(_) => Ok((manifest_of(self.index.clone(), Some(INDEX))?, None)),
            Selected::One(entry) => {
                let digest = BlobDigest::from(*entry.digest.as_bytes());
                let name = entry.annotations.get(annotations::REF_NAME).cloned();
                let bytes = self.read(&digest)?;
                let bytes = bytes.ok_or(PublishError::NoBlob { digest, size_bytes: entry.size_bytes })?;
                Ok((manifest_of(bytes, Some(entry.media_type.as_ref()))?, name))
            }
        }
    }

    fn read(&self, digest: &BlobDigest) -> Result<Option<Vec<u8>>, PublishError> {
        document(&self.files, digest)
    }

    fn named(&self, name: &str) -> Option<&Descriptor> {
        self.entries.iter().find(|entry| name_of(entry) == Some(name))
    }
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What an entry of an `index.json` is called.
pub(in crate::publish) fn name_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(annotations::REF_NAME).map(String::as_str)
}

/// Where a layout keeps a blob.
pub(in crate::publish) fn blob_name(digest: &BlobDigest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// A manifest, an index or a config, verified; nothing if it is not there.
pub(in crate::publish) fn document(files: &Files, digest: &BlobDigest) -> Result<Option<Vec<u8>>, PublishError> {
    match files.small(&blob_name(digest)) {
        Err(ImageFileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(bytes) => match digest_of(&bytes) {
            found if found == *digest => Ok(Some(bytes)),
            found => Err(PublishError::Damaged { digest: *digest, source: Damaged { expected: *digest, found } }),
        },
    }
}

impl Origin for FileOrigin {
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError> {
        let said = self.named(wanted).or_else(|| self.entries.iter().find(|it| it.digest.to_string() == wanted));
        let digest = match said {
            Some(entry) => Some(entry.digest),
            None => wanted.parse().ok(),
        };
        let Some(bytes) = digest.map(|digest| self.read(&digest)).transpose()?.flatten() else { return Ok(None) };
        manifest_of(bytes, said.map(|entry| entry.media_type.as_str())).map(Some)
    }

    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError> {
        let bytes = self.read(&of.digest)?;
        bytes.map(|bytes| manifest_of(bytes, Some(&of.media_type))).transpose()
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        let mut all = referring(&self.entries, subject, &|digest| self.read(digest))?;
        // As clients write it that treat a layout like a registry of old.
        if let Some(list) = self.resolve(Tag::fallback(subject).as_str())? {
            let known: BTreeSet<BlobDigest> = all.iter().map(|entry| entry.digest).collect();
            let listed = Links::of(&list.bytes)?.manifests.into_iter();
            all.extend(listed.filter(|entry| !known.contains(&entry.digest)));
        }
        Ok(all)
    }
}

/// A blob of a layout.
struct FileBlob<'a> {
    files: &'a Files,
    name: String,
}

impl BlobSource for FileBlob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let opened = self.files.open(&self.name).map_err(io::Error::other)?;
        Ok(Box::new(opened))
    }
}

impl Stock for FileOrigin {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        Ok(Box::new(FileBlob { files: &self.files, name: blob_name(&blob.digest) }))
    }

    fn near(&self, _digest: &BlobDigest) -> Vec<Repository> {
        Vec::new()
    }
}
