//! Reads everything in the store and says what is not what it should be.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use walkdir::WalkDir;

use super::Store;
use super::error::StoreError;
use super::notes::{PackedNote, Shelf};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Blobs that were read.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that are damaged; they were set aside.
    pub damaged: Vec<String>,
    /// Names whose image is not whole any more.
    pub broken_names: Vec<String>,
}

/// One blob of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// `sha256:..`
    pub digest: String,
    /// Its length.
    pub size_bytes: u64,
    /// When it was used last, seconds since 1970.
    pub used: i64,
}

impl Store {
    /// All blobs, sorted by digest.
    pub fn blobs(&self) -> Vec<StoredBlob> {
        let root = self.root().join("blobs/sha256");
        let walk = WalkDir::new(&root).min_depth(2).max_depth(2).sort_by_file_name();
        let files = walk.into_iter().flatten().filter(|entry| entry.file_type().is_file());
        files
            .filter_map(|entry| {
                use std::os::unix::fs::MetadataExt;
                let metadata = entry.metadata().ok()?;
                let prefix = entry.path().parent()?.file_name()?.to_str()?;
                let digest = format!("sha256:{prefix}{}", entry.file_name().to_str()?);
                Some(StoredBlob { digest, size_bytes: metadata.len(), used: metadata.mtime() })
            })
            .collect()
    }

    /// Reads every blob on `jobs` threads, sets damaged ones aside, and forgets the notes that point to what is not there.
    pub fn check(&self, jobs: usize) -> Result<CheckReport, StoreError> {
        let blobs = self.blobs();
        let next = AtomicUsize::new(0);
        let damaged: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let failure: Mutex<Option<StoreError>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| {
                    while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match self.verify_blob(&blob.digest) {
                            Ok(()) => {}
                            Err(StoreError::Damaged { digest }) => lock(&damaged).push(digest),
                            Err(error) => {
                                lock(&failure).get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        self.drop_dangling_notes();
        let mut damaged = std::mem::take(&mut *lock(&damaged));
        damaged.sort();
        let bytes = blobs.iter().map(|blob| blob.size_bytes).sum();
        Ok(CheckReport { blobs: blobs.len(), bytes, damaged, broken_names: self.broken_names() })
    }

    /// Forgets notes about blobs that are not there.
    pub(super) fn drop_dangling_notes(&self) {
        for name in self.notes(Shelf::Packed) {
            let whole = self
                .note::<PackedNote>(Shelf::Packed, &name)
                .is_some_and(|note| self.has_blob(&note.digest.to_string(), note.size_bytes));
            if !whole {
                self.drop_note(Shelf::Packed, &name);
            }
        }
        for name in self.notes(Shelf::Blocks) {
            if !self.is_there(&format!("sha256:{name}")) {
                self.drop_note(Shelf::Blocks, &name);
            }
        }
    }

    fn broken_names(&self) -> Vec<String> {
        let names = self.names().into_iter();
        // An image that gc has removed is not there at all.
        let is_broken = |digest: &str| self.is_there(digest) && self.reachable(digest).is_none();
        let broken = names.filter(|name| self.current(name).is_some_and(|entry| is_broken(&entry.digest)));
        broken.map(|name| name.to_string()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
