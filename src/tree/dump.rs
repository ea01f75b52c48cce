//! A changeset as text: first the opaque directories, then one line a path, in path order. It is what golden files hold, what [`Changeset::digest`] hashes,
//! and what the store keeps of a layer, so a person can always read what a machine compared.
//!
//! ```text
//! o /var/cache                                     opaque: nothing of lower layers shows through here
//! d 0755 0:0 1767225600 /srv
//! f 0644 0:0 1767225600 /srv/index.html 120 sha256:5f70..
//!   user.origin=upstream                           an extended attribute of the line above
//! h /srv/same.html /srv/index.html                 one more name of a file above
//! l 0777 0:0 1767225600 /srv/link index.html
//! c 0666 0:0 1767225600 /dev/null 1,3              b: block device
//! p 0644 0:0 1767225600 /run/pipe
//! w /etc/old                                       whiteout
//! ```
//! Blanks in names are written `\x20`, so that the fields of a line are separated by single blanks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::path::{readable, unreadable};
use crate::base::{ContentDigest, ImagePath};

use super::changeset::{Change, Changeset};
use super::node::{Content, Kind, LinkGroup, Node};

/// A line that is not of this form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the tree dump is not one: `{found}`")]
pub struct ParseDumpError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub found: String,
}

/// Writes lines; remembers the first name of each hard-linked file.
#[derive(Default)]
pub struct Writer {
    first_names: BTreeMap<LinkGroup, ImagePath>,
}

impl Writer {
    /// A writer at the beginning of a dump.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the line of one change to `out`, with the lines of its extended attributes. Paths come in order.
    pub fn line(&mut self, path: &ImagePath, change: &Change, out: &mut String) {
        let node = match change {
            Change::Node(node) => node,
            Change::Whiteout => {
                out.push_str("w ");
                put_path(path, out);
                out.push('\n');
                return;
            }
        };
        if let Kind::File { links: Some(group), .. } = &node.kind {
            if let Some(first) = self.first_names.get(group) {
                out.push_str("h ");
                put_path(path, out);
                out.push(' ');
                put_path(first, out);
                out.push('\n');
                return;
            }
            self.first_names.insert(*group, path.clone());
        }
        let letter = match node.kind {
            Kind::Directory => 'd',
            Kind::File { .. } => 'f',
            Kind::Symlink { .. } => 'l',
            Kind::CharDevice { .. } => 'c',
            Kind::BlockDevice { .. } => 'b',
            Kind::Fifo => 'p',
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{letter} {:04o} {}:{} {} ", node.mode, node.uid, node.gid, node.mtime);
        put_path(path, out);
        match &node.kind {
            Kind::File { content, .. } => {
                let _ = write!(out, " {} {}", content.size_bytes, content.digest);
            }
            Kind::Symlink { target } => {
                out.push(' ');
                put_bytes(target, out);
            }
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                let _ = write!(out, " {major},{minor}");
            }
            Kind::Directory | Kind::Fifo => {}
        }
        out.push('\n');
        for (name, value) in &node.xattrs {
            out.push_str("  ");
            put_bytes(name, out);
            out.push('=');
            put_bytes(value, out);
            out.push('\n');
        }
    }
}

/// Appends the lines of the opaque directories, which stand before all others, to `out`.
pub(super) fn opaque_lines(changeset: &Changeset, out: &mut String) {
    for path in changeset.opaque() {
        out.push_str("o ");
        put_path(path, out);
        out.push('\n');
    }
}

/// The whole dump.
pub fn write(changeset: &Changeset) -> String {
    let mut out = String::new();
    opaque_lines(changeset, &mut out);
    let mut writer = Writer::new();
    for (path, change) in changeset.iter() {
        writer.line(path, change, &mut out);
    }
    out
}

fn put_path(path: &ImagePath, out: &mut String) {
    out.push('/');
    put_bytes(path.as_bytes(), out);
}

fn put_bytes(bytes: &[u8], out: &mut String) {
    let plain = |b: &u8| b.is_ascii_graphic() && *b != b'\\' && *b != b'=';
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(plain) => out.push_str(text),
        _ => out.push_str(&readable(bytes).replace(' ', "\\x20").replace('=', "\\x3d")),
    }
}

