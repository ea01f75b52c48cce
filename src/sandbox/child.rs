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
//! the one that collects orphans, and with its end the kernel ends everything that the command may have left running.
//! Where namespaces cannot be had, outer does more itself ([`super::chroot`]).

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{Gid, Uid, UnshareFlags};

use super::answer::{Answer, Doing, Ending, Failure};
use super::fork::{Side, fork};
use super::mode::Mode;
use super::order::{Order, RunOrder};
use super::owners::supervisor::{self, Left, Supervisor};
use super::proc::Proc;
use super::{capture, census, cgroup, chroot, command, confine, loopback, owners, root, service, terminal, unpack};

/// The name that the binary is called by.
pub const NAME: &str = "kiln-sandbox";

/// Whether this process was called to be one; then it does what it is asked to and ends.
pub fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args();
    if arguments.next().as_deref() != Some(NAME) {
        return None;
    }
    let mode: Mode = arguments.next()?.parse().ok()?;
    // For people who look at processes: it was started from a number. What it is called changes nothing.
    let _ = rustix::thread::set_name(c"kiln-sandbox");
    let answer = outer(mode).unwrap_or_else(Answer::Failed);
    Some(if say(&answer).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Answers whom this process talks to.
pub(super) fn say(answer: &Answer) -> io::Result<()> {
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
    terminal::ignore_nothing();
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
            let [lower, upper, work, at] = ["lower", "upper", "work", "root"].map(|name| path.join(name));
            for directory in [&lower, &upper, &work, &at] {
                std::fs::create_dir_all(directory).doing("make a directory")?;
            }
            let order = RunOrder { lower: vec![lower], upper, work, root: at, ..RunOrder::default() };
            start(mode, &order, Vec::new())
        }
        Order::Run(order, groups) => {
            // The step's own process joins them: this one is not to be killed when the step has no memory left.
            start(mode, &order, cgroup::open(&groups))
        }
    }
}

/// Has the command run where the mode lets it.
fn start(mode: Mode, order: &RunOrder, groups: Vec<File>) -> Result<Answer, Failure> {
    if let Some(count) = order.limits.cpus {
        confine::choose_processors(count)?;
    }
    terminal::leave_signals(order);
    if mode == Mode::Chroot {
        return chroot::run(order, groups);
    }
    unshare(mode, order.network)?;
    fork_init(mode, order, groups)
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
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if !network {
        flags |= UnshareFlags::NEWNET;
    }
    unshare_flags(flags, &format!("make the namespaces of `{mode}`"))
}

/// Starts process 1 and passes on what it answers.
fn fork_init(mode: Mode, order: &RunOrder, groups: Vec<File>) -> Result<Answer, Failure> {
    if mode == Mode::OneId {
        supervisor::stand()?;
    }
    let upper = File::open(&order.upper).doing("open the upper directory")?;
    let mut process = match fork()? {
        Side::Copy => {
            // The machine's directory leads out of every root.
            drop(upper);
            return init(mode, order, groups);
        }
        Side::Original(process) => process,
    };
    let mut left = Left::default();
    let mut answer = process.hear()?;
    if let Ok(Answer::Held(listener)) = serde_json::from_slice(&answer) {
        let mut supervisor = Supervisor::new(process.file(listener)?, process.id(), &order.owners)?;
        process.go_on()?;
        supervisor.serve(process.as_fd())?;
        answer = process.hear()?;
        left = supervisor.finish(&upper.into())?;
    }
    match process.end(&answer)? {
        Answer::Ended(ending) => {
            root::clear(&ending.made)?;
            Ok(Answer::Ended(Ending { made: Vec::new(), refused: left.refused, owners: left.owners, ..ending }))
        }
        answer => Ok(answer),
    }
}

fn init(mode: Mode, order: &RunOrder, groups: Vec<File>) -> Result<Answer, Failure> {
    cgroup::join(groups);
    // What it is in now is what the step sees as the root of all groups.
    unshare_flags(UnshareFlags::NEWCGROUP, &format!("make the namespaces of `{mode}`"))?;
    command::close_the_rest(order)?;
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
    if order.is_probe() {
        if mode == Mode::OneId {
            drop(owners::filter::install()?);
        }
        return Ok(Answer::Done);
    }
    command::run(order, mode, &Proc::open()?, made)
}

/// Gives the next process of this namespace a number (proc_sys_kernel(5), `ns_last_pid`). The machine's own `/proc` is
/// still there, and it means the namespace of who writes.
fn choose_number(number: u32) {
    // Nothing depends on it, and not every kernel has the file.
    let _ = std::fs::write("/proc/sys/kernel/ns_last_pid", number.saturating_sub(1).to_string());
}
