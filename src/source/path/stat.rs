//! What the machine says about a file: enough to see that it is still the same.

use rustix::fs::{FileType, Stat};

/// The fields of a file's stat that change when the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStat {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size_bytes: u64,
    pub(super) mtime_ns: i64,
    pub(super) ctime_ns: i64,
    pub(super) mode: u32,
}

impl FileStat {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
            mode: stat.st_mode,
        }
    }

    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// The mode that a file of a working tree has in an image: git knows the owner's executable bit and no other.
    pub(super) fn normal_mode(&self) -> u16 {
        if self.mode & 0o100 == 0 { 0o644 } else { 0o755 }
    }
}

/// Nanoseconds since 1970, held at the ends of the range (the years 1677 and 2262).
fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
