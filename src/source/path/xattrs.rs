//! Extended attributes that enter an image.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{lgetxattr, llistxattr};
use rustix::io::Errno;

use super::error::ScanError;
use super::files::{Bytes, Traits};
use super::open::Root;
use super::walk::Found;

const CAPABILITY: &[u8] = b"security.capability";
/// Revision of `security.capability` with the id of the namespace's root (`linux/capability.h`).
const CAPABILITY_V3: u32 = 0x0300_0000;
const CAPABILITY_V2: u32 = 0x0200_0000;
const REVISION_MASK: u32 = 0xff00_0000;
/// A v3 attribute is a v2 attribute and four bytes.
const CAPABILITY_V2_BYTES: usize = 20;
/// Linux allows no longer list and no longer value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const MAX_BYTES: usize = 64 * 1024;

/// Values by full name.
pub(super) type Xattrs = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// The `user.*` and `security.capability` attributes of the file at `path`, a link not followed. A file system without
/// extended attributes has none.
pub(super) fn read(path: &Path) -> Result<Xattrs, Errno> {
    let mut xattrs = BTreeMap::new();
    // Nearly all files have none: this buffer says so without an allocation.
    let mut probe = [0; 256];
    let names = match llistxattr(path, &mut probe) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(xattrs),
        Ok(length) => probe[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut names = vec![0; MAX_BYTES];
            let length = llistxattr(path, &mut names[..])?;
            names.truncate(length);
            names
        }
        Err(error) => return Err(error),
    };
    for name in names.split(|b| *b == 0).filter(|name| name.starts_with(b"user.") || *name == CAPABILITY) {
        let mut value = vec![0; MAX_BYTES];
        let length = lgetxattr(path, name, &mut value[..])?;
        value.truncate(length);
        if name == CAPABILITY {
            value = without_root_id(value);
        }
        xattrs.insert(name.into(), value.into());
    }
    Ok(xattrs)
}

/// The attributes of all `files`, in the same order, and the traits of those that have none. What is [`Traits::BARE`] is
/// not asked: whoever changes an attribute changes the ctime. Of several errors, the one of the first file is given.
pub(super) fn of_files(
    root: &Root,
    files: &[&Found],
    digested: &mut [Bytes],
    jobs: usize,
) -> Result<Vec<Xattrs>, ScanError> {
    let ask = |(files, digested): (&[&Found], &mut [Bytes])| {
        let ask = |(found, digested): (&&Found, &mut Bytes)| {
            if digested.traits.has(Traits::BARE) {
                return Ok(Xattrs::new());
            }
            let path = found.path.as_bytes();
            let xattrs =
                read(&root.directory.join(OsStr::from_bytes(path))).map_err(|error| root.failed(path, error))?;
            if xattrs.is_empty() {
                digested.traits = digested.traits.with(Traits::BARE);
            }
            Ok(xattrs)
        };
        files.iter().zip(digested).map(ask).collect::<Result<Vec<Xattrs>, ScanError>>()
    };
    let part = files.len().div_ceil(jobs.max(1)).max(1);
    let parts = std::thread::scope(|scope| {
        let parts = files.chunks(part).zip(digested.chunks_mut(part));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || ask(part))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect::<Result<Vec<Vec<Xattrs>>, ScanError>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// The v2 form of a capability attribute. Read from outside a user namespace it is the v3 form, with the id that the
/// namespace's root has on this machine.
fn without_root_id(mut value: Vec<u8>) -> Vec<u8> {
    let Some(Ok(word)) = value.get(..4).map(<[u8; 4]>::try_from) else { return value };
    let word = u32::from_le_bytes(word);
    if word & REVISION_MASK == CAPABILITY_V3 && value.len() >= CAPABILITY_V2_BYTES {
        value.truncate(CAPABILITY_V2_BYTES);
        value[..4].copy_from_slice(&(word & !REVISION_MASK | CAPABILITY_V2).to_le_bytes());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_v3_capability_loses_the_id_of_its_namespace() {
        let v2: Vec<u8> = [&[1, 0, 0, 2][..], &[7; 16]].concat();
        let v3: Vec<u8> = [&[1, 0, 0, 3][..], &[7; 16], &[0xa0, 0x86, 1, 0]].concat();
        assert_eq!(without_root_id(v3), v2);
        assert_eq!(without_root_id(v2.clone()), v2);
        assert_eq!(without_root_id(vec![3]), [3]);
    }
}
