//! A path inside an image.

use std::fmt;
use std::sync::Arc;

/// Longest name of one file in bytes (Linux, `NAME_MAX`).
pub const NAME_MAX_BYTES: usize = 255;
/// Longest path in bytes (Linux, `PATH_MAX`, less the terminating zero).
pub const PATH_MAX_BYTES: usize = 4095;

/// What stands before the name in the last part of a whiteout's path (image-spec, layer.md, "Whiteouts").
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";

/// A path inside an image: relative to its root, `/` between the parts, no empty part, no `.` or `..`, any bytes but `/`
/// and zero. The root itself is the empty path.
///
/// The order is bytewise over the whole path. A parent is a prefix of its children and so always comes first; this is the
/// order of entries in a layer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ImagePath(Arc<[u8]>);

/// A text that cannot be a path inside an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `..` would leave the tree that is being described.
    #[error("`{found}` contains `..`, which a path inside an image may not")]
    Parent {
        /// The path, made readable.
        found: String,
    },
    /// A zero byte cannot be in a file name.
    #[error("`{found}` contains a zero byte")]
    Zero {
        /// The path, made readable.
        found: String,
    },
    /// No file system could hold it.
    #[error("`{found}` is longer than Linux allows (255 bytes a name, 4095 bytes a path)")]
    TooLong {
        /// The path, made readable and shortened.
        found: String,
    },
}

impl ImagePath {
    /// The root of the image.
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses an absolute or relative path; slashes at either end, doubled slashes and `.` parts mean nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let mut path = Vec::with_capacity(bytes.len());
        for part in bytes.split(|b| *b == b'/') {
            match part {
                b"" | b"." => continue,
                b".." => return Err(PathError::Parent { found: readable(bytes) }),
                _ if part.contains(&0) => return Err(PathError::Zero { found: readable(bytes) }),
                _ if part.len() > NAME_MAX_BYTES => return Err(too_long(bytes)),
                _ => {}
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        if path.len() > PATH_MAX_BYTES {
            return Err(too_long(bytes));
        }
        Ok(Self(path.into()))
    }

    /// The bytes, without a slash at either end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that holds this; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() { None } else { Some(Self(self.parent_bytes().into())) }
    }

    /// The bytes of the directory that holds this; those of the root for the root.
    pub fn parent_bytes(&self) -> &[u8] {
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        &self.0[..end]
    }

    /// The last part; empty for the root.
    pub fn name(&self) -> &[u8] {
        match self.0.iter().rposition(|b| *b == b'/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }

    /// The last part as a path of its own.
    pub fn base(&self) -> Self {
        Self(self.name().into())
    }

    /// The parts from the root down.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|part| !part.is_empty())
    }

    /// This path with `relative` below it.
    pub fn join(&self, relative: &Self) -> Self {
        if self.is_root() {
            return relative.clone();
        }
        if relative.is_root() {
            return self.clone();
        }
        Self([&self.0, &b"/"[..], &relative.0].concat().into())
    }

    /// This path with one more part, which must be a valid name.
    pub fn child(&self, name: &[u8]) -> Result<Self, PathError> {
        Ok(self.join(&Self::parse(name)?))
    }

    /// What is left of this path below `ancestor`; `None` if it is not there. A path is below itself.
    pub fn below(&self, ancestor: &Self) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&*ancestor.0)?;
        match rest {
            [] => Some(Self::root()),
            [b'/', rest @ ..] => Some(Self(rest.into())),
            _ => None,
        }
    }
}

fn too_long(bytes: &[u8]) -> PathError {
    /// Enough to recognise the path by.
    const SHOWN_BYTES: usize = 60;
    let mut found = readable(&bytes[..bytes.len().min(SHOWN_BYTES)]);
    found.push_str("...");
    PathError::TooLong { found }
}

/// Bytes of a file name as text that can be printed on one line and read back: printable UTF-8 as it is, a backslash
/// doubled, everything else as `\xNN`.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if c.is_control() || is_invisible(c) => {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        text.push_str(&format!("\\x{byte:02x}"));
                    }
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that change how the rest of a line is shown, or are not shown at all: a hostile file name could use them to
/// look like another one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The bytes that [`readable`] was made of; `None` if the text is not of that form.
pub fn unreadable(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return Some(bytes),
            [b'\\', b'\\', tail @ ..] => {
                bytes.push(b'\\');
                rest = tail;
            }
            [b'\\', b'x', high, low, tail @ ..] => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = tail;
            }
            [b'\\', ..] => return None,
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

impl fmt::Display for ImagePath {
    /// With a leading slash, readable on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", readable(&self.0))
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ImagePath {
        ImagePath::parse(text.as_bytes()).expect("a path")
    }

    #[test]
    fn a_path_has_one_spelling() {
        assert_eq!(path("/usr//lib/./x/"), path("usr/lib/x"));
        assert_eq!(path("//"), ImagePath::root());
        assert!(matches!(ImagePath::parse(b"a/../b"), Err(PathError::Parent { .. })));
        assert!(matches!(ImagePath::parse(b"a\0b"), Err(PathError::Zero { .. })));
        assert!(matches!(ImagePath::parse(&[b'a'; 256]), Err(PathError::TooLong { .. })));
    }

    #[test]
    fn parents_come_first_and_are_found() {
        assert!(path("a") < path("a/b") && path("a-b") < path("a/b"));
        assert_eq!(path("a/b/c").parent(), Some(path("a/b")));
        assert_eq!(path("a").parent(), Some(ImagePath::root()));
        assert_eq!(ImagePath::root().parent(), None);
        assert_eq!(path("a/b").below(&path("a")), Some(path("b")));
        assert_eq!(path("ab").below(&path("a")), None);
    }

    #[test]
    fn any_name_can_be_read_back() {
        for name in [&b"plain"[..], b"back\\slash", b"\xff\xfe", "ä\n\u{202e}".as_bytes(), b"\\x41"] {
            assert_eq!(unreadable(&readable(name)).as_deref(), Some(name));
            assert!(!readable(name).contains('\n'));
        }
    }
}
