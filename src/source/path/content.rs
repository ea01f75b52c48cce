//! The digests of files, several files at a time.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::{ContentDigest, Hasher};

use super::error::ScanError;
use super::files::{Digested, Traits};
use super::open::Root;
use super::stat::FileStat;
use super::walk::Found;

/// For one `read`: large enough that the calls do not count, small enough for the cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// Files from this size on are begun first, so that no thread is left alone with one at the end.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;
/// An LFS pointer is shorter (git-lfs, docs/spec.md).
const LFS_POINTER_MAX_BYTES: u64 = 1024;
/// How an LFS pointer begins.
const LFS_POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// How much git looks at to tell text from binary (`FIRST_FEW_BYTES` in its xdiff-interface.c).
const TEXT_PROBE_BYTES: usize = 8000;

/// Digests the given files; the results come in the same order. Of several errors, the one of the first file is given.
pub(super) fn digest_all(root: &Root, files: &[&Found], jobs: usize) -> Result<Vec<Digested>, ScanError> {
    let (large, small): (Vec<usize>, Vec<usize>) =
        (0..files.len()).partition(|place| files[*place].stat.size_bytes >= LARGE_BYTES);
    let order = [large, small].concat();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut results = Vec::new();
        while let Some(&place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push((place, digest(root, files[place], &mut buffer)));
        }
        results
    };
    let threads = jobs.max(1).min(files.len());
    let mut results: Vec<(usize, Result<Digested, ScanError>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Digests one file, which must be what the walk saw, before and after.
fn digest(root: &Root, found: &Found, buffer: &mut [u8]) -> Result<Digested, ScanError> {
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
    Ok(Digested { stat: found.stat, digest, traits })
}

/// What the first bytes of a file say about it.
fn traits_of(start: &[u8], size_bytes: u64) -> Traits {
    let probe = &start[..start.len().min(TEXT_PROBE_BYTES)];
    let mut traits = Traits::default();
    if size_bytes < LFS_POINTER_MAX_BYTES && start.starts_with(LFS_POINTER_START) {
        traits = traits.with(Traits::LFS_POINTER);
    }
    if probe.contains(&b'\r') && probe.windows(2).any(|pair| pair == b"\r\n") && !probe.contains(&0) {
        traits = traits.with(Traits::CRLF);
    }
    traits
}
