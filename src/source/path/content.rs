//! The digests of files, several files at a time.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::{ContentDigest, Hasher};

use super::super::lfs;
use super::error::ScanError;
use super::files::{Bytes, Traits};
use super::open::Root;
use super::stat::FileStat;
use super::walk::Found;

/// For one `read`: large enough that the calls do not count, small enough for the cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// Files from this size on are begun first, so that no thread is left alone with one at the end.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;
/// How much git looks at to tell text from binary (`FIRST_FEW_BYTES` in its xdiff-interface.c).
const TEXT_PROBE_BYTES: usize = 8000;

/// Digests the given files; the results come in the same order. Of several errors, the one of the first file is given.
pub(super) fn digest_all(root: &Root, files: &[&Found], jobs: usize) -> Result<Vec<Bytes>, ScanError> {
    let (large, small): (Vec<usize>, Vec<usize>) =
        (0..files.len()).partition(|place| files[*place].stat.size_bytes >= LARGE_BYTES);
    let order = [large, small].concat();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut done = Vec::new();
        let mut failed = Vec::new();
        while let Some(&place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            match digest(root, files[place], &mut buffer) {
                Ok(bytes) => done.push((place, bytes)),
                Err(error) => failed.push((place, error)),
            }
        }
        (done, failed)
    };
    let (mut done, mut failed) = (Vec::with_capacity(files.len()), Vec::new());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1).min(files.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let part = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done.extend(part.0);
            failed.extend(part.1);
        }
    });
    if let Some((_, error)) = failed.into_iter().min_by_key(|(place, _)| *place) {
        return Err(error);
    }
    done.sort_unstable_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, bytes)| bytes).collect())
}

/// Digests one file, which must be what the walk saw, before and after.
fn digest(root: &Root, found: &Found, buffer: &mut [u8]) -> Result<Bytes, ScanError> {
    let path = found.path.as_bytes();
    let fail = |error| root.failed(path, error);
    let file = root.open_below(path, OFlags::empty()).map_err(fail)?;
    let unchanged = |file: &OwnedFd| -> Result<(), ScanError> {
        let stat = FileStat::of(&rustix::fs::fstat(file).map_err(fail)?);
        if stat == found.stat { Ok(()) } else { Err(root.changed(path)) }
    };
    unchanged(&file)?;
    let mut hasher = Hasher::new();
    let mut traits = Traits::default();
    let mut done = 0;
    while done < found.stat.size_bytes {
        match rustix::io::read(&file, &mut *buffer) {
            Ok(0) => return Err(root.changed(path)),
            Ok(read) => {
                if done == 0 {
                    traits = traits_of(&buffer[..read], found.stat.size_bytes);
                }
                hasher.update(&buffer[..read]);
                done += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(fail(error)),
        }
    }
    unchanged(&file)?;
    let digest: ContentDigest = hasher.finish();
    Ok(Bytes { digest, traits })
}

/// What the first bytes of a file say about it.
fn traits_of(start: &[u8], size_bytes: u64) -> Traits {
    let probe = &start[..start.len().min(TEXT_PROBE_BYTES)];
    let mut traits = Traits::default();
    if lfs::is_pointer(start, size_bytes) {
        traits = traits.with(Traits::LFS_POINTER);
    }
    if probe.contains(&b'\r') && probe.windows(2).any(|pair| pair == b"\r\n") && !probe.contains(&0) {
        traits = traits.with(Traits::CRLF);
    }
    traits
}
