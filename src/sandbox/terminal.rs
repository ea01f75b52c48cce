//! A terminal that a person sits at sends its signals to everybody in front of it: to kiln, to its child, to the command.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::order::RunOrder;

/// What a person can send with a key (termios(3), "Special characters").
const KEYS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGQUIT];

/// Leaves these signals to the command: this process has to be there when it has ended.
pub(super) fn leave_signals(order: &RunOrder) {
    if is_terminal(order) {
        set(libc::SIG_IGN);
    }
}

/// Gives them to the command, which would ignore them as well.
pub(super) fn give_signals(order: &RunOrder, command: &mut Command) {
    if is_terminal(order) {
        let give = || {
            set(libc::SIG_DFL);
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

fn set(handler: libc::sighandler_t) {
    for signal in KEYS {
        #[allow(unsafe_code)] // No function is installed that could be called at a bad time.
        unsafe {
            libc::signal(signal, handler);
        }
    }
}
