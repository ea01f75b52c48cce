//! Scripts of packages that run around unpacking (Debian policy, 6.6; dpkg(1), ENVIRONMENT).

use std::collections::{BTreeMap, BTreeSet};

use super::super::deb::{ControlFile, Deb, Script};
use super::super::package::Package;
use super::super::state::State;
use super::database::Database;
use super::record::Record;

/// A script that has to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Of which package.
    pub package: String,
    /// Of which architecture.
    pub architecture: String,
    /// Which one it is.
    pub script: Script,
    /// What it is called with.
    pub arguments: Vec<String>,
    /// What dpkg adds to the environment.
    pub environment: Vec<(&'static str, String)>,
    /// The files that it needs beside it, by name, modes included: the control archive of a new package; of a replaced one
    /// the script alone.
    pub files: BTreeMap<String, ControlFile>,
    /// Which of the files is the script.
    pub program: String,
}

impl Job {
    /// What it is, for people: `preinst of NAME`.
    pub fn name(&self) -> String {
        format!("{} of {}", self.script.name(), self.package)
    }
}

/// The scripts that run before `debs` are unpacked, in order: of a replaced package `prerm upgrade`, of each new one
/// `preinst`.
pub fn before(debs: &[&Deb], database: &Database) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut seen = BTreeSet::new();
    for deb in debs {
        let package = &deb.control.package;
        seen.insert((package.name(), package.architecture()));
        let old = database.old(package);
        let version = package.version().to_owned();
        if let Some(old) = old.filter(|old| old.state() >= State::HalfConfigured) {
            jobs.extend(of_old(old, Script::PreRm, version.clone(), debs, database));
        }
        let arguments = match old {
            Some(old) if old.is_there() => vec!["upgrade".to_owned(), old.package.version().to_owned(), version],
            Some(old) if !old.package.version().is_empty() => {
                vec!["install".to_owned(), old.package.version().to_owned(), version]
            }
            _ => vec!["install".to_owned()],
        };
        if deb.control.script(Script::PreInst).is_some() {
            let mut files = deb.control.files.clone();
            for script in deb.control.scripts() {
                files.entry(script.name().to_owned()).and_modify(|file| file.mode = PROGRAM_MODE);
            }
            // dpkg counts what the system has of the name with the package that it is at.
            let installed = database.records.iter().filter(|record| record.is_there()).map(|record| &record.package);
            let installed = installed.map(|package| (package.name(), package.architecture()));
            let all: BTreeSet<_> = installed.chain(seen.iter().copied()).collect();
            let count = all.into_iter().filter(|(name, _)| *name == package.name()).count();
            jobs.push(Job {
                package: package.name().to_owned(),
                architecture: package.architecture().to_owned(),
                script: Script::PreInst,
                arguments,
                environment: environment(Script::PreInst, package, count, running(debs, database)),
                files,
                program: Script::PreInst.name().to_owned(),
            });
        }
    }
    jobs
}

/// The scripts that run once `debs` are unpacked: of a replaced package the old `postrm upgrade`. Asked for before
/// [`super::unpack()`], which puts the new ones in their place.
pub fn after(debs: &[&Deb], database: &Database) -> Vec<Job> {
    let old = |deb: &&Deb| {
        let package = &deb.control.package;
        let old = database.old(package).filter(|old| old.state() >= State::HalfInstalled)?;
        of_old(old, Script::PostRm, package.version().to_owned(), debs, database)
    };
    debs.iter().filter_map(old).collect()
}

/// Whatever mode a script has in its package, it is run.
const PROGRAM_MODE: u16 = 0o755;

/// A script of a package that is replaced by `version`.
fn of_old(old: &Record, script: Script, version: String, debs: &[&Deb], database: &Database) -> Option<Job> {
    let content = old.scripts.get(&script)?.clone();
    let there =
        database.records.iter().filter(|record| record.is_there() && record.package.name() == old.package.name());
    let program = format!("{}.{}", old.stem(), script.name());
    Some(Job {
        package: old.package.name().to_owned(),
        architecture: old.package.architecture().to_owned(),
        script,
        arguments: vec!["upgrade".to_owned(), version],
        environment: environment(script, &old.package, there.count(), running(debs, database)),
        files: BTreeMap::from([(program.clone(), ControlFile { content, mode: PROGRAM_MODE })]),
        program,
    })
}

/// The version of the dpkg that would run the scripts.
fn running<'a>(debs: &[&'a Deb], database: &'a Database) -> &'a str {
    let new = || debs.iter().map(|deb| &deb.control.package).find(|package| package.name() == "dpkg");
    database.version("dpkg").or_else(|| new().map(Package::version)).unwrap_or_default()
}

fn environment(script: Script, package: &Package, count: usize, dpkg: &str) -> Vec<(&'static str, String)> {
    vec![
        ("DPKG_ADMINDIR", "/var/lib/dpkg".to_owned()),
        ("DPKG_MAINTSCRIPT_ARCH", package.architecture().to_owned()),
        ("DPKG_MAINTSCRIPT_DEBUG", "0".to_owned()),
        ("DPKG_MAINTSCRIPT_NAME", script.name().to_owned()),
        ("DPKG_MAINTSCRIPT_PACKAGE", package.name().to_owned()),
        ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", count.to_string()),
        ("DPKG_ROOT", String::new()),
        ("DPKG_RUNNING_VERSION", dpkg.to_owned()),
    ]
}
