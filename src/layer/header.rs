//! The header of one tar entry: ustar, with a PAX extended header only when something does not fit.
//!
//! Source: POSIX.1-2024, pax, "ustar Interchange Format" and "pax Extended Header". GNU long names and base-256 numbers
//! are never written: PAX says the same and every reader of layers reads it. Owner names stay empty, because a layer's
//! owners are numbers; there are no access and change times, because nobody can pin them.

use tar::{EntryType, Header};

use crate::base::ImagePath;
use crate::base::path::WHITEOUT_PREFIX;
use crate::tree::{Kind, Node};

use super::entry::Entry;

/// Everything in a tar is in records of this size.
pub const RECORD_BYTES: usize = 512;
/// Two zero records end a tar.
pub const END_BYTES: usize = 2 * RECORD_BYTES;

/// Longest name that fits without a prefix.
const NAME_BYTES: usize = 100;
/// Longest directory part that fits into the prefix.
const PREFIX_BYTES: usize = 155;
/// Largest value of a seven-digit octal field: user and group numbers.
const MAX_ID: u32 = 0o7_777_777;
/// Largest value of an eleven-digit octal field: sizes and times.
const MAX_LONG: u64 = 0o77_777_777_777;

/// The header bytes of `entry`, a multiple of [`RECORD_BYTES`]. `epoch` is the time of whiteouts.
pub fn header(entry: &Entry<'_>, epoch: i64, out: &mut Vec<u8>) {
    match entry {
        Entry::Whiteout(path) => {
            let node = Node { mtime: epoch, ..Node::new(Kind::Directory, 0) };
            put(&Fields::of(whiteout_name(path), &node, EntryType::Regular), out);
        }
        Entry::HardLink(path, node, first) => {
            let link = Some(first.as_bytes());
            put(
                &Fields { link, xattrs: Xattrs::Left, ..Fields::of(path.as_bytes().to_vec(), node, EntryType::Link) },
                out,
            );
        }
        Entry::Node(path, node) => put(&node_fields(path, node), out),
    }
}

fn whiteout_name(path: &ImagePath) -> Vec<u8> {
    let name = path.name();
    let directory = &path.as_bytes()[..path.as_bytes().len() - name.len()];
    [directory, WHITEOUT_PREFIX, name].concat()
}

fn node_fields<'a>(path: &ImagePath, node: &'a Node) -> Fields<'a> {
    let name = path.as_bytes().to_vec();
    match &node.kind {
        Kind::Directory => Fields::of([&name, &b"/"[..]].concat(), node, EntryType::Directory),
        Kind::File { content, .. } => {
            Fields { size_bytes: content.size_bytes, ..Fields::of(name, node, EntryType::Regular) }
        }
        Kind::Symlink { target } => {
            Fields { link: Some(target), mode: 0o777, ..Fields::of(name, node, EntryType::Symlink) }
        }
        Kind::CharDevice { major, minor } => {
            Fields { device: Some((*major, *minor)), ..Fields::of(name, node, EntryType::Char) }
        }
        Kind::BlockDevice { major, minor } => {
            Fields { device: Some((*major, *minor)), ..Fields::of(name, node, EntryType::Block) }
        }
        Kind::Fifo => Fields::of(name, node, EntryType::Fifo),
    }
}

/// Whether the node's extended attributes are written: the later names of a file share those of the first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Xattrs {
    Written,
    Left,
}

/// What one header says.
struct Fields<'a> {
    name: Vec<u8>,
    node: &'a Node,
    kind: EntryType,
    mode: u16,
    size_bytes: u64,
    link: Option<&'a [u8]>,
    device: Option<(u32, u32)>,
    xattrs: Xattrs,
}

impl<'a> Fields<'a> {
    fn of(name: Vec<u8>, node: &'a Node, kind: EntryType) -> Self {
        let mode = node.mode;
        Self { name, node, kind, mode, size_bytes: 0, link: None, device: None, xattrs: Xattrs::Written }
    }
}

