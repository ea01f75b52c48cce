//! Where the sandbox keeps things in the store.
//!
//! ```text
//! sandbox/trees/BOOT/MODE/DIGEST/fs    a tree, unpacked: what overlays stand on; below `MODE-spread` it is in several
//!                                      directories ([`super::spread`])
//! sandbox/work/N/                      one step's or layer's directories; `lock` in it is held by whoever uses it
//! sandbox/caches/MODE/NAME/            what steps keep from build to build; `NAME.lock` beside it is held by whoever uses it
//! ```
//! Rationale: unpacked trees are not synced, which would cost more than to unpack them. So they are good for one boot of
//! the machine, and their place says which. What a killed process left in `work/` is known by its lock, which the kernel
//! gives back.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::base::TreeDigest;

use super::error::SandboxError;
use super::mode::Mode;
use super::spread::Layout;

/// The directories of one store.
#[derive(Debug, Clone)]
pub struct Area {
    root: PathBuf,
    boot: String,
}

/// A directory of one's own. It is removed by [`super::Sandbox::discard`], or by whoever comes later and finds its lock
/// free.
#[derive(Debug)]
pub struct Work {
    path: PathBuf,
    _lock: File,
}

/// Who holds it is alone with a cache, until it is dropped.
#[derive(Debug)]
pub struct CacheLock {
    path: PathBuf,
    file: File,
}

impl CacheLock {
    /// Takes it if nobody has it; whether nobody had.
    pub fn take(&self) -> Result<bool, SandboxError> {
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Err(error) => Err(SandboxError::Area { path: self.path.clone(), source: error.into() }),
        }
    }
}

impl Work {
    /// A directory in it, made if it is not there.
    pub fn directory(&self, name: &str) -> Result<PathBuf, SandboxError> {
        let path = self.path.join(name);
        make(&path)?;
        Ok(path)
    }

    /// The same for one that an image's root is seen in: everybody may enter it there.
    pub fn root(&self, name: &str) -> Result<PathBuf, SandboxError> {
        let path = self.directory(name)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(|source| SandboxError::Area { path: path.clone(), source })?;
        Ok(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Area {
    /// The area of the store at `store`. Nobody else may look into it: it holds programs that are root's in an image.
    pub fn open(store: &Path) -> Result<Self, SandboxError> {
        let root = fs::canonicalize(store).unwrap_or_else(|_| store.to_owned()).join("sandbox");
        for directory in ["trees", "work", "caches"] {
            make(&root.join(directory))?;
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        Ok(Self { root, boot: if boot.is_empty() { "unknown".to_owned() } else { boot } })
    }

    /// Where all of it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where a tree is unpacked, or will be.
    pub fn tree(&self, mode: Mode, layout: Layout, tree: &TreeDigest) -> PathBuf {
        let kind = match layout {
            Layout::Plain => mode.name().to_owned(),
            Layout::Spread => format!("{}-spread", mode.name()),
        };
        self.root.join("trees").join(&self.boot).join(kind).join(tree.hex())
    }

    /// The directory of a cache.
    pub fn cache(&self, mode: Mode, name: &str) -> Result<PathBuf, SandboxError> {
        let path = self.root.join("caches").join(mode.name()).join(name);
        make(&path)?;
        Ok(path)
    }

    /// The lock of that directory. It stays when the cache goes, so that all who wait see the same.
    pub fn cache_lock(&self, mode: Mode, name: &str) -> Result<CacheLock, SandboxError> {
        let caches = self.root.join("caches").join(mode.name());
        make(&caches)?;
        let path = caches.join(name).with_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| SandboxError::Area { path: path.clone(), source })?;
        Ok(CacheLock { path, file })
    }

    /// A new directory of one's own.
    pub fn work(&self) -> Result<Work, SandboxError> {
        let all = self.root.join("work");
        for number in 0_u32.. {
            let path = all.join(number.to_string());
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(|source| SandboxError::Area { path: path.clone(), source })?,
            }
            let lock = File::create(path.join("lock"));
            let lock = lock.map_err(|source| SandboxError::Area { path: path.clone(), source })?;
            // A sweeper that came between the two lines above has taken it, and is about to remove the directory.
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() && path.join("lock").exists() {
                return Ok(Work { path, _lock: lock });
            }
        }
        let source = io::Error::other("all names are taken");
        Err(SandboxError::Area { path: all, source })
    }

    /// What nobody uses any more: what killed processes left, and trees of other boots.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for path in entries(&self.root.join("work")) {
            let free = match File::open(path.join("lock")) {
                Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
                // Somebody is between making the directory and its lock, or was killed there: young ones stay.
                Err(_) => age_seconds(&path).is_some_and(|age| age > 60),
            };
            if free {
                found.push(path);
            }
        }
        found.extend(entries(&self.root.join("trees")).into_iter().filter(|path| !path.ends_with(&self.boot)));
        found
    }

    /// All unpacked trees, with the seconds since each was used last.
    pub fn trees(&self) -> Vec<(PathBuf, u64)> {
        let of_boot = entries(&self.root.join("trees").join(&self.boot));
        let trees = of_boot.iter().flat_map(|mode| entries(mode));
        trees.filter_map(|path| Some((path.clone(), age_seconds(&path)?))).collect()
    }
}

fn age_seconds(path: &Path) -> Option<u64> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    modified.elapsed().ok().map(|age| age.as_secs())
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn make(path: &Path) -> Result<(), SandboxError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SandboxError::Full { at: path.to_owned() },
        _ => SandboxError::Area { path: path.to_owned(), source },
    })
}
