//! Number and arguments of a held system call -> what it asks for.

use libc::{c_int, seccomp_data};

use super::Refusal;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// What a file is. The answer goes to the address `to`.
    Stat { target: Target, form: Form, to: u64 },
    /// A file shall belong to somebody. `u32::MAX` leaves what is there.
    Chown { target: Target, uid: u32, gid: u32 },
    /// The names of the attributes of a file, `size_bytes` of them, to the address `to`.
    List { target: Target, to: u64, size_bytes: u64 },
    /// To see another root.
    ChangeRoot,
    /// Further groups: `count` numbers at the address `from`.
    Groups { count: u64, from: u64 },
    /// A device.
    Device(Refusal),
    /// Another user or group.
    Become(Refusal),
}

/// The file that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// Where a relative path starts.
    pub(super) base: Base,
    /// The address of the path; without one the base itself is meant.
    pub(super) path: Option<u64>,
    /// Whether a link at its end is followed.
    pub(super) follow: bool,
    /// Whether an empty path means the base.
    pub(super) may_be_empty: bool,
}

/// Where a relative path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// In the directory that the process is in.
    Cwd,
    /// At an open file.
    Fd(c_int),
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `struct stat`.
    Stat { flags: c_int },
    /// `struct statx` with the fields of `mask`.
    Statx { flags: c_int, mask: u32 },
}

impl Target {
    fn path(path: u64, follow: bool) -> Self {
        Self { base: Base::Cwd, path: Some(path), follow, may_be_empty: false }
    }

    fn fd(fd: u64) -> Self {
        Self { base: Base::Fd(int(fd)), path: None, follow: true, may_be_empty: true }
    }

    fn at(fd: u64, path: u64, flags: c_int) -> Self {
        let base = if int(fd) == libc::AT_FDCWD { Base::Cwd } else { Base::Fd(int(fd)) };
        let may_be_empty = flags & libc::AT_EMPTY_PATH != 0;
        Self {
            base,
            // Linux 6.11 takes no path for an empty one.
            path: (path != 0 || !may_be_empty).then_some(path),
            follow: flags & libc::AT_SYMLINK_NOFOLLOW == 0,
            may_be_empty,
        }
    }
}

impl Call {
    /// What a held call asks for; `None` for one that is not held for any reason.
    pub(super) fn read(data: &seccomp_data) -> Option<Self> {
        let [a, b, c, d, e, _] = data.args;
        Self::of_some_machines(data).or_else(|| {
            Some(match i64::from(data.nr) {
                libc::SYS_fstat => Self::Stat { target: Target::fd(a), form: Form::Stat { flags: 0 }, to: b },
                libc::SYS_newfstatat => {
                    Self::Stat { target: Target::at(a, b, int(d)), form: Form::Stat { flags: int(d) }, to: c }
                }
                libc::SYS_statx => {
                    let form = Form::Statx { flags: int(c), mask: word(d) };
                    Self::Stat { target: Target::at(a, b, int(c)), form, to: e }
                }
                libc::SYS_fchown => Self::Chown { target: Target::fd(a), uid: word(b), gid: word(c) },
                libc::SYS_fchownat => Self::Chown { target: Target::at(a, b, int(e)), uid: word(c), gid: word(d) },
                libc::SYS_listxattr => Self::List { target: Target::path(a, true), to: b, size_bytes: c },
                libc::SYS_llistxattr => Self::List { target: Target::path(a, false), to: b, size_bytes: c },
                libc::SYS_flistxattr => Self::List { target: Target::fd(a), to: b, size_bytes: c },
                libc::SYS_chroot => Self::ChangeRoot,
                libc::SYS_setuid => Self::Become(Refusal::User(word(a))),
                libc::SYS_setreuid => Self::Become(Refusal::User(foreign(&[a, b])?)),
                libc::SYS_setresuid => Self::Become(Refusal::User(foreign(&[a, b, c])?)),
                libc::SYS_setgid => Self::Become(Refusal::Group(word(a))),
                libc::SYS_setregid => Self::Become(Refusal::Group(foreign(&[a, b])?)),
                libc::SYS_setresgid => Self::Become(Refusal::Group(foreign(&[a, b, c])?)),
                libc::SYS_setgroups => Self::Groups { count: a, from: b },
                libc::SYS_mknodat => Self::Device(device(d)),
                _ => return None,
            })
        })
    }

