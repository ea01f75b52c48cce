//! What the supervisor asks the kernel of a file.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxFlags, getxattr, lgetxattr, listxattr, llistxattr, lstat, openat,
    readlinkat, stat, statat, statx,
};
use rustix::io::Errno;

use crate::base::path::readable;

use super::call::Form;
use super::name::{Name, directory};
use super::table::Identity;
use super::{ATTRIBUTE, Owner, from_attribute};

/// The record on a file.
pub(super) fn attribute(path: &[u8], follow: bool) -> Result<Option<Owner>, Errno> {
    // Two numbers of ten digits.
    let mut value = [0_u8; 32];
    let read =
        if follow { getxattr(path, ATTRIBUTE, &mut value[..]) } else { lgetxattr(path, ATTRIBUTE, &mut value[..]) };
    match read {
        Ok(length) => Ok(value.get(..length).and_then(from_attribute)),
        Err(Errno::NODATA) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The group of a file without a record.
pub(super) fn group(name: &Name) -> u32 {
    if name.is_base {
        return group_of(&name.path);
    }
    // That the directory does not give its group away is seen at once, and true of nearly all.
    let is_link = || lstat(&*name.path).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    if let Some(directory) = directory(&name.path)
        && !gives_group(directory)
        && !(name.follow && is_link())
    {
        return 0;
    }
    let follow = if name.follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let open = openat(CWD, &*name.path, OFlags::PATH | OFlags::CLOEXEC | follow, Mode::empty());
    open.map_or(0, |open| group_of(own(&open).as_bytes()))
}

/// The same for the file that `link` in `/proc` leads to.
pub(super) fn group_of(link: &[u8]) -> u32 {
    let Ok(real) = readlinkat(CWD, link, Vec::new()) else { return 0 };
    let mut at = real.as_bytes();
    // A directory that was made in one with the bit has it too, and may have no record.
    while let Some(parent) = directory(at).filter(|parent| gives_group(parent)) {
        match attribute(parent, true) {
            Ok(Some(owner)) => return owner.gid,
            Ok(None) => at = parent,
            Err(_) => return 0,
        }
    }
    0
}

/// Whether new files in a directory get its group (inode(7), "the set-group-ID bit").
fn gives_group(directory: &[u8]) -> bool {
    stat(directory).is_ok_and(|stat| stat.st_mode & libc::S_ISGID != 0)
}

/// The link in `/proc` to a file that the supervisor has open.
pub(super) fn own(open: &OwnedFd) -> String {
    format!("self/fd/{}", open.as_raw_fd())
}

/// Which file an open one is.
pub(super) fn identity_of(open: &OwnedFd) -> Result<Identity, Errno> {
    identity(open, b"", AtFlags::EMPTY_PATH)
}

/// Which file is at a path.
pub(super) fn identity(base: impl AsFd, path: &[u8], flags: AtFlags) -> Result<Identity, Errno> {
    let stat = statx(base, path, flags, StatxFlags::INO)?;
    Ok(Identity { device: (stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino })
}

/// What the kernel tells of a file, with another owner.
pub(super) fn told(name: &Name, form: Form, owner: Owner) -> Result<Vec<u8>, Errno> {
    let path = std::ffi::CString::new(&*name.path).map_err(|_| Errno::INVAL)?;
    let asked = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW;
    let follow = if name.follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let (mut bytes, uid, gid) = match form {
        Form::Stat { .. } => {
            let places = (std::mem::offset_of!(libc::stat, st_uid), std::mem::offset_of!(libc::stat, st_gid));
            (vec![0_u8; size_of::<libc::stat>()], places.0, places.1)
        }
        Form::Statx { .. } => {
            let places = (std::mem::offset_of!(libc::statx, stx_uid), std::mem::offset_of!(libc::statx, stx_gid));
            (vec![0_u8; size_of::<libc::statx>()], places.0, places.1)
        }
    };
    let to = bytes.as_mut_ptr();
    #[allow(unsafe_code)] // The kernel writes one of its structures, which `bytes` is as long as.
    let result = unsafe {
        match form {
            Form::Stat { flags } => {
                libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path.as_ptr(), to, flags & !asked | follow)
            }
            Form::Statx { flags, mask } => {
                libc::syscall(libc::SYS_statx, libc::AT_FDCWD, path.as_ptr(), flags & !asked | follow, mask, to)
            }
        }
    };
    if result != 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    for (place, number) in [(uid, owner.uid), (gid, owner.gid)] {
        if let Some(field) = bytes.get_mut(place..place + 4) {
            field.copy_from_slice(&number.to_ne_bytes());
        }
    }
    Ok(bytes)
}

/// The names of all attributes of a file but the record, each with a zero behind it.
pub(super) fn names_but_record(name: &Name) -> Result<Vec<u8>, Errno> {
    /// xattr(7), XATTR_LIST_MAX.
    const LIST_MAX_BYTES: usize = 65_536;
    let mut names = vec![0; LIST_MAX_BYTES];
    let length = if name.follow { listxattr(&*name.path, &mut names) } else { llistxattr(&*name.path, &mut names) };
    names.truncate(length?);
    let is_record = |name: &[u8]| name.strip_suffix(b"\0") == Some(ATTRIBUTE.as_bytes());
    Ok(names.split_inclusive(|byte| *byte == 0).filter(|name| !is_record(name)).flatten().copied().collect())
}

/// The paths of what is neither a file nor a directory, as [`readable`] writes them.
pub(super) fn special_files(directory: &OwnedFd, at: &mut Vec<u8>, found: &mut BTreeSet<String>) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let length = at.len();
        if length > 0 {
            at.push(b'/');
        }
        at.extend_from_slice(name);
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        match kind {
            FileType::RegularFile => {}
            FileType::Directory => {
                let below = openat(directory, entry.file_name(), flags, Mode::empty())?;
                special_files(&below, at, found)?;
            }
            _ => {
                found.insert(readable(at));
            }
        }
        at.truncate(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// A number of the kernel's structure at `place`.
    fn number<const N: usize>(bytes: &[u8], place: usize) -> [u8; N] {
        bytes[place..place + N].try_into().expect("it is so long")
    }

    #[test]
    fn only_the_owner_is_another_in_what_the_kernel_tells() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().as_os_str().as_bytes().to_owned();
        let name = Name { path, follow: true, is_base: false };
        let owner = Owner { uid: 70_000, gid: 8 };
        let inode = file.as_file().metadata().expect("it is there").ino();
        let stat = told(&name, Form::Stat { flags: 0 }, owner).expect("it is there");
        assert_eq!(u64::from_ne_bytes(number(&stat, std::mem::offset_of!(libc::stat, st_ino))), inode);
        assert_eq!(u32::from_ne_bytes(number(&stat, std::mem::offset_of!(libc::stat, st_uid))), owner.uid);
        assert_eq!(u32::from_ne_bytes(number(&stat, std::mem::offset_of!(libc::stat, st_gid))), owner.gid);
        let form = Form::Statx { flags: libc::AT_EMPTY_PATH, mask: libc::STATX_BASIC_STATS };
        let statx = told(&name, form, owner).expect("it is there");
        assert_eq!(u64::from_ne_bytes(number(&statx, std::mem::offset_of!(libc::statx, stx_ino))), inode);
        assert_eq!(u32::from_ne_bytes(number(&statx, std::mem::offset_of!(libc::statx, stx_uid))), owner.uid);
        assert_eq!(u32::from_ne_bytes(number(&statx, std::mem::offset_of!(libc::statx, stx_gid))), owner.gid);
    }

    #[test]
    fn only_the_record_is_kept_from_a_list() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().as_os_str().as_bytes().to_owned();
        let set = |name: &str| rustix::fs::setxattr(&*path, name, b"0:42", rustix::fs::XattrFlags::empty());
        if set(ATTRIBUTE).is_err() {
            // A file system without such attributes.
            writeln!(std::io::stderr(), "skipped: files have no extended attributes here").ok();
            return;
        }
        set("user.kiln.owner2").expect("a second one");
        let name = Name { path: path.clone(), follow: true, is_base: false };
        assert_eq!(names_but_record(&name).expect("it has some"), b"user.kiln.owner2\0");
        assert_eq!(attribute(&path, true), Ok(Some(Owner { uid: 0, gid: 42 })));
    }
}
