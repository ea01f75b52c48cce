//! Whoever the command left running.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::sandbox::answer::{Doing, Failure};
use crate::sandbox::proc::Proc;

/// Ends them all, and everybody whom they started: who loses its parent is this process's next child. Between two looks
/// they may start others, which are found by the next; one that starts others without end is ended by its turns running
/// out.
pub(super) fn end(proc: &Proc) -> Result<(), Failure> {
    const DOING: &str = "end what the step left running";
    const TURNS: u32 = 10_000;
    const PAUSE: Duration = Duration::from_millis(1);
    for _ in 0..TURNS {
        let children = proc.children(std::process::id()).doing(DOING)?;
        children.into_iter().for_each(kill);
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(Errno::CHILD) => return Ok(()),
                Err(error) => return Err(Failure::io(DOING, &error.into())),
            }
        }
        std::thread::sleep(PAUSE);
    }
    Err(Failure::said(DOING, "it starts new processes faster than they can be ended"))
}

/// Has the child with the number `pid` end its command, and then itself as if that had ended by itself. Asked again until
/// it has: it may be about to start one.
pub(in crate::sandbox) fn stop(pid: u32) {
    let children = Proc::open().ok().and_then(|proc| proc.children(pid).ok()).unwrap_or_default();
    children.into_iter().for_each(kill);
}

fn kill(pid: Pid) {
    // One that has ended already is what was wanted.
    let _ = kill_process(pid, Signal::KILL);
}
