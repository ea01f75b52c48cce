//! The members of a zip one after the other, for a search that must see every byte and cannot go back.
//!
//! ```text
//! .. | PK 3 4 | header | name | extra | data | descriptor | PK 3 4 | .. | PK 1 2 | directory
//! ```
//! The directory at the end decides what a program unpacks. A search wants what is there, listed or not, and from a
//! stream: so the headers in front of the data are followed, and whatever lies between two members is passed over. The
//! `zip` crate needs to seek, and its stream reader refuses the descriptors that every jar has.

use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;

/// What begins a member (APPNOTE.TXT, 4.3.7).
const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
/// Bytes of the header between the signature and the name.
const HEADER_BYTES: usize = 26;
/// Flags (APPNOTE.TXT, 4.4.4): the data is encrypted; the sizes follow the data.
const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 1 << 3;
/// Methods (APPNOTE.TXT, 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The size is in the extra field, which is not looked at: a stored member of 4 GiB is an odd thing.
const ZIP64: u32 = u32::MAX;

/// A member, as its own header has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, unchanged.
    pub name: Vec<u8>,
    data: Data,
}

#[derive(Debug, PartialEq, Eq)]
enum Data {
    Deflated,
    Stored(u64),
    /// Encrypted, of another method, or stored without its size.
    Opaque,
}

/// Reads one member after the other.
pub struct Members<R> {
    reader: R,
}

impl<R: BufRead> Members<R> {
    /// Reads a zip from any place in it.
    pub fn new(reader: R) -> Self {
        Self { reader }
    }

    /// The next member from here on; `None` at the end of the stream.
    pub fn next_member(&mut self) -> io::Result<Option<Member>> {
        if !self.find_signature()? {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        self.reader.read_exact(&mut header)?;
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let (flags, method) = (short(2), short(4));
        let size = u32::from_le_bytes([header[14], header[15], header[16], header[17]]);
        let mut name = vec![0; usize::from(short(22))];
        self.reader.read_exact(&mut name)?;
        io::copy(&mut self.reader.by_ref().take(u64::from(short(24))), &mut io::sink())?;
        let is_directory = name.ends_with(b"/") && size == 0;
        let data = match method {
            _ if flags & ENCRYPTED != 0 => Data::Opaque,
            DEFLATED => Data::Deflated,
            STORED if is_directory || (flags & DESCRIPTOR == 0 && size != ZIP64) => Data::Stored(u64::from(size)),
            _ => Data::Opaque,
        };
        Ok(Some(Member { name, data }))
    }

    /// The content of the member that [`Members::next_member`] gave last, which is to be read to its end; `None` if it
    /// cannot be read.
    pub fn content(&mut self, member: &Member) -> Option<Box<dyn Read + '_>> {
        match member.data {
            Data::Deflated => Some(Box::new(DeflateDecoder::new(&mut self.reader))),
            Data::Stored(size) => Some(Box::new(self.reader.by_ref().take(size))),
            Data::Opaque => None,
        }
    }

    /// Reads on until a signature has been read; whether there was one.
    fn find_signature(&mut self) -> io::Result<bool> {
        let mut matched = 0;
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let mut used = 0;
            while matched < SIGNATURE.len() && used < bytes.len() {
                if matched == 0 {
                    used += bytes[used..].iter().position(|b| *b == SIGNATURE[0]).unwrap_or(bytes.len() - used);
                    if used == bytes.len() {
                        break;
                    }
                }
                let byte = bytes[used];
                // The first byte occurs only once in the signature.
                matched = match byte {
                    byte if byte == SIGNATURE[matched] => matched + 1,
                    byte if byte == SIGNATURE[0] => 1,
                    _ => 0,
                };
                used += 1;
            }
            self.reader.consume(used);
            if matched == SIGNATURE.len() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Write};

    use ::zip::CompressionMethod;
    use ::zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// Names and contents, read through a buffer of `capacity` bytes.
    fn all(bytes: &[u8], capacity: usize) -> Vec<(String, Option<Vec<u8>>)> {
        let mut members = Members::new(BufReader::with_capacity(capacity, bytes));
        let mut found = Vec::new();
        while let Some(member) = members.next_member().expect("a good zip") {
            let content = members.content(&member).map(|mut reader| {
                let mut content = Vec::new();
                reader.read_to_end(&mut content).expect("good content");
                content
            });
            found.push((String::from_utf8_lossy(&member.name).into_owned(), content));
        }
        found
    }

    fn fill<W: Write + io::Seek>(mut writer: ZipWriter<W>) -> W {
        let options = SimpleFileOptions::default();
        writer.add_directory("d/", options).expect("memory does not fail");
        for (name, method) in [("d/a", CompressionMethod::Deflated), ("b", CompressionMethod::Stored)] {
            writer.start_file(name, options.compression_method(method)).expect("memory does not fail");
            writer.write_all(b"PPK\x03 and PK\x03 are no signatures").expect("memory does not fail");
        }
        writer.finish().expect("memory does not fail")
    }

    #[test]
    fn members_are_found_at_any_border() {
        let zip = fill(ZipWriter::new(Cursor::new(Vec::new()))).into_inner();
        let text = Some(b"PPK\x03 and PK\x03 are no signatures".to_vec());
        let expected = [("d/".to_owned(), Some(Vec::new())), ("d/a".to_owned(), text.clone()), ("b".to_owned(), text)];
        for capacity in 1..40 {
            assert_eq!(all(&zip, capacity), expected, "{capacity}");
        }
        assert_eq!(all(&[b"#!/bin/sh\nPPK".as_slice(), &zip].concat(), 3), expected);
    }

    #[test]
    fn a_zip_that_was_written_as_a_stream_is_read() {
        let mut writer = ZipWriter::new_stream(Vec::new());
        for name in ["a", "b"] {
            writer.start_file(name, SimpleFileOptions::default()).expect("memory does not fail");
            writer.write_all(name.as_bytes()).expect("memory does not fail");
        }
        let zip = writer.finish().expect("memory does not fail").into_inner();
        assert_ne!(zip[6] & 8, 0, "the sizes follow the data");
        let expected = [("a".to_owned(), Some(b"a".to_vec())), ("b".to_owned(), Some(b"b".to_vec()))];
        assert_eq!(all(&zip, 7), expected);
    }

    #[test]
    fn what_is_locked_is_not_read() {
        let mut zip = fill(ZipWriter::new(Cursor::new(Vec::new()))).into_inner();
        let second = zip.windows(4).skip(1).position(|window| window == SIGNATURE).expect("it has three members") + 1;
        zip[second + 6] |= 1;
        let found = all(&zip, 100);
        assert_eq!((found.len(), &found[1].1), (3, &None));
    }
}
