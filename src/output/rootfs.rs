//! The merged tree as files.
//!
//! Everything is made relative to the open directory above it, in a directory that was empty and is nobody else's, and
//! never through a link: a tree with a file below a link fails instead of leaving the directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, linkat, makedev, mkdirat, mknodat, openat, symlinkat, syncfs};
use rustix::io::Errno;

use crate::base::ImagePath;
use crate::tree::{Content, ContentError, Contents, Kind, LinkGroup, Node, Tree};

use super::error::OutputError;
use super::rootfs_meta as meta;

pub use super::rootfs_meta::{Lost, Privilege};

/// Makes `tree` in the empty directory at `path` and syncs it. What this user or file system cannot have is counted, not an
/// error.
pub fn write(tree: &Tree, contents: &dyn Contents, path: &Path) -> Result<Lost, OutputError> {
    let lost = write_unsynced(tree, contents, path, Privilege::of_this_process())?;
    // One sync of the file system costs less than one for each of many thousand files.
    fs::File::open(path)
        .and_then(|directory| Ok(syncfs(&directory)?))
        .map_err(|source| OutputError::io("sync", path, source))?;
    Ok(lost)
}

/// The same for files that a crash may take.
pub fn write_unsynced(
    tree: &Tree,
    contents: &dyn Contents,
    path: &Path,
    privilege: Privilege,
) -> Result<Lost, OutputError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(rustix::fs::CWD, path, flags, Mode::empty())
        .map_err(|error| OutputError::io("open", path, error.into()))?;
    let mut maker = Maker {
        contents,
        privilege,
        open: vec![Open { path: ImagePath::root(), fd: root, node: None }],
        first_names: BTreeMap::new(),
        lost: Lost::default(),
    };
    // In the tree's own order `a-b` stands between `a` and `a/c`; part by part, each directory is gone through once.
    let mut nodes: Vec<(&ImagePath, &Node)> = tree.iter().collect();
    nodes.sort_by(|(a, _), (b, _)| a.parts().cmp(b.parts()));
    for (path, node) in nodes {
        maker.make(path, node)?;
    }
    maker.close_down_to(1)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(|source| OutputError::io("set the mode of", path, source))?;
    Ok(maker.lost)
}

/// A directory whose entries are being made. Its own mode and time are set when that is over, since both would stand in
/// the way or change.
struct Open {
    path: ImagePath,
    fd: OwnedFd,
    node: Option<Node>,
}

struct Maker<'a> {
    contents: &'a dyn Contents,
    privilege: Privilege,
    /// The root and what is below it on the way to the last entry.
    open: Vec<Open>,
    first_names: BTreeMap<LinkGroup, ImagePath>,
    lost: Lost,
}

fn fail<'a>(action: &'static str, path: &'a ImagePath) -> impl Fn(Errno) -> OutputError + 'a {
    move |error| OutputError::Entry { action, path: path.clone(), source: error.into() }
}

