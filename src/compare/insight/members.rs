//! The members of an archive, in its order: ar, tar or zip.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use object::read::archive::ArchiveFile;

use crate::layer::read::{Entries, EntryKind, zip_members};

use super::INSIDE_MAX_BYTES;

/// Members that are looked at.
const MEMBERS_MAX: usize = 100_000;
const AR_MAGIC: &[u8] = b"!<arch>\n";
/// Where a tar says that it is one (POSIX, pax, "ustar Interchange Format").
const USTAR: std::ops::Range<usize> = 257..262;

/// One member.
pub(super) struct Member<'a> {
    /// Its name, unchanged.
    pub(super) name: Vec<u8>,
    /// Seconds since 1970.
    pub(super) mtime: i64,
    /// User and group, if the format has them.
    pub(super) owner: Option<(u64, u64)>,
    /// `st_mode`, or its permission bits, if the format has them.
    pub(super) mode: Option<u64>,
    /// What it is and where it leads, for what is no regular file.
    pub(super) target: Vec<u8>,
    /// The bytes; `None` if they are too many, or not in one piece.
    pub(super) content: Option<Cow<'a, [u8]>>,
}

/// The members of an archive.
pub(super) struct Members<'a> {
    /// `ar`, `tar` or `zip`.
    pub(super) format: &'static str,
    pub(super) list: Vec<Member<'a>>,
    /// Whether all of the archive was looked at.
    pub(super) is_whole: bool,
}

/// The members, if it is an archive that can be read and has some.
pub(super) fn read(bytes: &[u8]) -> Option<Members<'_>> {
    let members = if bytes.starts_with(AR_MAGIC) {
        ar(bytes)
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip(bytes)?
    } else if bytes.get(USTAR) == Some(b"ustar") {
        tar(bytes)
    } else {
        return None;
    };
    (!members.list.is_empty()).then_some(members)
}

fn ar(bytes: &[u8]) -> Members<'_> {
    let mut members = Members { format: "ar", list: Vec::new(), is_whole: true };
    let Ok(archive) = ArchiveFile::parse(bytes) else { return members };
    for member in archive.members() {
        let Ok(member) = member else {
            members.is_whole = false;
            break;
        };
        if members.list.len() == MEMBERS_MAX {
            members.is_whole = false;
            break;
        }
        members.list.push(Member {
            name: member.name().to_vec(),
            mtime: member.date().and_then(|date| i64::try_from(date).ok()).unwrap_or(0),
            owner: member.uid().zip(member.gid()),
            mode: member.mode(),
            target: Vec::new(),
            content: member.data(bytes).ok().map(Cow::Borrowed),
        });
    }
    members
}

fn tar(bytes: &[u8]) -> Members<'_> {
    let mut members = Members { format: "tar", list: Vec::new(), is_whole: true };
    let mut entries = Entries::seeking(Cursor::new(bytes));
    loop {
        let entry = match entries.next_entry() {
            Ok(Some(entry)) if members.list.len() < MEMBERS_MAX => entry,
            Ok(None) => break,
            Ok(Some(_)) | Err(_) => {
                members.is_whole = false;
                break;
            }
        };
        let content = entry.is_contiguous().then(|| slice(bytes, entry.offset, entry.size_bytes())).flatten();
        members.list.push(Member {
            mtime: entry.mtime,
            owner: Some((entry.uid.into(), entry.gid.into())),
            mode: Some(entry.mode.into()),
            target: target(entry.kind, &entry.link),
            content: content.map(Cow::Borrowed),
            name: entry.name,
        });
    }
    members
}

fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn target(kind: EntryKind, link: &[u8]) -> Vec<u8> {
    let with_link = |what: &str| [what.as_bytes(), link].concat();
    match kind {
        EntryKind::File => Vec::new(),
        EntryKind::HardLink => with_link("hard link to "),
        EntryKind::Symlink => with_link("link to "),
        EntryKind::Directory => b"directory".to_vec(),
        EntryKind::CharDevice(major, minor) => format!("character device {major},{minor}").into_bytes(),
        EntryKind::BlockDevice(major, minor) => format!("block device {major},{minor}").into_bytes(),
        EntryKind::Fifo => b"named pipe".to_vec(),
    }
}

fn zip(bytes: &[u8]) -> Option<Members<'_>> {
    let mut members = Members { format: "zip", list: Vec::new(), is_whole: true };
    let mut room = INSIDE_MAX_BYTES;
    let (list, is_whole) = (&mut members.list, &mut members.is_whole);
    let mut sink = |member: crate::layer::read::ZipMember, reader: &mut dyn Read| -> io::Result<()> {
        if list.len() == MEMBERS_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut content = Vec::new();
        reader.take(room).read_to_end(&mut content)?;
        room -= content.len() as u64;
        *is_whole &= room > 0;
        list.push(Member {
            name: member.name,
            mtime: member.mtime,
            owner: None,
            mode: member.mode.map(u64::from),
            target: Vec::new(),
            content: (room > 0).then_some(Cow::Owned(content)),
        });
        Ok(())
    };
    match zip_members(Cursor::new(bytes), &mut sink) {
        Ok(()) => Some(members),
        // What cannot be read leaves what came before.
        Err(_) if !members.list.is_empty() => Some(Members { is_whole: false, ..members }),
        Err(_) => None,
    }
}
