//! Where neither namespaces nor mounts can be had: a copy of the layers, entered with chroot(2).
//!
//! ```text
//! fill      lower directories -> one directory with all of it, their whiteouts applied
//! copy      a directory       -> the same files in another one
//! renew     a filled directory that was used -> one that is as it was filled
//! record    what the filled directory is like, so that a later look finds what was changed
//! cover     what the command is given, put into the root before it and taken away after it
//! device    a `/dev` of nodes
//! orphans   whoever the command left running, ended
//! ```
//! For a container of a CI runner: its root may change owners and roots, and the runtime forbids unshare(2) and mount(2).
//!
//! # Nothing is isolated
//! A command shares the machine's network, processes, host name and clock with whoever else is in the container, and root
//! can leave a chroot. What [`super::confine`] takes away is taken away here too, and so are variables and open files. That
//! keeps mistakes inside, and nobody who means harm.
//!
//! # The digest is the same
//! The upper directory of a command is the whole root, and has a record beside it. Whoever reads it gets what an overlay
//! would have in its upper directory: every file whose stamp is not the record's any more, and a whiteout for each that is
//! gone. Which of them differ from the layers below is found by their bytes, as in every mode. A directory with a record
//! stands for all layers below it.
//!
//! An overlay gives a file of several names in a layer below a copy for each that is changed; here each name is a file from
//! the beginning. Known to differ: `/proc` is empty, because nothing is ever mounted: what is mounted and not taken away,
//! after a kill, would be in the way of who removes the directory. Caches are moved into the root and back, so a killed build
//! loses those of its step.

mod copy;
mod cover;
mod device;
mod fill;
mod orphans;
pub(super) mod record;
mod renew;

use std::path::{Path, PathBuf};

use std::fs::File;

use rustix::fs::Mode as FileMode;
use rustix::process::{chdir, chroot, set_child_subreaper};
use rustix::thread::{CapabilitySet, capabilities};

use super::answer::{Answer, Doing, Failure};
use super::cgroup;
use super::command;
use super::error::SandboxError;
use super::fork::{Side, fork};
use super::mode::Mode;
use super::order::RunOrder;
use super::proc::Proc;

use cover::{Covers, Goods};
use record::For;

pub(super) use orphans::stop;
pub(super) use record::Record;

/// What root must be allowed to do, by name.
const NEEDED: [(&str, CapabilitySet); 6] = [
    ("CAP_CHOWN", CapabilitySet::CHOWN),
    ("CAP_DAC_OVERRIDE", CapabilitySet::DAC_OVERRIDE),
    ("CAP_FOWNER", CapabilitySet::FOWNER),
    ("CAP_SETGID", CapabilitySet::SETGID),
    ("CAP_SETUID", CapabilitySet::SETUID),
    ("CAP_SYS_CHROOT", CapabilitySet::SYS_CHROOT),
];

/// Runs the command of `order` in a copy of its layers. This process enters it as well, and puts everything back.
pub(super) fn run(order: &RunOrder, groups: Vec<File>) -> Result<Answer, Failure> {
    has_capabilities()?;
    fill::fill(order)?;
    let proc = Proc::open()?;
    let goods = Goods::open(order)?;
    let mut covers = Covers::new(&order.work)?;
    command::keep_files_from_it()?;
    chroot(&order.upper).doing("change the root")?;
    chdir("/").doing("enter the new root")?;
    rustix::process::umask(FileMode::empty());
    // Whoever loses its parent belongs to this process from now on.
    set_child_subreaper(Some(rustix::process::getpid())).doing("collect what the step leaves running")?;
    let answer = match covers.furnish(order, goods) {
        Err(failure) => Err(failure),
        Ok(()) if order.is_probe() => Ok(Answer::Done),
        Ok(()) => match fork() {
            Ok(Side::Copy) => {
                cgroup::join(groups);
                return command::run(order, Mode::Chroot, &proc, Vec::new());
            }
            Ok(Side::Original(mut process)) => process.hear().and_then(|answer| process.end(&answer)),
            Err(failure) => Err(failure),
        },
    };
    // In any case: what the root was furnished with is no part of it.
    let cleared = orphans::end(&proc).and_then(|()| covers.take_away());
    let answer = answer?;
    cleared.map(|()| answer)
}

fn has_capabilities() -> Result<(), Failure> {
    let held = capabilities(None).doing("read this process's capabilities")?.effective;
    let missing: Vec<&str> = NEEDED.iter().filter(|(_, one)| !held.contains(*one)).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::said("give a step a root of its own", format!("this process has no {}", missing.join(", "))))
}

/// Refuses what would have to be in memory and cannot be.
pub(super) fn check(order: &RunOrder) -> Result<(), SandboxError> {
    if order.secrets.is_empty() || is_in_memory(&order.upper) {
        return Ok(());
    }
    Err(SandboxError::SecretOnDisk)
}

/// The root in the directory `work` that a later command can use, if there is one.
pub(super) fn renewable(work: &Path) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(work).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.find(|path| path.is_dir() && For::Renewal.beside(path).exists())
}

/// Moves that root to `to`.
pub(super) fn keep(root: &Path, to: &Path) {
    for (from, to) in [(root, to), (&For::Renewal.beside(root), &For::Renewal.beside(to))] {
        // Without one of the two, the other is no use to anybody.
        let _ = std::fs::rename(from, to);
    }
}

fn is_in_memory(path: &Path) -> bool {
    // linux/magic.h, TMPFS_MAGIC and RAMFS_MAGIC.
    const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(path).is_ok_and(|found| IN_MEMORY.iter().any(|magic| u64::try_from(found.f_type) == Ok(*magic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_written_to_a_disk() {
        // No file system of this machine's processes can be written to, and none is a tmpfs.
        let upper = std::path::PathBuf::from("/proc");
        let mut order = RunOrder { upper, ..RunOrder::default() };
        assert!(check(&order).is_ok());
        order.secrets.push(("token".to_owned(), b"value".to_vec()));
        let refused = check(&order);
        assert!(matches!(refused, Err(SandboxError::SecretOnDisk)), "{refused:?}");
    }
}
