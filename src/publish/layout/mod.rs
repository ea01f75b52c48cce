//! An OCI layout as a place: with the rules of a registry, for several kilns at once.
//!
//! ```text
//! DIR/oci-layout           first, so that what was begun is known for what it is
//!     blobs/sha256/HEX     verified while it is written; named when it is on the disk; never written over
//!     index.json           read, extended, replaced by a rename, under an exclusive flock of DIR itself
//! ```
//! A name is an entry of `index.json` with `org.opencontainers.image.ref.name`. What refers to something is an entry
//! without a name: `subject` in the document says to what.
//!
//! Rationale: the directory is what is locked because it is the one thing that stays when `index.json` is replaced, and
//! because a file for the lock would be no part of a layout.

mod file;
mod listing;

pub(in crate::publish) use file::failed;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde_json::json;

use crate::base::BlobDigest;
use crate::base::json::bytes_of;
use crate::image::{Descriptor, Links};
use crate::registry::{Arrived, Created, Manifest, Race, Tag};
use crate::source::image::ImageFileError;
use crate::source::image::files::Files;
use crate::source::image::select::check_version;

use super::error::PublishError;
use super::origin::files::{blob_name, document};
use super::origin::{Target, copy, lists, manifest_of, referring};
use super::place::{Naming, Place};
use super::stock::Stock;
use file::BESIDE;
use listing::Listing;

/// Indexes in indexes that are looked into.
const DEPTH_MAX: usize = 8;

/// A layout that is written, and the one that it is to replace, if there is one: what is in there counts as here.
pub(super) struct Layout {
    directory: PathBuf,
    below: Option<Files>,
}

impl Layout {
    /// In a directory that is empty or a layout.
    pub(super) fn new(directory: PathBuf, below: Option<Files>) -> Self {
        Self { directory, below }
    }

    /// What is replaced.
    pub(super) fn below(&self) -> Option<&Files> {
        self.below.as_ref()
    }

    /// Nobody else adds to `index.json` until this is dropped.
    fn lock(&self) -> Result<File, PublishError> {
        lock(&self.directory)
    }

    /// Refuses directories of blobs that are links: whoever made them decides where the blobs would go.
    fn check_inside(&self) -> Result<(), PublishError> {
        for name in ["blobs", "blobs/sha256"] {
            let path = self.directory.join(name);
            if path.is_symlink() {
                let (expected, found) = ("a directory", "a symbolic link".to_owned());
                return Err(PublishError::NotAPlace { path, expected, found });
            }
        }
        Ok(())
    }

