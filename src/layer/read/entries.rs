//! A tar as a sequence of entries, with the headers that describe one put together.

use std::io::{Read, Seek};

use tar::{EntryType, Header};

use crate::base::ImagePath;
use crate::base::path::readable;
use crate::tree::{Content, Kind, Node};

use super::blocks::Blocks;
use super::content::{Expanded, Sink, deliver};
use super::error::ReadError;
use super::extended::{Extended, Pax};
use super::limits::{ENTRIES_MAX, EXTENDED_MAX_BYTES};
use super::number;
use super::pax::{self, Xattrs};
use super::sparse::{self, Map, Segment};

/// The largest size that a ustar header can say in digits.
const USTAR_MAX_BYTES: u64 = 0o77_777_777_777;

/// One entry, as it stands in the tar.
#[derive(Debug)]
pub struct Entry {
    /// Its name, unchanged.
    pub name: Vec<u8>,
    /// Target of a hard or symbolic link, unchanged; otherwise empty.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in seconds since 1970, rounded down.
    pub mtime: i64,
    /// Extended attributes.
    pub xattrs: Xattrs,
    /// Where its stored data begins in the tar.
    pub offset: u64,
    map: Map,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// One more name of a file before.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A character device, major and minor.
    CharDevice(u32, u32),
    /// A block device, major and minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

impl Entry {
    /// Size of the content with its holes.
    pub fn size_bytes(&self) -> u64 {
        self.map.size
    }

    /// Whether the content lies in one piece at [`Entry::offset`].
    pub fn is_contiguous(&self) -> bool {
        match self.map.segments[..] {
            [] => self.map.size == 0,
            [only] => only == Segment { offset: 0, length: self.map.size },
            _ => false,
        }
    }

    /// A node of the given kind with this entry's mode, owner, time and attributes.
    pub(super) fn node(&self, kind: Kind) -> Node {
        let xattrs = self.xattrs.clone();
        Node { uid: self.uid, gid: self.gid, mtime: self.mtime, xattrs, ..Node::new(kind, self.mode) }
    }
}

/// Reads one entry after the other; the content of each must be read before the next, or is skipped.
pub struct Entries<R> {
    blocks: Blocks<R>,
    /// Entries that may still come, the headers that only describe others included.
    left: usize,
}

impl<R: Read> Entries<R> {
    /// Reads a tar from its beginning.
    pub fn new(reader: R) -> Self {
        Self { blocks: Blocks::new(reader), left: ENTRIES_MAX }
    }

    /// The next entry; `None` behind the last, when all bytes have been read and were found to be zeros.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let mut extended = Extended::default();
        loop {
            let offset = self.blocks.offset();
            let Some(header) = self.blocks.header()? else {
                return if extended.is_empty() { Ok(None) } else { Err(ReadError::Truncated { offset }) };
            };
            self.left = self.left.checked_sub(1).ok_or(ReadError::TooManyEntries)?;
            match header.entry_type() {
                EntryType::XHeader => extended.put_pax(&self.records(&header)?, offset)?,
                EntryType::XGlobalHeader => pax::check_global(&self.records(&header)?, offset)?,
                EntryType::GNULongName => {
                    Extended::put_long(&mut extended.long_name, self.records(&header)?, offset)?;
                }
                EntryType::GNULongLink => {
                    Extended::put_long(&mut extended.long_link, self.records(&header)?, offset)?;
                }
                _ => return self.entry(&header, extended).map(Some),
            }
        }
    }

    /// Hands the content of the entry that [`Entries::next_entry`] gave last to the sink.
    pub(super) fn deliver(
        &mut self,
        path: &ImagePath,
        entry: &Entry,
        sink: &mut Sink<'_>,
    ) -> Result<Content, ReadError> {
        let delivered = deliver(path, entry.map.size, &mut Expanded::new(&mut self.blocks, &entry.map), sink);
        self.blocks.check()?;
        delivered
    }

    /// The content of the entry that [`Entries::next_entry`] gave last, with zeros where it has holes, for a reader that
    /// needs no digest of it.
    pub fn content<'a>(&'a mut self, entry: &'a Entry) -> impl Read + 'a {
        Expanded::new(&mut self.blocks, &entry.map)
    }

