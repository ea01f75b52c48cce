//! Modes, owners, times and attributes of the files of a root.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chmodat, chownat, fchmod, fchown, fsetxattr,
    futimens, utimensat,
};
use rustix::io::Errno;

use crate::tree::{Kind, Node};

/// How many files lost what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// Files that belong to whoever wrote them.
    pub owners: usize,
    /// Extended attributes that could not be set.
    pub xattrs: usize,
    /// Devices that could not be made.
    pub devices: usize,
}

impl Lost {
    /// Says what was lost; `None` if nothing was.
    pub fn describe(&self) -> Option<String> {
        let counts = [(self.owners, "owners"), (self.xattrs, "extended attributes"), (self.devices, "devices")];
        let parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| format!("{} could not be set", parts.join(", ")))
    }
}

/// Whether owners can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// This process is root's.
    Root,
    /// It is not: files belong to the user.
    User,
}

impl Privilege {
    /// What this process has.
    pub fn of_this_process() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::User }
    }
}

/// Sets everything on an open file or directory, the time last. An owner that is set clears the setuid bit and
/// capabilities, so it comes first.
pub(super) fn set(fd: BorrowedFd<'_>, node: &Node, privilege: Privilege, lost: &mut Lost) -> Result<(), Errno> {
    set_owner(node, privilege, lost, |uid, gid| fchown(fd, Some(uid), Some(gid)))?;
    // Attributes of a user's own file need it to be writable.
    for (name, value) in &node.xattrs {
        match fsetxattr(fd, &**name, value, XattrFlags::empty()) {
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::ACCESS | Errno::INVAL) => lost.xattrs += 1,
            set => set?,
        }
    }
    fchmod(fd, mode(node))?;
    futimens(fd, &times(node))
}

/// The same for what cannot be opened without consequences: links, pipes, devices. They have no user's attributes.
pub(super) fn set_of_name(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    node: &Node,
    privilege: Privilege,
    lost: &mut Lost,
) -> Result<(), Errno> {
    let name = name.as_bytes();
    set_owner(node, privilege, lost, |uid, gid| {
        chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
    })?;
    lost.xattrs += node.xattrs.len();
    if !matches!(node.kind, Kind::Symlink { .. }) {
        // The name was made here and is not a link.
        chmodat(parent, name, mode(node), AtFlags::empty())?;
    }
    utimensat(parent, name, &times(node), AtFlags::SYMLINK_NOFOLLOW)
}

fn set_owner(
    node: &Node,
    privilege: Privilege,
    lost: &mut Lost,
    chown: impl FnOnce(Uid, Gid) -> Result<(), Errno>,
) -> Result<(), Errno> {
    // The largest number means "no change" to chown, and so is nobody's.
    let is_given = node.uid != u32::MAX && node.gid != u32::MAX;
    if privilege == Privilege::User || !is_given {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        lost.owners += usize::from((node.uid, node.gid) != (uid, gid));
        return Ok(());
    }
    match chown(Uid::from_raw(node.uid), Gid::from_raw(node.gid)) {
        // Root of a user namespace may not know the number.
        Err(Errno::PERM | Errno::INVAL) => {
            lost.owners += 1;
            Ok(())
        }
        set => set,
    }
}

fn mode(node: &Node) -> Mode {
    Mode::from_raw_mode(u32::from(node.mode))
}

fn times(node: &Node) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: node.mtime, tv_nsec: 0 },
    }
}
