//! The list of the files of an installed Python package (PyPA specifications, "Recording installed projects", "The RECORD
//! file"): one line a file, `path,sha256=digest,size`, the path from the directory that holds the `.dist-info`, or
//! absolute. Lines of files that were made later, such as `*.pyc`, have neither digest nor size.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::base::ImagePath;
use crate::tree::Content;

/// What a list should say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// Nothing.
    Gone,
    /// That it has this content.
    Is(Content),
}

/// The list at `path` brought up to date with what `listed` says of the files that are no more what they were; `None` if
/// it stays as it is. Lines of all other files stay byte for byte, and so does the order.
pub(super) fn rewrite(
    bytes: &[u8],
    path: &ImagePath,
    listed: impl Fn(&ImagePath) -> Option<Listed>,
) -> Option<Vec<u8>> {
    let directory = path.parent()?.parent()?;
    let mut list = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let entry = Entry::parse(line);
        let place = entry.as_ref().and_then(|entry| place(&directory, &entry.name));
        match (entry, place.and_then(|place| listed(&place))) {
            (Some(_), Some(Listed::Gone)) => {}
            (Some(entry), Some(Listed::Is(content))) => entry.write(&content, &mut list),
            _ => list.extend_from_slice(line),
        }
    }
    (list != bytes).then_some(list)
}

/// One line in its parts.
struct Entry<'a> {
    /// The path without its quotes.
    name: Vec<u8>,
    /// The path as it stands there.
    written: &'a [u8],
    /// Name of the hash function, `=` and the digest, or nothing.
    hash: &'a [u8],
    size: &'a [u8],
    /// How the line ends.
    end: &'a [u8],
}

impl<'a> Entry<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let length = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let (text, end) = line.split_at_checked(length)?;
        // Digests and sizes have neither commas nor quotes.
        let mut fields = text.rsplitn(3, |b| *b == b',');
        let (size, hash, written) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { name: unquoted(written)?, written, hash, size, end })
    }

    /// Appends the line with another content to `list`. What it did not have it does not get.
    fn write(&self, content: &Content, list: &mut Vec<u8>) {
        let mut hash = String::new();
        if !self.hash.is_empty() {
            hash = format!("sha256={}", BASE64_URL_SAFE_NO_PAD.encode(content.digest.as_bytes()));
        }
        let size = if self.size.is_empty() { String::new() } else { content.size_bytes.to_string() };
        for part in [self.written, b",", hash.as_bytes(), b",", size.as_bytes(), self.end] {
            list.extend_from_slice(part);
        }
    }
}

/// A field of a CSV line (RFC 4180, section 2): in quotes if it has a comma or a quote, which is then doubled.
fn unquoted(field: &[u8]) -> Option<Vec<u8>> {
    let Some(inner) = field.strip_prefix(b"\"") else {
        return (!field.contains(&b'"')).then(|| field.to_vec());
    };
    let mut name = Vec::with_capacity(inner.len());
    let mut rest = inner.strip_suffix(b"\"")?;
    loop {
        match rest {
            [] => return Some(name),
            [b'"', b'"', tail @ ..] => {
                name.push(b'"');
                rest = tail;
            }
            [b'"', ..] => return None,
            [byte, tail @ ..] => {
                name.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Where a listed file is. Programs are listed as `../../../bin/NAME`.
fn place(directory: &ImagePath, name: &[u8]) -> Option<ImagePath> {
    let mut at = if name.starts_with(b"/") { ImagePath::root() } else { directory.clone() };
    for part in name.split(|b| *b == b'/') {
        at = match part {
            b".." => at.parent()?,
            _ => at.child(part).ok()?,
        };
    }
    Some(at)
}
