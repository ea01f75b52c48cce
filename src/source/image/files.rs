//! The files of a layout or archive by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::ImagePath;
use crate::image::CheckError;
use crate::image::checks::DOCUMENT_MAX_BYTES;
use crate::layer::read::{Codec, Entries, Entry, EntryKind, ReadError};

use super::error::ImageFileError;

/// A directory, or a tar whose files have known places.
pub enum Files {
    /// A directory.
    Directory(PathBuf),
    /// A tar.
    Archive(Archive),
}

/// A tar that was gone through once.
pub struct Archive {
    path: PathBuf,
    file: Arc<File>,
    places: BTreeMap<ImagePath, Place>,
}

enum Place {
    File {
        offset: u64,
        size_bytes: u64,
    },
    /// Another name of the file there: old docker archives link layers that are equal.
    Link(ImagePath),
}

impl Files {
    /// Those of a directory.
    pub fn directory(path: &Path) -> Self {
        Self::Directory(path.to_owned())
    }

    /// Those of a plain tar.
    pub fn archive(path: &Path) -> Result<Self, ImageFileError> {
        let io = |source| ImageFileError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let mut start = [0; 6];
        let found = file.read_at(&mut start, 0).map_err(io)?;
        if Codec::of(&start[..found]) != Codec::Plain {
            return Err(ImageFileError::Compressed { path: path.to_owned() });
        }
        let read = |source| ImageFileError::Archive { path: path.to_owned(), source };
        let mut entries = Entries::seeking(&file);
        let mut places = BTreeMap::new();
        while let Some(entry) = entries.next_entry().map_err(read)? {
            let name = ImagePath::parse(&entry.name)
                .map_err(|source| read(ReadError::Path { entry: crate::base::path::readable(&entry.name), source }))?;
            if let Some(place) = place(&name, &entry)
                && places.insert(name.clone(), place).is_some()
            {
                return Err(read(ReadError::Duplicate { path: name }));
            }
        }
        Ok(Self::Archive(Archive { path: path.to_owned(), file: Arc::new(file), places }))
    }

    /// The directory or tar.
    pub fn path(&self) -> &Path {
        match self {
            Self::Directory(path) => path,
            Self::Archive(archive) => &archive.path,
        }
    }

    /// Opens the file called `name`.
    pub fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, ImageFileError> {
        let missing = || ImageFileError::Missing { path: self.path().to_owned(), name: name.to_owned() };
        match self {
            Self::Directory(directory) => match open_file(&directory.join(name)) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_dir() => Err(missing()),
                Err(source) => Err(ImageFileError::Open { path: directory.join(name), source }),
            },
            Self::Archive(archive) => Ok(Box::new(archive.section(name).ok_or_else(missing)?)),
        }
    }

    /// Reads a whole file that should be small.
    pub fn small(&self, name: &str) -> Result<Vec<u8>, ImageFileError> {
        let mut bytes = Vec::new();
        let read = self.open(name)?.take(DOCUMENT_MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
        let path = || self.path().to_owned();
        read.map_err(|source| ImageFileError::Read { path: path(), name: name.to_owned(), source })?;
        if bytes.len() > DOCUMENT_MAX_BYTES {
            let source = CheckError::TooLarge { what: "document", size_bytes: bytes.len() };
            return Err(ImageFileError::Check { path: path(), source });
        }
        Ok(bytes)
    }
}

/// Opens what is a file, or a link to one: what others made a layout may wait for ever, or never end.
fn open_file(path: &Path) -> io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
    }
}

fn place(name: &ImagePath, entry: &Entry) -> Option<Place> {
    match entry.kind {
        EntryKind::File if entry.is_contiguous() => {
            Some(Place::File { offset: entry.offset, size_bytes: entry.size_bytes() })
        }
        EntryKind::Symlink => Some(Place::Link(target(&name.parent()?, &entry.link)?)),
        EntryKind::HardLink => Some(Place::Link(target(&ImagePath::root(), &entry.link)?)),
        _ => None,
    }
}

/// Where a link in `directory` points to, inside the archive.
fn target(directory: &ImagePath, link: &[u8]) -> Option<ImagePath> {
    let mut at = if link.starts_with(b"/") { ImagePath::root() } else { directory.clone() };
    for part in link.split(|b| *b == b'/') {
        at = match part {
            b"" | b"." => at,
            b".." => at.parent()?,
            name => at.child(name).ok()?,
        };
    }
    Some(at)
}

impl Archive {
    fn section(&self, name: &str) -> Option<Section> {
        /// Links that point to each other must come to an end.
        const LINKS_MAX: usize = 40;
        let mut name = ImagePath::parse(name.as_bytes()).ok()?;
        for _ in 0..LINKS_MAX {
            match self.places.get(&name)? {
                Place::Link(next) => name = next.clone(),
                Place::File { offset, size_bytes } => {
                    return Some(Section { file: Arc::clone(&self.file), offset: *offset, left: *size_bytes });
                }
            }
        }
        None
    }

    /// The names of its files and links.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.places.keys().map(|path| String::from_utf8_lossy(path.as_bytes()).into_owned())
    }

    /// The length of the file called `name`.
    pub fn size_bytes(&self, name: &str) -> Option<u64> {
        self.section(name).map(|section| section.left)
    }
}

/// A stretch of a file. Several can be read at once.
struct Section {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let found = self.file.read_at(&mut buffer[..room], self.offset)?;
        self.offset += found as u64;
        self.left -= found as u64;
        Ok(found)
    }
}
