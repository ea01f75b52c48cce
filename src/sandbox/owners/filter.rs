//! Which system calls are held until the supervisor answers.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::sandbox::answer::{Doing, Failure};

/// Held whatever their arguments are.
const ALWAYS: &[i64] = &[
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_flistxattr,
    libc::SYS_setgroups,
    libc::SYS_chroot,
];

/// The same for calls that newer machines were not given.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[i64] = &[libc::SYS_stat, libc::SYS_lstat, libc::SYS_chown, libc::SYS_lchown];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[i64] = &[];

/// Held if one of the first arguments is somebody else than root: the call, and how many they are.
const FOREIGN: &[(i64, u8)] = &[
    (libc::SYS_setuid, 1),
    (libc::SYS_setgid, 1),
    (libc::SYS_setreuid, 2),
    (libc::SYS_setregid, 2),
    (libc::SYS_setresuid, 3),
    (libc::SYS_setresgid, 3),
];

/// Held if a device is to be made: the call, and where its mode is.
#[cfg(target_arch = "x86_64")]
const DEVICES: &[(i64, u8)] = &[(libc::SYS_mknodat, 2), (libc::SYS_mknod, 1)];
#[cfg(not(target_arch = "x86_64"))]
const DEVICES: &[(i64, u8)] = &[(libc::SYS_mknodat, 2)];

/// What seccompiler is told instead of "hold it", for which it has no name.
const MARK: u32 = 0x6b69;

/// Holds the calls from now on, and gives where they come out. This process must have given up new privileges.
pub(in crate::sandbox) fn install() -> Result<OwnedFd, Failure> {
    const DOING: &str = "have the owners of files answered for";
    let program = program().map_err(|error| Failure::said(DOING, error.to_string()))?;
    // Signals that do not kill wait for the answer (Linux 5.19), so that a call is not asked for twice.
    let patient = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    match load(&program, patient) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            load(&program, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)
        }
        loaded => loaded,
    }
    .doing(DOING)
}

fn load(program: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<OwnedFd> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    // The kernel only reads it.
    let filter = program.as_ptr().cast_mut();
    let whole = libc::sock_fprog { len: u16::try_from(program.len()).map_err(too_long)?, filter };
    #[allow(unsafe_code)] // Nobody else loads a filter with a listener; the pointers live as long as the call.
    let fd = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const whole) };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(unsafe_code)] // The kernel made it for this process.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The filter as the kernel takes it.
fn program() -> Result<Vec<libc::sock_filter>, BackendError> {
    /// A return with a constant (linux/bpf_common.h, BPF_RET | BPF_K).
    const RETURN: u16 = 0x06;
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let rules = rules()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Trace(MARK), arch)?;
    let program = BpfProgram::try_from(filter)?;
    let held = |code: u16, k: u32| code == RETURN && k == libc::SECCOMP_RET_TRACE | MARK;
    let instruction = |from: seccompiler::sock_filter| libc::sock_filter {
        code: from.code,
        jt: from.jt,
        jf: from.jf,
        k: if held(from.code, from.k) { libc::SECCOMP_RET_USER_NOTIF } else { from.k },
    };
    Ok(program.into_iter().map(instruction).collect())
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALWAYS.iter().chain(ALWAYS_HERE).map(|number| (*number, Vec::new())).collect();
    let condition = |index, op, value: u32| SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, value.into());
    for (number, count) in FOREIGN {
        let foreign = |index| {
            let is_not_root = condition(index, SeccompCmpOp::Ne, 0)?;
            SeccompRule::new(vec![is_not_root, condition(index, SeccompCmpOp::Ne, u32::MAX)?])
        };
        rules.insert(*number, (0..*count).map(foreign).collect::<Result<_, _>>()?);
    }
    for (number, mode) in DEVICES {
        let of_kind = |kind: libc::mode_t| {
            let masked = SeccompCmpOp::MaskedEq(libc::S_IFMT.into());
            SeccompRule::new(vec![condition(*mode, masked, kind)?])
        };
        rules.insert(*number, vec![of_kind(libc::S_IFCHR)?, of_kind(libc::S_IFBLK)?]);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_matches_is_held_and_nothing_traced() {
        let program = program().expect("it can be made");
        let returns = |value: u32| program.iter().filter(|line| line.code == 0x06 && line.k == value).count();
        let always = ALWAYS.len() + ALWAYS_HERE.len();
        let foreign: usize = FOREIGN.iter().map(|(_, count)| usize::from(*count)).sum();
        assert_eq!(returns(libc::SECCOMP_RET_USER_NOTIF), always + foreign + 2 * DEVICES.len());
        assert_eq!(returns(libc::SECCOMP_RET_TRACE | MARK), 0);
    }
}
