//! Zip archives as trees.

use std::io::{self, Read, Seek};

use ::zip::read::ZipArchive;
use ::zip::result::ZipError;

use crate::base::ImagePath;
use crate::tree::{Kind, Node, Tree};

use super::archive::{check_parents, path, symlink};
use super::content::{Sink, deliver};
use super::error::ReadError;
use super::limits::{ENTRIES_MAX, LINK_TARGET_MAX_BYTES};

/// Bytes that [`is_zip`] looks at.
pub(super) const MAGIC_BYTES: usize = 4;

/// Whether an archive begins as a zip does: with an entry, or with the end of its directory if it is empty.
pub(super) fn is_zip(start: &[u8]) -> bool {
    matches!(start, b"PK\x03\x04" | b"PK\x05\x06")
}

/// File type and permissions in the upper half of the external attributes, as Info-ZIP puts them there.
const TYPE_MASK: u32 = 0o170_000;
const SYMLINK_TYPE: u32 = 0o120_000;

/// Reads a zip. The directory at its end says what is in it; of two entries with one name it holds the later.
pub(super) fn read<R: Read + Seek>(reader: R, sink: &mut Sink<'_>) -> Result<Tree, ReadError> {
    let mut archive = ZipArchive::new(reader).map_err(zip_error)?;
    if archive.len() > ENTRIES_MAX {
        return Err(ReadError::TooManyEntries);
    }
    let mut tree = Tree::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(zip_error)?;
        let name = file.name_raw().to_vec();
        let path = path(&name)?;
        let mode = file.unix_mode().filter(|mode| *mode & 0o7777 != 0);
        let mtime = timestamp(&file);
        if path.is_root() {
            continue;
        }
        check_parents(&tree, &path)?;
        let is_link = mode.is_some_and(|mode| mode & TYPE_MASK == SYMLINK_TYPE);
        let (kind, default_mode) = match (name.ends_with(b"/"), is_link) {
            (true, _) => (Kind::Directory, 0o755),
            (false, true) => (link(&path, &mut file)?, 0o777),
            (false, false) => (regular(&path, file, sink)?, 0o644),
        };
        let mode = mode.map_or(default_mode, |mode| (mode & 0o7777) as u16);
        tree.insert(path, Node { mtime, ..Node::new(kind, mode) });
    }
    Ok(tree)
}

/// A member of a zip as its directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipMember {
    /// Its name, unchanged.
    pub name: Vec<u8>,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// `st_mode`, if the archive was made on a Unix.
    pub mode: Option<u32>,
}

/// Hands each member of a zip, in the order of its directory, and a reader of its content to `sink`. Nothing is refused
/// that can be read at all: this is for looking at an archive, not for unpacking it. Of members of one name there is the
/// last.
pub fn members<R: Read + Seek>(
    reader: R,
    sink: &mut dyn FnMut(ZipMember, &mut dyn Read) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut archive = ZipArchive::new(reader).map_err(zip_error)?;
    if archive.len() > ENTRIES_MAX {
        return Err(ReadError::TooManyEntries);
    }
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(zip_error)?;
        let member = ZipMember { name: file.name_raw().to_vec(), mtime: timestamp(&file), mode: file.unix_mode() };
        sink(member, &mut file).map_err(|error| zip_error(ZipError::Io(error)))?;
    }
    Ok(())
}

fn zip_error(source: ZipError) -> ReadError {
    ReadError::Zip { source }
}

fn link(path: &ImagePath, file: &mut impl Read) -> Result<Kind, ReadError> {
    let mut target = Vec::new();
    file.take(LINK_TARGET_MAX_BYTES).read_to_end(&mut target).map_err(|error| zip_error(ZipError::Io(error)))?;
    symlink(path, &target)
}

/// Hands the content to the sink. The crate compares the checksum at its end, and stops at more bytes than promised.
fn regular<R: Read>(
    path: &ImagePath,
    file: ::zip::read::ZipFile<'_, R>,
    sink: &mut Sink<'_>,
) -> Result<Kind, ReadError> {
    let expected = file.size();
    let mut failing = Failing { inner: file, failure: None };
    let delivered = deliver(path, expected, &mut failing, sink);
    if let Some(error) = failing.failure {
        return Err(zip_error(ZipError::Io(error)));
    }
    let content = delivered?;
    if content.size_bytes != expected {
        return Err(ReadError::ZipSize { path: path.clone(), expected, found: content.size_bytes });
    }
    Ok(Kind::File { content, links: None })
}

/// Remembers why reading failed, whatever the sink makes of it.
struct Failing<R> {
    inner: R,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Failing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let copy = io::Error::from(error.kind());
            self.failure = Some(error);
            copy
        })
    }
}

