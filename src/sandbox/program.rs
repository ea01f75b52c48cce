//! kiln's own binary, as its other side is started from it.
//!
//! Rationale: not the file on the disk. A step can run process 1's program again through `/proc/PID/exe`, or name it as its
//! own interpreter, and then that file is in its reach, as root (CVE-2019-5736). So it is a copy in memory that nobody can
//! write to, made once.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// The file on the disk.
const ON_DISK: &str = "/proc/self/exe";

/// Where the program is for this process.
pub(super) fn path() -> PathBuf {
    static COPY: OnceLock<Option<OwnedFd>> = OnceLock::new();
    // A machine that runs nothing from memory (`vm.memfd_noexec`) runs what is on its disk.
    match COPY.get_or_init(|| copy().ok()) {
        Some(copy) => PathBuf::from(format!("/proc/self/fd/{}", copy.as_raw_fd())),
        None => PathBuf::from(ON_DISK),
    }
}

fn copy() -> io::Result<OwnedFd> {
    let make = |more: MemfdFlags| memfd_create("kiln-sandbox", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | more);
    // Kernels before 6.3 do not know the flag, and need it not.
    let copy = match make(MemfdFlags::EXEC) {
        Err(Errno::INVAL) => make(MemfdFlags::empty())?,
        made => made?,
    };
    let mut copy = File::from(copy);
    io::copy(&mut File::open(ON_DISK)?, &mut copy)?;
    fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(copy.into())
}
