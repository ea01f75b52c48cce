//! What a command is given: put into the root before it, over what the image has there, and taken away after it.
//!
//! What is covered waits in a directory outside of the root, and comes back. All of this is done from inside of the root:
//! a name in the image leads nowhere else.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, renameat, statat};
use rustix::io::Errno;

use crate::sandbox::answer::{Doing, Failure};
use crate::sandbox::order::{Bind, BindKind, RunOrder, Temporary};
use crate::sandbox::place;
use crate::sandbox::root::secrets;

use super::copy::{self, Which};
use super::device;

/// What the machine gives to a command, opened while it is in reach.
pub(super) struct Goods(Vec<(PathBuf, Good)>);

enum Good {
    /// Directories that are one tree together, the lowest first; copied.
    Tree(Vec<OwnedFd>),
    /// A file; copied.
    File(File),
    /// What is written there stays: it is moved, and moved back.
    Moved { from: Home, is_directory: bool },
}

/// Where something is on the machine: its directory and its name.
struct Home(OwnedFd, OsString);

impl Goods {
    /// Opens them.
    pub(super) fn open(order: &RunOrder) -> Result<Self, Failure> {
        order.binds.iter().map(|bind| Ok((PathBuf::from(&bind.to), open(bind)?))).collect::<Result<_, _>>().map(Self)
    }
}

fn open(bind: &Bind) -> Result<Good, Failure> {
    let doing = || format!("open what is seen at `{}`", bind.to);
    match (bind.kind, bind.from.as_slice()) {
        (BindKind::Shared, [from]) => {
            let is_directory = fs::metadata(from).doing(doing())?.is_dir();
            let (Some(parent), Some(name)) = (from.parent(), from.file_name()) else {
                return Err(Failure::said(doing(), "it has no name"));
            };
            Ok(Good::Moved { from: Home(copy::opened(parent)?, name.to_owned()), is_directory })
        }
        (_, [from]) if !fs::metadata(from).doing(doing())?.is_dir() => Ok(Good::File(File::open(from).doing(doing())?)),
        (_, parts) => Ok(Good::Tree(parts.iter().map(|part| copy::opened(part)).collect::<Result<_, _>>()?)),
    }
}

/// All that was put in.
pub(super) struct Covers {
    /// Where the covered waits, by the number of its cover.
    hidden: OwnedFd,
    covers: Vec<Cover>,
}

struct Cover {
    /// What had to be made for it, the outermost first.
    made: Vec<String>,
    /// Where it really is.
    at: PathBuf,
    /// Where it goes back to.
    home: Option<Home>,
}

/// A new directory with this mode, whatever the umask.
pub(super) fn directory(at: &Path, mode: u32) -> Result<(), Failure> {
    let made = DirBuilder::new().mode(mode).create(at);
    let set = made.and_then(|()| fs::set_permissions(at, fs::Permissions::from_mode(mode)));
    set.doing(format!("make `{}`", at.display()))
}

impl Covers {
    /// None yet. The covered will wait in `hidden`, which is empty and on the file system of the root.
    pub(super) fn new(hidden: &Path) -> Result<Self, Failure> {
        Ok(Self { hidden: copy::opened(hidden)?, covers: Vec::new() })
    }

    /// Puts in all that a command finds. This process is in the root.
    pub(super) fn furnish(&mut self, order: &RunOrder, goods: Goods) -> Result<(), Failure> {
        self.empty("/proc", 0o555)?;
        let dev = self.empty("/dev", 0o755)?;
        device::make(&dev)?;
        if order.temporary == Temporary::Empty {
            self.empty("/tmp", 0o1777)?;
            self.empty("/run", 0o755)?;
        }
        for (to, good) in goods.0 {
            self.put(&to, good)?;
        }
        secrets(order)
    }

    fn empty(&mut self, to: &str, mode: u32) -> Result<PathBuf, Failure> {
        let at = self.cover(Path::new(to), true)?;
        directory(&at, mode)?;
        Ok(at)
    }

    fn put(&mut self, to: &Path, good: Good) -> Result<(), Failure> {
        let is_directory = !matches!(good, Good::File(_) | Good::Moved { is_directory: false, .. });
        let at = self.cover(to, is_directory)?;
        match good {
            Good::File(file) => copy::file(&file, &at),
            Good::Tree(parts) => {
                directory(&at, 0o755)?;
                let made = copy::opened(&at)?;
                // A tree in several parts has its whiteouts in the upper ones.
                let which = if parts.len() > 1 { Which::Layer } else { Which::All };
                parts.iter().try_for_each(|part| copy::directory(part, &made, which))
            }
            Good::Moved { from, .. } => {
                match renameat(&from.0, &from.1, CWD, &at) {
                    // A killed build had the cache: this one begins with an empty one.
                    Err(Errno::NOENT) => directory(&at, 0o1777)?,
                    // It is part of the image that this machine is: what is in it is read and stays as it is.
                    Err(Errno::XDEV) if is_directory => {
                        directory(&at, 0o755)?;
                        let from = copy::opened_in(&from.0, &from.1)?;
                        copy::directory(&from, &copy::opened(&at)?, Which::All)?;
                    }
                    moved => moved.doing(format!("give the step `{}`", to.display()))?,
                }
                if let Some(cover) = self.covers.last_mut() {
                    cover.home = Some(from);
                }
                Ok(())
            }
        }
    }

    /// Takes what is at `to` out of the way; where that is, links followed.
    fn cover(&mut self, to: &Path, is_directory: bool) -> Result<PathBuf, Failure> {
        let mut made = Vec::new();
        place::make(to, is_directory, &mut made)?;
        let doing = || format!("make a place for `{}`", to.display());
        let at = fs::canonicalize(to).doing(doing())?;
        renameat(CWD, &at, &self.hidden, self.covers.len().to_string()).doing(doing())?;
        self.covers.push(Cover { made, at: at.clone(), home: None });
        Ok(at)
    }

    /// Takes everything away again, the last first, and puts back what it covered.
    pub(super) fn take_away(self) -> Result<(), Failure> {
        let mut failed = Ok(());
        for (number, cover) in self.covers.into_iter().enumerate().rev() {
            let done = cover.take_away(&self.hidden, &number.to_string());
            // The others are taken away nevertheless; the first failure is told.
            failed = failed.and(done);
        }
        failed
    }
}

impl Cover {
    fn take_away(self, hidden: &OwnedFd, number: &str) -> Result<(), Failure> {
        let doing = || format!("put back what `{}` covered", self.at.display());
        if let Some(Home(parent, name)) = &self.home {
            match renameat(CWD, &self.at, parent, name) {
                // The command has removed it.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                moved => moved.doing(doing())?,
            }
        }
        remove(&self.at).doing(doing())?;
        match renameat(hidden, number, CWD, &self.at) {
            // The command has removed the directory that it was in, and it with that.
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            back => back.doing(doing()).and_then(|()| place::take_away(&self.made)),
        }
    }
}

/// Removes what is at `path` in this root.
fn remove(path: &Path) -> Result<(), Errno> {
    match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        found => found.map(drop)?,
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::openat(CWD, parent, flags, rustix::fs::Mode::empty())?;
    copy::remove(&parent, OsStr::new(name))
}
