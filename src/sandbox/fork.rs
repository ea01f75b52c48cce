//! A copy of the child that goes on by itself, and the line between both.
//!
//! Rationale: a fork and not the binary once more. To link that anew would cost as much as all the namespaces do.

use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitOptions, pidfd_getfd, pidfd_open, set_parent_process_death_signal,
};
use rustix::stdio::{dup2_stdin, dup2_stdout};

use super::answer::{Answer, Doing, Ending, Failure};

/// On which side of the fork this is.
pub(super) enum Side {
    /// In the copy, which is told from its stdin now and answers on its stdout: what it returns up to
    /// [`super::child::main`] is its answer.
    Copy,
    /// Where it was.
    Original(Forked),
}

/// The copy.
pub(super) struct Forked {
    pid: Pid,
    line: UnixStream,
}

/// Makes a copy, which ends with this process.
pub(super) fn fork() -> Result<Side, Failure> {
    let (line, theirs) = UnixStream::pair().doing("talk to another process")?;
    #[allow(unsafe_code)] // This process has one thread, so the copy of it lacks nothing.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        drop(line);
        set_parent_process_death_signal(Some(Signal::KILL)).doing("die with kiln")?;
        dup2_stdin(&theirs).doing("be told what to do")?;
        dup2_stdout(&theirs).doing("answer")?;
        return Ok(Side::Copy);
    }
    let pid = Some(forked).filter(|pid| *pid > 0).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(io::Error::last_os_error).doing("start another process")?;
    Ok(Side::Original(Forked { pid, line }))
}

impl Forked {
    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// What comes up to the end of a line or of everything. Nothing follows until this side has answered.
    pub(super) fn hear(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        io::BufReader::new(&mut self.line).read_until(b'\n', &mut line).doing("listen to the step's process")?;
        Ok(line)
    }

    /// Lets it go on.
    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        self.line.write_all(b"\n").doing("let the step's process go on")
    }

    /// A copy of what it has open.
    pub(super) fn file(&self, fd: RawFd) -> Result<OwnedFd, Failure> {
        const DOING: &str = "take over from the step's process";
        let process = pidfd_open(self.pid, PidfdFlags::empty()).doing(DOING)?;
        pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).doing(DOING)
    }

    /// Waits for its end; `answer` is what was heard of it last.
    pub(super) fn end(self, answer: &[u8]) -> Result<Answer, Failure> {
        const DOING: &str = "wait for the step's process";
        let status = rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(self.pid), WaitOptions::empty()));
        let signal = status.doing(DOING)?.and_then(|(_, status)| status.terminating_signal());
        match (serde_json::from_slice(answer), signal) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Some(libc::SIGKILL)) => Ok(Answer::Ended(Ending { signal, ..Ending::default() })),
            (Err(_), Some(signal)) => Err(Failure::said(DOING, format!("signal {signal} ended it"))),
            (Err(_), None) => Err(Failure::said(DOING, "it ended without an answer")),
        }
    }
}

impl AsFd for Forked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}
