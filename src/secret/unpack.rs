//! The search in one file, and in what is packed in it.
//!
//! ```text
//! file --Watched--> gzip, zstd, xz, bzip2 --Watched--> tar, zip --> each entry --Watched--> ..
//! ```
//! Each stream is searched as it is while the next is made of it, so that a secret between the entries of an archive, or
//! behind where it is damaged, is found too. Nothing is held but one window a stream.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::base::path::readable;
use crate::layer::read::{Codec, Entries, EntryKind, Members, archive_decoder, is_header};

use super::hit::{Finding, Hit, Obstacle, Place};
use super::needles::Needles;
use super::watched::Watched;
use super::window::Window;

/// How many compressions and archives in each other are opened: two archives, each of them compressed.
const DEPTH_MAX: usize = 4;
/// Bytes of a tar header.
const HEADER_BYTES: usize = 512;
/// Bytes of an archive's name that are shown.
const SHOWN_BYTES: usize = 200;

/// How much is taken out of one file before the search gives up, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// For any file.
    pub(super) least: u64,
    /// For each byte of the file.
    pub(super) per_byte: u64,
}

impl Bound {
    /// gzip packs zeros a thousand to one, logs twenty to one: a bomb ends at a gigabyte, or a second of work, and no
    /// file that is used for something is stopped.
    pub(super) const USUAL: Self = Self { least: 1 << 30, per_byte: 100 };

    fn of(self, size: u64) -> u64 {
        size.saturating_mul(self.per_byte).saturating_add(self.least)
    }
}

/// The search in one file.
pub(super) struct Search<'a> {
    needles: &'a Needles,
    /// Windows that no stream has at the moment.
    windows: &'a mut Vec<Window>,
    /// Bytes that may still be taken out of archives.
    left: &'a Cell<u64>,
    hits: BTreeMap<usize, Hit>,
    /// The first obstacle.
    unsearched: Option<Finding>,
}

/// Searches `file`, which has `size` bytes. One hit for each secret is enough: it names the innermost archive where the
/// secret was found first.
///
/// Fails if the file cannot be read; an archive that cannot be read is a finding.
pub(super) fn search_file(
    file: &mut dyn Read,
    size: u64,
    needles: &Needles,
    bound: Bound,
    windows: &mut Vec<Window>,
) -> io::Result<Vec<Finding>> {
    let left = Cell::new(bound.of(size));
    let mut search = Search { needles, windows, left: &left, hits: BTreeMap::new(), unsearched: None };
    search.stream(file, &mut Vec::new())?;
    Ok(search.hits.into_values().map(Finding::Secret).chain(search.unsearched).collect())
}

/// The way to a stream: the names of the entries, and as many `None` as there are compressions in between.
type Way = Vec<Option<String>>;

