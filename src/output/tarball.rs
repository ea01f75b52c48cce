//! The tar around an image: plain ustar, everything root's, at time zero, so that equal images give equal archives.

use std::io::{Read, Write};

use tar::{EntryType, Header};

use super::copy;
use super::error::OutputError;

/// The largest size that a ustar header can say.
const USTAR_MAX_BYTES: u64 = 0o77_777_777_777;
const BLOCK_BYTES: u64 = 512;
/// The longest name that its first field takes.
const NAME_MAX_BYTES: usize = 100;

/// A tar that is being written.
pub struct Tarball<'a>(&'a mut dyn Write);

impl<'a> Tarball<'a> {
    /// Nothing yet.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self(out)
    }

    /// A directory; `name` ends in a slash.
    pub fn directory(&mut self, name: &str) -> Result<(), OutputError> {
        self.put(header(EntryType::Directory, name, 0o755, 0).as_bytes())
    }

    /// A file of these bytes.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        self.stream(name, bytes.len() as u64, &mut &*bytes, &name)
    }

    /// A file of exactly `size` bytes; an error names it by `digest`.
    pub fn stream(
        &mut self,
        name: &str,
        size: u64,
        reader: &mut dyn Read,
        digest: &dyn std::fmt::Display,
    ) -> Result<(), OutputError> {
        if size > USTAR_MAX_BYTES {
            self.size_record(size)?;
        }
        let in_header = if size > USTAR_MAX_BYTES { 0 } else { size };
        self.put(header(EntryType::Regular, name, 0o644, in_header).as_bytes())?;
        copy::exactly(reader, size, digest, self.0)?;
        self.pad(size)
    }

    /// The end marker.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.put(&[0; 2 * BLOCK_BYTES as usize])
    }

    /// A PAX header for a size of more than 8 GiB.
    fn size_record(&mut self, size: u64) -> Result<(), OutputError> {
        // Two digits of length, a blank, `size=` and a newline, around eleven to eighteen digits of size.
        let body = format!(" size={size}\n");
        let record = format!("{}{body}", body.len() + 2);
        self.put(header(EntryType::XHeader, "size", 0o644, record.len() as u64).as_bytes())?;
        self.put(record.as_bytes())?;
        self.pad(record.len() as u64)
    }

    fn pad(&mut self, size: u64) -> Result<(), OutputError> {
        let padding = size.next_multiple_of(BLOCK_BYTES) - size;
        self.put(&[0; BLOCK_BYTES as usize][..padding as usize])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.0.write_all(bytes).map_err(|source| OutputError::Write { source })
    }
}

/// Whether a name is one that is written: those of a layout are short and ASCII and fit into the header as they are.
pub fn fits(name: &str) -> bool {
    name.is_ascii() && name.len() <= NAME_MAX_BYTES
}

fn header(kind: EntryType, name: &str, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    let field = &mut header.as_old_mut().name;
    for (slot, byte) in field.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::read::Entries;

    #[test]
    fn a_size_over_8_gib_gets_a_record() {
        let mut bytes = Vec::new();
        let size = USTAR_MAX_BYTES + 1;
        let mut tarball = Tarball::new(&mut bytes);
        let written = tarball.stream("big", size, &mut &b"no more"[..], &"big");
        assert!(matches!(written, Err(OutputError::BlobSize { found: 7, .. })));
        let entry = Entries::new(bytes.as_slice()).next_entry().expect("a header").expect("an entry");
        assert_eq!((entry.name.as_slice(), entry.size_bytes()), (&b"big"[..], size));
    }
}
