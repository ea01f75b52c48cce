//! The root that a command sees.
//!
//! Everything that comes from the machine is opened before the machine's root goes away, and put in its place afterwards:
//! no name in the image can lead out. Process 1 has nothing of the machine open ([`super::command`]), nothing but the six
//! devices below is a device, and those cannot be changed.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, open_tree, unmount,
};

use super::answer::{Doing, Failure};
use super::mode::Mode;
use super::order::{Bind, BindKind, RunOrder, Temporary};
use super::overlay::{Overlay, joined};
use super::place;

/// Devices of the machine that every program may expect.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Links in `/dev` (the kernel's Documentation/admin-guide/devices.rst, "Compulsory links").
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// What of `/proc` can only be read: as root of the machine a write there would reach it.
const PROC_READ_ONLY: [&str; 4] = ["sys", "irq", "bus", "sysrq-trigger"];

/// What of `/proc` tells about the machine.
const PROC_HIDDEN: [&str; 4] = ["kcore", "keys", "timer_list", "latency_stats"];

const SAFE: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A mount that is not in its place yet.
struct Loose {
    mount: OwnedFd,
    to: PathBuf,
    is_directory: bool,
}

/// Mounts the root of `order`, goes there and leaves the machine's behind. Gives the mount points that had to be made in
/// it, the outermost first.
pub(super) fn enter(order: &RunOrder, mode: Mode) -> Result<Vec<String>, Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).doing("separate the mounts from the machine's")?;
    let overlay = Overlay {
        lower: &order.lower,
        upper: &order.upper,
        work: &order.work,
        unprivileged: mode.has_user_namespace(),
    };
    overlay.mount(&order.root)?;
    let mut loose = vec![
        system("proc", "proc", &[], SAFE | MountAttrFlags::MOUNT_ATTR_NOEXEC)?,
        system("tmpfs", "dev", &[("mode", "0755"), ("size", "1M")], SAFE)?,
        system("devpts", "dev/pts", &[("mode", "0620"), ("ptmxmode", "0666")], MountAttrFlags::MOUNT_ATTR_NOSUID)?,
        system("tmpfs", "dev/shm", &[("mode", "1777")], SAFE)?,
    ];
    if order.temporary == Temporary::Empty {
        loose.push(system("tmpfs", "tmp", &[("mode", "1777")], SAFE)?);
        loose.push(system("tmpfs", "run", &[("mode", "0755")], SAFE)?);
    }
    for name in DEVICES {
        let device = opened(&Path::new("/dev").join(name), &Path::new("dev").join(name))?;
        // The node is the machine's: it can be read from and written to, and not be changed.
        set(&device.mount, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)
            .doing(format!("guard `/dev/{name}`"))?;
        loose.push(device);
    }
    for (number, bind) in order.binds.iter().enumerate() {
        let names = order.work.with_file_name(format!("names-{number}"));
        loose.push(bound(bind, &names, mode)?);
    }
    std::env::set_current_dir(&order.root).doing("enter the new root")?;
    rustix::process::pivot_root(".", ".").doing("change the root")?;
    unmount(".", UnmountFlags::DETACH).doing("leave the machine's root")?;
    std::env::set_current_dir("/").doing("enter the new root")?;
    let mut made = Vec::new();
    for loose in loose {
        let to = Path::new("/").join(&loose.to);
        place::make(&to, loose.is_directory, &mut made)?;
        move_mount(&loose.mount, "", CWD, &to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing(format!("mount `{}`", to.display()))?;
        if loose.to == Path::new("proc") {
            guard_proc()?;
        }
        if loose.to == Path::new("dev") {
            for (name, target) in LINKS {
                std::os::unix::fs::symlink(target, Path::new("/dev").join(name))
                    .doing(format!("make `/dev/{name}`"))?;
            }
        }
    }
    secrets(order)?;
    Ok(made)
}