    /// The calls that newer machines were not given.
    #[cfg(target_arch = "x86_64")]
    fn of_some_machines(data: &seccomp_data) -> Option<Self> {
        let [a, b, c, ..] = data.args;
        let form = Form::Stat { flags: 0 };
        Some(match i64::from(data.nr) {
            libc::SYS_stat => Self::Stat { target: Target::path(a, true), form, to: b },
            libc::SYS_lstat => {
                let form = Form::Stat { flags: libc::AT_SYMLINK_NOFOLLOW };
                Self::Stat { target: Target::path(a, false), form, to: b }
            }
            libc::SYS_chown => Self::Chown { target: Target::path(a, true), uid: word(b), gid: word(c) },
            libc::SYS_lchown => Self::Chown { target: Target::path(a, false), uid: word(b), gid: word(c) },
            libc::SYS_mknod => Self::Device(device(c)),
            _ => return None,
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of_some_machines(_data: &seccomp_data) -> Option<Self> {
        None
    }
}

/// Whether a number names somebody else than root, and not nobody.
pub(super) fn is_foreign(id: u32) -> bool {
    id != 0 && id != u32::MAX
}

fn foreign(ids: &[u64]) -> Option<u32> {
    ids.iter().map(|id| word(*id)).find(|id| is_foreign(*id))
}

fn device(number: u64) -> Refusal {
    // The kernel takes 32 bits.
    let number = u64::from(word(number));
    Refusal::Device(libc::major(number), libc::minor(number))
}

/// The kernel looks at the low half of an argument that is an `int`.
fn int(argument: u64) -> c_int {
    word(argument) as c_int
}

fn word(argument: u64) -> u32 {
    (argument & u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: i64, args: [u64; 6]) -> Option<Call> {
        let nr = c_int::try_from(number).expect("a small number");
        Call::read(&seccomp_data { nr, arch: 0, instruction_pointer: 0, args })
    }

    /// An `int` of a caller, whose upper half may be anything.
    fn argument(value: c_int) -> u64 {
        u64::from(value as u32) | 0xdead_0000_0000
    }

    #[test]
    fn a_path_starts_where_the_call_says() {
        let cwd = argument(libc::AT_FDCWD);
        let nofollow = argument(libc::AT_SYMLINK_NOFOLLOW);
        let target = Target { base: Base::Cwd, path: Some(10), follow: false, may_be_empty: false };
        let form = Form::Stat { flags: libc::AT_SYMLINK_NOFOLLOW };
        let expected = Call::Stat { target, form, to: 20 };
        assert_eq!(read(libc::SYS_newfstatat, [cwd, 10, 20, nofollow, 0, 0]), Some(expected));
        let target = Target { base: Base::Fd(3), path: Some(10), follow: true, may_be_empty: true };
        let expected = Call::Chown { target, uid: u32::MAX, gid: 7 };
        let empty = argument(libc::AT_EMPTY_PATH);
        assert_eq!(read(libc::SYS_fchownat, [argument(3), 10, argument(-1), 7, empty, 0]), Some(expected));
    }

    #[test]
    fn no_path_is_an_empty_one_where_that_is_allowed() {
        let form = Form::Statx { flags: libc::AT_EMPTY_PATH, mask: 0x7ff };
        let target = Target { base: Base::Fd(3), path: None, follow: true, may_be_empty: true };
        let expected = Call::Stat { target, form, to: 20 };
        assert_eq!(read(libc::SYS_statx, [3, 0, argument(libc::AT_EMPTY_PATH), 0x7ff, 20, 0]), Some(expected));
        let Some(Call::Stat { target, .. }) = read(libc::SYS_statx, [3, 0, 0, 0x7ff, 20, 0]) else {
            panic!("it is one of the family");
        };
        assert_eq!(target.path, Some(0));
    }

    #[test]
    fn the_first_foreign_id_is_told() {
        let expected = Call::Become(Refusal::User(33));
        assert_eq!(read(libc::SYS_setresuid, [argument(-1), 0, 33, 0, 0, 0]), Some(expected));
        assert_eq!(read(libc::SYS_setresuid, [argument(-1), 0, 0, 0, 0, 0]), None);
        let expected = Call::Device(Refusal::Device(8, 300));
        let number = libc::makedev(8, 300);
        assert_eq!(read(libc::SYS_mknodat, [0, 0, 0, number, 0, 0]), Some(expected));
    }

    #[test]
    fn other_calls_are_nothing() {
        assert_eq!(read(libc::SYS_openat, [0; 6]), None);
    }
}
