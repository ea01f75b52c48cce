//! A `/dev` of nodes that are made, where none of the machine's can be mounted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::sandbox::answer::{Doing, Failure};

/// Name, major and minor number (the kernel's Documentation/admin-guide/devices.txt).
const DEVICES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

/// Links in `/dev` (Documentation/admin-guide/devices.rst, "Compulsory links"). They lead nowhere as long as `/proc` is
/// empty, which is what a program can tell.
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Fills the empty directory `at`.
pub(super) fn make(at: &Path) -> Result<(), Failure> {
    for (name, major, minor) in DEVICES {
        // Not every container may make devices.
        let _ =
            mknodat(CWD, at.join(name), FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(major, minor));
    }
    let null = at.join("null");
    if fs::OpenOptions::new().write(true).open(&null).is_err() {
        // Nor may every file system have some. A file can stand in for the one that all programs write to; to read zeros or
        // chance from a file would be wrong without anybody noticing.
        for (name, ..) in DEVICES {
            let _ = fs::remove_file(at.join(name));
        }
        fs::write(&null, b"").doing("make `/dev/null`")?;
    }
    for (name, target) in LINKS {
        symlink(target, at.join(name)).doing(format!("make `/dev/{name}`"))?;
    }
    super::cover::directory(&at.join("shm"), 0o1777)
}
