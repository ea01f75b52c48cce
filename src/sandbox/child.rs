//! The other side: kiln's own binary, called `kiln-sandbox`, with one thread.
//!
//! ```text
//! kiln  --spawn-->  outer: [user namespace]  --> unpack, capture, remove
//!                          mount, pid, ipc, uts, cgroup, network namespaces
//!                   --fork-->   init: process 1; the new root; confined
//!                               --spawn-->  the command, and before it the service that it needs
//! ```
//! Where there is one id only, outer answers for the owners of files meanwhile ([`super::owners`]).
//!
//! Rationale: a new process namespace holds the children of who made it, so there are two. Process 1 stays, because it is
//! the one that collects orphans, and with its end the kernel ends everything that the command may have left running. It is
//! a fork and not the binary once more: to link that anew would cost as much as all the namespaces do.

use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitOptions, pidfd_getfd, pidfd_open, set_parent_process_death_signal,
};
use rustix::stdio::{dup2_stdin, dup2_stdout};
use rustix::thread::{Gid, Uid, UnshareFlags};

use super::answer::{Answer, Doing, Ending, Failure};
use super::mode::Mode;
use super::order::{Order, RunOrder};
use super::owners::supervisor::{self, Left, Supervisor};
use super::service::Service;
use super::{capture, census, cgroup, confine, loopback, owners, root, service, unpack};

/// The name that the binary is called by.
pub const NAME: &str = "kiln-sandbox";

/// Whether this process was called to be one; then it does what it is asked to and ends.
pub fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args();
    if arguments.next().as_deref() != Some(NAME) {
        return None;
    }
    let mode: Mode = arguments.next()?.parse().ok()?;
    let answer = outer(mode).unwrap_or_else(Answer::Failed);
    Some(if say(&answer).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    io::stdout().write_all(&line)?;
    io::stdout().flush()
}

fn read_order() -> Result<Order, Failure> {
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line).doing("read what to do")?;
    serde_json::from_slice(&line).map_err(|error| Failure::said("read what to do", error.to_string()))
}

fn outer(mode: Mode) -> Result<Answer, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing("die with kiln")?;
    if mode.has_user_namespace() {
        enter_user_namespace(mode)?;
    }
    match read_order()? {
        Order::Unpack(order) => {
            let spool = inherited(order.spool);
            unpack::unpack(order, spool.into(), mode)?;
            Ok(Answer::Done)
        }
        Order::Capture(order) => {
            let spool = inherited(order.spool);
            let captured = capture::capture(&order.upper, spool.into(), order.owners, mode)?;
            Ok(Answer::Captured(captured.into()))
        }
        Order::Census(upper) => Ok(Answer::Counted(census::census(&upper))),
        Order::Remove(paths) => {
            for path in paths {
                remove(&path).doing(format!("remove `{}`", path.display()))?;
            }
            Ok(Answer::Done)
        }
        Order::Probe(path) => {
            unshare(mode, false)?;
            let [lower, upper, work, at] = ["lower", "upper", "work", "root"].map(|name| path.join(name));
            for directory in [&lower, &upper, &work, &at] {
                std::fs::create_dir_all(directory).doing("make a directory")?;
            }
            let argv = vec![String::new()];
            let order = RunOrder { lower: vec![lower], upper, work, root: at, argv, ..RunOrder::default() };
            fork_init(mode, &order)
        }
        Order::Run(order, groups) => {
            // Before the namespaces: what it is in now is what the step sees as the root of all groups.
            cgroup::join(&groups);
            unshare(mode, order.network)?;
            if let Some(count) = order.limits.cpus {
                confine::choose_processors(count)?;
            }
            fork_init(mode, &order)
        }
    }
}

/// Removes a directory that may be gone already.
pub(super) fn remove(path: &std::path::Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A file that kiln left open for this process.
pub(super) fn inherited(fd: RawFd) -> OwnedFd {
    #[allow(unsafe_code)] // kiln opened it for this process, and names each of them once.
    unsafe {
        OwnedFd::from_raw_fd(fd)
    }
}

fn unshare_flags(flags: UnshareFlags, doing: &str) -> Result<(), Failure> {
    #[allow(unsafe_code)] // Unsafe is to leave a shared table of files, which is not asked for here.
    unsafe { rustix::thread::unshare_unsafe(flags) }.doing(doing)
}

fn enter_user_namespace(mode: Mode) -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshare_flags(UnshareFlags::NEWUSER, "make a user namespace")?;
    if mode == Mode::OneId {
        let write = |file: &str, text: String| std::fs::write(file, text).doing(format!("write `{file}`"));
        write("/proc/self/setgroups", "deny".to_owned())?;
        write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    } else {
        say(&Answer::Ready).doing("ask for ids")?;
        // kiln answers with the order when the ids are there.
        io::stdin().lock().fill_buf().doing("wait for ids")?;
    }
    let (root, group) = (Uid::ROOT, Gid::ROOT);
    rustix::thread::set_thread_res_gid(group, group, group).doing("become root's group in the namespace")?;
    rustix::thread::set_thread_res_uid(root, root, root).doing("become root in the namespace")?;
    set_parent_process_death_signal(Some(Signal::KILL)).doing("die with kiln")
}

