//! Sparse files: which stretches of a file are stored, the rest being zeros. GNU tar has four forms of saying so: in the
//! header (type `S`), in repeated PAX records (0.0), in one PAX record (0.1), and before the data (1.0).

use std::io::Read;

use tar::GnuSparseHeader;

use crate::base::path::readable;

use super::blocks::{BLOCK_BYTES, Blocks, Data};
use super::error::ReadError;
use super::limits::{SEGMENTS_MAX, SPARSE_MAX_BYTES};
use super::number;

/// One stored stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// The stored stretches of a file in order, and the file's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) segments: Vec<Segment>,
    pub(super) size: u64,
}

/// What the PAX records say of a sparse file.
#[derive(Default)]
pub(super) struct PaxSparse {
    pub(super) name: Option<Vec<u8>>,
    size: Option<u64>,
    /// Offsets and lengths in turn, of the forms 0.0 and 0.1.
    numbers: Vec<u64>,
    is_version_1: bool,
}

impl PaxSparse {
    /// Takes a record of a sparse file; whether it was one.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8], entry: &[u8]) -> Result<bool, ReadError> {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { return Ok(false) };
        let fail = |reason| ReadError::Sparse { entry: readable(entry), reason };
        let number = |value| parse(value).ok_or_else(|| fail("a record is not a number"));
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(number(value)?),
            b"major" => match value {
                b"1" => self.is_version_1 = true,
                b"0" => {}
                _ => return Err(fail("the version is unknown")),
            },
            b"offset" | b"numbytes" => {
                let is_offset = key == b"offset";
                if is_offset != self.numbers.len().is_multiple_of(2) {
                    return Err(fail("offsets and lengths do not alternate"));
                }
                self.numbers.push(number(value)?);
            }
            b"map" if value.is_empty() => {}
            b"map" => {
                self.numbers = value.split(|b| *b == b',').map(number).collect::<Result<_, _>>()?;
            }
            b"minor" | b"numblocks" => {}
            _ => return Err(fail("a record is unknown")),
        }
        Ok(true)
    }

    /// Whether the entry is a sparse file.
    pub(super) fn is_given(&self) -> bool {
        self.size.is_some() || self.is_version_1 || !self.numbers.is_empty()
    }

    /// The map; that of version 1.0 is read from the data.
    pub(super) fn map<R: Read>(&self, blocks: &mut Blocks<R>, entry: &[u8]) -> Result<Map, ReadError> {
        let fail = |reason| ReadError::Sparse { entry: readable(entry), reason };
        let size = self.size.ok_or_else(|| fail("the size is missing"))?;
        let numbers = if self.is_version_1 { leading_numbers(blocks, entry)? } else { self.numbers.clone() };
        let segments = numbers.chunks(2).map(|pair| match pair {
            [offset, length] => Ok(Segment { offset: *offset, length: *length }),
            _ => Err(fail("a length is missing")),
        });
        checked(Map { segments: segments.collect::<Result<_, _>>()?, size }, blocks.data_left(), entry)
    }
}

fn parse(bytes: &[u8]) -> Option<u64> {
    number::decimal(bytes).and_then(|number| u64::try_from(number).ok())
}

/// The map before the data: decimal numbers that each end in a newline, padded to a block. The first is their count.
fn leading_numbers<R: Read>(blocks: &mut Blocks<R>, entry: &[u8]) -> Result<Vec<u64>, ReadError> {
    let fail = |reason| ReadError::Sparse { entry: readable(entry), reason };
    let mut numbers = Vec::new();
    let mut digits = Vec::new();
    let mut wanted = None;
    while wanted.is_none_or(|wanted| numbers.len() < wanted) {
        if blocks.data_left() < BLOCK_BYTES {
            return Err(fail("the map ends early"));
        }
        let mut block = [0; BLOCK_BYTES as usize];
        let read = Data(blocks).read_exact(&mut block);
        blocks.check()?;
        read.map_err(|source| ReadError::Io { offset: blocks.offset(), source })?;
        for byte in block {
            if wanted.is_some_and(|wanted| numbers.len() == wanted) {
                break;
            }
            if byte != b'\n' {
                digits.push(byte);
                continue;
            }
            let number = parse(&digits).ok_or_else(|| fail("the map holds something that is not a number"))?;
            digits.clear();
            if wanted.is_some() {
                numbers.push(number);
            } else if number > SEGMENTS_MAX as u64 {
                return Err(ReadError::SparseTooLarge { entry: readable(entry) });
            } else {
                wanted = Some(number as usize * 2);
            }
        }
    }
    Ok(numbers)
}

/// The map of a GNU header (type `S`), which goes on in blocks of its own.
pub(super) fn gnu_map<R: Read>(
    header: &tar::GnuHeader,
    blocks: &mut Blocks<R>,
    stored: u64,
    entry: &[u8],
) -> Result<Map, ReadError> {
    let mut segments = Vec::new();
    put_segments(&header.sparse, &mut segments, entry)?;
    let mut goes_on = header.isextended[0] == 1;
    while goes_on {
        let mut extension = tar::GnuExtSparseHeader::new();
        blocks.block(extension.as_mut_bytes())?;
        put_segments(&extension.sparse, &mut segments, entry)?;
        goes_on = extension.isextended[0] == 1;
    }
    let size = number::field(&header.realsize).and_then(|size| u64::try_from(size).ok());
    let size = size.ok_or_else(|| ReadError::Sparse { entry: readable(entry), reason: "the size is not a number" })?;
    checked(Map { segments, size }, stored, entry)
}

