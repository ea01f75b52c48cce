//! What an upper directory of an overlay holds: the child reads it, because some of it belongs to ids that only it has.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::BufWriter;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, flistxattr, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::base::{ContentDigest, ImagePath};
use crate::store::spool::Spooler;
use crate::tree::{Change, Changeset, Content, Kind, LinkGroup, Node, dump};

use super::answer::{CapturedAnswer, Doing, Failure};

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
    /// How many sockets were passed over.
    pub sockets: usize,
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

/// Reads the directory; contents go to `spool`.
pub(super) fn capture(upper: &std::path::Path, spool: File) -> Result<CapturedAnswer, Failure> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(rustix::fs::CWD, upper, flags, Mode::empty()).doing("open what the step changed")?;
    let mut walk = Walk {
        spooler: Spooler::new(BufWriter::with_capacity(1 << 20, spool)),
        changes: Changeset::new(),
        linked: BTreeMap::new(),
        sockets: 0,
    };
    walk.directory(&root, &ImagePath::root())?;
    let (writer, places, blob_bytes, blob) = walk.spooler.finish();
    writer.into_inner().map_err(std::io::IntoInnerError::into_error).doing("keep what the step wrote")?;
    Ok(CapturedAnswer {
        tree: dump::write(&walk.changes),
        places: places.into_iter().collect(),
        blob_bytes,
        blob,
        sockets: walk.sockets,
    })
}

struct Walk {
    spooler: Spooler<BufWriter<File>>,
    changes: Changeset,
    /// Files with several names, by inode: the number of their group and what is in them.
    linked: BTreeMap<(u64, u64), (LinkGroup, Content)>,
    sockets: usize,
}

impl Walk {
    fn directory(&mut self, directory: &OwnedFd, path: &ImagePath) -> Result<(), Failure> {
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
            self.entry(directory, OsStr::from_bytes(&name), path)?;
        }
        Ok(())
    }

    fn entry(&mut self, parent: &OwnedFd, name: &OsStr, path: ImagePath) -> Result<(), Failure> {
        let doing = || format!("read `{path}`");
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).doing(doing())?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                self.changes.white_out(path);
                return Ok(());
            }
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let fd = openat(parent, name, flags, Mode::empty()).doing(doing())?;
                let (xattrs, is_opaque) = attributes(fd.as_fd()).doing(doing())?;
                self.changes.put(path.clone(), node(Kind::Directory, &stat, xattrs));
                if is_opaque {
                    self.changes.make_opaque(path.clone());
                }
                return self.directory(&fd, &path);
            }
            FileType::RegularFile => return self.file(parent, name, path, &stat),
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
                self.sockets += 1;
                return Ok(());
            }
        };
        self.changes.put(path, node(kind, &stat, BTreeMap::new()));
        Ok(())
    }

    fn file(&mut self, parent: &OwnedFd, name: &OsStr, path: ImagePath, stat: &Stat) -> Result<(), Failure> {
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
        self.changes.put(path, node(Kind::File { content, links }, stat, xattrs));
        Ok(())
    }
}

fn node(kind: Kind, stat: &Stat, xattrs: Attributes) -> Node {
    Node {
        kind,
        // The low twelve bits fit.
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime,
        xattrs,
    }
}

fn device(stat: &Stat) -> (u32, u32) {
    (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
}

type Attributes = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// Linux allows no longer list and no longer value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const ATTRIBUTE_MAX_BYTES: usize = 64 * 1024;

/// The attributes that a layer keeps, and whether the directory hides what is below it. The overlay's own notes, the
/// machine's security labels and what a directory of the machine hands down are not the image's. Root of a user namespace
/// reads its own capabilities in the v2 form.
fn attributes(fd: BorrowedFd<'_>) -> Result<(Attributes, bool), Errno> {
    let names = match read_whole(|buffer| flistxattr(fd, buffer)) {
        Err(Errno::OPNOTSUPP) => return Ok((BTreeMap::new(), false)),
        read => read?,
    };
    let (mut kept, mut is_opaque) = (BTreeMap::new(), false);
    for name in names.split(|b| *b == 0) {
        let value = || read_whole(|buffer| fgetxattr(fd, OsStr::from_bytes(name), buffer));
        match name {
            b"trusted.overlay.opaque" | b"user.overlay.opaque" => is_opaque = value()? == b"y",
            _ if name.starts_with(b"user.overlay.") => {}
            _ if name.starts_with(b"user.") || name == b"security.capability" => {
                kept.insert(name.into(), value()?.into());
            }
            _ => {}
        }
    }
    Ok((kept, is_opaque))
}

/// What `read` has to say, whatever its length. An empty buffer would not be told the length.
fn read_whole(mut read: impl FnMut(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    /// Nearly everything fits.
    const USUAL_BYTES: usize = 256;
    let mut bytes = vec![0; USUAL_BYTES];
    let length = match read(&mut bytes) {
        Err(Errno::RANGE) => {
            bytes.resize(ATTRIBUTE_MAX_BYTES, 0);
            read(&mut bytes)?
        }
        read => read?,
    };
    bytes.truncate(length);
    Ok(bytes)
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

    #[test]
    fn attributes_of_every_length_are_read_and_those_of_the_machine_are_not() {
        let file = tempfile::tempfile().expect("a file");
        let long = vec![7; 1000];
        for (name, value) in [("user.short", b"x".as_slice()), ("user.long", &long), ("user.overlay.origin", b"x")] {
            match fsetxattr(&file, name, value, XattrFlags::empty()) {
                // A file system without attributes has none to read.
                Err(Errno::OPNOTSUPP) => return,
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