    /// The data of a header that describes another one.
    fn records(&mut self, header: &Header) -> Result<Vec<u8>, ReadError> {
        let offset = self.blocks.offset();
        let size_bytes = size_field(header, b"")?;
        if size_bytes > EXTENDED_MAX_BYTES {
            return Err(ReadError::ExtendedTooLarge { offset, size_bytes });
        }
        self.blocks.begin_data(size_bytes);
        self.blocks.whole_data()
    }

    fn entry(&mut self, header: &Header, extended: Extended) -> Result<Entry, ReadError> {
        let mut pax = extended.pax.unwrap_or_default();
        let name = pax.sparse.name.take().or(pax.path.take()).or(extended.long_name);
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax.link.take().or(extended.long_link);
        let link = link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
        let size = size(header, &pax, &name)?;
        let kind = kind(header, &name)?;
        if kind != EntryKind::File && size != 0 {
            return Err(ReadError::UnexpectedData { entry: readable(&name), size_bytes: size });
        }
        let old = header.as_old();
        let mtime = match pax.mtime {
            Some(mtime) => mtime,
            None => narrow(&old.mtime, "mtime", &name)?,
        };
        let mode = narrow::<i64>(&old.mode, "mode", &name)? & 0o7777;
        let uid = owner(pax.uid, &old.uid, "uid", &name)?;
        let gid = owner(pax.gid, &old.gid, "gid", &name)?;
        let map = self.map(header, &pax, size, &name)?;
        let xattrs = std::mem::take(&mut pax.xattrs);
        Ok(Entry { link, kind, mode: mode as u16, uid, gid, mtime, xattrs, offset: self.blocks.offset(), map, name })
    }

    /// Where the stored data belongs in the file; afterwards the data is next.
    fn map(&mut self, header: &Header, pax: &Pax, size: u64, name: &[u8]) -> Result<Map, ReadError> {
        if header.entry_type() == EntryType::GNUSparse {
            let reason = "the header is not GNU tar's";
            let gnu = header.as_gnu().ok_or_else(|| ReadError::Sparse { entry: readable(name), reason })?;
            let map = sparse::gnu_map(gnu, &mut self.blocks, size, name)?;
            self.blocks.begin_data(size);
            return Ok(map);
        }
        self.blocks.begin_data(size);
        if pax.sparse.is_given() {
            return pax.sparse.map(&mut self.blocks, name);
        }
        Ok(Map { segments: vec![Segment { offset: 0, length: size }], size })
    }
}

impl<R: Read + Seek> Entries<R> {
    /// The same for a file: the content of entries that nobody reads is not read.
    pub fn seeking(reader: R) -> Self {
        Self { blocks: Blocks::seeking(reader), left: ENTRIES_MAX }
    }
}

/// The size of the stored data. A PAX record says it where the header cannot, and then the header says nothing.
fn size(header: &Header, pax: &Pax, name: &[u8]) -> Result<u64, ReadError> {
    let plain = size_field(header, name)?;
    match pax.size {
        Some(size) if size == plain => Ok(size),
        // Writers put nothing, or all sevens, where the number does not fit.
        Some(size) if size > USTAR_MAX_BYTES && size < 1 << 63 && matches!(plain, 0 | USTAR_MAX_BYTES) => Ok(size),
        Some(size) => Err(ReadError::PaxSize { entry: readable(name), header: plain, pax: size }),
        None => Ok(plain),
    }
}

fn size_field(header: &Header, name: &[u8]) -> Result<u64, ReadError> {
    // Half of the range, so that offsets and padding can be added.
    narrow::<i64>(&header.as_old().size, "size", name).and_then(|size| {
        let fail = || ReadError::Number { entry: readable(name), field: "size", found: size.to_string() };
        u64::try_from(size).map_err(|_| fail())
    })
}

fn narrow<T: TryFrom<i128>>(bytes: &[u8], field: &'static str, name: &[u8]) -> Result<T, ReadError> {
    let fail = || ReadError::Number { entry: readable(name), field, found: readable(bytes) };
    number::field(bytes).and_then(|number| T::try_from(number).ok()).ok_or_else(fail)
}