/// Reads a dump.
pub fn parse(text: &str) -> Result<Changeset, ParseDumpError> {
    let mut changes: Vec<(ImagePath, Change)> = Vec::new();
    let mut opaque: Vec<ImagePath> = Vec::new();
    let mut groups = 0;
    for (number, line) in text.lines().enumerate() {
        let fail = || ParseDumpError { line: number + 1, found: line.to_owned() };
        if let Some(path) = line.strip_prefix("o ") {
            opaque.push(parse_path(path).ok_or_else(fail)?);
            continue;
        }
        let read = match line.strip_prefix("  ") {
            Some(xattr) => parse_xattr(xattr, changes.last_mut()),
            None => parse_line(line, &mut changes, &mut groups),
        };
        read.ok_or_else(fail)?;
    }
    let mut changeset: Changeset = changes.into_iter().collect();
    opaque.into_iter().for_each(|path| changeset.make_opaque(path));
    Ok(changeset)
}

fn parse_xattr(line: &str, last: Option<&mut (ImagePath, Change)>) -> Option<()> {
    let (name, value) = line.split_once('=')?;
    match last? {
        (_, Change::Node(node)) => {
            node.xattrs.insert(unreadable(name)?.into(), unreadable(value)?.into());
            Some(())
        }
        (_, Change::Whiteout) => None,
    }
}

fn parse_line(line: &str, changes: &mut Vec<(ImagePath, Change)>, groups: &mut u64) -> Option<()> {
    let mut fields = line.split(' ');
    let change = match fields.next()? {
        "w" => (parse_path(fields.next()?)?, Change::Whiteout),
        "h" => {
            let path = parse_path(fields.next()?)?;
            let first = parse_path(fields.next()?)?;
            // Lines are in path order.
            let first = changes.binary_search_by(|(path, _)| path.cmp(&first)).ok()?;
            (path, Change::Node(hard_link(&mut changes.get_mut(first)?.1, groups)?))
        }
        letter => parse_node(letter, &mut fields)?,
    };
    changes.push(change);
    fields.next().is_none().then_some(())
}

/// The node of one more name of the file in `first`, which gets a link group if it has none yet.
fn hard_link(first: &mut Change, groups: &mut u64) -> Option<Node> {
    let Change::Node(node) = first else { return None };
    let Kind::File { links, .. } = &mut node.kind else { return None };
    if links.is_none() {
        *links = Some(LinkGroup(*groups));
        *groups += 1;
    }
    Some(node.clone())
}

fn parse_node<'a>(letter: &str, fields: &mut impl Iterator<Item = &'a str>) -> Option<(ImagePath, Change)> {
    let mode = u16::from_str_radix(fields.next()?, 8).ok()?;
    let (uid, gid) = fields.next()?.split_once(':')?;
    let mtime = fields.next()?.parse().ok()?;
    let path = parse_path(fields.next()?)?;
    let kind = match letter {
        "d" => Kind::Directory,
        "p" => Kind::Fifo,
        "f" => {
            let size_bytes = fields.next()?.parse().ok()?;
            let digest: ContentDigest = fields.next()?.parse().ok()?;
            Kind::File { content: Content { digest, size_bytes }, links: None }
        }
        "l" => Kind::Symlink { target: unreadable(fields.next()?)?.into() },
        "c" | "b" => {
            let (major, minor) = fields.next()?.split_once(',')?;
            let (major, minor) = (major.parse().ok()?, minor.parse().ok()?);
            if letter == "c" { Kind::CharDevice { major, minor } } else { Kind::BlockDevice { major, minor } }
        }
        _ => return None,
    };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some((path, Change::Node(Node { uid, gid, mtime, ..Node::new(kind, mode) })))
}

fn parse_path(field: &str) -> Option<ImagePath> {
    let path = field.strip_prefix('/')?;
    // Hardly any name has to be made readable.
    if path.contains('\\') { ImagePath::parse(&unreadable(path)?).ok() } else { ImagePath::parse(path.as_bytes()).ok() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_dump_is_read_back_as_it_was_written() {
        let mut linked = file("x");
        if let Kind::File { links, .. } = &mut linked.kind {
            *links = Some(LinkGroup(0));
        }
        linked.xattrs.insert(b"user.a=b".as_slice().into(), b"\x01 \n=".as_slice().into());
        let mut changeset = tree(&[
            ("a", directory()),
            ("a/first", linked.clone()),
            ("a/second name", linked),
            ("dev", Node::new(Kind::CharDevice { major: 1, minor: 3 }, 0o666)),
            ("link", symlink("to a place")),
            ("pipe", Node::new(Kind::Fifo, 0o4755)),
        ])
        .to_changeset();
        changeset.white_out(path("gone"));
        changeset.make_opaque(path("a"));
        changeset.make_opaque(ImagePath::root());
        let text = write(&changeset);
        assert_eq!(parse(&text), Ok(changeset));
        assert!(text.contains("h /a/second\\x20name /a/first\n"), "{text}");
        assert_eq!(parse("f 0644"), Err(ParseDumpError { line: 1, found: "f 0644".to_owned() }));
    }
}