impl Maker<'_> {
    fn make(&mut self, path: &ImagePath, node: &Node) -> Result<(), OutputError> {
        self.enter(&path.parent().unwrap_or_default())?;
        if node.kind == Kind::Directory {
            return self.make_directory(path, node.clone());
        }
        let name = OsStr::from_bytes(path.name());
        let Some(Open { fd: parent, .. }) = self.open.last() else { return Ok(()) };
        match &node.kind {
            Kind::Directory => {}
            Kind::File { content, links } => {
                let first = links.and_then(|group| self.first_names.get(&group));
                if let Some(first) = first {
                    // The first name's parents are directories that were made here.
                    let first = OsStr::from_bytes(first.as_bytes());
                    return linkat(&self.open[0].fd, first, parent, name, AtFlags::empty()).map_err(fail("link", path));
                }
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(parent, name, flags, Mode::RUSR | Mode::WUSR).map_err(fail("make", path))?;
                write_content(self.contents, content, &file, path)?;
                meta::set(file.as_fd(), node, self.privilege, &mut self.lost).map_err(fail("set the mode of", path))?;
                links.map(|group| self.first_names.insert(group, path.clone()));
            }
            Kind::Symlink { target } => {
                symlinkat(OsStr::from_bytes(target), parent, name).map_err(fail("make", path))?;
                let set = meta::set_of_name(parent.as_fd(), name, node, self.privilege, &mut self.lost);
                set.map_err(fail("set the owner of", path))?;
            }
            Kind::Fifo | Kind::CharDevice { .. } | Kind::BlockDevice { .. } => {
                let (kind, device) = match node.kind {
                    Kind::CharDevice { major, minor } => (FileType::CharacterDevice, makedev(major, minor)),
                    Kind::BlockDevice { major, minor } => (FileType::BlockDevice, makedev(major, minor)),
                    _ => (FileType::Fifo, 0),
                };
                match mknodat(parent, name, kind, Mode::RUSR | Mode::WUSR, device) {
                    Err(Errno::PERM) if kind != FileType::Fifo => self.lost.devices += 1,
                    made => {
                        made.map_err(fail("make", path))?;
                        let set = meta::set_of_name(parent.as_fd(), name, node, self.privilege, &mut self.lost);
                        set.map_err(fail("set the mode of", path))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes `directory` the last open one, and makes those on the way that the tree does not have.
    fn enter(&mut self, directory: &ImagePath) -> Result<(), OutputError> {
        let shared = self.open.iter().take_while(|open| directory.below(&open.path).is_some()).count();
        self.close_down_to(shared)?;
        while let Some(at) = self.open.last().map(|open| open.path.clone())
            && let Some(rest) = directory.below(&at)
            && let Some(name) = rest.parts().next()
        {
            let next = at.child(name).unwrap_or_default();
            self.make_directory(&next, Node::parent_directory(0))?;
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &ImagePath, node: Node) -> Result<(), OutputError> {
        let name = OsStr::from_bytes(path.name());
        let Some(Open { fd: parent, .. }) = self.open.last() else { return Ok(()) };
        mkdirat(parent, name, Mode::RWXU).map_err(fail("make", path))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(parent, name, flags, Mode::empty()).map_err(fail("open", path))?;
        self.open.push(Open { path: path.clone(), fd, node: Some(node) });
        Ok(())
    }

    /// Closes directories from the innermost out, until `count` are open.
    fn close_down_to(&mut self, count: usize) -> Result<(), OutputError> {
        while self.open.len() > count.max(1)
            && let Some(Open { path, fd, node }) = self.open.pop()
        {
            if let Some(node) = node {
                meta::set(fd.as_fd(), &node, self.privilege, &mut self.lost).map_err(fail("set the mode of", &path))?;
            }
        }
        Ok(())
    }
}

/// Writes what is not zero, a block at a time: the rest of a new file is a hole already.
fn write_content(
    contents: &dyn Contents,
    content: &Content,
    file: &OwnedFd,
    path: &ImagePath,
) -> Result<(), OutputError> {
    const BUFFER_BYTES: usize = 1024 * 1024;
    let wanted = usize::try_from(content.size_bytes).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
    let mut buffer = vec![0; wanted];
    let mut offset = 0;
    while offset < content.size_bytes {
        let left = usize::try_from(content.size_bytes - offset).unwrap_or(BUFFER_BYTES);
        let part = &mut buffer[..left.min(wanted)];
        let read: Result<(), ContentError> = contents.read_at(content, offset, part);
        read.map_err(|source| OutputError::Content { path: path.clone(), source })?;
        write_runs(file, offset, part).map_err(fail("write", path))?;
        offset += part.len() as u64;
    }
    rustix::fs::ftruncate(file, content.size_bytes).map_err(fail("write", path))
}

/// Writes each run of blocks that are not all zeros.
fn write_runs(file: &OwnedFd, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
    /// What file systems allocate in.
    const BLOCK_BYTES: usize = 4096;
    let mut run = 0..0;
    for block in bytes.chunks(BLOCK_BYTES) {
        let end = run.end + block.len();
        if block.iter().all(|b| *b == 0) {
            write_all(file, offset + run.start as u64, &bytes[run])?;
            run = end..end;
        } else {
            run.end = end;
        }
    }
    write_all(file, offset + run.start as u64, &bytes[run])
}

fn write_all(file: &OwnedFd, mut offset: u64, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, offset) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => {
                offset += written as u64;
                bytes = &bytes[written..];
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::super::testing::Memory;
    use super::*;
    use crate::tree::testing::{directory, path, symlink, tree};

    fn written(tree: &Tree, memory: &Memory) -> (tempfile::TempDir, Result<Lost, OutputError>) {
        let target = tempfile::tempdir().expect("a temporary directory");
        let lost = write(tree, memory, target.path());
        (target, lost)
    }

    #[test]
    fn every_kind_of_file_is_made() {
        let mut memory = Memory::default();
        let mut linked = memory.file(b"linked");
        if let Kind::File { links, .. } = &mut linked.kind {
            *links = Some(LinkGroup(7));
        }
        let read_only = Node { mode: 0o555, mtime: 1_000_000_000, ..directory() };
        let tree = tree(&[
            ("a", read_only),
            ("a-b", memory.file(b"beside")),
            ("a/first", linked.clone()),
            ("a/second", linked),
            ("b/implied/file", Node { mode: 0o4755, mtime: 5, ..memory.file(b"setuid") }),
            ("link", Node { mtime: 9, ..symlink("/nowhere") }),
            ("pipe", Node { mtime: 3, ..Node::new(Kind::Fifo, 0o600) }),
        ]);
        let (target, lost) = written(&tree, &memory);
        lost.expect("it is made");
        let meta = |name: &str| fs::symlink_metadata(target.path().join(name)).expect("it is there");
        assert_eq!((meta("a").mode() & 0o7777, meta("a").mtime()), (0o555, 1_000_000_000));
        assert_eq!(meta("a/first").ino(), meta("a/second").ino());
        assert_eq!((meta("b/implied/file").mode() & 0o7777, meta("b/implied/file").mtime()), (0o4755, 5));
        assert_eq!((meta("b/implied").mode() & 0o7777, meta("b/implied").mtime()), (0o755, 0));
        assert_eq!(meta("link").mtime(), 9);
        assert_eq!(fs::read_link(target.path().join("link")).expect("a link"), Path::new("/nowhere"));
        assert_eq!(fs::read(target.path().join("a/second")).expect("a file"), b"linked");
        assert_eq!(meta("pipe").mtime(), 3);
        assert_eq!(meta("").mode() & 0o7777, 0o755);
    }

    #[test]
    fn blocks_of_zeros_are_holes() {
        let mut memory = Memory::default();
        let mut bytes = vec![0; 3 << 20];
        bytes[1 << 20] = 1;
        bytes.extend_from_slice(b"end");
        let tree = tree(&[("sparse", memory.file(&bytes))]);
        let (target, lost) = written(&tree, &memory);
        lost.expect("it is made");
        let file = target.path().join("sparse");
        assert_eq!(fs::read(&file).expect("a file"), bytes);
        assert!(fs::metadata(&file).expect("a file").blocks() * 512 < 1 << 20);
    }

    #[test]
    fn nothing_is_made_through_a_link() {
        let outside = tempfile::tempdir().expect("a temporary directory");
        let mut memory = Memory::default();
        let target = outside.path().to_str().expect("a plain name");
        let tree = tree(&[("a", symlink(target)), ("a/b", memory.file(b"x"))]);
        let (_target, lost) = written(&tree, &memory);
        assert!(matches!(lost, Err(OutputError::Entry { .. })), "{lost:?}");
        assert_eq!(fs::read_dir(outside.path()).expect("still there").count(), 0);
    }

    #[test]
    fn content_that_is_gone_is_named() {
        let missing = Memory::default().file(b"x");
        let (_target, lost) = written(&tree(&[("a", missing)]), &Memory::default());
        match lost {
            Err(OutputError::Content { path: at, .. }) => assert_eq!(at, path("a")),
            other => panic!("expected an error, found {other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_had_is_counted() {
        let node = Node { uid: u32::MAX, ..directory() };
        let (_target, lost) = written(&tree(&[("a", node)]), &Memory::default());
        assert_eq!(lost.expect("it is made").owners, 1);
    }
}
