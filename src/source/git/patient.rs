//! Reading from a git that may never answer: a wait ends when it is silent for too long or the user wants to stop.

use std::io::{self, Read};
use std::process::ChildStdout;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::child::TICK;
use super::error::GitError;
use super::request::Terms;

/// What git prints, as long as it prints.
pub(super) struct Patient<'a> {
    from: ChildStdout,
    terms: &'a Terms<'a>,
    /// Why nothing is read any more, where `io::Error` cannot say it.
    failure: Option<GitError>,
}

impl<'a> Patient<'a> {
    pub(super) fn new(from: ChildStdout, terms: &'a Terms<'a>) -> Self {
        Self { from, terms, failure: None }
    }

    /// Why the last read failed, if it was not git that ended.
    pub(super) fn failure(&mut self) -> Option<GitError> {
        self.failure.take()
    }

    /// Waits until there is something to read, which the end is too.
    fn wait(&mut self) -> io::Result<()> {
        let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
        let mut silence = Duration::ZERO;
        loop {
            if let Err(interrupted) = self.terms.check() {
                return Err(self.fail(interrupted));
            }
            match poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&tick)) {
                Ok(0) => silence += TICK,
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if silence >= self.terms.stall {
                return Err(self.fail(GitError::Silent { seconds: silence.as_secs() }));
            }
        }
    }

    fn fail(&mut self, failure: GitError) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("git did not answer")
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match self.from.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}
