//! The members of a package's file, one after the other (deb(5); ar(5)).
//!
//! ```text
//! !<arch>\n | name 16 | time 12 | owner 6 | group 6 | mode 8 | size 10 | `\n | data | \n if odd | name ..
//! ```
//! Own code: a package has three members with short names, and what other readers of `ar` also understand, long names
//! and tables of symbols, must be refused here rather than be read in two ways.

use std::io::{self, Read};

use crate::base::path::readable;

use super::error::DebError;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER_BYTES: usize = 60;

/// Reads the members of an archive.
#[derive(Debug)]
pub(super) struct Members<R> {
    reader: R,
    /// Bytes of the member that are still to be read.
    left: u64,
    /// Whether a byte of padding follows them.
    padding: bool,
}

impl<R: Read> Members<R> {
    /// Reads the beginning of an archive.
    pub(super) fn new(mut reader: R) -> Result<Self, DebError> {
        let mut magic = [0; MAGIC.len()];
        let found = fill(&mut reader, &mut magic)?;
        if found < MAGIC.len() || magic != *MAGIC {
            return Err(DebError::NotAPackage);
        }
        Ok(Self { reader, left: 0, padding: false })
    }

    /// The name and the size of the next member; `None` at the end. The one before must have been read.
    pub(super) fn next_member(&mut self) -> Result<Option<(String, u64)>, DebError> {
        if self.padding {
            let mut byte = [0];
            // dpkg forgives a file that ends without its last byte of padding.
            if fill(&mut self.reader, &mut byte)? == 0 {
                return Ok(None);
            }
            self.padding = false;
        }
        let mut header = [0; HEADER_BYTES];
        match fill(&mut self.reader, &mut header)? {
            0 => return Ok(None),
            HEADER_BYTES => {}
            _ => return Err(DebError::Truncated { member: "a header".to_owned() }),
        }
        let field = |from: usize, to: usize| header.get(from..to).unwrap_or_default().trim_ascii_end();
        let wrong = || DebError::Header { found: readable(field(0, HEADER_BYTES)) };
        // GNU's ar ends names with a slash.
        let name = field(0, 16);
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
        if field(58, 60) != b"`" || name.is_empty() || !name.iter().all(is_name) {
            return Err(wrong());
        }
        let size = field(48, 58);
        let digits = std::str::from_utf8(size).ok().filter(|_| size.iter().all(u8::is_ascii_digit));
        let size: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        self.left = size;
        self.padding = size % 2 == 1;
        Ok(Some((String::from_utf8_lossy(name).into_owned(), size)))
    }

    /// Bytes of the member that nobody has read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Reads what is left of a member.
    pub(super) fn skip(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

/// The bytes of the member.
impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let found = self.reader.read(&mut buffer[..most])?;
        if found == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= found as u64;
        Ok(found)
    }
}

/// Fills a buffer as far as there is something to fill it with.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, DebError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(found) => filled += found,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(DebError::Io { source }),
        }
    }
    Ok(filled)
}
