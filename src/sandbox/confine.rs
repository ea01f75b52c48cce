//! Takes from this process what a step does not need.
//!
//! The order matters: the bounding set needs a capability, the ids need another, and the filter comes last because it
//! denies what the others use.

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, capabilities, set_capabilities, set_no_new_privs};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::answer::{Doing, Failure};
use super::order::{Limits, RunOrder, most_processes};

/// What root may do in a step: what package managers and installers need, and nothing that reaches the machine.
pub const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::SETFCAP);

/// System calls that answer EPERM: they change the machine, its clock, its kernel or the mounts, or lead out of the root.
pub const DENIED: &[(&str, i64)] = &[
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("move_mount", libc::SYS_move_mount),
    ("open_tree", libc::SYS_open_tree),
    ("fsopen", libc::SYS_fsopen),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fspick", libc::SYS_fspick),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("setns", libc::SYS_setns),
    ("unshare", libc::SYS_unshare),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("keyctl", libc::SYS_keyctl),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("reboot", libc::SYS_reboot),
    ("swapon", libc::SYS_swapon),
    ("swapoff", libc::SYS_swapoff),
    ("acct", libc::SYS_acct),
    ("quotactl", libc::SYS_quotactl),
    ("syslog", libc::SYS_syslog),
    ("settimeofday", libc::SYS_settimeofday),
    ("clock_settime", libc::SYS_clock_settime),
    ("adjtimex", libc::SYS_adjtimex),
    ("clock_adjtime", libc::SYS_clock_adjtime),
    ("vhangup", libc::SYS_vhangup),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("lookup_dcookie", libc::SYS_lookup_dcookie),
    ("nfsservctl", libc::SYS_nfsservctl),
];

/// System calls that answer ENOSYS, so that callers take the older way, which a filter can look into.
pub const ABSENT: &[(&str, i64)] = &[
    ("clone3", libc::SYS_clone3),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
];

/// System calls that answer that they are done, and do nothing: what a step writes is read back through the same kernel, and
/// is thrown away if that goes down. Package managers wait for the disk thousands of times.
pub const IDLE: &[(&str, i64)] = &[
    ("fsync", libc::SYS_fsync),
    ("fdatasync", libc::SYS_fdatasync),
    ("sync", libc::SYS_sync),
    ("syncfs", libc::SYS_syncfs),
    ("sync_file_range", libc::SYS_sync_file_range),
];

/// Gives up everything, for good.
pub(super) fn confine(order: &RunOrder) -> Result<(), Failure> {
    limits(order.limits)?;
    let every = (0..=LAST_CAPABILITY).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    for capability in every.filter(|capability| !KEPT.contains(*capability)) {
        // A kernel that does not know it does not have it.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let groups: Vec<Gid> = order.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    match rustix::thread::set_thread_groups(&groups) {
        // In a namespace of one id groups cannot be set, and there are none to lose.
        Err(rustix::io::Errno::PERM) if order.groups.iter().all(|gid| *gid == order.gid) => {}
        set => set.doing("set the step's groups")?,
    }
    let (uid, gid) = (Uid::from_raw(order.uid), Gid::from_raw(order.gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid).doing(format!("become group {}", order.gid))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).doing(format!("become user {}", order.uid))?;
    // A container may have less than what is kept elsewhere.
    let held = capabilities(None).doing("read this process's capabilities")?.permitted;
    let kept = if order.uid == 0 { KEPT.intersection(held) } else { CapabilitySet::empty() };
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).doing("give up capabilities")?;
    // A change of ids forgets it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).doing("die with kiln")?;
    set_no_new_privs(true).doing("give up new privileges")?;
    filter()
}

/// CAP_CHECKPOINT_RESTORE (capabilities(7)); later ones are not known to any kernel yet.
const LAST_CAPABILITY: u64 = 40;

fn limits(limits: Limits) -> Result<(), Failure> {
    let fixed = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    // No core files in layers.
    setrlimit(Resource::Core, fixed(0)).doing("limit core files")?;
    let most = |resource: Resource, value: u64| {
        let allowed = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        setrlimit(resource, fixed(value.min(allowed)))
    };
    /// What Debian's own shells have; some programs close every number up to it one by one.
    const FILES: u64 = 1024;
    /// What those that need more may ask for.
    const FILES_MAX: u64 = 524_288;
    let allowed = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let files = Rlimit { current: Some(FILES.min(allowed)), maximum: Some(FILES_MAX.min(allowed)) };
    setrlimit(Resource::Nofile, files).doing("limit open files")?;
    most(Resource::Nproc, most_processes()).doing("limit processes")?;
    if let Some(memory_bytes) = limits.memory_bytes {
        most(Resource::Data, memory_bytes).doing("limit memory")?;
    }
    Ok(())
}

/// How many processors this process may use, and steps that do not say how many they want; at least one.
pub fn processors() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |allowed| allowed.count().max(1))
}

/// Chooses the first processors that this process may use.
pub(super) fn choose_processors(count: u32) -> Result<(), Failure> {
    let allowed = rustix::thread::sched_getaffinity(None).doing("read the processors")?;
    let mut chosen = rustix::thread::CpuSet::new();
    let processors = (0..rustix::thread::CpuSet::MAX_CPU).filter(|at| allowed.is_set(*at));
    processors.take(usize::try_from(count).unwrap_or(usize::MAX)).for_each(|at| chosen.set(at));
    if chosen.count() < count {
        let reason = format!("this machine has {}: give the step `cpus = {}`", chosen.count(), chosen.count());
        return Err(Failure::said(format!("give the step {count} processors"), reason));
    }
    rustix::thread::sched_setaffinity(None, &chosen).doing("choose the processors")
}

fn filter() -> Result<(), Failure> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|error| Failure::said("filter system calls", error.to_string()))?;
    let said = |error: seccompiler::BackendError| Failure::said("filter system calls", error.to_string());
    for (calls, errno) in [(IDLE, 0), (ABSENT, libc::ENOSYS), (DENIED, libc::EPERM)] {
        let mut rules: BTreeMap<i64, Vec<_>> = calls.iter().flat_map(|(_, number)| forms(*number)).collect();
        if errno == libc::EPERM {
            rules.insert(libc::SYS_clone, namespaces().map_err(said)?);
            rules.insert(libc::SYS_ioctl, vec![pushed_input().map_err(said)?]);
        }
        let answer = SeccompAction::Errno(errno.unsigned_abs());
        let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)
            .and_then(BpfProgram::try_from)
            .map_err(said)?;
        seccompiler::apply_filter(&program).map_err(|error| Failure::said("filter system calls", error.to_string()))?;
    }
    Ok(())
}

/// `clone` with any new namespace.
fn namespaces() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    const FLAGS: [libc::c_int; 7] = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    let rule = |flag: libc::c_int| {
        let flag = u64::from(flag.unsigned_abs());
        let has = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
        SeccompRule::new(vec![has])
    };
    FLAGS.into_iter().map(rule).collect()
}

/// `ioctl` that types into somebody's terminal (CVE-2017-5226).
fn pushed_input() -> Result<SeccompRule, seccompiler::BackendError> {
    let is = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::TIOCSTI)?;
    SeccompRule::new(vec![is])
}

/// A call by its number, and by the one of the x32 ABI (the kernel's `__X32_SYSCALL_BIT`), which has the same architecture.
fn forms(number: i64) -> impl Iterator<Item = (i64, Vec<SeccompRule>)> {
    const X32: i64 = 0x4000_0000;
    [number, number | X32].into_iter().map(|number| (number, Vec::new()))
}