/// Writes the secrets into memory; only the step's user may read them.
pub(super) fn secrets(order: &RunOrder) -> Result<(), Failure> {
    const DIRECTORY: &str = "/run/secrets";
    if order.secrets.is_empty() {
        return Ok(());
    }
    fs::create_dir(DIRECTORY).doing("make a place for secrets")?;
    for (name, value) in &order.secrets {
        let path = Path::new(DIRECTORY).join(name);
        let doing = || format!("give the secret `{name}`");
        fs::write(&path, value).doing(doing())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).doing(doing())?;
        std::os::unix::fs::chown(&path, Some(order.uid), Some(order.gid)).doing(doing())?;
    }
    fs::set_permissions(DIRECTORY, fs::Permissions::from_mode(0o755)).doing("make a place for secrets")
}

fn system(kind: &str, to: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> Result<Loose, Failure> {
    let doing = || format!("make `/{to}`");
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).doing(doing())?;
    for (key, value) in options {
        fsconfig_set_string(&context, *key, *value).doing(doing())?;
    }
    fsconfig_create(&context).doing(doing())?;
    let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).doing(doing())?;
    Ok(Loose { mount, to: to.into(), is_directory: true })
}

/// A file or directory of the machine as a mount of its own.
fn opened(from: &Path, to: &Path) -> Result<Loose, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, from, flags).doing(format!("open `{}`", from.display()))?;
    let is_directory = fs::metadata(from).doing(format!("look at `{}`", from.display()))?.is_dir();
    Ok(Loose { mount, to: to.strip_prefix("/").unwrap_or(to).to_owned(), is_directory })
}

fn bound(bind: &Bind, names: &Path, mode: Mode) -> Result<Loose, Failure> {
    let to = Path::new(&bind.to);
    let loose = match bind.from.as_slice() {
        [from] => opened(from, to)?,
        parts => Loose {
            mount: joined(parts, bind.kind, names, mode.has_user_namespace())?,
            to: to.strip_prefix("/").unwrap_or(to).to_owned(),
            is_directory: true,
        },
    };
    let more = match bind.kind {
        BindKind::ReadOnly => libc::MOUNT_ATTR_RDONLY,
        BindKind::Shared => 0,
    };
    set(&loose.mount, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | more)
        .doing(format!("guard what is mounted at `{}`", bind.to))?;
    Ok(loose)
}

/// Sets attributes of a mount that nobody else has. Those that a user namespace has locked stay as they are.
fn set(mount: &OwnedFd, attributes: u64) -> Result<(), std::io::Error> {
    use std::os::fd::AsRawFd;
    let attributes = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    #[allow(unsafe_code)] // rustix has no mount_setattr(2); the pointers live as long as the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

fn guard_proc() -> Result<(), Failure> {
    for name in PROC_READ_ONLY {
        let path = Path::new("/proc").join(name);
        if !path.exists() {
            continue;
        }
        let loose = opened(&path, &path)?;
        set(&loose.mount, libc::MOUNT_ATTR_RDONLY).doing(format!("make `{}` read-only", path.display()))?;
        move_mount(&loose.mount, "", CWD, &path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing(format!("guard `{}`", path.display()))?;
    }
    Ok(())
}

/// Hides what of `/proc` tells about the machine behind `/dev/null`, which is there by now.
pub(super) fn hide_proc() -> Result<(), Failure> {
    for name in PROC_HIDDEN {
        let path = Path::new("/proc").join(name);
        if path.exists() {
            let loose = opened(Path::new("/dev/null"), &path)?;
            move_mount(&loose.mount, "", CWD, &path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
                .doing(format!("hide `{}`", path.display()))?;
        }
    }
    Ok(())
}

/// Takes away what [`enter`] made, as far as the command left it as it was. Nobody is in the root any more but this process,
/// which still has it: a change of the root moves whoever was in the old one (pivot_root(2)).
pub(super) fn clear(made: &[String]) -> Result<(), Failure> {
    for path in made.iter().rev() {
        // Of a place's directories only the last one has a mount.
        let _ = unmount(path.as_str(), UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    }
    place::take_away(made)
}
