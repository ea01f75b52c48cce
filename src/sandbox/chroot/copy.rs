//! The files of one directory in another one: owners, modes, times, attributes and names alike.
//!
//! Everything is opened and made relative to an open directory, and never through a link.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chmodat,
    chownat, fchmod, fchown, fremovexattr, fsetxattr, fstat, futimens, ioctl_ficlone, linkat, mkdirat, mknodat, openat,
    readlinkat, renameat, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use crate::base::ImagePath;
use crate::sandbox::answer::{Doing, Failure};
use crate::sandbox::capture::attributes;

/// Which files of a directory are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// All of a layer: a character device 0:0 takes away what is in its place.
    Layer,
    /// All of a directory, whatever it is.
    All,
    /// These of a layer, all of which are there when all layers are merged; the others are there already.
    These(&'a BTreeSet<ImagePath>),
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory of the machine.
pub(super) fn opened(path: &Path) -> Result<OwnedFd, Failure> {
    openat(CWD, path, DIRECTORY, Mode::empty()).doing(format!("open `{}`", path.display()))
}

/// A directory in an open one.
pub(super) fn opened_in(parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Failure> {
    openat(parent, name, DIRECTORY, Mode::empty()).doing(format!("open `{}`", name.display()))
}

/// Puts all that is in `from` into `to`, over what is there. A directory over a directory keeps what is below it; every
/// other pair replaces. `to` becomes like `from`.
pub(super) fn directory(from: &OwnedFd, to: &OwnedFd, which: Which<'_>) -> Result<(), Failure> {
    let mut copier = Copier { root: to, which, first_names: BTreeMap::new(), clones: true };
    copier.directory(from, to, &ImagePath::root()).doing("copy the files of a layer")
}

/// Makes each name of a file in `directory` a file of its own.
pub(super) fn split_names(directory: &OwnedFd) -> io::Result<()> {
    const NEW: &str = ".kiln-split";
    for name in names(directory)? {
        let name = OsStr::from_bytes(&name);
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let below = openat(directory, name, DIRECTORY, Mode::empty())?;
                let stat = fstat(&below)?;
                split_names(&below)?;
                futimens(&below, &times(&stat))?;
            }
            FileType::RegularFile if stat.st_nlink > 1 => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let from = openat(directory, name, flags, Mode::empty())?;
                let made = openat(directory, NEW, NEW_FILE, Mode::RUSR | Mode::WUSR)?;
                io::copy(&mut File::from(from.try_clone()?), &mut File::from(made.try_clone()?))?;
                dress(&made, &from, &stat)?;
                renameat(directory, NEW, directory, name)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts a copy of the open file `from` where nothing is.
pub(super) fn file(from: &File, to: &Path) -> Result<(), Failure> {
    let copied = fstat(from).map_err(io::Error::from).and_then(|stat| {
        let made = openat(CWD, to, NEW_FILE, Mode::RUSR | Mode::WUSR)?;
        io::copy(&mut &*from, &mut File::from(made.try_clone()?))?;
        Ok(dress(&made, from, &stat)?)
    });
    copied.doing(format!("copy `{}`", to.display()))
}

/// Removes what is at `name`, whatever it is.
pub(super) fn remove(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        Err(Errno::NOENT) => return Ok(()),
        removed => return removed,
    }
    let directory = openat(parent, name, DIRECTORY, Mode::empty())?;
    for name in names(&directory)? {
        remove(&directory, OsStr::from_bytes(&name))?;
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

const NEW_FILE: OFlags =
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The names in a directory, in its own order.
pub(super) fn names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

struct Copier<'a> {
    root: &'a OwnedFd,
    which: Which<'a>,
    /// The first name of each file with several.
    first_names: BTreeMap<(u64, u64), ImagePath>,
    /// Whether the file system shares blocks between files, as far as is known.
    clones: bool,
}

impl Copier<'_> {
    fn directory(&mut self, from: &OwnedFd, to: &OwnedFd, path: &ImagePath) -> io::Result<()> {
        for name in names(from)? {
            let path = path.child(&name).map_err(io::Error::other)?;
            let copied = self.entry(from, to, OsStr::from_bytes(&name), &path);
            copied.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
        }
        let stat = fstat(from)?;
        Ok(dress(to, from, &stat)?)
    }

    fn entry(&mut self, from: &OwnedFd, to: &OwnedFd, name: &OsStr, path: &ImagePath) -> io::Result<()> {
        let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !self.is_wanted(path, kind) {
            return Ok(());
        }
        if kind == FileType::Directory {
            let from = openat(from, name, DIRECTORY, Mode::empty())?;
            return self.directory(&from, &self.made(to, name)?, path);
        }
        remove(to, name)?;
        match kind {
            FileType::CharacterDevice if stat.st_rdev == 0 && self.which != Which::All => return Ok(()),
            FileType::RegularFile => return self.file(from, to, name, path, &stat),
            FileType::Symlink => symlinkat(&readlinkat(from, name, Vec::new())?, to, name)?,
            FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice => {
                match mknodat(to, name, kind, Mode::RUSR, stat.st_rdev) {
                    // Whoever may not make devices has none in its layers.
                    Err(Errno::PERM) => return Ok(()),
                    made => made?,
                }
            }
            // What listened there does not any more.
            _ => return Ok(()),
        }
        chownat(
            to,
            name,
            Some(Uid::from_raw(stat.st_uid)),
            Some(Gid::from_raw(stat.st_gid)),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
        if kind != FileType::Symlink {
            chmodat(to, name, Mode::from_raw_mode(stat.st_mode), AtFlags::empty())?;
        }
        Ok(utimensat(to, name, &times(&stat), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Whether it is copied, or something in it.
    fn is_wanted(&self, path: &ImagePath, kind: FileType) -> bool {
        let Which::These(wanted) = self.which else { return true };
        let is_in_it = |other: &&ImagePath| other.below(path).is_some();
        // Names such as `a-b` lie between `a` and `a/c`.
        let after =
            wanted.range::<ImagePath, _>(path..).take_while(|other| other.as_bytes().starts_with(path.as_bytes()));
        wanted.contains(path) || (kind == FileType::Directory && after.clone().any(|other| is_in_it(&other)))
    }

    /// The directory of this name, made if it is not one.
    fn made(&self, to: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
        let there = statat(to, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileType::from_raw_mode(stat.st_mode));
        if there != Ok(FileType::Directory) {
            remove(to, name)?;
            mkdirat(to, name, Mode::RWXU)?;
        }
        openat(to, name, DIRECTORY, Mode::empty())
    }

    fn file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &OsStr, path: &ImagePath, stat: &Stat) -> io::Result<()> {
        let inode = (stat.st_dev, stat.st_ino);
        // An overlay gives a file of several names a copy for each that is changed, so in a layer each name is a file.
        let keeps_names = self.which == Which::All;
        if let Some(first) = self.first_names.get(&inode) {
            return Ok(linkat(self.root, OsStr::from_bytes(first.as_bytes()), to, name, AtFlags::empty())?);
        }
        let from = openat(from, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let made = openat(to, name, NEW_FILE, Mode::RUSR | Mode::WUSR)?;
        self.clones &= stat.st_size == 0 || ioctl_ficlone(&made, &from).is_ok();
        if !self.clones {
            io::copy(&mut File::from(from.try_clone()?), &mut File::from(made.try_clone()?))?;
        }
        if keeps_names && stat.st_nlink > 1 {
            self.first_names.insert(inode, path.clone());
        }
        Ok(dress(&made, &from, stat)?)
    }
}

/// Gives `to` the owner, the attributes, the mode and the time of `from`. An owner that is set clears the setuid bit and
/// capabilities, so it comes first.
fn dress(to: &OwnedFd, from: impl std::os::fd::AsFd, stat: &Stat) -> Result<(), Errno> {
    fchown(to, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    let (wanted, _) = attributes(from.as_fd())?;
    let (there, _) = attributes(std::os::fd::AsFd::as_fd(to))?;
    for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
        fremovexattr(to, &**name)?;
    }
    for (name, value) in &wanted {
        match fsetxattr(to, &**name, value, XattrFlags::empty()) {
            // As where trees are unpacked: what this file system or process cannot have is not there.
            Ok(()) | Err(Errno::PERM | Errno::OPNOTSUPP | Errno::ACCESS | Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    fchmod(to, Mode::from_raw_mode(stat.st_mode))?;
    futimens(to, &times(stat))
}

fn times(stat: &Stat) -> Timestamps {
    // A second has fewer parts than the other type can hold.
    let tv_nsec = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: stat.st_mtime, tv_nsec },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_layer_is_put_over_another_one() {
        let place = tempfile::tempdir().expect("a directory");
        let [from, to] = ["from", "to"].map(|name| place.path().join(name));
        for made in ["from/kept", "from/new/deep", "from/was-file", "to/kept", "to/was-directory/deep"] {
            fs::create_dir_all(place.path().join(made)).expect("made");
        }
        let write = |name: &str| fs::write(place.path().join(name), name).expect("written");
        for name in
            ["to/kept/old", "to/was-file", "to/was-directory/x", "to/outside", "from/new/a", "from/was-directory"]
        {
            write(name);
        }
        symlink("../outside", to.join("kept/link")).expect("a link");
        write("from/kept/link");
        fs::hard_link(from.join("new/a"), from.join("new/deep/b")).expect("a link");
        fs::set_permissions(from.join("new/a"), fs::Permissions::from_mode(0o4711)).expect("set");
        directory(&opened(&from).expect("open"), &opened(&to).expect("open"), Which::Layer).expect("copied");
        let text = |name: &str| fs::read_to_string(to.join(name)).expect("a file");
        assert_eq!((text("kept/old"), text("was-directory")), ("to/kept/old".into(), "from/was-directory".into()));
        assert_eq!((text("kept/link"), text("outside")), ("from/kept/link".into(), "to/outside".into()));
        assert!(to.join("was-file").is_dir());
        let meta = |name: &str| fs::symlink_metadata(to.join(name)).expect("it is there");
        assert_ne!(meta("new/a").ino(), meta("new/deep/b").ino(), "as an overlay would have it once one is changed");
        assert_eq!(meta("new/a").mode() & 0o7777, 0o4711);
        let before = fs::metadata(from.join("new/a")).expect("it is there");
        assert_eq!((meta("new/a").mtime(), meta("new/a").mtime_nsec()), (before.mtime(), before.mtime_nsec()));
        assert_ne!(meta("new/a").ino(), before.ino());
    }
}
