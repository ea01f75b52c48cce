//! A package's file, read as a stream (deb(5)).
//!
//! ```text
//! debian-binary    "2.0\n"
//! control.tar.xz   --layer reader--> Control     what it is, its scripts, its conffiles
//! data.tar.xz      --layer reader--> Changeset   its files; contents go to the sink as they pass
//! ```
//! The files are read by the reader of foreign layers, so that what is refused there is refused here.
//!
//! Architecture Invariant: nothing is run and nothing is unpacked here.

mod ar;
mod control;
mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use crate::base::ImagePath;
use crate::base::path::readable;
use crate::layer::read::{Codec, ReadError, Sink, archive_decoder, layer};
use crate::tree::{Change, Changeset, Kind};

use ar::Members;
pub use control::{Conffile, Control, ControlFile, Fate, Script};
pub use error::DebError;

/// Bytes of all control files. The largest that are seen, tables of symbols of a compiler, are two megabytes; they are
/// held in memory.
pub const CONTROL_MAX_BYTES: u64 = 64 << 20;

/// A package's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    /// What it says of itself.
    pub control: Control,
    /// Its files. The tar's owners, modes and times.
    pub files: Changeset,
}

/// Reads a package to its end and hands the content of each of its files to `sink`.
pub fn read(reader: impl Read, sink: &mut Sink<'_>) -> Result<Deb, DebError> {
    let mut members = Members::new(reader)?;
    check_format(&mut members)?;
    let name = next(&mut members, "control.tar")?;
    let control = Control::new(control(&mut members, &name)?)?;
    let name = next(&mut members, "data.tar")?;
    let files = tar(&mut members, &name, sink)?;
    for (path, change) in files.iter() {
        if *change == Change::Whiteout {
            return Err(DebError::Whiteout { path: path.clone() });
        }
    }
    if let Some(path) = files.opaque().next() {
        return Err(DebError::Whiteout { path: path.clone() });
    }
    match next_wanted(&mut members)? {
        Some(found) => Err(DebError::Member { expected: "nothing behind data.tar", found }),
        None => Ok(Deb { control, files }),
    }
}

fn check_format<R: Read>(members: &mut Members<R>) -> Result<(), DebError> {
    match members.next_member()? {
        Some((name, _)) if name == "debian-binary" => {}
        found => {
            let found = found.map_or("the end".to_owned(), |(name, _)| name);
            return Err(DebError::Member { expected: "debian-binary", found });
        }
    }
    /// More than any version has.
    const MOST_BYTES: u64 = 64;
    let mut text = Vec::new();
    members.by_ref().take(MOST_BYTES).read_to_end(&mut text).map_err(|error| in_member("debian-binary", error))?;
    // A higher minor version means additions that may be passed over.
    if !text.starts_with(b"2.") || !text.ends_with(b"\n") || members.left() > 0 {
        return Err(DebError::Format { found: readable(text.trim_ascii_end()) });
    }
    Ok(())
}

/// The next member that is not to be passed over.
fn next_wanted<R: Read>(members: &mut Members<R>) -> Result<Option<String>, DebError> {
    while let Some((name, _)) = members.next_member()? {
        if !name.starts_with('_') {
            return Ok(Some(name));
        }
        members.skip().map_err(|error| in_member(&name, error))?;
    }
    Ok(None)
}

fn next<R: Read>(members: &mut Members<R>, expected: &'static str) -> Result<String, DebError> {
    match next_wanted(members)? {
        Some(name) if codec(&name, expected).is_some() => Ok(name),
        found => Err(DebError::Member { expected, found: found.unwrap_or_else(|| "the end".to_owned()) }),
    }
}

/// How a member is compressed, as its name says.
fn codec(name: &str, stem: &str) -> Option<Codec> {
    match name.strip_prefix(stem)? {
        "" => Some(Codec::Plain),
        ".gz" => Some(Codec::Gzip),
        ".xz" => Some(Codec::Xz),
        ".zst" => Some(Codec::Zstd),
        ".bz2" => Some(Codec::Bzip2),
        _ => None,
    }
}

/// Reads a member that is a tar.
fn tar<R: Read>(members: &mut Members<R>, name: &str, sink: &mut Sink<'_>) -> Result<Changeset, DebError> {
    /// What tells each compression.
    const MAGIC_BYTES: u64 = 6;
    let mut start = Vec::new();
    members.by_ref().take(MAGIC_BYTES).read_to_end(&mut start).map_err(|error| in_member(name, error))?;
    let stem = name.find(".tar").and_then(|at| name.get(..at + ".tar".len())).unwrap_or_default();
    if codec(name, stem) != Some(Codec::of(&start)) {
        return Err(DebError::Compression { member: name.to_owned() });
    }
    let whole = Cursor::new(start).chain(members.by_ref());
    let decoded = archive_decoder(whole).map_err(|error| in_member(name, error))?;
    let changes = layer(decoded, sink).map_err(|error| match error {
        ReadError::Io { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
            DebError::Truncated { member: name.to_owned() }
        }
        source => DebError::Archive { member: name.to_owned(), source },
    })?;
    match members.left() {
        0 => Ok(changes),
        size_bytes => Err(DebError::Trailing { member: name.to_owned(), size_bytes }),
    }
}

fn control<R: Read>(members: &mut Members<R>, name: &str) -> Result<BTreeMap<String, ControlFile>, DebError> {
    let mut contents: BTreeMap<ImagePath, Vec<u8>> = BTreeMap::new();
    let mut left = CONTROL_MAX_BYTES;
    let mut is_too_large = false;
    let mut sink = |path: &ImagePath, size: u64, reader: &mut dyn Read| -> io::Result<()> {
        let Some(rest) = left.checked_sub(size) else {
            is_too_large = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        left = rest;
        let mut content = Vec::new();
        reader.read_to_end(&mut content)?;
        contents.insert(path.clone(), content);
        Ok(())
    };
    let changes = tar(members, name, &mut sink);
    if is_too_large {
        return Err(DebError::ControlTooLarge { limit_bytes: CONTROL_MAX_BYTES });
    }
    let mut files = BTreeMap::new();
    for (path, change) in changes?.iter() {
        let odd = || DebError::ControlEntry { path: path.clone() };
        let Change::Node(node) = change else { return Err(odd()) };
        let content = contents.remove(path).filter(|_| matches!(node.kind, Kind::File { links: None, .. }));
        let name = std::str::from_utf8(path.as_bytes()).ok().filter(|name| !name.contains('/'));
        let (Some(content), Some(name)) = (content, name) else { return Err(odd()) };
        files.insert(name.to_owned(), ControlFile { content, mode: node.mode });
    }
    Ok(files)
}

fn in_member(name: &str, source: io::Error) -> DebError {
    if source.kind() == io::ErrorKind::UnexpectedEof {
        DebError::Truncated { member: name.to_owned() }
    } else {
        DebError::Io { source }
    }
}