impl Search<'_> {
    /// Searches a stream and what is in it. Fails if it cannot be read to its end.
    fn stream(&mut self, stream: &mut dyn Read, way: &mut Way) -> io::Result<()> {
        let window = self.windows.pop().unwrap_or_else(|| self.needles.window());
        let mut watched = Watched::new(stream, self.needles, window);
        let read = self.watched(&mut watched, way);
        let (found, window) = watched.finish();
        self.windows.push(window);
        for (needle, form) in found {
            let inside = || way.iter().flatten().cloned().collect();
            let hit = || Hit { inside: inside(), ..self.needles.hit(needle, form, Place::Content) };
            self.hits.entry(needle).or_insert_with(hit);
        }
        read
    }

    fn watched(&mut self, stream: &mut Watched<'_>, way: &mut Way) -> io::Result<()> {
        if let Some(packing) = Packing::of(stream.start(HEADER_BYTES)?) {
            if way.len() == DEPTH_MAX {
                self.stopped(Obstacle::TooDeep, way);
            } else if self.unpack(packing, stream, way).is_err() {
                // If it is the file that cannot be read, then reading on fails once more.
                self.broken(way);
            }
        }
        stream.drain()
    }

    fn unpack(&mut self, packing: Packing, stream: &mut Watched<'_>, way: &mut Way) -> io::Result<()> {
        match packing {
            Packing::Compressed(codec) => self.compressed(codec, stream, way),
            Packing::Tar => self.tar(stream, way),
            Packing::Zip => self.zip(stream, way),
        }
    }

    fn compressed(&mut self, codec: Codec, stream: &mut Watched<'_>, way: &mut Way) -> io::Result<()> {
        let decoder = archive_decoder(stream)?;
        let mut decoded = Limited { inner: decoder, left: self.left, given: Given::Nothing };
        way.push(None);
        let searched = self.stream(&mut decoded, way);
        way.pop();
        match (decoded.given, codec) {
            // The two bytes of gzip and the text of bzip2 begin other files too; those of xz and zstd do not, and a stream
            // that wants more memory than it gets fails at its beginning.
            (Given::Nothing, Codec::Gzip | Codec::Bzip2) => Ok(()),
            _ => searched,
        }
    }

    fn tar(&mut self, stream: &mut Watched<'_>, way: &mut Way) -> io::Result<()> {
        let mut entries = Entries::new(stream);
        while let Some(entry) = entries.next_entry().map_err(io::Error::other)? {
            if entry.kind == EntryKind::File {
                self.entry(&entry.name, &mut entries.content(&entry), way)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, stream: &mut Watched<'_>, way: &mut Way) -> io::Result<()> {
        let mut members = Members::new(stream);
        while let Some(member) = members.next_member()? {
            let Some(mut content) = members.content(&member) else {
                way.push(Some(self.label(&member.name)));
                self.stopped(Obstacle::Locked, way);
                way.pop();
                continue;
            };
            if let Err(error) = self.entry(&member.name, &mut content, way) {
                if self.left.get() == 0 {
                    return Err(error);
                }
                // The next member is found nevertheless.
                self.broken(way);
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &[u8], content: &mut dyn Read, way: &mut Way) -> io::Result<()> {
        way.push(Some(self.label(name)));
        let mut limited = Limited { inner: content, left: self.left, given: Given::Nothing };
        let searched = self.stream(&mut limited, way);
        way.pop();
        searched
    }

    /// An entry's name for people; nothing of it if it has a secret in it.
    fn label(&self, name: &[u8]) -> String {
        if self.needles.all(name, Place::Name).is_empty() {
            readable(name.get(..SHOWN_BYTES).unwrap_or(name))
        } else {
            "***".to_owned()
        }
    }

    fn broken(&mut self, way: &Way) {
        self.stopped(if self.left.get() == 0 { Obstacle::TooLarge } else { Obstacle::Damaged }, way);
    }

    fn stopped(&mut self, why: Obstacle, way: &Way) {
        let inside = || way.iter().flatten().cloned().collect();
        self.unsearched.get_or_insert_with(|| Finding::Unsearched { why, inside: inside() });
    }
}

/// What a stream has to be unpacked with.
#[derive(Debug, Clone, Copy)]
enum Packing {
    Compressed(Codec),
    Tar,
    Zip,
}

impl Packing {
    /// By the first bytes. Names say nothing: a jar, a wheel and an odt are zips.
    fn of(start: &[u8]) -> Option<Self> {
        let codec = Codec::of(start);
        if codec != Codec::Plain {
            return Some(Self::Compressed(codec));
        }
        if start.starts_with(b"PK\x03\x04") {
            return Some(Self::Zip);
        }
        let is_empty = start.iter().all(|b| *b == 0);
        (is_header(start) && !is_empty).then_some(Self::Tar)
    }
}

/// A reader that fails when no more may be taken out.
struct Limited<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
    given: Given,
}

/// Whether anything came out.
enum Given {
    Nothing,
    Something,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("it expands too far"));
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let found = self.inner.read(&mut buffer[..room])?;
        if found > 0 {
            self.given = Given::Something;
        }
        self.left.set(left - found as u64);
        Ok(found)
    }
}
