//! How kiln recognises what it wrote.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::base::Hasher;
use crate::base::digest::{DIGEST_BYTES, hex};

/// What a file or directory was like when it was written. The device is not in it: its number changes when a machine
/// starts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fingerprint {
    /// Of one file: inode, size, modification and change time as seconds and nanoseconds.
    File {
        /// `st_ino`
        inode: u64,
        /// `st_size`
        size_bytes: u64,
        /// `st_mtime`
        mtime: (i64, i64),
        /// `st_ctime`
        ctime: (i64, i64),
    },
    /// Of one file before it is renamed to its target, which moves the change time.
    Staged {
        /// `st_ino`
        inode: u64,
        /// `st_size`
        size_bytes: u64,
        /// `st_mtime`
        mtime: (i64, i64),
    },
    /// Of an OCI layout: a digest over the names, types, sizes and inodes in it. No times: its blobs may be links to the
    /// store's, and the change time moves whenever another link is made or removed.
    Layout(String),
    /// Of a tree of files: the same with modification and change times.
    Tree(String),
}

impl Fingerprint {
    /// Of the file at `path`.
    pub(super) fn of_file(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|meta| Self::File {
            inode: meta.ino(),
            size_bytes: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Of the file at `path`, which is going to be renamed.
    pub(super) fn of_staged(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|meta| Self::Staged {
            inode: meta.ino(),
            size_bytes: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
        })
    }

    /// Of the OCI layout in a directory.
    pub(super) fn of_layout(directory: &Path) -> io::Result<Self> {
        walk(directory, Times::Ignored).map(Self::Layout)
    }

    /// Of the files in a directory. The directory itself is not in it, since a rename changes it.
    pub(super) fn of_tree(directory: &Path) -> io::Result<Self> {
        walk(directory, Times::Counted).map(Self::Tree)
    }

    /// Whether what is at `path` is still this.
    pub(super) fn holds(&self, path: &Path) -> io::Result<bool> {
        let is_directory = fs::symlink_metadata(path)?.is_dir();
        let now = match self {
            Self::File { .. } => Self::of_file(path)?,
            Self::Staged { .. } => Self::of_staged(path)?,
            Self::Layout(_) | Self::Tree(_) if !is_directory => return Ok(false),
            Self::Layout(_) => Self::of_layout(path)?,
            Self::Tree(_) => Self::of_tree(path)?,
        };
        Ok(*self == now)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Ignored,
    Counted,
}

struct WalkDigest([u8; DIGEST_BYTES]);

impl From<[u8; DIGEST_BYTES]> for WalkDigest {
    fn from(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }
}

/// A digest over everything below `directory`, links not followed. Directories that this user may not read count as they
/// are from outside: a tree written without privileges may hold some.
fn walk(directory: &Path, times: Times) -> io::Result<String> {
    let mut hasher = Hasher::new();
    for entry in WalkDir::new(directory).min_depth(1).sort_by_file_name() {
        let (path, meta) = match entry {
            Ok(entry) => (entry.path().to_owned(), entry.metadata()?),
            Err(error) => {
                let denied = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
                match error.path() {
                    Some(path) if denied => (path.to_owned(), fs::symlink_metadata(path)?),
                    _ => return Err(error.into()),
                }
            }
        };
        let name = path.strip_prefix(directory).unwrap_or(&path);
        hasher.field(name.as_os_str().as_bytes());
        add(&mut hasher, &meta, times);
    }
    Ok(hex(&hasher.finish::<WalkDigest>().0))
}

fn add(hasher: &mut Hasher, meta: &Metadata, times: Times) {
    let kind = meta.file_type();
    let letter = match () {
        () if kind.is_dir() => b'd',
        () if kind.is_symlink() => b'l',
        () if kind.is_file() => b'f',
        () if kind.is_fifo() => b'p',
        () => b'x',
    };
    // What a directory's size means is the file system's secret.
    let size = if kind.is_dir() { 0 } else { meta.len() };
    hasher.update(&[letter]);
    hasher.update(&size.to_le_bytes());
    hasher.update(&meta.ino().to_le_bytes());
    if times == Times::Counted {
        for number in [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()] {
            hasher.update(&number.to_le_bytes());
        }
    }
}
