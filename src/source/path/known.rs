//! What was digested last time: the stat cache.
//!
//! ```text
//! "kiln-known-2\n"                      format and version
//! number of files                       varint
//! for each file, in path order:
//!   bytes shared with the path before   varint
//!   bytes of the rest, the rest         varint, bytes
//!   device, inode, size, mode           varints
//!   mtime, ctime                        nanoseconds since 1970, 8 bytes little-endian
//!   traits, SHA-256                     1 byte, 32 bytes
//! SHA-256 of all of the above           32 bytes
//! ```
//! Varints are LEB128. Numbers of fixed width are little-endian.

use crate::base::ContentDigest;
use crate::base::digest::DIGEST_BYTES;
use crate::base::hash::digest_of;
use crate::base::path::PATH_MAX_BYTES;

use super::files::{Bytes, Digested, Files, Traits};
use super::stat::FileStat;

const MAGIC: &[u8] = b"kiln-known-2\n";
/// A file takes at least: two lengths, four varints, two times, traits, digest.
const MIN_FILE_BYTES: usize = 2 + 4 + 16 + 1 + DIGEST_BYTES;

/// The digests of files by path and stat.
#[derive(Debug, Default)]
pub struct KnownFiles {
    files: Files,
}

impl KnownFiles {
    pub(super) fn new(files: Files) -> Self {
        Self { files }
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// How many files are known.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes to keep for the next time.
    pub fn to_bytes(&self) -> Vec<u8> {
        /// A usual size of one file's entry.
        const FILE_BYTES: usize = 96;
        let mut out = Vec::with_capacity(MAGIC.len() + self.len() * FILE_BYTES);
        out.extend_from_slice(MAGIC);
        put_varint(&mut out, self.len() as u64);
        let mut before: &[u8] = &[];
        for (path, digested) in self.files.iter() {
            let shared = before.iter().zip(path).take_while(|(a, b)| a == b).count();
            put_varint(&mut out, shared as u64);
            put_varint(&mut out, (path.len() - shared) as u64);
            out.extend_from_slice(&path[shared..]);
            let stat = &digested.stat;
            for number in [stat.device, stat.inode, stat.size_bytes, u64::from(stat.mode)] {
                put_varint(&mut out, number);
            }
            out.extend_from_slice(&stat.mtime_ns.to_le_bytes());
            out.extend_from_slice(&stat.ctime_ns.to_le_bytes());
            out.push(digested.bytes.traits.to_byte());
            out.extend_from_slice(digested.bytes.digest.as_bytes());
            before = path;
        }
        let sum: ContentDigest = digest_of(&out);
        out.extend_from_slice(sum.as_bytes());
        out
    }

    /// Reads what [`KnownFiles::to_bytes`] wrote. `None`: the bytes are damaged, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
        if digest_of::<ContentDigest>(body).as_bytes() != sum {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC)?;
        let count = usize::try_from(take_varint(&mut rest)?).ok()?;
        if count > rest.len() / MIN_FILE_BYTES {
            return None;
        }
        let mut files = Files::with_capacity(count);
        let mut path = Vec::new();
        for _ in 0..count {
            let digested = take_file(&mut rest, &mut path)?;
            files.push(&path, digested)?;
        }
        rest.is_empty().then_some(Self { files })
    }
}

/// Reads one file; `path` is the one before and becomes this one's.
fn take_file(rest: &mut &[u8], path: &mut Vec<u8>) -> Option<Digested> {
    let shared = usize::try_from(take_varint(rest)?).ok()?;
    let own = usize::try_from(take_varint(rest)?).ok()?;
    if shared > path.len() || own > PATH_MAX_BYTES {
        return None;
    }
    path.truncate(shared);
    path.extend_from_slice(take(rest, own)?);
    let (device, inode, size_bytes) = (take_varint(rest)?, take_varint(rest)?, take_varint(rest)?);
    let mode = u32::try_from(take_varint(rest)?).ok()?;
    let mtime_ns = i64::from_le_bytes(take_array(rest)?);
    let ctime_ns = i64::from_le_bytes(take_array(rest)?);
    let [traits] = take_array(rest)?;
    let digest = ContentDigest::from(take_array::<DIGEST_BYTES>(rest)?);
    let stat = FileStat { device, inode, size_bytes, mtime_ns, ctime_ns, mode };
    Some(Digested { stat, bytes: Bytes { digest, traits: Traits::from_byte(traits) } })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    take(rest, N)?.try_into().ok()
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take_array(rest)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_files() -> KnownFiles {
        let mut files = Files::default();
        for (i, path) in ["a", "a/b.txt", "a/c.txt", "b\u{fffd}"].iter().enumerate() {
            let stat = FileStat {
                device: u64::MAX,
                inode: i as u64,
                size_bytes: 1 << (i * 20),
                mtime_ns: -5,
                ctime_ns: i64::MAX,
                mode: 0o100644,
            };
            let bytes = Bytes { digest: digest_of(path.as_bytes()), traits: Traits::CRLF };
            let digested = Digested { stat, bytes };
            files.push(path.as_bytes(), digested).expect("short paths");
        }
        KnownFiles { files }
    }

    #[test]
    fn what_was_written_is_read() {
        let known = some_files();
        let read = KnownFiles::from_bytes(&known.to_bytes()).expect("whole bytes");
        let list = |known: &KnownFiles| -> Vec<(Vec<u8>, Digested)> {
            known.files().iter().map(|(path, digested)| (path.to_vec(), *digested)).collect()
        };
        assert_eq!(list(&read), list(&known));
        assert!(KnownFiles::from_bytes(&KnownFiles::default().to_bytes()).is_some_and(|known| known.is_empty()));
    }

    #[test]
    fn damaged_bytes_are_nothing() {
        let bytes = some_files().to_bytes();
        for cut in 0..bytes.len() {
            assert!(KnownFiles::from_bytes(&bytes[..cut]).is_none());
            let mut damaged = bytes.clone();
            damaged[cut] ^= 1;
            assert!(KnownFiles::from_bytes(&damaged).is_none());
        }
        // A right sum over a wrong body.
        for body in [&b"kiln-known-0\n\0"[..], b"kiln-known-2\n\xff\xff\xff\xff\x0f", b"kiln-known-2\n\0more"] {
            let sum: ContentDigest = digest_of(body);
            assert!(KnownFiles::from_bytes(&[body, sum.as_bytes()].concat()).is_none());
        }
    }
}