fn put_segments(headers: &[GnuSparseHeader], segments: &mut Vec<Segment>, entry: &[u8]) -> Result<(), ReadError> {
    let number = |field: &[u8]| number::field(field).and_then(|number| u64::try_from(number).ok());
    for header in headers.iter().take_while(|header| header.offset[0] != 0 || header.numbytes[0] != 0) {
        let (Some(offset), Some(length)) = (number(&header.offset), number(&header.numbytes)) else {
            return Err(ReadError::Sparse { entry: readable(entry), reason: "a field is not a number" });
        };
        segments.push(Segment { offset, length });
    }
    match segments.len() > SEGMENTS_MAX {
        true => Err(ReadError::SparseTooLarge { entry: readable(entry) }),
        false => Ok(()),
    }
}

/// A map whose stretches are in order, inside the file, and together as long as what is stored.
fn checked(map: Map, stored: u64, entry: &[u8]) -> Result<Map, ReadError> {
    let fail = |reason| ReadError::Sparse { entry: readable(entry), reason };
    if map.size > SPARSE_MAX_BYTES {
        return Err(ReadError::SparseTooLarge { entry: readable(entry) });
    }
    let mut end = 0_u64;
    let mut sum = 0_u64;
    for segment in &map.segments {
        if segment.offset < end {
            return Err(fail("segments overlap or are not in order"));
        }
        end = segment.offset.checked_add(segment.length).ok_or_else(|| fail("a segment is too long"))?;
        sum = sum.checked_add(segment.length).ok_or_else(|| fail("a segment is too long"))?;
    }
    if end > map.size {
        return Err(fail("a segment lies behind the end of the file"));
    }
    if sum != stored {
        return Err(fail("the segments are not as long as what is stored"));
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use tar::EntryType;

    use super::super::content::ignore;
    use super::super::error::ReadError;
    use super::super::layer::layer;
    use super::super::testing::{Tar, header};
    use crate::base::hash::digest_of;
    use crate::tree::{Content, Kind};

    fn content(tar: Tar) -> Result<Content, ReadError> {
        let changeset = layer(tar.bytes().as_slice(), &mut ignore)?;
        let (_, node) = changeset.nodes().next().expect("an entry");
        match &node.kind {
            Kind::File { content, .. } => Ok(*content),
            other => panic!("not a file: {other:?}"),
        }
    }

    /// `abc` at 2 and `de` at 9 of 16 bytes.
    fn expected() -> Content {
        Content { digest: digest_of(b"\0\0abc\0\0\0\0de\0\0\0\0\0"), size_bytes: 16 }
    }

    #[test]
    fn all_forms_of_maps_give_the_same_file() {
        let repeated: [(&str, &[u8]); 5] = [
            ("GNU.sparse.size", b"16"),
            ("GNU.sparse.offset", b"2"),
            ("GNU.sparse.numbytes", b"3"),
            ("GNU.sparse.offset", b"9"),
            ("GNU.sparse.numbytes", b"2"),
        ];
        assert_eq!(content(Tar::new().pax(&repeated).file("a", "abcde")).expect("form 0.0"), expected());
        let one: [(&str, &[u8]); 3] =
            [("GNU.sparse.size", b"16"), ("GNU.sparse.map", b"2,3,9,2"), ("GNU.sparse.name", b"a")];
        assert_eq!(content(Tar::new().pax(&one).file("x", "abcde")).expect("form 0.1"), expected());
        let leading: [(&str, &[u8]); 3] =
            [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"16")];
        let mut data = b"2\n2\n3\n9\n2\n".to_vec();
        data.resize(512, 0);
        data.extend_from_slice(b"abcde");
        let tar = Tar::new().pax(&leading).put(EntryType::Regular, "a", "", &data);
        assert_eq!(content(tar).expect("form 1.0"), expected());
    }

    #[test]
    fn the_map_in_a_header_is_read() {
        let mut gnu = header(EntryType::GNUSparse, "a", 5);
        let fields = gnu.as_gnu_mut().expect("a GNU header");
        fields.realsize = *b"00000000020\0";
        for (slot, (offset, length)) in fields.sparse.iter_mut().zip([(b"02", b"03"), (b"11", b"02")]) {
            slot.offset[..2].copy_from_slice(offset);
            slot.numbytes[..2].copy_from_slice(length);
        }
        assert_eq!(content(Tar::new().raw(gnu, b"abcde")).expect("a GNU sparse file"), expected());
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        for map in ["2,3,4,2", "2,3", "2,3,9", "9,2,2,3", "2,3,15,2", "x,1", "18446744073709551615,5"] {
            let records: [(&str, &[u8]); 2] = [("GNU.sparse.size", b"16"), ("GNU.sparse.map", map.as_bytes())];
            let read = content(Tar::new().pax(&records).file("a", "abcde"));
            assert!(matches!(read, Err(ReadError::Sparse { .. })), "{map}: {read:?}");
        }
        let records: [(&str, &[u8]); 2] = [("GNU.sparse.size", b"99999999999999"), ("GNU.sparse.map", b"0,5")];
        let read = content(Tar::new().pax(&records).file("a", "abcde"));
        assert!(matches!(read, Err(ReadError::SparseTooLarge { .. })), "{read:?}");
    }
}
