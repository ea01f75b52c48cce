//! A foreign layer as a changeset (image-spec, layer.md).

use std::collections::BTreeSet;
use std::io::Read;

use crate::base::ImagePath;
use crate::base::path::{WHITEOUT_PREFIX, readable};
use crate::tree::{Change, Changeset, Kind, Tree};

use super::archive::{Links, check_directory, check_parents, kind_of, path_of};
use super::content::Sink;
use super::entries::{Entries, Entry, EntryKind};
use super::error::ReadError;

const OPAQUE_NAME: &[u8] = b".wh..wh..opq";

/// Reads the tar of a layer to the end of `reader`, which is already decompressed ([`super::decoder`]), and hands the
/// content of each regular file to `sink`.
///
/// A whiteout beside a new directory of the same name is an opaque directory: of what is below, nothing stays.
/// Extended attributes are kept as they are; which of them mean something is for the caller to say.
pub fn layer(reader: impl Read, sink: &mut Sink<'_>) -> Result<Changeset, ReadError> {
    let mut entries = Entries::new(reader);
    let mut layer = Layer::default();
    while let Some(entry) = entries.next_entry()? {
        let path = path_of(&entry)?;
        if path.is_root() {
            match entry.kind {
                EntryKind::Directory => continue,
                _ => return Err(ReadError::Root),
            }
        }
        if path.parts().any(|part| part.starts_with(WHITEOUT_PREFIX)) {
            layer.put_whiteout(path, &entry)?;
        } else {
            layer.put_node(path, &entry, &mut entries, sink)?;
        }
    }
    layer.finish()
}

#[derive(Default)]
struct Layer {
    nodes: Tree,
    links: Links,
    whiteouts: BTreeSet<ImagePath>,
    opaque: BTreeSet<ImagePath>,
}

