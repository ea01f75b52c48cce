//! The memory of the process that asked.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

/// What is read of a text at once: most paths are shorter. It divides the size of a page, and behind the end of a page
/// there may be nothing.
const PIECE_BYTES: u64 = 256;

/// A process, by its number in the machine's `/proc`, which is the working directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller(pub(super) u32);

impl Caller {
    /// The text at `address`, without its zero. Longer than a path may be is an error.
    pub(super) fn text(self, address: u64) -> io::Result<Vec<u8>> {
        let most = libc::PATH_MAX.unsigned_abs() as usize;
        let mut text = Vec::new();
        while text.len() < most {
            let at = address.wrapping_add(text.len() as u64);
            let piece = self.read(at, usize::try_from(PIECE_BYTES - at % PIECE_BYTES).unwrap_or(1))?;
            match piece.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend_from_slice(&piece[..end]);
                    return Ok(text);
                }
                None => text.extend_from_slice(&piece),
            }
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    /// `length` bytes at `address`, all of them.
    pub(super) fn read(self, address: u64, length: usize) -> io::Result<Vec<u8>> {
        let fault = || io::Error::from_raw_os_error(libc::EFAULT);
        let pid = libc::pid_t::try_from(self.0).map_err(|_| fault())?;
        let mut bytes = vec![0_u8; length];
        let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: length };
        let there = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: length };
        #[allow(unsafe_code)] // rustix has no process_vm_readv(2); it writes `length` bytes here, which `bytes` has.
        let read = unsafe { libc::process_vm_readv(pid, &raw const here, 1, &raw const there, 1, 0) };
        match usize::try_from(read) {
            Ok(read) if read == length => Ok(bytes),
            Ok(_) => Err(fault()),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Its memory, to write to. It stays the same process's, even if another gets its number.
    pub(super) fn memory(self) -> io::Result<Memory> {
        OpenOptions::new().write(true).open(format!("{}/mem", self.0)).map(Memory)
    }
}

/// The memory of a process.
pub(super) struct Memory(File);

impl Memory {
    /// Writes all of `bytes` at `address`.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, address).map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_bytes_are_read_from_a_process() {
        let own = Caller(std::process::id());
        let text = format!("{}\0behind", "long/".repeat(700));
        let read = own.text(text.as_ptr() as u64).expect("it is there");
        assert_eq!(read.len(), 3500);
        assert_eq!(own.read(text.as_ptr() as u64, 5).expect("it is there"), b"long/");
        assert!(own.text(8).is_err());
        let endless = "x".repeat(5000);
        let error = own.text(endless.as_ptr() as u64).expect_err("no path is so long");
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
    }
}
