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
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::base::ImagePath;
use crate::packages::debian::deb::Deb;
use crate::packages::debian::install::{self, Configure, Database, Job, Round, Unpacking};
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Stop;
use crate::sandbox::{Bind, BindKind, SandboxError};
use crate::step::{When, draft::Overwrite};
use crate::template::{Command, Packages, Run, Scripts, Step};
use crate::tree::resolve::resolve_parents;
use crate::tree::{Kind, Node};

use super::layer::{Running, fail};

/// Where the scripts of packages are seen while they run.
const SCRIPTS: &str = "/run/kiln/packages";

/// The script that runs them.
const DRIVER: &str = "run";

/// What asks whether a service may be started (policy-rc.d of invoke-rc.d(8)): none is.
const POLICY: (&str, &str) = ("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");

/// Files as packages have them, at their real places.
type AsUnpacked = BTreeMap<ImagePath, Node>;

impl Running<'_, '_, '_> {
    /// Installs what a step asks for.
    pub(super) fn packages(&mut self, packages: &Packages, step: &Step) -> Result<(), Stop> {
        self.capture()?;
        let unpacked = (self.given.packages)(packages)?;
        let mut debs = Vec::with_capacity(unpacked.len());
        for package in unpacked {
            self.written.push(package.spool);
            debs.push(package.deb);
        }
        match packages.scripts {
            Scripts::Run => self.install(&debs, step),
            Scripts::Refuse => {
                let refs: Vec<&Deb> = debs.iter().collect();
                let unpacking = install::refuse(&refs, self.draft.root()).map_err(|error| self.not_installed(error))?;
                self.put(unpacking, step).map(drop)
            }
        }
    }

    fn install(&mut self, debs: &[Deb], step: &Step) -> Result<(), Stop> {
        let mut database = self.database()?;
        let new: Vec<&Deb> = debs.iter().filter(|deb| !database.has(&deb.control.package)).collect();
        let described: Vec<_> = new.iter().map(|deb| &deb.control.package).collect();
        let rounds = install::rounds(&described, &database);
        let mut as_unpacked = AsUnpacked::new();
        for round in &rounds {
            let debs: Vec<&Deb> = round.unpack.iter().filter_map(|at| new.get(*at).copied()).collect();
            let mut jobs = install::before(&debs, &database);
            if !round.is_bootstrap && !jobs.is_empty() {
                self.scripts(&std::mem::take(&mut jobs), None, step)?;
                self.capture()?;
                // They may have diverted files.
                database = self.database()?;
            }
            let after = install::after(&debs, &database);
            let unpacking = install::unpack(&debs, &mut database, self.draft.root());
            let unpacking = unpacking.map_err(|error| self.not_installed(error))?;
            as_unpacked.extend(self.put(unpacking, step)?);
            jobs.extend(after);
            self.scripts(&jobs, Some(round), step)?;
            self.capture()?;
            database = self.database()?;
        }
        self.restore_times(&as_unpacked, step)
    }

    /// dpkg's database as it is now.
    fn database(&self) -> Result<Database, Stop> {
        let taken = self.take_out_database()?;
        Database::read(self.draft.root(), &self.contents(&taken)).map_err(|error| self.not_installed(error))
    }

    fn not_installed(&self, error: install::InstallError) -> Stop {
        let hint = error.hint();
        self.failure(format!("cannot install: {error}"), hint)
    }

    /// Writes what unpacking gives; says where each file really is.
    fn put(&mut self, unpacking: Unpacking, step: &Step) -> Result<AsUnpacked, Stop> {
        let Unpacking { entries, removed, files } = unpacking;
        let free = self.draft.root().free_link_group();
        let mut places = AsUnpacked::new();
        for path in &removed {
            let place = resolve_parents(self.draft.root(), path).map_err(|error| self.step_failure(error.into()))?;
            self.draft.remove(&place);
        }
        for (path, mut node) in entries {
            if step.mtime.is_some() {
                node.mtime = When::new(self.given.epoch, step.mtime).of(&node.kind);
            }
            if node.kind == Kind::Directory {
                self.draft.ensure_directory(&path, node).map_err(|error| self.step_failure(error))?;
                continue;
            }
            if let Kind::File { links: Some(group), .. } = &mut node.kind {
                *group += free;
            }
            let place = resolve_parents(self.draft.root(), &path).map_err(|error| self.step_failure(error.into()))?;
            if matches!(node.kind, Kind::Symlink { .. }) && self.draft.root().is_directory(&place) {
                // dpkg leaves a directory where a link would be.
                continue;
            }
            let put = self.draft.put(&path, node.clone(), step.span, Overwrite::Edit);
            put.map_err(|error| self.step_failure(error))?;
            places.insert(place, node);
        }
        for file in files {
            let content = self.inline.keep(file.content);
            let mtime = self.given.epoch.seconds();
            let node = Node { mtime, ..Node::new(Kind::File { content, links: None }, file.mode) };
            let put = self.draft.put(&file.path, node, step.span, Overwrite::Edit);
            put.map_err(|error| self.step_failure(error))?;
        }
        Ok(places)
    }

    /// Runs scripts of packages, and has dpkg configure what a round unpacked.
    fn scripts(&mut self, jobs: &[Job], round: Option<&Round>, step: &Step) -> Result<(), Stop> {
        let when = When::new(self.given.epoch, step.mtime);
        let directory = self.write_scripts(jobs, round)?;
        self.begin(when)?;
        let run = driver();
        let mut order = self.order(&run)?;
        let bind = |from: PathBuf, to: &str| Bind { from: vec![from], to: to.to_owned(), kind: BindKind::ReadOnly };
        order.binds.push(bind(directory.join("scripts"), SCRIPTS));
        order.binds.push(bind(directory.join("policy"), POLICY.0));
        let said = match round.map(|round| round.unpack.len()) {
            None => format!("scripts of {} packages", jobs.len()),
            Some(count) => format!("configure {count} packages"),
        };
        self.perform(order, &run, when, &said)
    }

    fn write_scripts(&self, jobs: &[Job], round: Option<&Round>) -> Result<PathBuf, Stop> {
        let directory = self.work.directory(&self.fresh("packages")).map_err(fail)?;
        let failed = |source| fail(SandboxError::Area { path: directory.clone(), source });
        let write = |name: &str, content: &[u8]| {
            let path = directory.join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        };
        fs::create_dir(directory.join("scripts")).map_err(failed)?;
        for job in jobs {
            write(&format!("scripts/{}", job.file_name()), &job.content).map_err(failed)?;
        }
        let text = install::driver(jobs, round, SCRIPTS);
        write(&format!("scripts/{DRIVER}"), text.as_bytes()).map_err(failed)?;
        write("policy", POLICY.1.as_bytes()).map_err(failed)?;
        Ok(directory)
    }

    /// Gives files that no script changed the time that their package gives them. What dpkg put in place itself has it too:
    /// a conffile is unpacked under another name.
    fn restore_times(&mut self, as_unpacked: &AsUnpacked, step: &Step) -> Result<(), Stop> {
        for (path, node) in as_unpacked {
            let path = install::final_name(path);
            let Some(now) = self.draft.root().get(&path) else { continue };
            if now.mtime != node.mtime && now.same_but_for_time(node) {
                let node = Node { mtime: node.mtime, ..now.clone() };
                let put = self.draft.put(&path, node, step.span, Overwrite::Edit);
                put.map_err(|error| self.step_failure(error))?;
            }
        }
        Ok(())
    }
}

/// The command that runs the scripts.
fn driver() -> Run {
    let env = [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DPKG_COLORS", "never"),
    ];
    Run {
        command: Command::Argv(vec!["/bin/sh".to_owned(), format!("{SCRIPTS}/{DRIVER}")]),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        workdir: None,
        user: None,
        network: false,
        mounts: Vec::new(),
        caches: Vec::new(),
        secrets: Vec::new(),
        timeout_s: None,
        memory_bytes: None,
        cpus: None,
    }
}
