//! Answers held calls. See the [module](super) for what it answers and why.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{BorrowedFd, OwnedFd};

use libc::seccomp_notif;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Stat, Uid, XattrFlags, chownat, openat, setxattr, stat, statat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, chdir, chroot, fchdir, getrlimit, setrlimit};

use crate::base::path::unreadable;
use crate::sandbox::answer::{Doing, Failure};

use super::call::{Call, Form, Target, is_foreign};
use super::caller::Caller;
use super::file::{attribute, group, group_of, identity, identity_of, names_but_record, own, special_files, told};
use super::listener::{Listener, Reply};
use super::name::Name;
use super::table::Table;
use super::{ATTRIBUTE, Owner, Refusal};

/// Answers for one step.
pub(in crate::sandbox) struct Supervisor {
    listener: Listener,
    /// The root of the step and of this process.
    root: OwnedFd,
    /// The machine's `/proc`, where this process stands.
    machine: OwnedFd,
    table: Table,
    /// What was in the table at first, by path.
    seeds: Vec<String>,
    refused: BTreeSet<Refusal>,
    /// Whether a process may have another root than the step's.
    has_roots: bool,
}

/// What is left when a step has ended.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Left {
    /// What it was refused.
    pub(in crate::sandbox) refused: Vec<Refusal>,
    /// The owners of what cannot have attributes, by path as [`crate::base::path::readable`] writes it.
    pub(in crate::sandbox) owners: Vec<(String, Owner)>,
}

/// Goes where [`Supervisor`] stands. A root that changes later is not followed there.
pub(in crate::sandbox) fn stand() -> Result<(), Failure> {
    chdir("/proc").doing("enter `/proc`")
}

