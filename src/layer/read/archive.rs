//! An archive that a template extracts, as a tree: tar in any compression, or zip.

use std::io::{Read, Seek};

use crate::base::ImagePath;
use crate::base::path::{PathError, readable};
use crate::tree::{Content, Kind, LinkGroup, Node, Tree};

use super::blocks::is_header;
use super::content::Sink;
use super::decode::{archive_decoder, peek};
use super::entries::{Entries, Entry, EntryKind};
use super::error::ReadError;
use super::zip;

/// Reads an archive of a kind that its first bytes tell, and hands the content of each regular file to `sink`.
///
/// Leading slashes and `./` mean nothing, `..` is refused, a later entry replaces an earlier one of the same name, and
/// nothing goes through a link of the same archive. Modes, owners and times are the archive's. Directories that have no
/// entry are not in the tree. `.wh.` is a name like any other.
pub fn archive<R: Read + Seek>(mut reader: R, sink: &mut Sink<'_>) -> Result<Tree, ReadError> {
    let fail = |source| ReadError::Io { offset: 0, source };
    let (start, _) = peek(&mut reader, zip::MAGIC_BYTES).map_err(fail)?;
    reader.rewind().map_err(fail)?;
    if zip::is_zip(&start) {
        return zip::read(reader, sink);
    }
    let decoded = archive_decoder(reader).map_err(fail)?;
    let (start, decoded) = peek(decoded, 512).map_err(fail)?;
    if !is_header(&start) {
        return Err(ReadError::NotAnArchive);
    }
    tar(decoded, sink)
}

fn tar(reader: impl Read, sink: &mut Sink<'_>) -> Result<Tree, ReadError> {
    let mut entries = Entries::new(reader);
    let mut tree = Tree::new();
    let mut links = Links::default();
    while let Some(entry) = entries.next_entry()? {
        let path = path_of(&entry)?;
        if path.is_root() {
            match entry.kind {
                EntryKind::Directory => continue,
                _ => return Err(ReadError::Root),
            }
        }
        check_parents(&tree, &path)?;
        let node = match entry.kind {
            EntryKind::HardLink => links.link(&mut tree, &path, &entry.link)?,
            _ => entry.node(kind_of(&path, &entry, &mut entries, sink)?),
        };
        tree.insert(path, node);
    }
    Ok(tree)
}

/// The path of an entry.
pub(super) fn path_of(entry: &Entry) -> Result<ImagePath, ReadError> {
    path(&entry.name)
}

pub(super) fn path(name: &[u8]) -> Result<ImagePath, ReadError> {
    ImagePath::parse(name).map_err(|source| match source {
        PathError::Parent { .. } => ReadError::Parent { entry: readable(name) },
        source => {
            // The name may be a megabyte long.
            const SHOWN_BYTES: usize = 120;
            ReadError::Path { entry: readable(&name[..name.len().min(SHOWN_BYTES)]), source }
        }
    })
}

/// What an entry that is not a hard link is. The content of a regular file goes to the sink.
pub(super) fn kind_of<R: Read>(
    path: &ImagePath,
    entry: &Entry,
    entries: &mut Entries<R>,
    sink: &mut Sink<'_>,
) -> Result<Kind, ReadError> {
    Ok(match entry.kind {
        EntryKind::File | EntryKind::HardLink => {
            let content: Content = entries.deliver(path, entry, sink)?;
            Kind::File { content, links: None }
        }
        EntryKind::Symlink => symlink(path, &entry.link)?,
        EntryKind::Directory => Kind::Directory,
        EntryKind::CharDevice(major, minor) => Kind::CharDevice { major, minor },
        EntryKind::BlockDevice(major, minor) => Kind::BlockDevice { major, minor },
        EntryKind::Fifo => Kind::Fifo,
    })
}

pub(super) fn symlink(path: &ImagePath, target: &[u8]) -> Result<Kind, ReadError> {
    let is_good = !target.is_empty() && target.len() <= crate::base::path::PATH_MAX_BYTES && !target.contains(&0);
    if !is_good {
        /// Enough to recognise it by.
        const SHOWN_BYTES: usize = 120;
        let target = readable(&target[..target.len().min(SHOWN_BYTES)]);
        return Err(ReadError::LinkTarget { path: path.clone(), target });
    }
    Ok(Kind::Symlink { target: target.into() })
}

