//! What an upper directory of an overlay holds: the child reads it, because some of it belongs to ids that only it has.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::BufWriter;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, openat,
    readlinkat, statat,
};
use rustix::io::Errno;

use crate::base::hash::digest_of;
use crate::base::path::unreadable;
use crate::base::{ContentDigest, ImagePath};
use crate::store::spool::Spooler;
use crate::tree::{Change, Changeset, Content, Kind, LinkGroup, Node, dump};

use super::answer::{CapturedAnswer, Doing, Failure};
use super::chroot::record::{Record, Stamp};
use super::mode::Mode as SandboxMode;
use super::owners::{ATTRIBUTE, Owner, from_attribute, inherited};

/// What was changed.
#[derive(Debug)]
pub struct Captured {
    /// Every node of the upper directory, with the times that it has there.
    pub changes: Changeset,
    /// Where each content begins in the spool.
    pub places: BTreeMap<ContentDigest, u64>,
    /// The spool's length.
    pub blob_bytes: u64,
    /// The spool's digest.
    pub blob: ContentDigest,
    /// Sockets that were passed over, for people.
    pub sockets: Vec<String>,
}

impl Captured {
    /// No changes.
    pub(super) fn nothing() -> Self {
        let (changes, places) = (Changeset::new(), BTreeMap::new());
        Self { changes, places, blob_bytes: 0, blob: digest_of(b""), sockets: Vec::new() }
    }
}

impl CapturedAnswer {
    /// Its meaning.
    pub(super) fn read(self) -> Result<Captured, Failure> {
        let changes =
            dump::parse(&self.tree).map_err(|error| Failure::said("read what the step changed", error.to_string()))?;
        Ok(Captured {
            changes,
            places: self.places.into_iter().collect(),
            blob_bytes: self.blob_bytes,
            blob: self.blob,
            sockets: self.sockets,
        })
    }
}

impl From<Captured> for CapturedAnswer {
    fn from(captured: Captured) -> Self {
        Self {
            tree: dump::write(&captured.changes),
            places: captured.places.into_iter().collect(),
            blob_bytes: captured.blob_bytes,
            blob: captured.blob,
            sockets: captured.sockets,
        }
    }
}

/// Reads the directory; contents go to `spool`.
pub(super) fn capture(
    upper: &Path,
    spool: File,
    owners: Vec<(String, Owner)>,
    mode: SandboxMode,
) -> Result<Captured, Failure> {
    let path = |text: String| ImagePath::parse(&unreadable(&text)?).ok();
    let records = owners.into_iter().filter_map(|(text, owner)| Some((path(text)?, owner)));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(rustix::fs::CWD, upper, flags, Mode::empty()).doing("open what the step changed")?;
    let mut walk = Walk {
        spooler: Spooler::new(BufWriter::with_capacity(1 << 20, spool)),
        changes: Changeset::new(),
        linked: BTreeMap::new(),
        records: (mode == SandboxMode::OneId).then(|| records.collect()),
        sockets: Vec::new(),
        record: Record::beside(upper)?,
        seen: BTreeSet::new(),
    };
    walk.directory(&root, &ImagePath::root(), 0)?;
    if let Some(record) = &walk.record {
        record.gone(|path| walk.seen.contains(path)).into_iter().for_each(|path| walk.changes.white_out(path));
    }
    let (writer, places, blob_bytes, blob) = walk.spooler.finish();
    writer.into_inner().map_err(std::io::IntoInnerError::into_error).doing("keep what the step wrote")?;
    Ok(Captured { changes: walk.changes, places, blob_bytes, blob, sockets: walk.sockets })
}

struct Walk {
    spooler: Spooler<BufWriter<File>>,
    changes: Changeset,
    /// Files with several names, by inode: the number of their group and what is in them.
    linked: BTreeMap<(u64, u64), (LinkGroup, Content)>,
    /// Where owners are recorded: those that are not written on the files.
    records: Option<BTreeMap<ImagePath, Owner>>,
    sockets: Vec<String>,
    /// What the directory was filled with, if it was.
    record: Option<Record>,
    /// All that is there, if that is asked for.
    seen: BTreeSet<ImagePath>,
}

