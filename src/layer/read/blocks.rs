//! The bytes of a tar: blocks of 512, and the data between the headers.

use std::io::{self, Read, Seek, SeekFrom};

use tar::Header;

use super::error::ReadError;
use super::number;

pub(super) const BLOCK_BYTES: u64 = 512;

/// A tar that is read forwards. `left` is what the current entry still has, its padding included.
pub(super) struct Blocks<R> {
    reader: R,
    skip: fn(&mut R, u64) -> io::Result<u64>,
    offset: u64,
    data: u64,
    padding: u64,
    failure: Option<ReadError>,
}

impl<R: Read> Blocks<R> {
    /// Skips data by reading it.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, skip: read_over, offset: 0, data: 0, padding: 0, failure: None }
    }

    /// Bytes that were read or skipped.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of data that the current entry still has.
    pub(super) fn data_left(&self) -> u64 {
        self.data
    }

    /// Says that `size` bytes of data follow.
    pub(super) fn begin_data(&mut self, size: u64) {
        self.data = size;
        self.padding = size.next_multiple_of(BLOCK_BYTES) - size;
    }

    /// The next header; `None` at the end marker, behind which everything is read too.
    pub(super) fn header(&mut self) -> Result<Option<Header>, ReadError> {
        self.skip_data()?;
        let offset = self.offset;
        let mut header = Header::new_old();
        self.block(header.as_mut_bytes())?;
        if header.as_bytes().iter().all(|b| *b == 0) {
            return self.drain().map(|()| None);
        }
        let expected = checksum(&header);
        let field = &header.as_old().cksum;
        if number::field(field) != Some(i128::from(expected)) {
            let found = crate::base::path::readable(field);
            return Err(ReadError::Checksum { offset, expected, found });
        }
        Ok(Some(header))
    }

    /// Fills a whole block.
    pub(super) fn block(&mut self, block: &mut [u8; BLOCK_BYTES as usize]) -> Result<(), ReadError> {
        let found = self.fill(block).map_err(|source| ReadError::Io { offset: self.offset, source })?;
        self.offset += found as u64;
        if found < block.len() { Err(ReadError::Truncated { offset: self.offset }) } else { Ok(()) }
    }

    /// All of the current entry's data, which the caller knows to be short.
    pub(super) fn whole_data(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let read = Data(self).read_to_end(&mut bytes);
        self.check()?;
        read.map(|_| bytes).map_err(|source| ReadError::Io { offset: self.offset, source })
    }

    /// Whether reading data has failed because of the archive, whatever the one who read made of it.
    pub(super) fn check(&mut self) -> Result<(), ReadError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn skip_data(&mut self) -> Result<(), ReadError> {
        let amount = self.data + self.padding;
        self.begin_data(0);
        let skipped =
            (self.skip)(&mut self.reader, amount).map_err(|source| ReadError::Io { offset: self.offset, source })?;
        self.offset += skipped;
        if skipped < amount { Err(ReadError::Truncated { offset: self.offset }) } else { Ok(()) }
    }

    /// Reads to the end, so that a digest of the bytes below covers all of them; only zeros may follow the end marker.
    fn drain(&mut self) -> Result<(), ReadError> {
        let mut buffer = [0; BLOCK_BYTES as usize];
        loop {
            let offset = self.offset;
            let found = self.fill(&mut buffer).map_err(|source| ReadError::Io { offset, source })?;
            self.offset += found as u64;
            if buffer[..found].iter().any(|b| *b != 0) {
                return Err(ReadError::TrailingData { offset });
            }
            if found == 0 {
                return Ok(());
            }
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<R: Read + Seek> Blocks<R> {
    /// Skips data by seeking over it. What is missing at the end is noticed with the next header.
    pub(super) fn seeking(reader: R) -> Self {
        Self { skip: seek_over, ..Self::new(reader) }
    }
}

fn read_over<R: Read>(reader: &mut R, amount: u64) -> io::Result<u64> {
    io::copy(&mut reader.take(amount), &mut io::sink())
}

fn seek_over<R: Seek>(reader: &mut R, amount: u64) -> io::Result<u64> {
    let step = i64::try_from(amount).map_err(io::Error::other)?;
    reader.seek(SeekFrom::Current(step)).map(|_| amount)
}

/// The sum of all bytes, those of the checksum itself as blanks.
fn checksum(header: &Header) -> u32 {
    let bytes = header.as_bytes();
    let sum = |bytes: &[u8]| bytes.iter().map(|b| u32::from(*b)).sum::<u32>();
    sum(&bytes[..148]) + sum(&bytes[156..]) + 8 * u32::from(b' ')
}

/// The stored data of the current entry.
pub(super) struct Data<'a, R>(pub(super) &'a mut Blocks<R>);

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let blocks = &mut *self.0;
        let wanted = buffer.len().min(usize::try_from(blocks.data).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        match blocks.reader.read(&mut buffer[..wanted]) {
            Ok(0) => {
                blocks.failure = Some(ReadError::Truncated { offset: blocks.offset });
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(found) => {
                blocks.data -= found as u64;
                blocks.offset += found as u64;
                Ok(found)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                // The sink gets a copy that it may wrap or drop; the original is reported.
                let copy = io::Error::from(error.kind());
                blocks.failure = Some(ReadError::Io { offset: blocks.offset, source: error });
                Err(copy)
            }
        }
    }
}

/// Whether a tar could begin with these bytes: a header with a right checksum, or an end marker.
pub fn is_header(start: &[u8]) -> bool {
    let mut header = Header::new_old();
    if start.len() != header.as_bytes().len() {
        return false;
    }
    header.as_mut_bytes().copy_from_slice(start);
    start.iter().all(|b| *b == 0) || number::field(&header.as_old().cksum) == Some(i128::from(checksum(&header)))
}