    /// Makes what a layout needs.
    fn prepare(&self) -> Result<(), PublishError> {
        self.check_inside()?;
        let blobs = self.directory.join("blobs/sha256");
        if blobs.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.directory).map_err(failed("make", &self.directory))?;
        let _alone = self.lock()?;
        let version = bytes_of(&json!({ "imageLayoutVersion": "1.0.0" }));
        put_bytes(&self.directory.join("oci-layout"), &version)?;
        fs::create_dir_all(&blobs).map_err(failed("make", &blobs))
    }

    fn listing(&self) -> Result<Listing, PublishError> {
        let path = self.directory.join("index.json");
        let here = match self.directory.is_dir() {
            true => Files::directory(&self.directory).small("index.json").map(Some),
            false => Ok(None),
        };
        let bytes = match (here, &self.below) {
            (Ok(Some(bytes)), _) => bytes,
            (Ok(None) | Err(ImageFileError::Missing { .. }), Some(below)) => below.small("index.json")?,
            // The directory comes before its first image.
            (Ok(None) | Err(ImageFileError::Missing { .. }), None) => return Ok(Listing::empty()),
            (Err(error), _) => return Err(error.into()),
        };
        Listing::parse(&bytes).map_err(|source| ImageFileError::Check { path, source }.into())
    }

    /// Changes `index.json`, if `change` says that there is something to change.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Listing) -> Result<(T, Change), PublishError>,
    ) -> Result<T, PublishError> {
        self.prepare()?;
        let _alone = self.lock()?;
        let mut listing = self.listing()?;
        let (result, change) = change(&mut listing)?;
        if change == Change::Some {
            // What it leads to has to be on the disk first, with its names.
            for directory in ["blobs/sha256", "blobs"] {
                file::sync(&self.directory.join(directory))?;
            }
            file::replace(&self.directory.join("index.json"), &listing.bytes()?)?;
            file::sync(&self.directory)?;
        }
        Ok(result)
    }

    fn document(&self, digest: &BlobDigest) -> Result<Option<Vec<u8>>, PublishError> {
        let here = match self.directory.is_dir() {
            true => document(&Files::directory(&self.directory), digest)?,
            false => None,
        };
        match (here, &self.below) {
            (None, Some(below)) => document(below, digest),
            (here, _) => Ok(here),
        }
    }

    fn size_bytes(&self, digest: &BlobDigest) -> Option<u64> {
        let name = blob_name(digest);
        let here = fs::metadata(self.directory.join(&name)).ok().map(|meta| meta.len());
        here.or_else(|| match &self.below {
            Some(Files::Archive(archive)) => archive.size_bytes(&name),
            _ => None,
        })
    }

    /// Whether all that a document leads to is here: others write layouts that lack something.
    fn is_whole(&self, digest: &BlobDigest) -> Result<bool, PublishError> {
        self.is_whole_below(digest, 0, &mut BTreeSet::new())
    }

    /// The same of what is not among `seen`.
    fn is_whole_below(
        &self,
        digest: &BlobDigest,
        depth: usize,
        seen: &mut BTreeSet<BlobDigest>,
    ) -> Result<bool, PublishError> {
        // If it was not whole, nobody asks again.
        if !seen.insert(*digest) {
            return Ok(true);
        }
        let Some(bytes) = self.document(digest)?.filter(|_| depth < DEPTH_MAX) else { return Ok(false) };
        let manifest = manifest_of(bytes, None)?;
        let links = Links::of(&manifest.bytes)?;
        if lists(&manifest, &links) {
            for entry in &links.manifests {
                if !self.is_whole_below(&entry.digest, depth + 1, seen)? {
                    return Ok(false);
                }
            }
        }
        Ok(links.blobs().iter().all(|blob| self.size_bytes(&blob.digest) == Some(blob.size)))
    }
}

/// Whether something is to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Some,
}

fn lock(directory: &Path) -> Result<File, PublishError> {
    let opened = File::open(directory).map_err(failed("read", directory))?;
    flock(&opened, FlockOperation::LockExclusive).map_err(|error| failed("lock", directory)(error.into()))?;
    Ok(opened)
}

fn put_bytes(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    if path.exists() {
        return Ok(());
    }
    file::put(path, |file| file.write_all(bytes).map_err(failed("write", path)))
}

/// A file that a blob goes into.
struct BlobFile<'a> {
    file: &'a mut File,
    path: &'a Path,
}

impl Target for BlobFile<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.file.write_all(bytes).map_err(failed("write", self.path))
    }
}

/// `oci:DIR`
pub struct LayoutPlace {
    path: PathBuf,
    layout: Layout,
}