impl Walk {
    /// Everything in `directory`, where files without a record belong to `group`.
    fn directory(&mut self, directory: &OwnedFd, path: &ImagePath, group: u32) -> Result<(), Failure> {
        let doing = || format!("read `{path}`");
        let mut names = BTreeSet::new();
        for entry in Dir::read_from(directory).doing(doing())? {
            let name = entry.doing(doing())?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.insert(name);
            }
        }
        for name in names {
            let path = path.child(&name).map_err(|error| Failure::said(doing(), error.to_string()))?;
            self.entry(directory, OsStr::from_bytes(&name), path, group)?;
        }
        Ok(())
    }

    fn entry(&mut self, parent: &OwnedFd, name: &OsStr, path: ImagePath, group: u32) -> Result<(), Failure> {
        let doing = || format!("read `{path}`");
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).doing(doing())?;
        if let Some(record) = &self.record {
            self.seen.insert(path.clone());
            if record.has(&path, Stamp::of_stat(&stat)) {
                return self.unchanged(parent, name, &path, &stat, group);
            }
        }
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                self.changes.white_out(path);
                return Ok(());
            }
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let fd = openat(parent, name, flags, Mode::empty()).doing(doing())?;
                let (xattrs, is_opaque) = attributes(fd.as_fd()).doing(doing())?;
                let node = self.node(&path, Kind::Directory, &stat, xattrs, group);
                let group = self.records.as_ref().map_or(0, |_| inherited(stat.st_mode, node.gid));
                self.changes.put(path.clone(), node);
                if is_opaque {
                    self.changes.make_opaque(path.clone());
                }
                return self.directory(&fd, &path, group);
            }
            FileType::RegularFile => return self.file(parent, name, path, &stat, group),
            FileType::Symlink => {
                let target = readlinkat(parent, name, Vec::new()).doing(doing())?;
                Kind::Symlink { target: target.into_bytes().into() }
            }
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => {
                let (major, minor) = device(&stat);
                Kind::CharDevice { major, minor }
            }
            FileType::BlockDevice => {
                let (major, minor) = device(&stat);
                Kind::BlockDevice { major, minor }
            }
            _ => {
                self.sockets.push(path.to_string());
                return Ok(());
            }
        };
        let node = self.node(&path, kind, &stat, BTreeMap::new(), group);
        self.changes.put(path, node);
        Ok(())
    }

    /// What is as it was is no change; only what is in a directory may be one.
    fn unchanged(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        path: &ImagePath,
        stat: &Stat,
        group: u32,
    ) -> Result<(), Failure> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, name, flags, Mode::empty()).doing(format!("read `{path}`"))?;
        self.directory(&directory, path, group)
    }

    fn file(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        path: ImagePath,
        stat: &Stat,
        group: u32,
    ) -> Result<(), Failure> {
        let doing = || format!("read `{path}`");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = openat(parent, name, flags, Mode::empty()).doing(doing())?;
        let (xattrs, _) = attributes(fd.as_fd()).doing(doing())?;
        let inode = (stat.st_dev, stat.st_ino);
        let known = self.linked.get(&inode).filter(|_| stat.st_nlink > 1);
        let (links, content) = match known {
            Some((group, content)) => (Some(*group), *content),
            None => {
                let content = self.spooler.put(&mut File::from(fd)).doing(doing())?;
                let group = (stat.st_nlink > 1).then(|| LinkGroup(self.linked.len() as u64 + 1));
                if let Some(group) = group {
                    self.linked.insert(inode, (group, content));
                }
                (group, content)
            }
        };
        let node = self.node(&path, Kind::File { content, links }, stat, xattrs, group);
        self.changes.put(path, node);
        Ok(())
    }

    fn node(&self, path: &ImagePath, kind: Kind, stat: &Stat, mut xattrs: Attributes, group: u32) -> Node {
        let Owner { uid, gid } = match &self.records {
            None => Owner { uid: stat.st_uid, gid: stat.st_gid },
            Some(records) => {
                let on_file = xattrs.remove(ATTRIBUTE.as_bytes()).and_then(|value| from_attribute(&value));
                on_file.or_else(|| records.get(path).copied()).unwrap_or(Owner { uid: 0, gid: group })
            }
        };
        // The low twelve bits fit.
        Node { kind, mode: (stat.st_mode & 0o7777) as u16, uid, gid, mtime: stat.st_mtime, xattrs }
    }
}

