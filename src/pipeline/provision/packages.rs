//! Packages of a distribution in a layer.
//!
//! ```text
//! packages --rounds--> for each round:
//!     scripts before unpacking     in the sandbox
//!     unpack                       trees: files, dpkg's database
//!     dpkg --configure             in the sandbox: conffiles, triggers, alternatives are its work
//! ```
//! Rationale: dpkg would unpack on one core and wait for the disk after each file; here the files come out of the store, and
//! what dpkg configures is what it would have unpacked itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::base::ImagePath;
use crate::packages::debian::Deb;
use crate::packages::debian::install::{
    self, Configure, Database, DatabaseChange, DatabaseFile, Ground, InstallError, Job, PreInst, Unpacking,
};
use crate::pipeline::evaluate::Stop;
use crate::sandbox::{Bind, BindKind, SandboxError};
use crate::step::{StepError, When, draft::Overwrite};
use crate::store::Spool;
use crate::template::{Command, Packages, Run, Scripts, Step};
use crate::tree::{Changeset, Kind, Node};

use super::layer::{Running, fail};

/// A set of packages in the store.
pub(crate) struct Parcel {
    /// Of the system, as its distribution says it.
    pub(crate) architecture: &'static str,
    /// The packages, and the contents of their files.
    pub(crate) debs: Vec<(Deb, Spool)>,
}

/// Where the scripts of packages are seen while they run.
const SCRIPTS: &str = "/run/kiln/packages";

/// What is run there: one program for everything, and the scripts of packages.
const MAIN: &str = "main";
const DRIVER: &str = "scripts";

/// What asks whether a service may be started (policy-rc.d of invoke-rc.d(8)): none is.
const POLICY: (&str, &str) = ("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");

/// What is read of a root to install into it.
const DATABASE: [&[u8]; 3] = [b"var/lib/dpkg", b"etc/passwd", b"etc/group"];

/// Files as packages have them, at their real places.
type AsUnpacked = BTreeMap<ImagePath, Node>;