impl LayoutPlace {
    /// A directory that holds a layout, is empty, or is not there yet. Nothing is written before something is pushed.
    pub fn open(path: &Path) -> Result<Self, PublishError> {
        let place = Self { path: path.to_owned(), layout: Layout::new(path.to_owned(), None) };
        let not = |found: &str| {
            let (expected, found) = ("an OCI layout or an empty directory", found.to_owned());
            PublishError::NotAPlace { path: path.to_owned(), expected, found }
        };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match path.is_symlink() {
                true => return Err(not("a symbolic link to nothing")),
                false => return Ok(place),
            },
            Err(error) => return Err(failed("read", path)(error)),
            Ok(meta) if !meta.is_dir() => return Err(not("something else than a directory")),
            Ok(_) => {}
        }
        // Whoever makes it may be at it.
        let _alone = lock(path)?;
        if path.join("oci-layout").exists() {
            return match check_version(&Files::directory(path)) {
                Err(ImageFileError::NotALayout { found, .. }) => Err(not(&format!("one with {found}"))),
                Err(error) => Err(error.into()),
                Ok(()) => {
                    place.layout.check_inside()?;
                    place.layout.listing().map(|_| place)
                }
            };
        }
        let entries = fs::read_dir(path).map_err(failed("read", path))?.flatten();
        let strange = entries.map(|entry| entry.file_name()).find(|name| !name.to_string_lossy().starts_with(BESIDE));
        match strange {
            None => Ok(place),
            Some(name) => Err(not(&format!("a directory with `{}` and no `oci-layout`", name.to_string_lossy()))),
        }
    }
}

impl InLayout for LayoutPlace {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn name(&self) -> String {
        format!("oci:{}", self.path.display())
    }

    fn finish(&self, top: &Manifest) -> Result<(), PublishError> {
        self.layout.keep(top)
    }
}

/// A place whose content is in a layout: a directory or an archive.
pub(super) trait InLayout: Sync {
    /// It.
    fn layout(&self) -> &Layout;

    /// [`Place::name`]
    fn name(&self) -> String;

    /// [`Place::finish`]
    fn finish(&self, top: &Manifest) -> Result<(), PublishError>;
}

impl<T: InLayout> Place for T {
    fn name(&self) -> String {
        InLayout::name(self)
    }

    fn holds(&self, tag: &Tag) -> Result<Option<BlobDigest>, PublishError> {
        self.layout().holds(tag)
    }

    fn manifest(&self, digest: &BlobDigest) -> Result<Option<Manifest>, PublishError> {
        self.layout().manifest(digest)
    }

    fn has_manifest(&self, digest: &BlobDigest) -> Result<bool, PublishError> {
        self.layout().is_whole(digest)
    }

    fn has_blob(&self, blob: &Descriptor) -> Result<bool, PublishError> {
        self.layout().has_blob(blob)
    }

    fn document(&self, blob: &Descriptor) -> Result<Vec<u8>, PublishError> {
        self.layout().small(blob)
    }

    fn bring_blob(&self, blob: &Descriptor, stock: &dyn Stock) -> Result<Arrived, PublishError> {
        self.layout().bring_blob(blob, stock)
    }

    fn bring_manifest(&self, manifest: &Manifest) -> Result<(), PublishError> {
        self.layout().bring_manifest(manifest)
    }

    fn attach(&self, _subject: &BlobDigest, artifacts: &[Manifest]) -> Result<Vec<BlobDigest>, PublishError> {
        self.layout().attach(artifacts)
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        self.layout().referrers(subject)
    }

    fn create(&self, tag: &Tag, manifest: &Manifest) -> Result<Naming, PublishError> {
        self.layout().create(tag, manifest)
    }

    fn finish(&self, top: &Manifest) -> Result<(), PublishError> {
        InLayout::finish(self, top)
    }
}

/// What both a directory and an archive do.
impl Layout {
    pub(super) fn holds(&self, tag: &Tag) -> Result<Option<BlobDigest>, PublishError> {
        Ok(self.listing()?.named(tag).map(|entry| entry.digest))
    }

    pub(super) fn manifest(&self, digest: &BlobDigest) -> Result<Option<Manifest>, PublishError> {
        let listing = self.listing()?;
        let said = listing.of(digest).map(|entry| entry.media_type.as_str());
        self.document(digest)?.map(|bytes| manifest_of(bytes, said)).transpose()
    }

