//! Notes: small files that only save work. One that is missing or damaged costs time, never correctness.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::hash::digest_of;
use crate::base::{BlobDigest, ContentDigest, DiffId, LayerDigest, TreeDigest};
use crate::plan::Plan;

use super::Store;
use super::error::StoreError;

/// A kind of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Layer key to [`LayerNote`].
    Layers,
    /// Diff ID and codec to [`PackedNote`].
    Packed,
    /// Layer digest to a block index.
    Blocks,
    /// Tree digest to a packed dump.
    Trees,
    /// Digest of an archive to what it holds.
    Archives,
    /// Diff ID of a foreign layer to its files.
    Bases,
    /// Layer key to what commands made of it.
    Runs,
    /// Layer key to what its commands printed.
    Logs,
    /// Digest of a package's file to what it holds.
    Packages,
    /// Address of a release of packages to what was there.
    Releases,
    /// Source to its files.
    Scans,
    /// Template to [`BuildNote`].
    Builds,
    /// Path to what was written there.
    Outputs,
    /// Name in a registry to [`PublishedNote`].
    Published,
    /// Digest of a blob to repositories that have it.
    Places,
    /// Digest of a manifest to [`AttachedNote`].
    Attached,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Layers,
        Self::Packed,
        Self::Blocks,
        Self::Trees,
        Self::Archives,
        Self::Bases,
        Self::Runs,
        Self::Logs,
        Self::Packages,
        Self::Releases,
        Self::Scans,
        Self::Builds,
        Self::Outputs,
        Self::Published,
        Self::Places,
        Self::Attached,
    ];

    /// Its directory in the store.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Packed => "packed",
            Self::Blocks => "blocks",
            Self::Trees => "trees",
            Self::Archives => "archives",
            Self::Bases => "bases",
            Self::Runs => "runs",
            Self::Logs => "logs",
            Self::Packages => "packages",
            Self::Releases => "releases",
            Self::Scans => "scans",
            Self::Builds => "builds",
            Self::Outputs => "outputs",
            Self::Published => "published",
            Self::Places => "places",
            Self::Attached => "attached",
        }
    }
}

/// What a layer key leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerNote {
    /// The layer's tar.
    pub diff_id: DiffId,
    /// Its length.
    pub raw_bytes: u64,
    /// What is in it.
    pub tree: TreeDigest,
    /// The files with a whole private key in them, each with the kind; `None` if nobody looked, as before this was noted.
    #[serde(default)]
    pub private_keys: Option<Vec<(String, String)>>,
}

/// What a diff ID and a codec lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedNote {
    /// The layer's tar.
    pub diff_id: DiffId,
    /// How it was compressed.
    pub codec: String,
    /// The blob.
    pub digest: LayerDigest,
    /// Its length.
    pub size_bytes: u64,
}

/// What came with a manifest from elsewhere and refers to it. Blobs of the store, which stay as long as it stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedNote {
    /// Manifests whose subject it is.
    #[serde(default)]
    pub referrers: BTreeSet<BlobDigest>,
    /// Manifests under tags that are made of its digest.
    #[serde(default)]
    pub companions: BTreeMap<String, BlobDigest>,
}

/// The last build of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildNote {
    /// The template's path.
    pub template: PathBuf,
    /// Digest of the manifest or index.
    pub digest: String,
    /// When, in seconds since 1970.
    pub when: i64,
    /// What was built.
    pub plan: Plan,
    /// The blob of each layer: platform, name, digest.
    pub blobs: Vec<(String, String, LayerDigest)>,
    /// Digests of the blobs that came from outside and are in no manifest.
    #[serde(default)]
    pub inputs: Vec<String>,
}

/// What was published from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedNote {
    /// `HOST/REPOSITORY:TAG`
    pub name: String,
    /// Of the manifest or index.
    pub digest: String,
    /// When it was first seen there, in seconds since 1970.
    pub when: i64,
}

