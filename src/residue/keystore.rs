//! Java keystores of the kind `JKS`, as the JDK's own reader and writer have them (`sun.security.provider.JavaKeyStore`).
//!
//! ```text
//! 4 fe ed fe ed   4 version, 1 or 2   4 number of entries   all numbers big-endian
//! an entry:        4 kind   text alias   8 milliseconds since 1970
//!   kind 1, a key:          4 length   encrypted key   4 number of certificates   certificates
//!   kind 2, a certificate:  certificate
//! a certificate:   text kind (version 2)   4 length   DER
//! a text:          2 length   modified UTF-8
//! 20 SHA-1 of the password, two bytes a letter, `Mighty Aphrodite`, and all that stands before
//! ```
//! The entries stand in the order of a hash table, which depends on the order in which they were added.

use gix_index::hash as git_hash;

use crate::base::Epoch;

const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
/// What every distribution protects the public certificates with. It is no secret.
const PASSWORD: &str = "changeit";
const SALT: &[u8] = b"Mighty Aphrodite";
const KIND_KEY: u32 = 1;
const KIND_CERTIFICATE: u32 = 2;

/// The keystore with all times at the epoch, its entries sorted by alias; `None` if it stays as it is: in another format,
/// under another password, or as it should be.
pub(super) fn rewrite(bytes: &[u8], epoch: Epoch) -> Option<Vec<u8>> {
    let mut reader = Reader(bytes);
    if reader.bytes(4)? != MAGIC {
        return None;
    }
    let version = reader.number()?;
    let count = reader.number()?;
    if !matches!(version, 1 | 2) {
        return None;
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(reader.entry(version)?);
    }
    let found = reader.0;
    let signed = bytes.len().checked_sub(found.len()).and_then(|length| bytes.get(..length))?;
    if found != digest(signed)? {
        return None;
    }
    // Without its length, so that the order is that of the letters.
    entries.sort_by_key(|entry| entry.alias.get(2..));
    let milliseconds = epoch.seconds().checked_mul(1000)?.to_be_bytes();
    let mut store = bytes.get(..12)?.to_vec();
    for entry in &entries {
        for part in [entry.kind, entry.alias, &milliseconds, entry.rest] {
            store.extend_from_slice(part);
        }
    }
    let digest = digest(&store)?;
    store.extend_from_slice(&digest);
    (store != bytes).then_some(store)
}

/// The digest that proves a keystore's bytes; `None` if they were made to collide with others.
fn digest(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut hasher = git_hash::hasher(git_hash::Kind::Sha1);
    let letters: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for part in [&letters, SALT, bytes] {
        hasher.update(part);
    }
    Some(hasher.try_finalize().ok()?.as_slice().to_vec())
}

/// One entry in its parts.
struct Entry<'a> {
    kind: &'a [u8],
    /// With its length.
    alias: &'a [u8],
    /// All behind the time.
    rest: &'a [u8],
}

/// What is still to be read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// Bytes behind their length.
    fn block(&mut self) -> Option<()> {
        let length = self.number()?;
        self.bytes(usize::try_from(length).ok()?).map(drop)
    }

    /// A text with its length.
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.clone().bytes(2)?.try_into().ok()?);
        self.bytes(2 + usize::from(length))
    }

    fn entry(&mut self, version: u32) -> Option<Entry<'a>> {
        let start = *self;
        let kind = self.bytes(4)?;
        let alias = self.text()?;
        self.bytes(8)?;
        let behind_time = *self;
        match start.clone().number()? {
            KIND_CERTIFICATE => self.certificate(version)?,
            KIND_KEY => {
                self.block()?;
                for _ in 0..self.number()? {
                    self.certificate(version)?;
                }
            }
            _ => return None,
        }
        let length = behind_time.0.len().checked_sub(self.0.len())?;
        Some(Entry { kind, alias, rest: behind_time.0.get(..length)? })
    }

    fn certificate(&mut self, version: u32) -> Option<()> {
        if version == 2 {
            self.text()?;
        }
        self.block()
    }
}
