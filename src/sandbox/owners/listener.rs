//! The kernel's side: held calls in, answers out (seccomp_unotify(2)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::{seccomp_notif, seccomp_notif_resp};
use rustix::io::Errno;

/// The supervisor wakes on the processor of the process that it answers, whose data is there (Linux 6.6).
const SYNC_WAKE_UP: usize = 1;

/// What a held call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// The kernel does it.
    Continue,
    /// It was done, and returns this.
    Value(i64),
    /// It was not done.
    Error(Errno),
}

impl From<io::Error> for Reply {
    fn from(error: io::Error) -> Self {
        Self::Error(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl From<Errno> for Reply {
    fn from(error: Errno) -> Self {
        Self::Error(error)
    }
}

/// Where held calls come from.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// The one that a filter was installed with.
    pub(super) fn new(fd: OwnedFd) -> Self {
        let listener = Self(fd);
        // A kernel without it is slower.
        let _ =
            listener.control(libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, std::ptr::without_provenance_mut::<u8>(SYNC_WAKE_UP));
        listener
    }

    /// The next held call; `None` if whoever made it is gone by now.
    pub(super) fn receive(&self) -> io::Result<Option<seccomp_notif>> {
        let data = libc::seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
        let mut held = seccomp_notif { id: 0, pid: 0, flags: 0, data };
        match self.control(libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut held) {
            Ok(()) => Ok(Some(held)),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the call is still held: then the number of its process is still that process's.
    pub(super) fn holds(&self, mut id: u64) -> bool {
        self.control(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id).is_ok()
    }

    /// Lets a call go. It may be gone already, because a signal ended it.
    pub(super) fn answer(&self, id: u64, reply: Reply) {
        let (val, error, flags) = match reply {
            Reply::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Reply::Value(value) => (value, 0, 0),
            Reply::Error(errno) => (0, -errno.raw_os_error(), 0),
        };
        let mut response = seccomp_notif_resp { id, val, error, flags };
        let _ = self.control(libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response);
    }

    fn control<T>(&self, request: libc::Ioctl, argument: *mut T) -> io::Result<()> {
        #[allow(unsafe_code)] // Each request above is given what it takes, alive as long as the call.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), request, argument) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
