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
//! bases/DIFFID               the files of a layer of somebody else's image
//! runs/KEY                   what a layer with commands became, and where its contents are
//! logs/KEY                   what its commands printed
//! packages/DIGEST            what the file of a package holds, and where its contents are
//! releases/DIGEST            the release of packages that was at an address last
//! sandbox/                   what steps run on                               ([`crate::sandbox::area`])
//! scans/DIGEST               the files of a source as they were              ([`crate::source::path`])
//! builds/DIGEST              the last build of a template
//! outputs/DIGEST             what was written to a path last
//! published/DIGEST           what was published from here, by name
//! places/DIGEST              repositories that have a blob
//! attached/DIGEST            what refers to a manifest that came from elsewhere
//! tmp/                       on the way to one of the above
//! ```
//! Rationale: a blob appears under its name by one link after it is on the disk, so a killed process leaves nothing but a
//! file in `tmp/`, which the next one that is alone here removes. Notes are written beside and renamed; one that cannot be
//! read counts as absent, because the work can be done again.

pub mod blob;
pub mod check;
pub mod error;
pub mod file;
pub mod gc;
pub mod limit;
pub mod notes;
pub mod places;
pub mod refs;
pub mod spool;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

pub use blob::BlobWriter;
pub use error::StoreError;
pub use file::replace_file;
pub use limit::allow_open_files;
pub use notes::{AttachedNote, BuildNote, LayerNote, PackedNote, PublishedNote, Shelf};
pub use refs::{Entry, Name};
pub use spool::Spool;

/// What the `format` file of a store of this version says.
const FORMAT: &str = "kiln store 1\n";

/// An open store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held as long as the store is open; the kernel gives it back when the process ends, however it ends.
    lock: File,
    /// Blobs that this process wrote and digested: they need not be read again to be believed.
    written: Mutex<BTreeSet<String>>,
}

impl Store {
    /// Opens the store at `root`, which is made if it is not there. Waits for one who removes.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self::at(root)?;
        if store.is_alone()? {
            store.set_up()?;
            // What is in tmp/ belongs to nobody.
            store.clear_tmp()?;
        }
        store.flock(FlockOperation::LockShared)?;
        store.check_format()?;
        Ok(store)
    }

    /// Opens the store to remove from it: nobody else works in it as long as it is open. `waiting` is called if somebody
    /// does now.
    pub fn open_alone(root: &Path, waiting: impl FnOnce()) -> Result<Self, StoreError> {
        let store = Self::at(root)?;
        if !store.is_alone()? {
            waiting();
            store.flock(FlockOperation::LockExclusive)?;
        }
        store.set_up()?;
        store.clear_tmp()?;
        store.check_format()?;
        Ok(store)
    }

    fn at(root: &Path) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Open { store: root.to_owned(), source };
        fs::create_dir_all(root).map_err(fail)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock")).map_err(fail)?;
        Ok(Self { root: root.to_owned(), lock, written: Mutex::default() })
    }

    /// Whether nobody else works here; then nobody can as long as the lock stays.
    fn is_alone(&self) -> Result<bool, StoreError> {
        match flock(&self.lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(self.open_error(error.into())),
        }
    }

    fn flock(&self, operation: FlockOperation) -> Result<(), StoreError> {
        flock(&self.lock, operation).map_err(|error| self.open_error(error.into()))
    }

    fn open_error(&self, source: std::io::Error) -> StoreError {
        match self.write_error(source) {
            StoreError::Write { store, source } => StoreError::Open { store, source },
            full => full,
        }
    }

    /// Makes what is missing. The format comes last and in one step, so that a store without it is one that nobody has
    /// used.
    fn set_up(&self) -> Result<(), StoreError> {
        let make =
            |directory: &str| fs::create_dir_all(self.root.join(directory)).map_err(|source| self.open_error(source));
        for directory in ["blobs/sha256", "aside", "refs", "tmp"] {
            make(directory)?;
        }
        for shelf in Shelf::ALL {
            make(shelf.directory())?;
        }
        let path = self.root.join("format");
        if path.exists() {
            return Ok(());
        }
        let written = self.temporary()?;
        fs::write(written.path(), FORMAT).map_err(|source| self.open_error(source))?;
        written.persist(path).map(|_| ()).map_err(|error| self.open_error(error.error))
    }

    fn check_format(&self) -> Result<(), StoreError> {
        match fs::read_to_string(self.root.join("format")) {
            Ok(found) if found == FORMAT => Ok(()),
            Ok(found) => Err(StoreError::Format { store: self.root.clone(), found: found.trim().to_owned() }),
            Err(source) => Err(self.open_error(source)),
        }
    }

    fn clear_tmp(&self) -> Result<(), StoreError> {
        for entry in fs::read_dir(self.tmp()).map_err(|source| self.open_error(source))?.flatten() {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|source| self.open_error(source))?;
        }
        Ok(())
    }

    fn written(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// A file without a name, for what is needed as long as a build runs.
    pub fn scratch(&self) -> Result<File, StoreError> {
        tempfile::tempfile_in(self.tmp()).map_err(|source| self.write_error(source))
    }

    /// A directory in `tmp/` that goes when it is dropped.
    pub fn scratch_directory(&self) -> Result<tempfile::TempDir, StoreError> {
        tempfile::tempdir_in(self.tmp()).map_err(|source| self.write_error(source))
    }

    /// What a failed write into a file of the store means.
    pub fn write_failed(&self, source: std::io::Error) -> StoreError {
        self.write_error(source)
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
