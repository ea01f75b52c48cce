//! Signals: what a terminal that a person sits at sends to everybody in front of it, and what the caller ignores.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::order::RunOrder;

/// What a person can send with a key (termios(3), "Special characters").
const KEYS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGQUIT];

/// What a caller may have told its children to ignore (nohup(1), a shell's background), and steps could not even trap then
/// (POSIX, sh, `trap`). `SIGPIPE` is this program's own business.
const IGNORABLE: [libc::c_int; 10] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGCHLD,
    libc::SIGTSTP,
    libc::SIGWINCH,
];

/// Forgets what the caller ignores: steps are the same for everybody.
pub(super) fn ignore_nothing() {
    set(&IGNORABLE, libc::SIG_DFL);
}

/// Leaves these signals to the command: this process has to be there when it has ended.
pub(super) fn leave_signals(order: &RunOrder) {
    if is_terminal(order) {
        set(&KEYS, libc::SIG_IGN);
    }
}

/// Gives them to the command, which would ignore them as well.
pub(super) fn give_signals(order: &RunOrder, command: &mut Command) {
    if is_terminal(order) {
        let give = || {
            set(&KEYS, libc::SIG_DFL);
            Ok(())
        };
        #[allow(unsafe_code)] // Nothing is called that a process between fork and exec may not call.
        unsafe {
            command.pre_exec(give);
        }
    }
}

fn is_terminal(order: &RunOrder) -> bool {
    order.talk.is_some_and(|talk| talk.is_terminal)
}

fn set(signals: &[libc::c_int], handler: libc::sighandler_t) {
    for signal in signals {
        #[allow(unsafe_code)] // No function is installed that could be called at a bad time.
        unsafe {
            libc::signal(*signal, handler);
        }
    }
}
