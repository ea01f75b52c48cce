//! Tars made by hand for the tests.

use tar::{Builder, EntryType, Header};

/// A tar in the making, whatever it is to look like.
pub(super) struct Tar(Builder<Vec<u8>>);

impl Tar {
    pub(super) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// One entry as given; the name is put into the header without a check.
    pub(super) fn put(mut self, kind: EntryType, name: &str, link: &str, data: &[u8]) -> Self {
        let mut header = header(kind, name, data.len() as u64);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, data).expect("memory does not fail");
        self
    }

    pub(super) fn file(self, name: &str, data: &str) -> Self {
        self.put(EntryType::Regular, name, "", data.as_bytes())
    }

    pub(super) fn directory(self, name: &str) -> Self {
        self.put(EntryType::Directory, name, "", b"")
    }

    pub(super) fn symlink(self, name: &str, target: &str) -> Self {
        self.put(EntryType::Symlink, name, target, b"")
    }

    pub(super) fn hard_link(self, name: &str, target: &str) -> Self {
        self.put(EntryType::Link, name, target, b"")
    }

    /// Records for the next entry.
    pub(super) fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).expect("memory does not fail");
        self
    }

    /// A header whose checksum is set after it was changed.
    pub(super) fn raw(mut self, mut header: Header, data: &[u8]) -> Self {
        header.set_cksum();
        self.0.append(&header, data).expect("memory does not fail");
        self
    }

    /// The bytes, with the end marker.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("memory does not fail")
    }
}

/// A header of the GNU kind with the usual fields.
pub(super) fn header(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(1);
    header.set_gid(2);
    header.set_mtime(3);
    header.set_size(size);
    header
}
