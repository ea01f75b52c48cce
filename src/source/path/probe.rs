//! What time it is on a source's file system.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::open::Root;
use super::stat::FileStat;

/// Longest time that a scan waits for the clock of the file system, in all. Linux stamps files with the time of the last
/// timer tick, which is at most 10 ms ago (CONFIG_HZ=100).
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// Between two looks at the clock.
const PAUSE: Duration = Duration::from_millis(1);

/// The stamp of a file made just now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    device: u64,
    ctime_ns: i64,
}

impl Probe {
    /// Makes a file in the source and lets it go again. `None`: nothing can be made there, so nothing can be said about
    /// the age of the files.
    pub(super) fn make(root: &Root) -> Option<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let nameless = rustix::fs::openat(root.fd(), ".", flags, Mode::RUSR | Mode::WUSR);
        match nameless {
            Ok(file) => Self::of(file.as_fd()),
            // Dropping it takes its name away again.
            Err(_) => {
                Self::of(tempfile::NamedTempFile::with_prefix_in(".kiln-", &root.directory).ok()?.as_file().as_fd())
            }
        }
    }

    fn of(file: BorrowedFd<'_>) -> Option<Self> {
        let stat = FileStat::of(&rustix::fs::fstat(file).ok()?);
        Some(Self { device: stat.device, ctime_ns: stat.ctime_ns })
    }

    /// Whether a change after the probe would be seen in the stat: the file was last changed before the probe was made.
    pub(super) fn is_newer_than(&self, stat: &FileStat) -> bool {
        self.device == stat.device && stat.ctime_ns < self.ctime_ns
    }

    /// A probe that is newer than all of `stats`, if waiting a moment gives one; else the newest there is. What lies
    /// further in the future than the wait could reach is not waited for.
    pub(super) fn newer_than<'a>(self, stats: impl Iterator<Item = &'a FileStat>, root: &Root) -> Self {
        let reach_ns = self.ctime_ns.saturating_add(LONGEST_WAIT.as_nanos() as i64);
        let of_device = stats.filter(|stat| stat.device == self.device && stat.ctime_ns <= reach_ns);
        let Some(newest_ns) = of_device.map(|stat| stat.ctime_ns).max() else { return self };
        let start = Instant::now();
        let mut newest = self;
        while newest.ctime_ns <= newest_ns && start.elapsed() < LONGEST_WAIT {
            std::thread::sleep(PAUSE);
            newest = Self::make(root).unwrap_or(newest);
        }
        newest
    }
}
