//! Questions to who sits at the terminal that controls this process: stdin and stdout may be something else.
//!
//! The crate `rpassword` was looked at. It waits in a read that goes on after a signal which is only noted, as ours are, and
//! a process that is ended there leaves its terminal without echo.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::pipeline::Error;
use crate::transport::Secret;

use super::report::Failure;

/// How often we look whether the user wants to stop, should a signal reach another thread.
const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Bytes of one answer; a terminal gives no longer lines (termios(3), "Canonical and noncanonical mode").
const LINE_MAX_BYTES: usize = 4096;

/// A character that no key sends (termios(3), `_POSIX_VDISABLE`).
const NO_KEY: u8 = 0;

/// A terminal.
pub struct Prompt<'a> {
    terminal: File,
    interrupted: &'a AtomicBool,
}

impl<'a> Prompt<'a> {
    /// The terminal that controls this process, if there is one.
    pub(super) fn open(interrupted: &'a AtomicBool) -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        Some(Self { terminal, interrupted })
    }

    /// Asks for a line that everybody may see.
    pub fn line(&mut self, question: &str) -> Result<String, Failure> {
        let asked = self.terminal.write_all(format!("{question}: ").as_bytes());
        let answer = asked.map_err(unusable).and_then(|()| self.answer());
        if answer.is_err() {
            // Whatever is said next begins a line.
            self.terminal.write_all(b"\n").map_err(unusable)?;
        }
        answer
    }

    /// Asks for a line that nobody may see.
    pub fn secret(&mut self, question: &str) -> Result<Secret, Failure> {
        let before = tcgetattr(&self.terminal).map_err(|error| unusable(error.into()))?;
        // What was typed too early was shown; it does not count.
        self.set(&without_echo(before.clone()))?;
        let answer = self.line(question);
        self.set(&before)?;
        answer.map(Secret::new)
    }

    fn set(&self, modes: &Termios) -> Result<(), Failure> {
        tcsetattr(&self.terminal, OptionalActions::Flush, modes).map_err(|error| unusable(error.into()))
    }

    /// What is typed up to the end of the line, without it.
    fn answer(&mut self) -> Result<String, Failure> {
        let mut line = vec![0; LINE_MAX_BYTES];
        let found = loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Error::Interrupted.into());
            }
            let mut ready = [PollFd::new(&self.terminal, PollFlags::IN)];
            match poll(&mut ready, Some(&STEP)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(unusable(error.into())),
            }
            match self.terminal.read(&mut line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(unusable)?,
            }
        };
        line.truncate(found);
        let no_text = |_| unusable(io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"));
        let line = String::from_utf8(line).map_err(no_text)?;
        Ok(line.strip_suffix('\n').unwrap_or(&line).to_owned())
    }
}

/// Nothing is shown but the end of the line. The keys that stop or kill would leave the terminal so; the one that interrupts
/// comes here.
fn without_echo(mut modes: Termios) -> Termios {
    modes.local_modes.remove(LocalModes::ECHO);
    modes.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
    modes.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    modes.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
    modes
}

fn unusable(error: io::Error) -> Failure {
    Failure::Found {
        message: format!("the terminal cannot be used: {error}"),
        hint: Some("`-u USER --password-stdin` needs none".to_owned()),
    }
}
