//! Roots in memory, and packages for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use crate::base::{ContentDigest, ImagePath};
use crate::packages::debian::deb::{self, Control, ControlFile, Deb};
use crate::packages::debian::package::Package;
use crate::packages::debian::paragraph::Paragraphs;
use crate::tree::testing::path;
use crate::tree::{Change, Changeset, Content, ContentError, Contents, Kind, Node, Tree, dump};

use super::super::{Database, DatabaseChange, Ground, InstallError, Unpacking, unpack};

/// Contents by digest.
#[derive(Default, Clone)]
pub(super) struct Memory(pub(super) BTreeMap<ContentDigest, Vec<u8>>);

impl Memory {
    pub(super) fn put(&mut self, bytes: Vec<u8>) -> Content {
        let digest = crate::base::hash::digest_of(&bytes);
        let size_bytes = bytes.len() as u64;
        self.0.insert(digest, bytes);
        Content { digest, size_bytes }
    }

    pub(super) fn file(&mut self, text: &str) -> Node {
        let content = self.put(text.as_bytes().to_vec());
        Node::new(Kind::File { content, links: None }, 0o644)
    }

    /// Reads a package and keeps what is in it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Deb {
        let mut sink = |_: &ImagePath, _: u64, reader: &mut dyn Read| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            self.put(bytes);
            Ok(())
        };
        deb::read(bytes, &mut sink).expect("a good package")
    }
}

impl Contents for Memory {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let bytes = self.0.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        buffer.copy_from_slice(&bytes[offset as usize..][..buffer.len()]);
        Ok(())
    }
}

/// A root that packages are unpacked into.
#[derive(Default, Clone)]
pub(super) struct World {
    pub(super) root: Tree,
    pub(super) contents: Memory,
}

impl World {
    /// A root with these files.
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let mut world = Self::default();
        files.iter().for_each(|(name, text)| world.write(name, text));
        world
    }

    pub(super) fn write(&mut self, name: &str, text: &str) {
        let node = self.contents.file(text);
        let place = path(name);
        let parents: Vec<ImagePath> = std::iter::successors(place.parent(), ImagePath::parent).collect();
        for parent in parents.into_iter().rev().filter(|parent| !parent.is_root()) {
            if self.root.get(&parent).is_none() {
                self.root.insert(parent, Node::parent_directory(0));
            }
        }
        self.root.insert(place, node);
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground { root: &self.root, contents: &self.contents, architecture: "amd64", epoch: 7 }
    }

    pub(super) fn database(&self) -> Database {
        Database::read(&self.ground()).expect("a database")
    }

    /// A package: its control file, more files of its control archive, and its files. What ends in a slash is a directory,
    /// a text that begins with `-> ` is a link.
    pub(super) fn deb(&mut self, control: &str, more: &[(&str, &str)], files: &[(&str, &str)]) -> Deb {
        let mut text = control.to_owned();
        for (field, value) in [("Version", "1"), ("Architecture", "amd64"), ("Maintainer", "M <m@example.org>")] {
            if !control.contains(&format!("{field}:")) {
                let _ = writeln!(text, "{field}: {value}");
            }
        }
        text += "Description: a package\n";
        let mut changes = Changeset::new();
        for (name, content) in files {
            let node = match content.strip_prefix("-> ") {
                _ if name.ends_with('/') => Node::new(Kind::Directory, 0o755),
                Some(target) => Node::new(Kind::Symlink { target: target.as_bytes().into() }, 0o777),
                None => self.contents.file(content),
            };
            changes.put(path(name), Node { mtime: 3, ..node });
        }
        let package = Package::read(&Paragraphs::only(text.as_bytes()).expect("a paragraph")).expect("a package");
        let files = [("control", text.as_str()), ("md5sums", "")].into_iter().chain(more.iter().copied());
        let files = files
            .map(|(name, text)| (name.to_owned(), ControlFile { content: text.as_bytes().to_vec(), mode: 0o644 }))
            .collect();
        Deb { control: Control { package, files }, files: changes }
    }

    /// Unpacks packages together.
    pub(super) fn unpack(&mut self, debs: &[&Deb]) -> Result<(), InstallError> {
        let mut database = Database::read(&self.ground())?;
        let unpacking = unpack(debs, &mut database, &self.ground())?;
        self.apply(unpacking, database.take());
        assert_eq!(database.take(), DatabaseChange::default());
        Ok(())
    }

    /// Takes over what was changed.
    pub(super) fn apply(&mut self, unpacking: Unpacking, change: DatabaseChange) {
        for place in unpacking.removed.iter().chain(&change.removed) {
            self.root.remove(place);
        }
        for (place, node) in unpacking.entries {
            let parent = place.parent().unwrap_or_default();
            assert!(self.root.is_directory(&parent), "{place} has no directory");
            self.root.insert(place, node);
        }
        for directory in change.directories {
            let missing: Vec<ImagePath> = std::iter::successors(Some(directory), ImagePath::parent)
                .take_while(|at| !self.root.is_directory(at))
                .collect();
            missing.into_iter().for_each(|at| drop(self.root.insert(at, Node::parent_directory(7))));
        }
        for file in change.files {
            let content = self.contents.put(file.content);
            self.root.insert(file.path, Node::new(Kind::File { content, links: None }, file.mode));
        }
    }

    /// Says of all packages that they are configured, as dpkg would.
    pub(super) fn configure(&mut self) {
        let text = self.text("var/lib/dpkg/status").replace("ok unpacked", "ok installed");
        self.write("var/lib/dpkg/status", &text.replace("newconffile", "0123456789abcdef0123456789abcdef"));
    }

    pub(super) fn text(&self, name: &str) -> String {
        match self.root.get(&path(name)).map(|node| &node.kind) {
            Some(Kind::File { content, .. }) => String::from_utf8_lossy(&self.contents.0[&content.digest]).into_owned(),
            found => panic!("{name}: {found:?}"),
        }
    }

    /// The paths below a directory.
    pub(super) fn paths(&self, below: &str) -> Vec<String> {
        self.root.below(&path(below)).map(|(path, _)| path.to_string()).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.root.get(&path(name)).is_some()
    }
}

/// A tree in a text in which only what two installations have to agree on differs.
pub(super) fn shown(world: &World) -> String {
    let volatile = |path: &ImagePath| {
        let text = path.to_string();
        let name = ["-old", "/lock", "/lock-frontend", "/available", "/triggers/Lock", "/parts", "/alternatives"];
        text.starts_with("/var/lib/dpkg/") && name.iter().any(|name| text.ends_with(name))
    };
    let mut changes = Changeset::new();
    for (path, node) in world.root.iter().filter(|(path, _)| !volatile(path)) {
        let is_fleeting = node.kind == Kind::Directory || path.to_string().starts_with("/var/lib/dpkg/");
        changes.put(path.clone(), Node { mtime: if is_fleeting { 0 } else { node.mtime }, ..node.clone() });
    }
    let mut text = dump::write(&changes);
    for (path, change) in changes.iter().filter(|(path, _)| path.to_string().starts_with("/var/lib/dpkg/")) {
        if let Change::Node(Node { kind: Kind::File { content, .. }, .. }) = change {
            let _ = write!(text, "--- {path}\n{}", String::from_utf8_lossy(&world.contents.0[&content.digest]));
        }
    }
    text
}