    pub(super) fn has_blob(&self, blob: &Descriptor) -> Result<bool, PublishError> {
        Ok(self.size_bytes(&blob.digest) == Some(blob.size))
    }

    pub(super) fn small(&self, blob: &Descriptor) -> Result<Vec<u8>, PublishError> {
        self.document(&blob.digest)?.ok_or(PublishError::NoBlob { digest: blob.digest, size_bytes: blob.size })
    }

    pub(super) fn bring_blob(&self, blob: &Descriptor, stock: &dyn Stock) -> Result<Arrived, PublishError> {
        self.prepare()?;
        let path = self.directory.join(blob_name(&blob.digest));
        if let Ok(meta) = fs::symlink_metadata(&path) {
            // Another one has brought it since it was asked for.
            if meta.is_file() && meta.len() == blob.size {
                return Ok(Arrived::Sent);
            }
            let (expected, found) = ("the blob that its name says", format!("a file of {} bytes", meta.len()));
            return Err(PublishError::NotAPlace { path, expected, found });
        }
        let source = stock.open(blob)?;
        let reader = source.open().map_err(|error| PublishError::reading(error, blob))?;
        file::put(&path, |file| copy(reader, blob, &mut BlobFile { file, path: &path }))?;
        Ok(Arrived::Sent)
    }

    pub(super) fn bring_manifest(&self, manifest: &Manifest) -> Result<(), PublishError> {
        self.prepare()?;
        put_bytes(&self.directory.join(blob_name(&manifest.digest)), &manifest.bytes)
    }

    pub(super) fn attach(&self, artifacts: &[Manifest]) -> Result<Vec<BlobDigest>, PublishError> {
        let listing = self.listing()?;
        if artifacts.iter().all(|artifact| listing.of(&artifact.digest).is_some()) {
            return Ok(Vec::new());
        }
        for artifact in artifacts {
            self.bring_manifest(artifact)?;
        }
        self.change(|listing| {
            let mut new = Vec::new();
            for artifact in artifacts {
                if listing.of(&artifact.digest).is_none() {
                    listing.attach(artifact);
                    new.push(artifact.digest);
                }
            }
            let change = if new.is_empty() { Change::None } else { Change::Some };
            Ok((new, change))
        })
    }

    pub(super) fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        referring(self.listing()?.entries(), subject, &|digest| self.document(digest))
    }

    pub(super) fn create(&self, tag: &Tag, manifest: &Manifest) -> Result<Naming, PublishError> {
        self.change(|listing| {
            Ok(match listing.named(tag).map(|entry| entry.digest) {
                Some(held) if held == manifest.digest => (Naming::Holds(Created::AlreadyThere), Change::None),
                // Whoever pushes has looked before.
                Some(held) => (Naming::Held { digest: held, race: Race::Lost }, Change::None),
                None => {
                    listing.name(tag, manifest);
                    (Naming::Holds(Created::Now), Change::Some)
                }
            })
        })
    }

    /// Makes sure that something is listed, if without a name.
    pub(super) fn keep(&self, top: &Manifest) -> Result<(), PublishError> {
        if self.listing()?.of(&top.digest).is_some() {
            return Ok(());
        }
        self.change(|listing| {
            if listing.of(&top.digest).is_some() {
                return Ok(((), Change::None));
            }
            listing.keep(top);
            Ok(((), Change::Some))
        })
    }

    /// Where a file of it is, if it was written since.
    pub(super) fn written(&self, name: &str) -> Option<PathBuf> {
        Some(self.directory.join(name)).filter(|path| path.is_file())
    }

    /// The names of the blobs that were written.
    pub(super) fn blobs(&self) -> Result<Vec<String>, PublishError> {
        let directory = self.directory.join("blobs/sha256");
        let entries = fs::read_dir(&directory).map_err(failed("read", &directory))?.flatten();
        Ok(entries.map(|entry| format!("blobs/sha256/{}", entry.file_name().to_string_lossy())).collect())
    }
}