impl Running<'_, '_, '_> {
    /// Installs what a step asks for.
    pub(super) fn packages(&mut self, packages: &Packages, step: &Step) -> Result<(), Stop> {
        self.capture()?;
        let Parcel { architecture, debs } = (self.given.packages)(packages)?;
        let (debs, spools): (Vec<Deb>, Vec<Spool>) = debs.into_iter().unzip();
        self.written.extend(spools);
        match packages.scripts {
            Scripts::Run => self.install(&debs, architecture, step),
            Scripts::Refuse => {
                let (unpacking, change) =
                    self.on_ground(architecture, |ground| install::refuse(&debs.iter().collect::<Vec<_>>(), ground))?;
                self.put(unpacking, step)?;
                self.put_database(change, step)
            }
        }
    }

    fn install(&mut self, debs: &[Deb], architecture: &str, step: &Step) -> Result<(), Stop> {
        let database = self.on_ground(architecture, Database::read)?;
        let packages: Vec<_> = debs.iter().map(|deb| &deb.control.package).collect();
        let rounds = install::rounds(&packages, &database).map_err(|error| self.not_installed(&error))?;
        let mut as_unpacked = AsUnpacked::new();
        let mut known = Some(database);
        for round in rounds {
            let read = |running: &Self| running.on_ground(architecture, Database::read);
            let mut database = known.take().map_or_else(|| read(self), Ok)?;
            let debs: Vec<&Deb> = round.unpack.iter().filter_map(|at| debs.get(*at)).collect();
            let mut jobs = install::before(&debs, &database);
            if round.preinst == PreInst::Before && !jobs.is_empty() {
                self.scripts(&std::mem::take(&mut jobs), &[], debs.len(), step)?;
                // They may have diverted files.
                database = read(self)?;
            }
            jobs.extend(install::after(&debs, &database));
            let unpacking = self.on_ground(architecture, |ground| install::unpack(&debs, &mut database, ground))?;
            as_unpacked.extend(self.put(unpacking, step)?);
            self.put_database(database.take(), step)?;
            self.scripts(&jobs, &round.configure, debs.len(), step)?;
        }
        self.restore_times(&as_unpacked, step)
    }

    /// Computes something on the root as it is now.
    fn on_ground<T>(
        &self,
        architecture: &str,
        compute: impl FnOnce(&Ground<'_>) -> Result<T, InstallError>,
    ) -> Result<T, Stop> {
        let root = self.draft.root();
        let mut read = Changeset::new();
        for place in DATABASE.into_iter().filter_map(|place| ImagePath::parse(place).ok()) {
            let nodes = root.get(&place).map(|node| (&place, node)).into_iter().chain(root.below(&place));
            nodes.for_each(|(path, node)| drop(read.put(path.clone(), node.clone())));
        }
        let taken = self.take(&read)?;
        let contents = self.contents(&taken);
        let ground = Ground { root, contents: &contents, architecture, epoch: self.given.epoch.seconds() };
        compute(&ground).map_err(|error| self.not_installed(&error))
    }

    fn not_installed(&self, error: &InstallError) -> Stop {
        self.failure(format!("the packages cannot be installed: {error}"), error.hint())
    }

    /// Writes what unpacking gives; says which files that are.
    fn put(&mut self, unpacking: Unpacking, step: &Step) -> Result<AsUnpacked, Stop> {
        let Unpacking { removed, entries } = unpacking;
        removed.iter().for_each(|path| self.draft.remove(path));
        let mut files = AsUnpacked::new();
        for (path, mut node) in entries {
            if step.mtime.is_some() {
                node.mtime = When::new(self.given.epoch, step.mtime).of(&node.kind);
            }
            if node.kind == Kind::Directory {
                self.wrote(|draft| draft.set_directory(&path, |_| node))?;
            } else {
                files.insert(path.clone(), node.clone());
                self.wrote(|draft| draft.put(&path, node, step.span, Overwrite::Edit))?;
            }
        }
        Ok(files)
    }

    fn put_database(&mut self, change: DatabaseChange, step: &Step) -> Result<(), Stop> {
        let epoch = self.given.epoch.seconds();
        for path in change.directories {
            self.wrote(|draft| draft.ensure_directory(&path, Node::parent_directory(epoch)).map(drop))?;
        }
        for DatabaseFile { path, content, mode } in change.files {
            let content = self.inline.keep(content);
            let node = Node { mtime: epoch, ..Node::new(Kind::File { content, links: None }, mode) };
            self.wrote(|draft| draft.put(&path, node, step.span, Overwrite::Edit))?;
        }
        change.removed.iter().for_each(|path| self.draft.remove(path));
        Ok(())
    }

    fn wrote(&mut self, write: impl FnOnce(&mut crate::step::Draft<'_>) -> Result<(), StepError>) -> Result<(), Stop> {
        write(&mut self.draft).map_err(|error| self.step_failure(error))
    }

    /// Runs scripts of packages, then dpkg, and takes over what they changed.
    fn scripts(&mut self, jobs: &[Job], configure: &[Configure], count: usize, step: &Step) -> Result<(), Stop> {
        let when = When::new(self.given.epoch, step.mtime);
        let directory = self.work.directory(&self.fresh("packages")).map_err(fail)?;
        write_scripts(&directory, jobs, configure)
            .map_err(|source| fail(SandboxError::Area { path: directory.clone(), source }))?;
        self.begin(when)?;
        let run = main();
        let mut order = self.order(&run)?;
        let bind = |from: PathBuf, to: &str| Bind { from: vec![from], to: to.to_owned(), kind: BindKind::ReadOnly };
        order.binds.push(bind(directory.join("seen"), SCRIPTS));
        order.binds.push(bind(directory.join("policy"), POLICY.0));
        let doing = if configure.is_empty() { "prepare" } else { "configure" };
        self.perform(order, &run, when, &format!("{doing} {count} packages"))?;
        self.capture()
    }

    /// Gives files that no script changed the time that their package gives them. What dpkg put in place itself has it too:
    /// a conffile is unpacked under another name.
    fn restore_times(&mut self, as_unpacked: &AsUnpacked, step: &Step) -> Result<(), Stop> {
        for (path, node) in as_unpacked {
            let path = final_place(path);
            let Some(now) = self.draft.root().get(&path) else { continue };
            if now.mtime != node.mtime && now.same_but_for_time(node) {
                let node = Node { mtime: node.mtime, ..now.clone() };
                self.wrote(|draft| draft.put(&path, node, step.span, Overwrite::Edit))?;
            }
        }
        Ok(())
    }
}

/// Where dpkg puts a file: a conffile is unpacked beside its place.
fn final_place(path: &ImagePath) -> ImagePath {
    let conffile = path.as_bytes().strip_suffix(b".dpkg-new").and_then(|place| ImagePath::parse(place).ok());
    conffile.unwrap_or_else(|| path.clone())
}

/// Writes what a run sees, and what says that services stay off.
fn write_scripts(directory: &Path, jobs: &[Job], configure: &[Configure]) -> io::Result<()> {
    let write = |path: PathBuf, content: &[u8], mode: u32| {
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
    };
    let seen = directory.join("seen");
    fs::create_dir(&seen)?;
    for (number, job) in jobs.iter().enumerate() {
        let own = seen.join(number.to_string());
        fs::create_dir(&own)?;
        for (name, file) in &job.files {
            // No other bits: a script of somebody else's is not to be root's for the users of this machine.
            write(own.join(name), &file.content, u32::from(file.mode & 0o777))?;
        }
    }
    let mut lines = vec!["set -e".to_owned()];
    if !jobs.is_empty() {
        write(seen.join(DRIVER), install::driver(jobs, SCRIPTS).as_bytes(), 0o755)?;
        lines.push(format!("/bin/sh {SCRIPTS}/{DRIVER}"));
    }
    // What the base or an earlier step put there stays, as with an administrator who says no to every question.
    let dpkg = |run: &Configure| {
        let arguments = crate::base::shell::quoted(&run.arguments());
        format!("dpkg --force-confdef --force-confold {arguments}")
    };
    lines.extend(configure.iter().map(dpkg));
    write(seen.join(MAIN), (lines.join("\n") + "\n").as_bytes(), 0o755)?;
    write(directory.join("policy"), POLICY.1.as_bytes(), 0o755)
}

/// The command that runs everything.
fn main() -> Run {
    let env =
        [("DEBIAN_FRONTEND", "noninteractive"), ("DEBCONF_NONINTERACTIVE_SEEN", "true"), ("DPKG_COLORS", "never")];
    let command = Command::Argv(vec!["/bin/sh".to_owned(), format!("{SCRIPTS}/{MAIN}")]);
    Run { env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), ..Run::new(command) }
}