fn device(stat: &Stat) -> (u32, u32) {
    (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
}

type Attributes = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// The attributes that a layer keeps, and whether the directory hides what is below it. The overlay's own notes, the
/// machine's security labels and what a directory of the machine hands down are not the image's. Root of a user namespace
/// reads its own capabilities in the v2 form.
pub(super) fn attributes(fd: BorrowedFd<'_>) -> Result<(Attributes, bool), Errno> {
    let mut names = Vec::new();
    match flistxattr_query(fd) {
        Err(Errno::OPNOTSUPP) => return Ok((BTreeMap::new(), false)),
        length => read_whole(&mut names, length?, |buffer| flistxattr(fd, buffer))?,
    }
    let (mut kept, mut is_opaque) = (BTreeMap::new(), false);
    let read_value = |name: &[u8]| {
        let (name, mut value) = (OsStr::from_bytes(name), Vec::new());
        read_whole(&mut value, fgetxattr_query(fd, name)?, |buffer| fgetxattr(fd, name, buffer))?;
        Ok::<_, Errno>(value)
    };
    for name in names.split(|b| *b == 0) {
        match name {
            b"trusted.overlay.opaque" | b"user.overlay.opaque" => is_opaque = read_value(name)? == b"y",
            _ if name.starts_with(b"user.overlay.") => {}
            _ if name.starts_with(b"user.") || name == b"security.capability" => {
                kept.insert(name.into(), read_value(name)?.into());
            }
            _ => {}
        }
    }
    Ok((kept, is_opaque))
}

/// Reads what is `length` long. A buffer of no length would ask for the length again.
fn read_whole(
    into: &mut Vec<u8>,
    length: usize,
    read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
) -> Result<(), Errno> {
    into.resize(length, 0);
    let length = if length == 0 { 0 } else { read(into)? };
    into.truncate(length);
    Ok(())
}

/// Turns directories that hide what is below them into whiteouts: kiln's own layers name each.
pub(super) fn without_opaque(changes: Changeset, lower: &crate::tree::Tree) -> Changeset {
    let opaque: Vec<ImagePath> = changes.opaque().cloned().collect();
    if opaque.is_empty() {
        return changes;
    }
    let mut plain: Changeset = changes.iter().map(|(path, change)| (path.clone(), change.clone())).collect();
    for directory in &opaque {
        let hidden: Vec<ImagePath> = lower.below(directory).map(|(path, _)| path.clone()).collect();
        for path in hidden {
            let parent_is_there = path.parent().is_none_or(|parent| {
                parent == *directory
                    || matches!(changes.get(&parent), Some(Change::Node(node)) if node.kind == Kind::Directory)
            });
            if parent_is_there && changes.get(&path).is_none() {
                plain.white_out(path);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{XattrFlags, fsetxattr};
    use std::io::Write as _;

    #[test]
    fn attributes_of_every_length_are_read_and_those_of_the_machine_are_not() {
        let file = tempfile::tempfile().expect("a file");
        let long = vec![7; 1000];
        for (name, value) in [("user.short", b"x".as_slice()), ("user.long", &long), ("user.overlay.origin", b"x")] {
            match fsetxattr(&file, name, value, XattrFlags::empty()) {
                // A file system without attributes has none to read.
                Err(Errno::OPNOTSUPP) => {
                    writeln!(std::io::stderr(), "skipped: files have no extended attributes here").ok();
                    return;
                }
                set => set.expect("an attribute"),
            }
        }
        let expected = [("user.long", long.as_slice()), ("user.short", b"x")];
        let expected: Attributes =
            expected.into_iter().map(|(name, value)| (name.as_bytes().into(), value.into())).collect();
        assert_eq!(attributes(file.as_fd()).expect("readable"), (expected.clone(), false));
        fsetxattr(&file, "user.overlay.opaque", b"y", XattrFlags::empty()).expect("an attribute");
        assert_eq!(attributes(file.as_fd()).expect("readable"), (expected, true));
    }
}