fn unshare(mode: Mode, network: bool) -> Result<(), Failure> {
    let mut flags = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if !network {
        flags |= UnshareFlags::NEWNET;
    }
    unshare_flags(flags, &format!("make the namespaces of `{mode}`"))
}

/// Starts process 1 and passes on what it answers.
fn fork_init(mode: Mode, order: &RunOrder) -> Result<Answer, Failure> {
    if mode == Mode::OneId {
        supervisor::stand()?;
    }
    let upper = std::fs::File::open(&order.upper).doing("open the upper directory")?;
    let (mut ours, theirs) = UnixStream::pair().doing("talk to process 1")?;
    #[allow(unsafe_code)] // This process has one thread, so the copy of it lacks nothing.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        // Process 1 returns from here as well: its answer goes to where it talks from now on.
        drop(ours);
        talk_to(theirs)?;
        return init(mode, order);
    }
    let pid = Some(forked).filter(|pid| *pid > 0).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(io::Error::last_os_error).doing("start process 1")?;
    drop(theirs);
    let mut left = Left::default();
    let mut answer = read_line(&mut ours)?;
    if let Ok(Answer::Held(listener)) = serde_json::from_slice(&answer) {
        let init = pid.as_raw_nonzero().get().unsigned_abs();
        let mut supervisor = Supervisor::new(fd_of(pid, listener)?, init, &order.owners)?;
        ours.write_all(b"\n").doing("let process 1 go on")?;
        supervisor.serve(ours.as_fd())?;
        answer = read_line(&mut ours)?;
        left = supervisor.finish(&upper.into())?;
    }
    let status = rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(pid), WaitOptions::empty()))
        .doing("wait for process 1")?
        .map(|(_, status)| status);
    let signal = status.and_then(|status| status.terminating_signal());
    match serde_json::from_slice(&answer) {
        Ok(Answer::Ended(ending)) => Ok(Answer::Ended(Ending { refused: left.refused, owners: left.owners, ..ending })),
        Ok(answer) => Ok(answer),
        Err(_) if signal == Some(libc::SIGKILL) => {
            Ok(Answer::Ended(Ending { signal, refused: left.refused, ..Ending::default() }))
        }
        Err(_) => {
            let how = signal.map_or("it said nothing".to_owned(), |signal| format!("killed by signal {signal}"));
            Err(Failure::said("run process 1", how))
        }
    }
}

/// What this process is told from now on comes from there, and its answer goes there.
fn talk_to(outer: UnixStream) -> Result<(), Failure> {
    const DOING: &str = "talk to who started this";
    dup2_stdin(&outer).doing(DOING)?;
    dup2_stdout(&outer).doing(DOING)
}

/// What comes up to the end of a line or of everything. Nothing follows until this side has answered.
fn read_line(from: &mut impl io::Read) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    io::BufReader::new(from).read_until(b'\n', &mut line).doing("listen to process 1")?;
    Ok(line)
}

/// A copy of what a child has open.
fn fd_of(child: Pid, fd: RawFd) -> Result<OwnedFd, Failure> {
    const DOING: &str = "take over from process 1";
    let process = pidfd_open(child, PidfdFlags::empty()).doing(DOING)?;
    pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).doing(DOING)
}

fn init(mode: Mode, order: &RunOrder) -> Result<Answer, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing("die with kiln")?;
    keep_files_from_the_step()?;
    rustix::system::sethostname(order.hostname.as_bytes()).doing("set the host name")?;
    if !order.network {
        loopback::up()?;
    }
    if order.service.is_some() {
        service::allow_low_ports();
    }
    if let Some(number) = order.first_pid {
        choose_number(number);
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0));
    let made = root::enter(order, mode)?;
    root::hide_proc()?;
    let Some((program, arguments)) = order.argv.split_first().filter(|(program, _)| !program.is_empty()) else {
        if mode == Mode::OneId {
            drop(owners::filter::install()?);
        }
        return Ok(Answer::Done);
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
    std::env::set_current_dir(&order.workdir).doing(format!("enter the step's `workdir` {}", order.workdir))?;
    let service = match order.service.as_ref().map(|service| Service::start(service, order)).transpose()? {
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
    let child = command.spawn().doing(format!("run `{program}`"))?;
    let status = reap(child.id())?;
    service.iter().for_each(Service::stop);
    Ok(Answer::Ended(Ending { code: status.0, signal: status.1, made, ..Ending::default() }))
}

/// Gives the next process of this namespace a number (proc_sys_kernel(5), `ns_last_pid`). The machine's own `/proc` is
/// still there, and it means the namespace of who writes.
fn choose_number(number: u32) {
    // Nothing depends on it, and not every kernel has the file.
    let _ = std::fs::write("/proc/sys/kernel/ns_last_pid", number.saturating_sub(1).to_string());
}

/// What kiln has open, the step shall not have: whoever started this process may have left more than it needs.
fn keep_files_from_the_step() -> Result<(), Failure> {
    #[allow(unsafe_code)] // rustix has no close_range(2); a flag is set, nothing is closed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()).doing("keep open files from the step") }
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