fn put(fields: &Fields<'_>, out: &mut Vec<u8>) {
    let records = pax_records(fields);
    if !records.is_empty() {
        put_pax(fields, &records, out);
    }
    let mut header = Header::new_ustar();
    put_name(&mut header, &fields.name);
    header.set_mode(u32::from(fields.mode));
    header.set_uid(u64::from(if fields.node.uid <= MAX_ID { fields.node.uid } else { 0 }));
    header.set_gid(u64::from(if fields.node.gid <= MAX_ID { fields.node.gid } else { 0 }));
    header.set_size(if fields.size_bytes <= MAX_LONG { fields.size_bytes } else { 0 });
    header.set_mtime(u64::try_from(fields.node.mtime).ok().filter(|mtime| *mtime <= MAX_LONG).unwrap_or(0));
    header.set_entry_type(fields.kind);
    let (major, minor) = fields.device.unwrap_or_default();
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.set_device_major(major);
        ustar.set_device_minor(minor);
        if let Some(link) = fields.link {
            put_plain(&mut ustar.linkname, link);
        }
    }
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}

/// The records that say what does not fit into the ustar fields, sorted by key.
fn pax_records(fields: &Fields<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut add = |key: &[u8], value: Vec<u8>| records.push((key.to_vec(), value));
    let number = |n: u64| n.to_string().into_bytes();
    let link = fields.link.unwrap_or_default();
    if std::str::from_utf8(&fields.name).is_err() || std::str::from_utf8(link).is_err() {
        // Says that names are bytes, not UTF-8 as they are otherwise.
        add(b"hdrcharset", b"BINARY".to_vec());
    }
    if !fits_name(&fields.name) {
        add(b"path", fields.name.clone());
    }
    if link.len() > NAME_BYTES || !link.is_ascii() {
        add(b"linkpath", link.to_vec());
    }
    if fields.node.uid > MAX_ID {
        add(b"uid", number(u64::from(fields.node.uid)));
    }
    if fields.node.gid > MAX_ID {
        add(b"gid", number(u64::from(fields.node.gid)));
    }
    if fields.size_bytes > MAX_LONG {
        add(b"size", number(fields.size_bytes));
    }
    if fields.node.mtime < 0 || fields.node.mtime.unsigned_abs() > MAX_LONG {
        add(b"mtime", fields.node.mtime.to_string().into_bytes());
    }
    if fields.xattrs == Xattrs::Written {
        for (name, value) in &fields.node.xattrs {
            add(&[b"SCHILY.xattr.", &**name].concat(), value.to_vec());
        }
    }
    records.sort();
    records
}

/// Whether a name fits into the ustar fields: ASCII, and short enough or divisible at a slash.
fn fits_name(name: &[u8]) -> bool {
    name.is_ascii() && (name.len() <= NAME_BYTES || split_name(name).is_some())
}

/// Splits a long name into the prefix and the rest, at the last slash that leaves both short enough.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let last_start = name.len().checked_sub(1)?;
    (1..last_start.min(PREFIX_BYTES + 1))
        .rev()
        .find(|at| name[*at] == b'/' && name.len() - at - 1 <= NAME_BYTES)
        .map(|at| (&name[..at], &name[at + 1..]))
}

fn put_name(header: &mut Header, name: &[u8]) {
    let Some(ustar) = header.as_ustar_mut() else { return };
    match split_name(name) {
        Some((prefix, rest)) if name.len() > NAME_BYTES && name.is_ascii() => {
            put_plain(&mut ustar.prefix, prefix);
            put_plain(&mut ustar.name, rest);
        }
        _ => put_plain(&mut ustar.name, name),
    }
}

/// Copies what fits; bytes outside of ASCII become `_`, because the PAX record beside says what they are.
fn put_plain(field: &mut [u8], bytes: &[u8]) {
    for (to, from) in field.iter_mut().zip(bytes) {
        *to = if from.is_ascii() { *from } else { b'_' };
    }
}