/// Seconds since 1970: the extended timestamp if there is one, else the DOS time taken as UTC, since it names no zone.
fn timestamp<R: Read>(file: &::zip::read::ZipFile<'_, R>) -> i64 {
    let extended = file.extra_data_fields().find_map(|field| match field {
        ::zip::extra_fields::ExtraField::ExtendedTimestamp(time) => time.mod_time(),
        _ => None,
    });
    match (extended, file.last_modified()) {
        // The field is a signed number of 32 bits.
        (Some(seconds), _) => i64::from(seconds as i32),
        (None, Some(time)) => dos_seconds(&time),
        (None, None) => 0,
    }
}

fn dos_seconds(time: &::zip::DateTime) -> i64 {
    let date = (i16::try_from(time.year()), i8::try_from(time.month()), i8::try_from(time.day()));
    let (Ok(year), Ok(month), Ok(day)) = date else { return 0 };
    let clock = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let midnight = jiff::civil::Date::new(year, month, day)
        .ok()
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp().as_second());
    midnight.map_or(0, |midnight| midnight + clock)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::archive::archive;
    use super::super::content::ignore;
    use super::*;
    use crate::tree::dump;

    fn bytes(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>) -> ::zip::result::ZipResult<()>) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        fill(&mut writer).expect("memory does not fail");
        writer.finish().expect("memory does not fail").into_inner()
    }

    fn options() -> SimpleFileOptions {
        let time = ::zip::DateTime::from_date_and_time(2020, 2, 29, 12, 30, 58).expect("a date");
        SimpleFileOptions::default().last_modified_time(time)
    }

    #[test]
    fn modes_times_and_links_are_read() {
        let zip = bytes(|zip| {
            zip.add_directory("d/", options().unix_permissions(0o750))?;
            zip.start_file("d/run", options().unix_permissions(0o755))?;
            zip.write_all(b"#!")?;
            zip.add_symlink("link", "d/run", options())
        });
        let tree = archive(Cursor::new(zip), &mut ignore).expect("a good zip");
        let text = dump::write(&tree.to_changeset());
        assert!(text.starts_with("d 0750 0:0 1582979458 /d\nf 0755 0:0 1582979458 /d/run 2 sha256:"), "{text}");
        assert!(text.contains("/link d/run\n"), "{text}");
    }

    #[test]
    fn members_come_in_the_order_of_the_directory() {
        let zip = bytes(|zip| {
            zip.start_file("b", options().unix_permissions(0o600))?;
            zip.write_all(b"content")?;
            zip.start_file("../a", options())
        });
        let mut found = Vec::new();
        let mut sink = |member: ZipMember, reader: &mut dyn Read| {
            let mut text = String::new();
            reader.read_to_string(&mut text)?;
            found.push((member.name, member.mtime, member.mode, text));
            Ok(())
        };
        members(Cursor::new(zip), &mut sink).expect("a good zip");
        let expected = [
            (b"b".to_vec(), 1_582_979_458, Some(0o100_600), "content".to_owned()),
            (b"../a".to_vec(), 1_582_979_458, Some(0o100_644), String::new()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_zip_cannot_leave_its_tree() {
        let zip = bytes(|zip| zip.start_file("../x", options()));
        assert!(matches!(archive(Cursor::new(zip), &mut ignore), Err(ReadError::Parent { .. })));
        let zip = bytes(|zip| {
            zip.add_symlink("a", "/etc", options())?;
            zip.start_file("a/b", options())
        });
        assert!(matches!(archive(Cursor::new(zip), &mut ignore), Err(ReadError::BelowNonDirectory { .. })));
    }

    #[test]
    fn a_size_that_is_not_the_contents_is_noticed() {
        let mut zip = bytes(|zip| {
            zip.start_file("a", options().compression_method(::zip::CompressionMethod::Stored))?;
            Ok(zip.write_all(b"12345")?)
        });
        let directory = zip.windows(4).position(|window| window == b"PK\x01\x02").expect("it has a directory");
        zip[directory + 24] = 6;
        let read = archive(Cursor::new(zip), &mut ignore);
        assert!(matches!(read, Err(ReadError::ZipSize { expected: 6, found: 5, .. })), "{read:?}");
    }

    #[test]
    fn damaged_content_is_noticed() {
        let content = b"content that is not compressed";
        let mut zip = bytes(|zip| {
            zip.start_file("a", options().compression_method(::zip::CompressionMethod::Stored))?;
            Ok(zip.write_all(content)?)
        });
        let at = zip.windows(content.len()).position(|window| window == content).expect("it is stored");
        zip[at] ^= 1;
        let read = archive(Cursor::new(zip), &mut ignore);
        assert!(matches!(read, Err(ReadError::Zip { .. })), "{read:?}");
    }
}