impl Supervisor {
    /// One for the step of the process 1 that is `init` here, and has made its root. `seeds` is what is known already of
    /// the owners of files that cannot have attributes.
    pub(in crate::sandbox) fn new(listener: OwnedFd, init: u32, seeds: &[(String, Owner)]) -> Result<Self, Failure> {
        const DOING: &str = "watch the owners of files";
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, "/", directory, Mode::empty()).doing(DOING)?;
        let machine = openat(CWD, ".", directory, Mode::empty()).doing(DOING)?;
        // pivot_root(2) has given this process the root that process 1 made. Nothing is looked at before that is sure.
        let place = |stat: Stat| (stat.st_dev, stat.st_ino);
        let of_init = stat(format!("{init}/root/.")).map(place).doing("look at the step's root")?;
        if statat(&root, "", AtFlags::EMPTY_PATH).map(place).doing(DOING)? != of_init {
            return Err(Failure::said(DOING, "the step has another root"));
        }
        let most = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).doing("open many files")?;
        let mut supervisor = Self {
            listener: Listener::new(listener),
            root,
            machine,
            table: Table::default(),
            seeds: seeds.iter().map(|(path, _)| path.clone()).collect(),
            refused: BTreeSet::new(),
            has_roots: false,
        };
        for (path, owner) in seeds {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let Some(path) = in_root(path) else { continue };
            // What a layer has and this mode cannot make, such as a device, is not there.
            let Ok(open) = openat(CWD, &path, flags, Mode::empty()) else { continue };
            supervisor.table.put(identity_of(&open).doing(DOING)?, *owner, open);
        }
        Ok(supervisor)
    }

    /// Answers until there is something to read from `done`, or nobody is left to ask.
    pub(in crate::sandbox) fn serve(&mut self, done: BorrowedFd<'_>) -> Result<(), Failure> {
        const DOING: &str = "answer for the owners of files";
        loop {
            let mut waiting =
                [PollFd::new(&self.listener, PollFlags::IN), PollFd::from_borrowed_fd(done, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => continue,
                polled => polled.doing(DOING)?,
            };
            let [asked, ended] = [waiting[0].revents(), waiting[1].revents()];
            if asked.contains(PollFlags::IN) {
                if let Some(held) = self.listener.receive().doing(DOING)? {
                    let reply = self.reply(&held)?;
                    self.listener.answer(held.id, reply);
                }
            } else if !ended.is_empty() || asked.contains(PollFlags::HUP) {
                return Ok(());
            }
        }
    }

    /// Ends it. `upper` is the upper directory of the step's root, which is still there.
    pub(in crate::sandbox) fn finish(self, upper: &OwnedFd) -> Result<Left, Failure> {
        let refused = self.refused.into_iter().collect();
        let mut paths: BTreeSet<String> = self.seeds.into_iter().collect();
        if self.table.is_empty() {
            return Ok(Left { refused, owners: Vec::new() });
        }
        special_files(upper, &mut Vec::new(), &mut paths).doing("look for links and pipes of others")?;
        let mut owners = BTreeMap::new();
        for path in paths {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Some(in_root) = in_root(&path)
                && let Ok(open) = openat(CWD, &in_root, flags, Mode::empty())
                && let Some(owner) = identity_of(&open).ok().and_then(|file| self.table.get(file))
            {
                owners.insert(path, owner);
            }
        }
        Ok(Left { refused, owners: owners.into_iter().collect() })
    }

    /// The answer, found in the root of whoever asked.
    fn reply(&mut self, held: &seccomp_notif) -> Result<Reply, Failure> {
        let Some(call) = Call::read(&held.data) else { return Ok(Reply::Continue) };
        if !self.has_roots {
            return Ok(self.reply_here(held, call));
        }
        const DOING: &str = "return to the step's root";
        if chroot(format!("{}/root", held.pid)).is_err() {
            // The process has ended.
            return Ok(Reply::Continue);
        }
        let reply = self.reply_here(held, call);
        fchdir(&self.root).doing(DOING)?;
        chroot(".").doing(DOING)?;
        fchdir(&self.machine).doing(DOING)?;
        Ok(reply)
    }

    fn reply_here(&mut self, held: &seccomp_notif, call: Call) -> Reply {
        let done = match call {
            Call::Stat { target, form, to } => self.stat(held, target, form, to),
            Call::Chown { target, uid, gid } => self.chown(held, target, uid, gid),
            Call::List { target, to, size_bytes } => self.list(held, target, to, size_bytes),
            Call::Groups { count, from } => self.groups(held, count, from),
            Call::ChangeRoot => {
                self.has_roots = true;
                Ok(Reply::Continue)
            }
            // Overlays have whiteouts of this kind, which anybody may make.
            Call::Device(Refusal::Device(0, 0)) => Ok(Reply::Continue),
            Call::Device(refusal) | Call::Become(refusal) => Ok(self.refuse(refusal)),
        };
        done.unwrap_or_else(|reply| reply)
    }

    fn refuse(&mut self, refusal: Refusal) -> Reply {
        /// More of them say nothing more to a person, and a step could ask without end.
        const NAMED: usize = 16;
        if self.refused.len() < NAMED {
            self.refused.insert(refusal);
        }
        Reply::Error(Errno::PERM)
    }

    fn stat(&self, held: &seccomp_notif, target: Target, form: Form, to: u64) -> Result<Reply, Reply> {
        let name = name(held, target)?;
        let Some(owner) = self.owner(&name).filter(|owner| *owner != Owner::ROOT) else {
            return Ok(Reply::Continue);
        };
        let bytes = told(&name, form, owner)?;
        self.write(held, to, &bytes)?;
        Ok(Reply::Value(0))
    }

    fn chown(&mut self, held: &seccomp_notif, target: Target, uid: u32, gid: u32) -> Result<Reply, Reply> {
        let name = name(held, target)?;
        let follow = if name.follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let open = openat(CWD, &*name.path, OFlags::PATH | OFlags::CLOEXEC | follow, Mode::empty());
        let open = open.map_err(|error| match error {
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => Reply::Error(error),
            // The kernel finds it too, and says it as the caller expects.
            _ => Reply::Continue,
        })?;
        if !self.listener.holds(held.id) {
            return Ok(Reply::Continue);
        }
        let file = identity_of(&open)?;
        let path = own(&open);
        let made = Owner { uid: 0, gid: group_of(path.as_bytes()) };
        let before = attribute(path.as_bytes(), true).ok().flatten().or_else(|| self.table.get(file));
        let owner = before.unwrap_or(made).changed(uid, gid);
        // The kernel's own part, with the only id that it knows here.
        let root = |id: u32| (id != u32::MAX).then_some(0);
        let (user, group) = (root(uid).map(Uid::from_raw), root(gid).map(Gid::from_raw));
        chownat(&open, "", user, group, AtFlags::EMPTY_PATH)?;
        if before.is_none() && owner == made {
            return Ok(Reply::Value(0));
        }
        match setxattr(&*path, ATTRIBUTE, owner.attribute().as_bytes(), XattrFlags::empty()) {
            // What it is, or where it is, cannot have attributes.
            Err(Errno::PERM | Errno::OPNOTSUPP) => self.table.put(identity_of(&open)?, owner, open),
            set => set?,
        }
        Ok(Reply::Value(0))
    }

    fn list(&self, held: &seccomp_notif, target: Target, to: u64, size_bytes: u64) -> Result<Reply, Reply> {
        let name = name(held, target)?;
        if !matches!(attribute(&name.path, name.follow), Ok(Some(_))) {
            return Ok(Reply::Continue);
        }
        let names = names_but_record(&name)?;
        if size_bytes > 0 {
            if size_bytes < names.len() as u64 {
                return Ok(Reply::Error(Errno::RANGE));
            }
            self.write(held, to, &names)?;
        }
        Ok(Reply::Value(i64::try_from(names.len()).unwrap_or(i64::MAX)))
    }

    fn groups(&mut self, held: &seccomp_notif, count: u64, from: u64) -> Result<Reply, Reply> {
        /// setgroups(2), NGROUPS_MAX.
        const GROUPS_MAX: u64 = 65_536;
        let Some(length) = usize::try_from(count).ok().filter(|_| count <= GROUPS_MAX) else {
            return Ok(Reply::Error(Errno::INVAL));
        };
        let bytes = if length == 0 { Vec::new() } else { Caller(held.pid).read(from, 4 * length)? };
        let numbers = bytes.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok());
        let foreign: Vec<u32> = numbers.map(u32::from_ne_bytes).filter(|gid| is_foreign(*gid)).collect();
        Ok(if foreign.is_empty() { Reply::Value(0) } else { self.refuse(Refusal::Groups(foreign)) })
    }

    /// Who a file belongs to; `None` if it cannot be found, which the kernel may say.
    fn owner(&self, name: &Name) -> Option<Owner> {
        match attribute(&name.path, name.follow) {
            Ok(Some(owner)) => Some(owner),
            Ok(None) | Err(Errno::OPNOTSUPP) => {
                let in_table = if self.table.is_empty() { None } else { self.in_table(name) };
                Some(in_table.unwrap_or_else(|| Owner { uid: 0, gid: group(name) }))
            }
            Err(_) => None,
        }
    }

    fn in_table(&self, name: &Name) -> Option<Owner> {
        let follow = if name.follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let file = identity(CWD, &name.path, follow | AtFlags::NO_AUTOMOUNT).ok()?;
        self.table.get(file)
    }

    /// Writes into the memory of whoever asked. Only somebody who kills it and gives its number to another process of the
    /// step between these two lines would have that one written to.
    fn write(&self, held: &seccomp_notif, to: u64, bytes: &[u8]) -> Result<(), Reply> {
        if !self.listener.holds(held.id) {
            return Err(Reply::Continue);
        }
        Ok(Caller(held.pid).write(to, bytes)?)
    }
}

/// What the supervisor calls the file that is meant. What it cannot read, the kernel cannot either.
fn name(held: &seccomp_notif, target: Target) -> Result<Name, Reply> {
    let Some(address) = target.path else { return Ok(Name::of_base(held.pid, target.base)) };
    match Caller(held.pid).text(address).map_err(|_| Reply::Continue)?.as_slice() {
        [] if target.may_be_empty => Ok(Name::of_base(held.pid, target.base)),
        [] => Err(Reply::Continue),
        path => Ok(Name::of_path(held.pid, target.base, path, target.follow)),
    }
}

/// A path in the root of this process.
fn in_root(path: &str) -> Option<Vec<u8>> {
    let path = unreadable(path)?;
    Some([b"/", path.as_slice()].concat())
}