fn owner(pax: Option<i128>, bytes: &[u8], field: &'static str, name: &[u8]) -> Result<u32, ReadError> {
    let found = match pax {
        Some(found) => found,
        None => narrow::<i128>(bytes, field, name)?,
    };
    u32::try_from(found).map_err(|_| ReadError::Owner { entry: readable(name), field, found })
}

fn kind(header: &Header, name: &[u8]) -> Result<EntryKind, ReadError> {
    let device = |minor_too: fn(u32, u32) -> EntryKind| {
        let (major, minor) = match (header.as_ustar(), header.as_gnu()) {
            (Some(ustar), _) => (&ustar.dev_major, &ustar.dev_minor),
            (None, Some(gnu)) => (&gnu.dev_major, &gnu.dev_minor),
            (None, None) => {
                return Err(ReadError::Number { entry: readable(name), field: "device", found: String::new() });
            }
        };
        Ok(minor_too(narrow(major, "device", name)?, narrow(minor, "device", name)?))
    };
    match header.entry_type() {
        // Before ustar, a slash at the end was what said directory, and GNU tar still reads it so.
        EntryType::Regular if name.ends_with(b"/") => Ok(EntryKind::Directory),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Ok(EntryKind::File),
        EntryType::Link => Ok(EntryKind::HardLink),
        EntryType::Symlink => Ok(EntryKind::Symlink),
        EntryType::Directory => Ok(EntryKind::Directory),
        EntryType::Fifo => Ok(EntryKind::Fifo),
        EntryType::Char => device(EntryKind::CharDevice),
        EntryType::Block => device(EntryKind::BlockDevice),
        other => Err(ReadError::EntryType { entry: readable(name), found: readable(&[other.as_byte()]) }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use tar::{Builder, Header};

    use super::super::content::ignore;
    use super::super::testing::{Tar, header};
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Entries::new(bytes);
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            entries.deliver(&ImagePath::root(), &entry, &mut ignore)?;
            found.push(entry);
        }
        Ok(found)
    }

    fn one(tar: Tar) -> Entry {
        all(&tar.bytes()).expect("a good tar").remove(0)
    }

    #[test]
    fn records_come_before_the_header() {
        let xattr = b"line\nbreak\0";
        let records: [(&str, &[u8]); 5] = [
            ("SCHILY.xattr.user.x", xattr),
            ("mtime", b"-1.5"),
            ("path", b"long/name"),
            ("uid", b"4294967295"),
            ("comment", b"nothing"),
        ];
        let entry = one(Tar::new().pax(&records).file("short", "x"));
        assert_eq!((entry.name.as_slice(), entry.mtime, entry.uid, entry.gid), (&b"long/name"[..], -2, u32::MAX, 2));
        assert_eq!(entry.xattrs.get(b"user.x".as_slice()).map(|value| &**value), Some(&xattr[..]));
    }

    #[test]
    fn gnu_long_names_are_read() {
        let name = format!("{}/{}", "a".repeat(120), "b".repeat(120));
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(0);
        builder.append_link(&mut header, &name, format!("{name}2")).expect("memory does not fail");
        let entries = all(&builder.into_inner().expect("memory does not fail")).expect("a good tar");
        assert_eq!(entries[0].name, name.as_bytes());
        assert_eq!(entries[0].link, format!("{name}2").as_bytes());
    }

    #[test]
    fn what_readers_would_read_in_two_ways_is_refused() {
        let size = all(&Tar::new().pax(&[("size", b"1")]).file("a", "").bytes());
        assert!(matches!(size, Err(ReadError::PaxSize { pax: 1, header: 0, .. })));
        let data = all(&Tar::new().put(EntryType::Link, "a", "b", b"data").bytes());
        assert!(matches!(data, Err(ReadError::UnexpectedData { .. })));
        let unknown = all(&Tar::new().put(EntryType::new(b'V'), "a", "", b"").bytes());
        assert!(matches!(unknown, Err(ReadError::EntryType { .. })));
        let twice = all(&Tar::new().pax(&[("uid", b"1")]).pax(&[("uid", b"2")]).file("a", "").bytes());
        assert!(matches!(twice, Err(ReadError::BadRecords { .. })));
        let global = Tar::new().put(EntryType::XGlobalHeader, "g", "", b"9 path=a\n").file("a", "");
        assert!(matches!(all(&global.bytes()), Err(ReadError::GlobalRecord { .. })));
        let repeated = Tar::new().pax(&[("path", b"a"), ("path", b"b")]).file("a", "");
        assert!(matches!(all(&repeated.bytes()), Err(ReadError::RepeatedRecord { .. })));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let owner = all(&Tar::new().pax(&[("gid", b"4294967296")]).file("a", "").bytes());
        assert!(matches!(owner, Err(ReadError::Owner { field: "gid", found: 4_294_967_296, .. })));
        let mut bad = header(EntryType::Regular, "a", 0);
        bad.as_old_mut().mode = *b"0000x44\0";
        assert!(matches!(all(&Tar::new().raw(bad, b"").bytes()), Err(ReadError::Number { field: "mode", .. })));
    }

    #[test]
    fn attributes_over_the_limit_are_refused() {
        let large = vec![0; super::super::limits::XATTR_MAX_BYTES + 1];
        let tar = Tar::new().pax(&[("SCHILY.xattr.user.x", &large)]).file("a", "");
        assert!(matches!(all(&tar.bytes()), Err(ReadError::XattrTooLarge { .. })));
        let huge = vec![b'a'; EXTENDED_MAX_BYTES as usize + 1];
        let tar = Tar::new().put(EntryType::GNULongName, "a", "", &huge).file("a", "");
        assert!(matches!(all(&tar.bytes()), Err(ReadError::ExtendedTooLarge { .. })));
    }

    #[test]
    fn a_tar_has_to_end_as_it_should() {
        let good = Tar::new().file("a", "some data").bytes();
        for length in [0, 100, 512, 600, 1024] {
            let read = all(&good[..length]);
            assert!(matches!(read, Err(ReadError::Truncated { .. })), "{length}: {read:?}");
        }
        assert!(all(&good[..1536]).is_ok(), "one block of zeros is enough, as GNU tar has it");
        let mut trailing = good.clone();
        trailing.resize(10_240, 0);
        assert!(all(&trailing).is_ok());
        trailing.push(1);
        assert!(matches!(all(&trailing), Err(ReadError::TrailingData { offset: 10_240 })));
        let mut damaged = good;
        damaged[0] = b'b';
        assert!(matches!(all(&damaged), Err(ReadError::Checksum { offset: 0, .. })));
        let pending = Tar::new().pax(&[("uid", b"1")]).bytes();
        assert!(matches!(all(&pending), Err(ReadError::Truncated { .. })));
    }

    #[test]
    fn entries_over_the_limit_are_refused() {
        let tar = Tar::new().file("a", "").file("b", "").bytes();
        let mut entries = Entries { left: 1, ..Entries::new(tar.as_slice()) };
        assert!(entries.next_entry().is_ok());
        assert!(matches!(entries.next_entry(), Err(ReadError::TooManyEntries)));
    }

    #[test]
    fn the_last_byte_below_is_read() {
        let mut bytes = Tar::new().file("a", "x").bytes();
        bytes.resize(20_000, 0);
        let mut cursor = Cursor::new(&bytes);
        let mut entries = Entries::new(&mut cursor);
        while entries.next_entry().expect("a good tar").is_some() {}
        assert_eq!(cursor.position(), 20_000);
    }

    #[test]
    fn a_reader_that_fails_is_named() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("broken"))
            }
        }
        let start = Tar::new().file("a", "some data").bytes();
        let mut entries = Entries::new(start[..515].chain(Failing));
        let entry = entries.next_entry().expect("the header is there").expect("an entry");
        let read = entries.deliver(&ImagePath::root(), &entry, &mut ignore);
        assert!(matches!(read, Err(ReadError::Io { offset: 515, .. })), "{read:?}");
    }
}