/// The extended header: an entry of its own before the one it speaks of.
fn put_pax(fields: &Fields<'_>, records: &[(Vec<u8>, Vec<u8>)], out: &mut Vec<u8>) {
    let mut body = Vec::new();
    for (key, value) in records {
        put_record(key, value, &mut body);
    }
    let mut header = Header::new_ustar();
    let name: Vec<u8> = [b"PaxHeaders/", &*fields.name].concat();
    if let Some(ustar) = header.as_ustar_mut() {
        put_plain(&mut ustar.name, &name);
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(body.len() as u64);
    header.set_mtime(0);
    header.set_entry_type(EntryType::XHeader);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&body);
    out.resize(out.len().next_multiple_of(RECORD_BYTES), 0);
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn put_record(key: &[u8], value: &[u8], body: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    body.extend_from_slice(length.to_string().as_bytes());
    for part in [b" ", key, b"=", value, b"\n"] {
        body.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Content;
    use crate::tree::testing::*;

    fn bytes(entry: &Entry<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        header(entry, 1000, &mut out);
        assert_eq!(out.len() % RECORD_BYTES, 0);
        out
    }

    #[test]
    fn a_short_name_needs_one_record() {
        let path = path("usr/bin/kiln");
        let out = bytes(&Entry::Node(&path, &file("x")));
        assert_eq!(out.len(), RECORD_BYTES);
        let header = Header::from_byte_slice(&out);
        assert_eq!(header.path_bytes().as_ref(), b"usr/bin/kiln");
        assert_eq!((header.size().ok(), header.mode().ok()), (Some(1), Some(0o644)));
        assert_eq!(&out[265..329], &[0; 64], "owner names are empty");
    }

    #[test]
    fn a_long_name_is_split_and_a_longer_one_goes_into_a_pax_record() {
        let split = path(&format!("{}/{}", "d".repeat(150), "f".repeat(90)));
        assert_eq!(bytes(&Entry::Node(&split, &file(""))).len(), RECORD_BYTES);
        let long = path(&format!("{}/{}", "d".repeat(200), "f".repeat(90)));
        let out = bytes(&Entry::Node(&long, &file("")));
        assert_eq!(out.len(), 3 * RECORD_BYTES);
        assert!(out[RECORD_BYTES..].starts_with(format!("301 path={}/", "d".repeat(200)).as_bytes()));
    }

    #[test]
    fn a_file_over_eight_gibibytes_has_its_size_in_a_pax_record() {
        let path = path("big");
        let mut node = file("");
        let Kind::File { content, .. } = &mut node.kind else { panic!("a file") };
        *content = Content { size_bytes: 1 << 33, ..*content };
        assert!(bytes(&Entry::Node(&path, &node))[RECORD_BYTES..].starts_with(b"19 size=8589934592\n"));
    }

    #[test]
    fn names_that_are_not_utf8_say_so() {
        let path = ImagePath::parse(b"n\xffme").expect("a path");
        let out = bytes(&Entry::Node(&path, &file("")));
        assert!(out[RECORD_BYTES..].starts_with(b"21 hdrcharset=BINARY\n13 path=n\xffme\n"));
    }

    #[test]
    fn times_before_1970_and_large_owners_go_into_pax_records() {
        let path = path("x");
        let node = Node { uid: 4_000_000_000, mtime: -5, ..file("") };
        assert!(bytes(&Entry::Node(&path, &node))[RECORD_BYTES..].starts_with(b"12 mtime=-5\n18 uid=4000000000\n"));
    }

    #[test]
    fn a_whiteout_is_an_empty_file_with_a_prefix() {
        let path = path("etc/old");
        let out = bytes(&Entry::Whiteout(&path));
        let header = Header::from_byte_slice(&out);
        assert_eq!(header.path_bytes().as_ref(), b"etc/.wh.old");
        assert_eq!((header.size().ok(), header.mode().ok(), header.mtime().ok()), (Some(0), Some(0), Some(1000)));
    }
}