impl Layer {
    fn put_node<R: Read>(
        &mut self,
        path: ImagePath,
        entry: &Entry,
        entries: &mut Entries<R>,
        sink: &mut Sink<'_>,
    ) -> Result<(), ReadError> {
        check_parents(&self.nodes, &path)?;
        if let Some(before) = self.nodes.get(&path) {
            // Layers that were put together from several tars name their common directories several times.
            let same = entry.kind == EntryKind::Directory && *before == entry.node(Kind::Directory);
            return if same { Ok(()) } else { Err(ReadError::Duplicate { path }) };
        }
        let node = match entry.kind {
            EntryKind::HardLink => {
                if entry.link.starts_with(b"/") {
                    return Err(ReadError::AbsoluteLink { path, target: readable(&entry.link) });
                }
                self.links.link(&mut self.nodes, &path, &entry.link)?
            }
            _ => entry.node(kind_of(&path, entry, entries, sink)?),
        };
        let below = self.nodes.below(&path).next().map(|(below, _)| below.clone());
        if let Some(below) = below.filter(|_| node.kind != Kind::Directory) {
            return Err(ReadError::BelowNonDirectory { path: below, at: path });
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    fn put_whiteout(&mut self, path: ImagePath, entry: &Entry) -> Result<(), ReadError> {
        let directory = path.parent().unwrap_or_default();
        let is_plain = matches!(entry.kind, EntryKind::File | EntryKind::HardLink);
        if !is_plain || directory.parts().any(|part| part.starts_with(WHITEOUT_PREFIX)) {
            return Err(ReadError::BadWhiteout { path });
        }
        let is_new = if path.name() == OPAQUE_NAME {
            self.opaque.insert(directory)
        } else {
            let name = path.name().strip_prefix(WHITEOUT_PREFIX).unwrap_or_default();
            // `.wh..` and `.wh...` would hide the directory itself or its parent; `.wh..wh.x` is aufs's own bookkeeping.
            if matches!(name, b"" | b"." | b"..") || name.starts_with(WHITEOUT_PREFIX) {
                return Err(ReadError::BadWhiteout { path });
            }
            let hidden = directory.child(name).map_err(|_| ReadError::BadWhiteout { path: path.clone() })?;
            self.whiteouts.insert(hidden)
        };
        if is_new { Ok(()) } else { Err(ReadError::Duplicate { path }) }
    }

    fn finish(mut self) -> Result<Changeset, ReadError> {
        for directory in &self.opaque {
            check_directory(&self.nodes, directory, directory)?;
        }
        for path in &self.whiteouts {
            check_parents(&self.nodes, path)?;
        }
        let mut changes = Vec::with_capacity(self.nodes.len() + self.whiteouts.len());
        for path in self.whiteouts {
            match self.nodes.get(&path).map(|node| &node.kind) {
                None => changes.push((path, Change::Whiteout)),
                Some(Kind::Directory) => drop(self.opaque.insert(path)),
                // What replaces it hides it too.
                Some(_) => {}
            }
        }
        changes.extend(self.nodes.iter().map(|(path, node)| (path.clone(), Change::Node(node.clone()))));
        let mut changeset: Changeset = changes.into_iter().collect();
        self.opaque.into_iter().for_each(|path| changeset.make_opaque(path));
        Ok(changeset)
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::ignore;
    use super::super::testing::Tar;
    use super::*;
    use crate::tree::dump;

    fn read(tar: Tar) -> Result<Changeset, ReadError> {
        layer(tar.bytes().as_slice(), &mut ignore)
    }

    fn shown(tar: Tar) -> String {
        dump::write(&read(tar).expect("a good layer"))
    }

    #[test]
    fn whiteouts_are_interpreted() {
        let tar = Tar::new()
            .directory("./")
            .directory("a/")
            .file("a/.wh.gone", "")
            .directory("b")
            .file("b/.wh..wh..opq", "")
            .file(".wh.c", "")
            .directory("c")
            .file(".wh.d", "")
            .file("d", "")
            .directory("a/");
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let expected = "o /b\no /c\nd 0644 1:2 3 /a\nw /a/gone\nd 0644 1:2 3 /b\nd 0644 1:2 3 /c\nf 0644 1:2 3 /d 0 ";
        assert_eq!(shown(tar), format!("{expected}{empty}\n"));
    }

    #[test]
    fn hard_links_share_a_file() {
        let text = shown(Tar::new().file("x", "1").hard_link("y", "./x").hard_link("z", "y"));
        assert!(text.contains("h /y /x\nh /z /x\n"), "{text}");
    }

    #[test]
    fn the_sink_gets_each_content_once() {
        let tar = Tar::new().file("x", "one").file("y", "two").hard_link("z", "x").bytes();
        let mut seen = Vec::new();
        let mut sink = |path: &ImagePath, size: u64, reader: &mut dyn Read| {
            let mut text = String::new();
            reader.read_to_string(&mut text)?;
            seen.push((path.to_string(), size, text));
            Ok(())
        };
        layer(tar.as_slice(), &mut sink).expect("a good layer");
        assert_eq!(seen, [("/x".to_owned(), 3, "one".to_owned()), ("/y".to_owned(), 3, "two".to_owned())]);
    }

    #[test]
    fn a_sink_that_fails_ends_the_reading() {
        let mut sink = |_: &ImagePath, _: u64, _: &mut dyn Read| Err(std::io::Error::other("full"));
        let tar = Tar::new().file("x", "one").bytes();
        assert!(matches!(layer(tar.as_slice(), &mut sink), Err(ReadError::Sink { .. })));
    }

    #[test]
    fn names_that_leave_the_layer_are_refused() {
        assert!(matches!(read(Tar::new().file("a/../../b", "")), Err(ReadError::Parent { .. })));
        assert!(matches!(read(Tar::new().pax(&[("path", &[b'x'; 300])]).file("a", "")), Err(ReadError::Path { .. })));
        let absolute = Tar::new().file("a", "").hard_link("b", "/a");
        assert!(matches!(read(absolute), Err(ReadError::AbsoluteLink { .. })));
        assert!(matches!(read(Tar::new().hard_link("b", "../a")), Err(ReadError::Parent { .. })));
    }

    #[test]
    fn nothing_goes_through_a_link_or_file() {
        for tar in [
            Tar::new().symlink("a", "/etc").file("a/b", ""),
            Tar::new().file("a", "").file("a/b/c", ""),
            Tar::new().file("a/b", "").symlink("a", "/etc"),
            Tar::new().symlink("a", "/etc").file("a/.wh.b", ""),
            Tar::new().file("a/.wh..wh..opq", "").symlink("a", "/etc"),
        ] {
            assert!(matches!(read(tar), Err(ReadError::BelowNonDirectory { .. })));
        }
    }

    #[test]
    fn links_need_a_target_that_can_be() {
        assert!(matches!(read(Tar::new().hard_link("b", "a").file("a", "")), Err(ReadError::MissingTarget { .. })));
        assert!(matches!(read(Tar::new().hard_link("b", "b")), Err(ReadError::MissingTarget { .. })));
        assert!(matches!(read(Tar::new().directory("a").hard_link("b", "a")), Err(ReadError::LinkToDirectory { .. })));
        assert!(matches!(read(Tar::new().symlink("a", "")), Err(ReadError::LinkTarget { .. })));
    }

    #[test]
    fn a_path_twice_is_refused() {
        assert!(matches!(read(Tar::new().file("a", "1").file("./a", "2")), Err(ReadError::Duplicate { .. })));
        assert!(matches!(read(Tar::new().file(".wh.a", "").file(".wh.a", "")), Err(ReadError::Duplicate { .. })));
        assert!(matches!(read(Tar::new().symlink("./", "x")), Err(ReadError::Root)));
    }

    #[test]
    fn whiteouts_of_nothing_are_refused() {
        for name in [".wh.", ".wh..", ".wh...", "a/.wh..wh.plnk", ".wh.a/b"] {
            assert!(matches!(read(Tar::new().file(name, "")), Err(ReadError::BadWhiteout { .. })), "{name}");
        }
        assert!(matches!(read(Tar::new().directory(".wh.a")), Err(ReadError::BadWhiteout { .. })));
    }
}
