//! Running git: until it ends, is silent for too long, or the user wants to stop.
//!
//! ```text
//! git --stdout--> thread --\
//!     --stderr--> thread ---> Piece --> watch    each piece ends a silence
//! ```

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::base::path::readable;

use super::error::GitError;
use super::mask::{ShownUrl, mask};
use super::request::Terms;

/// Between two looks at the interrupt flag. Silence is counted in these, so no clock is needed.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// Most that git may print as its answer: some hundred thousand refs.
const OUT_MAX_BYTES: usize = 64 << 20;
/// How much of the end of git's messages is kept.
const ERR_KEPT_BYTES: usize = 8 << 10;

/// What a command that ended left behind.
pub(super) struct Finished {
    pub(super) success: bool,
    pub(super) out: Vec<u8>,
    err: Vec<u8>,
}

enum Piece {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

/// Starts git in a process group of its own, so that its helpers can be ended with it.
pub(super) fn start(command: &mut Command) -> Result<Child, GitError> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
    child.map_err(|source| {
        let program = command.get_program().to_string_lossy().into_owned();
        match source.kind() {
            io::ErrorKind::NotFound => GitError::NoProgram { program },
            _ => GitError::Start { program, source },
        }
    })
}

/// Runs a command about `url` to its end.
pub(super) fn run(mut command: Command, url: &str, terms: &Terms<'_>) -> Result<Finished, GitError> {
    /// Pieces that wait; git waits when there are more.
    const WAITING: usize = 16;
    terms.check()?;
    let mut child = start(command.stdin(Stdio::null()))?;
    let (sender, pieces) = sync_channel(WAITING);
    if let Some(out) = child.stdout.take() {
        forward(out, sender.clone(), Piece::Out);
    }
    if let Some(err) = child.stderr.take() {
        forward(err, sender.clone(), Piece::Err);
    }
    drop(sender);
    let mut finished = Finished { success: false, out: Vec::new(), err: Vec::new() };
    let watched = watch(&mut child, &pieces, &mut finished, url, terms);
    if watched.is_err() {
        kill(&child);
    }
    let status = child.wait();
    watched?;
    finished.success = status.is_ok_and(|status| status.success());
    Ok(finished)
}

/// Ends git and its helpers. The child was not waited for, so the number is still its own.
pub(super) fn kill(child: &Child) {
    // It may have ended by itself.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// The thread is not waited for: ssh may leave a process behind that keeps standard error open (`ControlPersist`).
fn forward(mut from: impl Read + Send + 'static, to: SyncSender<Piece>, piece: fn(Vec<u8>) -> Piece) {
    /// What a pipe holds.
    const BUFFER_BYTES: usize = 64 << 10;
    std::thread::spawn(move || {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let length = match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            if to.send(piece(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
}

fn watch(
    child: &mut Child,
    pieces: &Receiver<Piece>,
    finished: &mut Finished,
    url: &str,
    terms: &Terms<'_>,
) -> Result<(), GitError> {
    let mut silence = Duration::ZERO;
    loop {
        terms.check()?;
        match pieces.recv_timeout(TICK) {
            Ok(piece) => {
                silence = Duration::ZERO;
                finished.take(piece, url)?;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                silence += TICK;
                if matches!(child.try_wait(), Ok(Some(_))) {
                    break;
                }
                if silence >= terms.stall {
                    return Err(GitError::TimedOut { url: ShownUrl::of(url), seconds: silence.as_secs() });
                }
            }
        }
    }
    // It ended, but something that it started holds a pipe open: what is on the way is all that will come.
    while let Ok(piece) = pieces.recv_timeout(TICK) {
        finished.take(piece, url)?;
    }
    Ok(())
}

impl Finished {
    fn take(&mut self, piece: Piece, url: &str) -> Result<(), GitError> {
        match piece {
            Piece::Out(bytes) if self.out.len() + bytes.len() > OUT_MAX_BYTES => {
                let found = format!("more than {OUT_MAX_BYTES} bytes");
                return Err(GitError::Answer { url: ShownUrl::of(url), found });
            }
            Piece::Out(bytes) => self.out.extend(bytes),
            Piece::Err(bytes) => {
                self.err.extend(bytes);
                let over = self.err.len().saturating_sub(ERR_KEPT_BYTES);
                self.err.drain(..over);
            }
        }
        Ok(())
    }

    /// Whether git's messages contain `text`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.err.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The last lines of git's messages ([`said`]).
    pub(super) fn said(&self, url: &str) -> String {
        said(&self.err, url)
    }
}

/// The last lines of git's messages on one line, without progress, secrets and control characters: some of it is what
/// the server says.
pub(super) fn said(messages: &[u8], url: &str) -> String {
    /// git says at most this much about one failure.
    const LINES: usize = 4;
    let text = String::from_utf8_lossy(messages);
    // A carriage return ends progress that the next one is written over.
    let lines = text.lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && !is_progress(line)).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("; ");
    if last.is_empty() { "git gave no reason".to_owned() } else { readable(mask(&last, url).as_bytes()) }
}

fn is_progress(line: &str) -> bool {
    line.ends_with(", done.") || line.contains("% (") || line.starts_with("remote: Total ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_last_lines_without_progress() {
        let text = "remote: Counting objects: 50% (1/2)\rremote: Counting objects: 100% (2/2), done.\n\
                    remote: Total 3 (delta 0)\nReceiving objects: 10% (1/9)\rfatal: \u{1b}[31mno\nremote: \nerror: x\n";
        assert_eq!(said(text.as_bytes(), ""), "fatal: \\x1b[31mno; remote:; error: x");
        assert_eq!(said(b"a\nb\nc\nd\ne", ""), "b; c; d; e");
        assert_eq!(said(b"", ""), "git gave no reason");
    }
}
