//! A program beside the command: started first, waited for, stopped last.
//!
//! Rationale: whether it is ready is read in `/proc/net` and not asked with a connection, because some programs serve one
//! connection and end.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, wait, waitpid};

use super::answer::{Doing, Ending, Failure};
use super::child::inherited;
use super::order::{RunOrder, ServiceOrder, Transport};
use super::proc::Proc;

/// Between two looks; less than it takes to start most programs.
const LOOK: Duration = Duration::from_millis(5);

/// One that is ready.
pub(super) struct Service<'a> {
    pid: Pid,
    order: &'a ServiceOrder,
}

impl<'a> Service<'a> {
    /// Starts it and waits until it listens. The inner error: it did not, and how it ended if it did.
    pub(super) fn start(
        order: &'a ServiceOrder,
        beside: &RunOrder,
        proc: &Proc,
    ) -> Result<Result<Self, Option<Ending>>, Failure> {
        if listens(order.port, order.transport, proc) {
            // It would be taken for the service.
            return Err(Failure::said("start the service", format!("somebody else listens at port {}", order.port)));
        }
        let (program, arguments) = order
            .argv
            .split_first()
            .ok_or_else(|| Failure::said("start the service", "the image has no entrypoint and no command"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(beside.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        if let Some(streams) = beside.streams {
            let output: OwnedFd = inherited(streams.service);
            command.stdout(output.try_clone().doing("open the output")?).stderr(output);
        }
        let child = command.spawn().doing(format!("run `{program}`"))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::said("start the service", "it has no number"))?;
        let service = Self { pid, order };
        Ok(service.wait(proc).map(|()| service))
    }

    /// Process 1 collects orphans of the service meanwhile.
    fn wait(&self, proc: &Proc) -> Result<(), Option<Ending>> {
        let began = Instant::now();
        loop {
            while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
                if pid == self.pid {
                    let (code, signal) = (status.exit_status(), status.terminating_signal());
                    return Err(Some(Ending { code, signal, ..Ending::default() }));
                }
            }
            if listens(self.order.port, self.order.transport, proc) {
                return Ok(());
            }
            if began.elapsed() >= self.order.ready {
                return Err(None);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Asks it to stop and gives it time to. If it does not, it ends with process 1.
    pub(super) fn stop(&self) {
        #[allow(unsafe_code)]
        // rustix takes no signal by its number alone; nothing but a number goes to another process.
        let asked = unsafe { libc::kill(self.pid.as_raw_nonzero().get(), self.order.stop_signal) };
        let began = Instant::now();
        // One that ended before was collected before, and is no child any more.
        while asked == 0
            && matches!(waitpid(Some(self.pid), WaitOptions::NOHANG), Ok(None))
            && began.elapsed() < self.order.stop
        {
            std::thread::sleep(LOOK);
        }
    }
}

/// Lets everybody listen at ports below 1024 in this network namespace, as docker and containerd do. A kernel or a machine
/// that does not let this be set has services that need root, as it has outside.
pub(super) fn allow_low_ports() {
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

/// Whether anybody in this network namespace listens.
fn listens(port: u16, transport: Transport, proc: &Proc) -> bool {
    let files = match transport {
        Transport::Tcp => ["net/tcp", "net/tcp6"],
        Transport::Udp => ["net/udp", "net/udp6"],
    };
    // A kernel without IPv6 has no file for it.
    files.iter().any(|file| has_listener(&proc.text(file).unwrap_or_default(), port, transport))
}

/// Reads the table of sockets (proc_pid_net(5)).
fn has_listener(table: &str, port: u16, transport: Transport) -> bool {
    // The states of the kernel's include/net/tcp_states.h: TCP_LISTEN, and for UDP the TCP_CLOSE of a socket without peer.
    let state = match transport {
        Transport::Tcp => "0A",
        Transport::Udp => "07",
    };
    let port = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&port)) && fields.nth(1) == Some(state)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
";

    #[test]
    fn only_who_listens_counts() {
        assert!(has_listener(TABLE, 8080, Transport::Tcp));
        assert!(!has_listener(TABLE, 8080, Transport::Udp));
        assert!(!has_listener(TABLE, 8081, Transport::Tcp), "that one is connected");
        assert!(!has_listener(TABLE, 80, Transport::Tcp) && !has_listener("", 8080, Transport::Tcp));
    }
}
