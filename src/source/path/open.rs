//! The root of a source, and how files below it are opened.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::error::ScanError;
use super::scan::Form;
use crate::base::ImagePath;

/// The directory of a source, open.
#[derive(Debug)]
pub(super) struct Root {
    /// As it was named.
    pub(super) named: PathBuf,
    /// Without links; the directory of the file, if the source is one file.
    pub(super) directory: PathBuf,
    /// Whether the source is the directory or one file in it.
    pub(super) form: Form,
    fd: OwnedFd,
    /// `openat2` is there (Linux 5.6), and no filter of the container forbids it.
    has_openat2: AtomicBool,
}

impl Root {
    /// Opens the source. Links to it are followed; below it, none are.
    pub(super) fn open(named: &Path) -> Result<Self, ScanError> {
        let fail = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ScanError::Missing { root: named.to_owned() },
            _ => ScanError::Read { root: named.to_owned(), path: Vec::new(), source },
        };
        let real = named.canonicalize().map_err(fail)?;
        let stat = rustix::fs::stat(&real).map_err(|e| fail(e.into()))?;
        let (directory, form) = match (FileType::from_raw_mode(stat.st_mode), real.parent(), real.file_name()) {
            (FileType::Directory, ..) => (real, Form::Directory),
            (FileType::RegularFile, Some(parent), Some(name)) => {
                let name = ImagePath::parse(name.as_bytes())
                    .map_err(|source| ScanError::Path { root: named.to_owned(), source })?;
                (parent.to_owned(), Form::File(name))
            }
            _ => return Err(ScanError::Kind { root: named.to_owned() }),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&directory, flags, Mode::empty()).map_err(|e| fail(e.into()))?;
        Ok(Self { named: named.to_owned(), directory, form, fd, has_openat2: AtomicBool::new(true) })
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Opens `path` (relative, `/` between the parts; empty: the root) for reading, following no link, so that a link put
    /// in place of a directory cannot lead the scan out of the source.
    pub(super) fn open_below(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(path) };
        let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if self.has_openat2.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(self.fd.as_fd(), path, flags, Mode::empty(), resolve) {
                Err(Errno::NOSYS | Errno::PERM) => self.has_openat2.store(false, Ordering::Relaxed),
                result => return result,
            }
        }
        rustix::fs::openat(self.fd.as_fd(), path, flags, Mode::empty())
    }

    /// The error of a failed operation on `path`. What vanished, or became a link, since it was listed has changed.
    pub(super) fn failed(&self, path: &[u8], error: Errno) -> ScanError {
        match error {
            Errno::NOENT | Errno::LOOP | Errno::NOTDIR => self.changed(path),
            _ => ScanError::Read { root: self.named.clone(), path: path.to_owned(), source: error.into() },
        }
    }

    pub(super) fn changed(&self, path: &[u8]) -> ScanError {
        ScanError::Changed { root: self.named.clone(), path: path.to_owned() }
    }
}
