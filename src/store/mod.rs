//! The local store: a directory in which content is named by its digest and written once.
//!
//! ```text
//! format                     "kiln store 1"
//! lock                       shared by everybody who works here, exclusive for the one who removes
//! blobs/sha256/ab/cdef..     layers, configs, manifests, indexes: read-only files, linked into place when complete
//! aside/                     blobs that were found damaged
//! refs/NAME/VERSION/log      what a name held, one JSON line each; `frozen` beside it once it was published
//! layers/KEY                 layer key -> diff ID                            from here on: notes that only save work
//! packed/DIGEST              (diff ID, codec) -> blob
//! blocks/DIGEST              the blocks of a layer's blob                    ([`crate::layer::index`])
//! trees/DIGEST               what a layer changes, packed                    ([`crate::tree::dump`])
//! archives/DIGEST            what an archive holds
//! scans/DIGEST               the files of a source as they were              ([`crate::source::path`])
//! builds/DIGEST              the last build of a template
//! outputs/DIGEST             what was written to a path last
//! tmp/                       on the way to one of the above
//! ```
//! Rationale: a blob appears under its name by one link after it is on the disk, so a killed process leaves nothing but a
//! file in `tmp/`, which the next one that is alone here removes. Notes are written beside and renamed; one that cannot be
//! read counts as absent, because the work can be done again.

pub mod blob;
pub mod check;
pub mod error;
pub mod gc;
pub mod notes;
pub mod refs;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

pub use blob::BlobWriter;
pub use error::StoreError;
pub use notes::{BuildNote, LayerNote, PackedNote, Shelf};
pub use refs::{Entry, Name};

/// What the `format` file of a store of this version says.
const FORMAT: &str = "kiln store 1\n";

/// An open store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held as long as the store is open; the kernel gives it back when the process ends, however it ends.
    lock: File,
}

impl Store {
    /// Opens the store at `root`, which is made if it is not there. Waits for one who removes.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self::locked(root, FlockOperation::NonBlockingLockExclusive)?;
        if let Some(store) = store {
            // Alone here: what is in tmp/ belongs to nobody.
            store.clear_tmp()?;
            store.relock(FlockOperation::LockShared)?;
            return Ok(store);
        }
        Self::locked(root, FlockOperation::LockShared)?.ok_or_else(|| StoreError::Busy { store: root.to_owned() })
    }

    /// Opens the store to remove from it: nobody else works in it as long as it is open. `waiting` is called if somebody
    /// does now.
    pub fn open_alone(root: &Path, waiting: impl FnOnce()) -> Result<Self, StoreError> {
        let store = match Self::locked(root, FlockOperation::NonBlockingLockExclusive)? {
            Some(store) => store,
            None => {
                waiting();
                let store = Self::locked(root, FlockOperation::LockExclusive)?;
                store.ok_or_else(|| StoreError::Busy { store: root.to_owned() })?
            }
        };
        store.clear_tmp()?;
        Ok(store)
    }

    fn locked(root: &Path, operation: FlockOperation) -> Result<Option<Self>, StoreError> {
        let fail = |source| StoreError::Open { store: root.to_owned(), source };
        fs::create_dir_all(root).map_err(fail)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock")).map_err(fail)?;
        match flock(&lock, operation) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(fail(error.into())),
        }
        let store = Self { root: root.to_owned(), lock };
        store.check_format()?;
        for directory in ["blobs/sha256", "aside", "refs", "tmp"] {
            fs::create_dir_all(root.join(directory)).map_err(fail)?;
        }
        for shelf in Shelf::ALL {
            fs::create_dir_all(root.join(shelf.directory())).map_err(fail)?;
        }
        Ok(Some(store))
    }

    fn relock(&self, operation: FlockOperation) -> Result<(), StoreError> {
        flock(&self.lock, operation)
            .map_err(|error| StoreError::Open { store: self.root.clone(), source: error.into() })
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let path = self.root.join("format");
        match fs::read_to_string(&path) {
            Ok(found) if found == FORMAT => Ok(()),
            Ok(found) => Err(StoreError::Format { store: self.root.clone(), found: found.trim().to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::write(&path, FORMAT).map_err(|source| StoreError::Open { store: self.root.clone(), source })
            }
            Err(source) => Err(StoreError::Open { store: self.root.clone(), source }),
        }
    }

    fn clear_tmp(&self) -> Result<(), StoreError> {
        let tmp = self.tmp();
        let fail = |source| StoreError::Open { store: self.root.clone(), source };
        for entry in fs::read_dir(&tmp).map_err(fail)? {
            fs::remove_file(entry.map_err(fail)?.path()).map_err(fail)?;
        }
        Ok(())
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// A file in `tmp/` that goes when it is dropped.
    fn temporary(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        tempfile::NamedTempFile::new_in(self.tmp()).map_err(|source| self.write_error(source))
    }

    fn write_error(&self, source: std::io::Error) -> StoreError {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                StoreError::Full { store: self.root.clone() }
            }
            _ => StoreError::Write { store: self.root.clone(), source },
        }
    }
}