/// Gives numbers to files with several names.
#[derive(Default)]
pub(super) struct Links(u64);

impl Links {
    /// The node of one more name, `path`, of what is at `target` in the archive so far.
    pub(super) fn link(&mut self, tree: &mut Tree, path: &ImagePath, target: &[u8]) -> Result<Node, ReadError> {
        let target = self::path(target)?;
        let missing = || ReadError::MissingTarget { path: path.clone(), target: target.clone() };
        let mut node = tree.get(&target).filter(|_| target != *path).ok_or_else(missing)?.clone();
        match &mut node.kind {
            Kind::File { links: Some(_), .. } => {}
            Kind::File { links, .. } => {
                *links = Some(LinkGroup(self.0));
                self.0 += 1;
                tree.insert(target, node.clone());
            }
            Kind::Directory => return Err(ReadError::LinkToDirectory { path: path.clone(), target }),
            // Links of links and devices have names only, as far as a tree knows.
            _ => {}
        }
        Ok(node)
    }
}

/// Fails if an entry at `path` would go through something that is not a directory.
pub(super) fn check_parents(tree: &Tree, path: &ImagePath) -> Result<(), ReadError> {
    path.parent().map_or(Ok(()), |parent| check_directory(tree, &parent, path))
}

/// Fails if `directory`, or anything on the way there, is something else; `path` is what needs it.
pub(super) fn check_directory(tree: &Tree, directory: &ImagePath, path: &ImagePath) -> Result<(), ReadError> {
    let mut next = Some(directory.clone());
    while let Some(at) = next {
        if tree.get(&at).is_some_and(|node| node.kind != Kind::Directory) {
            return Err(ReadError::BelowNonDirectory { path: path.clone(), at });
        }
        next = at.parent();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::super::content::ignore;
    use super::super::testing::Tar;
    use super::*;
    use crate::tree::dump;

    fn read(bytes: Vec<u8>) -> Result<Tree, ReadError> {
        archive(Cursor::new(bytes), &mut ignore)
    }

    fn names(bytes: Vec<u8>) -> Vec<String> {
        let tree = read(bytes).expect("a good archive");
        tree.iter().map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn every_compression_is_seen_by_its_first_bytes() {
        let tar = Tar::new().file("./a", "1").file("/b/.wh.c", "").hard_link("d", "/a").bytes();
        let expected = ["/a", "/b/.wh.c", "/d"];
        assert_eq!(names(tar.clone()), expected);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).expect("memory does not fail");
        assert_eq!(names(gzip.finish().expect("memory does not fail")), expected);
        assert_eq!(names(zstd::encode_all(tar.as_slice(), 1).expect("memory does not fail")), expected);
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(tar.as_slice(), 1).read_to_end(&mut xz).expect("memory does not fail");
        assert_eq!(names(xz), expected);
        let mut bzip2 = Vec::new();
        bzip2::read::BzEncoder::new(tar.as_slice(), bzip2::Compression::fast())
            .read_to_end(&mut bzip2)
            .expect("memory does not fail");
        assert_eq!(names(bzip2), expected);
    }

    #[test]
    fn later_entries_win_but_not_through_links() {
        let tree = read(Tar::new().file("a", "1").hard_link("b", "a").file("a", "2").bytes()).expect("a good archive");
        let text = dump::write(&tree.to_changeset());
        assert!(text.contains("/a 1 ") && text.contains("/b 1 ") && !text.contains("h /b"), "{text}");
        let through = Tar::new().symlink("a", "/etc").file("a/passwd", "").bytes();
        assert!(matches!(read(through), Err(ReadError::BelowNonDirectory { .. })));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(matches!(read(b"hello".to_vec()), Err(ReadError::NotAnArchive)));
        assert!(matches!(read(vec![7; 2000]), Err(ReadError::NotAnArchive)));
        assert!(matches!(read(b"PK\x03\x04 and no more".to_vec()), Err(ReadError::Zip { .. })));
    }
}
