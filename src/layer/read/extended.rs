//! What the headers before an entry say about it: PAX records and GNU long names.

use crate::base::path::readable;

use super::error::ReadError;
use super::limits::{XATTR_MAX_BYTES, XATTR_NAME_MAX_BYTES};
use super::number;
use super::pax::{self, Xattrs};
use super::sparse::PaxSparse;

const XATTR_PREFIX: &[u8] = b"SCHILY.xattr.";

/// Everything that was said before the entry itself.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
    pub(super) pax: Option<Pax>,
}

/// The PAX records that mean something here. Access times, user names and comments are read over.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<i128>,
    pub(super) gid: Option<i128>,
    pub(super) mtime: Option<i64>,
    pub(super) xattrs: Xattrs,
    pub(super) sparse: PaxSparse,
}

impl Extended {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.long_name.is_none() && self.long_link.is_none() && self.pax.is_none()
    }

    /// A GNU long name or link name, which ends at its first zero byte.
    pub(super) fn put_long(slot: &mut Option<Vec<u8>>, mut bytes: Vec<u8>, offset: u64) -> Result<(), ReadError> {
        if slot.is_some() {
            return Err(ReadError::BadRecords { offset, reason: "two long names for one entry" });
        }
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        *slot = Some(bytes);
        Ok(())
    }

    /// A PAX header.
    pub(super) fn put_pax(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        if self.pax.is_some() {
            return Err(ReadError::BadRecords { offset, reason: "two PAX headers for one entry" });
        }
        self.pax = Some(Pax::parse(bytes, offset)?);
        Ok(())
    }
}

impl Pax {
    fn parse(bytes: &[u8], offset: u64) -> Result<Self, ReadError> {
        let mut pax = Self::default();
        let records = pax::records(bytes, offset)?;
        let path = records.iter().find(|(key, _)| *key == b"path").map_or(&b""[..], |(_, value)| value);
        for (key, value) in &records {
            pax.put(key, value, path)?;
        }
        Ok(pax)
    }

    fn put(&mut self, key: &[u8], value: &[u8], entry: &[u8]) -> Result<(), ReadError> {
        if let Some(name) = key.strip_prefix(XATTR_PREFIX) {
            return self.put_xattr(name, value, entry);
        }
        if self.sparse.put(key, value, entry)? || value.is_empty() {
            // An empty value says that the header's own field counts.
            return Ok(());
        }
        let number = |field| {
            number::decimal(value).ok_or_else(|| ReadError::Number {
                entry: readable(entry),
                field,
                found: readable(value),
            })
        };
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"uid" => self.uid = Some(number("uid")?),
            b"gid" => self.gid = Some(number("gid")?),
            b"size" => {
                let fail = || ReadError::Number { entry: readable(entry), field: "size", found: readable(value) };
                self.size = Some(u64::try_from(number("size")?).map_err(|_| fail())?);
            }
            b"mtime" => {
                let fail = || ReadError::Number { entry: readable(entry), field: "mtime", found: readable(value) };
                self.mtime = Some(number::seconds(value).ok_or_else(fail)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn put_xattr(&mut self, name: &[u8], value: &[u8], entry: &[u8]) -> Result<(), ReadError> {
        if name.is_empty() || name.len() > XATTR_NAME_MAX_BYTES || value.len() > XATTR_MAX_BYTES || name.contains(&0) {
            let shown = &name[..name.len().min(XATTR_NAME_MAX_BYTES)];
            return Err(ReadError::XattrTooLarge {
                entry: readable(entry),
                name: readable(shown),
                size_bytes: value.len(),
            });
        }
        self.xattrs.insert(name.into(), value.into());
        Ok(())
    }
}
