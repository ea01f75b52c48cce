//! The memory of the process that asked.

use std::io;

/// What is read of a text at once: most paths are shorter. It divides the size of a page, and behind the end of a page
/// there may be nothing.
const PIECE_BYTES: u64 = 256;

/// A process, by its number.
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
        let mut bytes = vec![0_u8; length];
        let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: length };
        let there = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: length };
        #[allow(unsafe_code)] // rustix has no process_vm_readv(2); it writes `length` bytes here, which `bytes` has.
        let read = unsafe { libc::process_vm_readv(self.pid()?, &raw const here, 1, &raw const there, 1, 0) };
        whole(read, length).map(|()| bytes)
    }

    /// Writes all of `bytes` at `address`. The call must still be held: then the number of the process is its own.
    pub(super) fn write(self, address: u64, bytes: &[u8]) -> io::Result<()> {
        let here = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let there = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
        #[allow(unsafe_code)] // rustix has no process_vm_writev(2); here it only reads, in `bytes`.
        let written = unsafe { libc::process_vm_writev(self.pid()?, &raw const here, 1, &raw const there, 1, 0) };
        whole(written, bytes.len())
    }

    fn pid(self) -> io::Result<libc::pid_t> {
        libc::pid_t::try_from(self.0).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))
    }
}

/// Whether all of it was moved: a part is as good as nothing.
fn whole(moved: isize, length: usize) -> io::Result<()> {
    match usize::try_from(moved) {
        Ok(moved) if moved == length => Ok(()),
        Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
        Err(_) => Err(io::Error::last_os_error()),
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
        let mut field = [0_u8; 4];
        own.write(field.as_mut_ptr() as u64, &7_u32.to_ne_bytes()).expect("it is there");
        assert_eq!(u32::from_ne_bytes(field), 7);
        assert_eq!(own.write(8, b"x").expect_err("nothing is there").raw_os_error(), Some(libc::EFAULT));
        let endless = "x".repeat(5000);
        let error = own.text(endless.as_ptr() as u64).expect_err("no path is so long");
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
    }
}
