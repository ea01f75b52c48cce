//! The machine's `/proc`, opened while it is in reach and read from any root after that.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::process::Pid;

use super::answer::{Doing, Failure};

/// The directory.
pub(super) struct Proc(OwnedFd);

impl Proc {
    /// Opens it.
    pub(super) fn open() -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, "/proc", flags, Mode::empty()).doing("open `/proc`").map(Self)
    }

    /// What is in a file of it.
    pub(super) fn text(&self, file: &str) -> io::Result<String> {
        let mut text = String::new();
        let file = File::from(openat(&self.0, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?);
        // A whole file is asked for its length first, which is a call that a supervisor would have to answer.
        file.take(u64::MAX).read_to_string(&mut text)?;
        Ok(text)
    }

    /// The processes that `parent` started or was given, also those that have ended and were not waited for.
    pub(super) fn children(&self, parent: u32) -> io::Result<Vec<Pid>> {
        let mut children = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let number = entry.file_name().to_str().ok().and_then(|name| name.parse().ok());
            let Some(pid) = number.and_then(Pid::from_raw) else { continue };
            // One that ends meanwhile has no file any more.
            let stat = self.text(&format!("{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
            if parent_of(&stat) == Some(parent) {
                children.push(pid);
            }
        }
        Ok(children)
    }
}

/// The parent in a line of `/proc/PID/stat` (proc_pid_stat(5)). The program's name, in brackets, may hold anything.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pretend_another_parent() {
        assert_eq!(parent_of("7 (sh) S 3 7 7 0"), Some(3));
        assert_eq!(parent_of("7 (a) S 1 (b) S 3 7 7 0"), Some(3));
        assert_eq!(parent_of("7 (sh"), None);
        assert_eq!(parent_of(""), None);
    }
}
