//! The command of an order, run in the root that this process is in.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{DumpableBehavior, WaitOptions, set_dumpable_behavior};

use super::answer::{Answer, Doing, Ending, Failure};
use super::child::{inherited, say};
use super::confine;
use super::mode::Mode;
use super::order::RunOrder;
use super::owners;
use super::proc::Proc;
use super::service::Service;
use super::terminal;

/// What kiln has open, the step shall not have: whoever started this process may have left more than it needs.
pub(super) fn keep_files_from_it() -> Result<(), Failure> {
    close(3, RawFd::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Closes all that is open but for what the command of `order` talks to. This process is seen in `/proc` by the command: a
/// directory of the machine that it had open would be a way out of the root.
pub(super) fn close_the_rest(order: &RunOrder) -> Result<(), Failure> {
    let talk = order.talk.map(|talk| [talk.stdin, talk.stdout, talk.stderr]);
    let streams = order.streams.map(|streams| [streams.stdout, streams.stderr, streams.service]);
    let mut next = 3;
    for file in [talk, streams].into_iter().flatten().flatten().collect::<BTreeSet<RawFd>>() {
        if file > next {
            close(next, file - 1, 0)?;
        }
        next = file.saturating_add(1).max(next);
    }
    close(next, RawFd::MAX, 0)?;
    keep_files_from_it()
}

fn close(first: RawFd, last: RawFd, flags: libc::c_uint) -> Result<(), Failure> {
    #[allow(unsafe_code)] // rustix has no close_range(2); whoever calls this has no owner of those files left.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()).doing("keep open files from the step") }
}

/// Gives up what a step does not need, and runs the command to its end. `made` is what had to be made in its root.
pub(super) fn run(order: &RunOrder, mode: Mode, proc: &Proc, made: Vec<String>) -> Result<Answer, Failure> {
    let Some((program, arguments)) = order.argv.split_first() else {
        return Err(Failure::said("run the step", "it has no command"));
    };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if !order.talk.is_some_and(|talk| talk.is_terminal) {
        // No terminal of the caller's is within reach.
        rustix::process::setsid().doing("leave the terminal")?;
    }
    confine::confine(order)?;
    if mode == Mode::OneId {
        let listener = owners::filter::install()?;
        say(&Answer::Held(listener.as_raw_fd())).doing("have calls answered")?;
        io::stdin().lock().read_until(b'\n', &mut Vec::new()).doing("wait for the supervisor")?;
    }
    // Nobody in the root looks into this process, whose program and files are the machine's.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing("keep this process from the step")?;
    std::env::set_current_dir(&order.workdir).doing(format!("enter the step's `workdir` {}", order.workdir))?;
    let service = order.service.as_ref().map(|service| Service::start(service, order, proc));
    let service = match service.transpose()? {
        None => None,
        Some(Ok(service)) => Some(service),
        Some(Err(ending)) => return Ok(Answer::NotReady(ending)),
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(order.env.iter().map(|(name, value)| (name, value)));
    match order.talk {
        Some(talk) => {
            command.stdin(inherited(talk.stdin)).stdout(inherited(talk.stdout)).stderr(inherited(talk.stderr));
        }
        None => {
            command.stdin(Stdio::null());
            match order.streams {
                Some(streams) => {
                    command.stdout(inherited(streams.stdout)).stderr(inherited(streams.stderr));
                }
                None => {
                    command.stdout(io::stderr().as_fd().try_clone_to_owned().doing("open the output")?);
                }
            }
        }
    }
    terminal::give_signals(order, &mut command);
    let child = command.spawn().map_err(|error| not_run(program, &error))?;
    let status = reap(child.id())?;
    service.iter().for_each(Service::stop);
    Ok(Answer::Ended(Ending { code: status.0, signal: status.1, made, ..Ending::default() }))
}

/// Why `program` was not run. Of a script whose interpreter is missing the kernel says that the script is not there.
fn not_run(program: &str, error: &io::Error) -> Failure {
    /// What the kernel reads of a script (binfmts.h, `BINPRM_BUF_SIZE`).
    const HEAD_BYTES: u64 = 256;
    let mut head = Vec::new();
    let read = File::open(program).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let line = head.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
    let line = line.filter(|_| read.is_ok()).map(String::from_utf8_lossy).unwrap_or_default();
    match line.split_whitespace().next() {
        Some(interpreter) if !Path::new(interpreter).exists() => {
            Failure::io(format!("run `{interpreter}` for a script"), error)
        }
        _ => Failure::io(format!("run `{program}`"), error),
    }
}

/// Waits for the command and collects everybody who ends before it.
fn reap(command: u32) -> Result<(Option<i32>, Option<i32>), Failure> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == command => {
                return Ok((status.exit_status(), status.terminating_signal()));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::io("wait for the step", &error.into())),
        }
    }
}