/// The name of the note about something that has no digest of its own.
pub fn note_name(parts: &[&[u8]]) -> String {
    let mut hasher = crate::base::Hasher::new();
    for part in parts {
        hasher.field(part);
    }
    hasher.finish::<ContentDigest>().hex()
}

/// The name of the note about a diff ID with a codec.
pub fn packed_name(diff_id: &DiffId, codec: &str) -> String {
    note_name(&[diff_id.as_bytes(), codec.as_bytes()])
}

impl Store {
    pub(super) fn shelf(&self, shelf: Shelf) -> PathBuf {
        self.root().join(shelf.directory())
    }

    /// The bytes of a note.
    pub fn note_bytes(&self, shelf: Shelf, name: &str) -> Option<Vec<u8>> {
        fs::read(self.shelf(shelf).join(name)).ok()
    }

    /// A note.
    pub fn note<T: DeserializeOwned>(&self, shelf: Shelf, name: &str) -> Option<T> {
        serde_json::from_slice(&self.note_bytes(shelf, name)?).ok()
    }

    /// Keeps the bytes of a note, in place of what it said before.
    pub fn keep_note_bytes(&self, shelf: Shelf, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.temporary()?;
        file.write_all(bytes).map_err(|source| self.write_error(source))?;
        let kept = file.persist(self.shelf(shelf).join(name));
        kept.map(|_| ()).map_err(|error| self.write_error(error.error))
    }

    /// Keeps a note.
    pub fn keep_note<T: Serialize>(&self, shelf: Shelf, name: &str, note: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(note).map_err(|error| self.write_error(error.into()))?;
        self.keep_note_bytes(shelf, name, &bytes)
    }

    /// Adds to what is known to refer to a manifest. Several pulls may at once, so what is there is read and replaced under
    /// a lock of the shelf.
    pub fn add_attached(&self, subject: &str, new: AttachedNote) -> Result<(), StoreError> {
        let lock = File::open(self.shelf(Shelf::Attached)).map_err(|source| self.write_error(source))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| self.write_error(error.into()))?;
        let known: AttachedNote = self.note(Shelf::Attached, subject).unwrap_or_default();
        let mut all = known.clone();
        all.referrers.extend(new.referrers);
        all.companions.extend(new.companions);
        if all == known { Ok(()) } else { self.keep_note(Shelf::Attached, subject, &all) }
    }

    /// Forgets a note.
    pub fn drop_note(&self, shelf: Shelf, name: &str) {
        // A note that cannot be removed says something that is checked wherever it is used.
        let _ = fs::remove_file(self.shelf(shelf).join(name));
    }

    /// All notes of a kind, by name.
    pub fn notes(&self, shelf: Shelf) -> Vec<String> {
        let entries = fs::read_dir(self.shelf(shelf)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// Digest of a path, as the name of notes about it.
pub fn path_name(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    digest_of::<ContentDigest>(path.as_os_str().as_bytes()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_note_counts_as_absent() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        store.keep_note(Shelf::Builds, "x", &vec![1, 2]).expect("kept");
        assert_eq!(store.note::<Vec<u8>>(Shelf::Builds, "x"), Some(vec![1, 2]));
        store.keep_note_bytes(Shelf::Builds, "x", b"[1,").expect("kept");
        assert_eq!(store.note::<Vec<u8>>(Shelf::Builds, "x"), None);
        assert_eq!(store.notes(Shelf::Builds), ["x"]);
        store.drop_note(Shelf::Builds, "x");
        assert!(store.notes(Shelf::Builds).is_empty());
    }

    #[test]
    fn what_several_add_at_once_is_all_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        std::thread::scope(|scope| {
            for at in 0..16_u8 {
                let store = &store;
                let new = AttachedNote { referrers: [digest_of(&[at])].into(), ..AttachedNote::default() };
                scope.spawn(move || store.add_attached("x", new).expect("kept"));
            }
        });
        let note: AttachedNote = store.note(Shelf::Attached, "x").expect("it is there");
        assert_eq!(note.referrers.len(), 16);
    }
}
