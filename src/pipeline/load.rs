//! The template and its lock, settled.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Epoch, Platform};
use crate::lock::{Accept, Asked, Change, Inputs, Lock, Settled, complete, settle};
use crate::store::replace_file;
use crate::template::{Document, Facts, Files, Finding, Severity, Span, parse};

use super::asks::{self, Asks};
use super::error::Error;
use super::terms::Terms;

/// What is to be built, as it was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The template's file, or a directory with `kiln.toml`.
    pub template: PathBuf,
    /// `--set`
    pub set: BTreeMap<String, String>,
    /// `--version`
    pub version: Option<String>,
    /// `--platform`; empty: all.
    pub platforms: Vec<Platform>,
    /// `--epoch`
    pub epoch: Option<Epoch>,
    /// `--created`
    pub created: Option<Epoch>,
    /// Whether the lock file may be written.
    pub lock: LockMode,
}

/// Whether the lock file may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// What is missing is added.
    Complete,
    /// What is missing is an error.
    Locked,
}

/// A template, settled.
#[derive(Debug)]
pub struct Loaded {
    /// The template's file.
    pub path: PathBuf,
    /// The directory that its paths are relative to.
    pub directory: PathBuf,
    /// Where its lock is or would be.
    pub lock_path: PathBuf,
    /// The texts, for messages.
    pub files: Files,
    /// What looks wrong.
    pub warnings: Vec<Finding>,
    /// The template.
    pub document: Document,
    /// What all platforms share.
    pub facts: Facts,
    /// Times and platforms.
    pub settled: Settled,
    /// The platforms to build: those of the template, or fewer.
    pub platforms: Vec<Platform>,
    /// The lock; `None` if none is needed.
    pub lock: Option<Lock>,
    /// What is asked for from outside, on any of the template's platforms.
    pub asks: Asks,
    /// What was written to the lock file.
    pub locked: Vec<Change>,
    /// The time that a moved entry gives the image.
    pub(super) made_now: Epoch,
    /// `--set`
    pub(super) set: BTreeMap<String, String>,
    /// `--version`
    pub(super) version: Option<String>,
    asked: Asked,
}

impl Loaded {
    /// File and line of a place in the template, for messages; empty if there is no such file.
    pub(super) fn place(&self, span: Span) -> String {
        let file = self.files.get(span.file);
        let place = file.map(|file| {
            let before = file.text.get(..span.start).unwrap_or_default();
            format!("{}:{}", self.directory.join(&file.path).display(), before.matches('\n').count() + 1)
        });
        place.unwrap_or_default()
    }

    /// Takes another lock, which has all that the old one had.
    pub(super) fn take_lock(&mut self, lock: Lock) {
        if let Some(settled) = settle(&self.asked, Some(&lock)) {
            self.settled = settled;
        }
        self.lock = Some(lock);
    }
}

/// The template's file: `path`, or `kiln.toml` in it.
pub fn template_path(path: &Path) -> Result<PathBuf, Error> {
    let file = if path.is_dir() { path.join("kiln.toml") } else { path.to_owned() };
    if file.is_file() { Ok(file) } else { Err(Error::NoTemplate { path: file }) }
}

/// `kiln.lock` beside `kiln.toml`, `NAME.kiln.lock` beside `NAME.kiln.toml`.
pub fn lock_path(template: &Path) -> PathBuf {
    template.with_extension("lock")
}

/// Parses a template without settling anything.
pub fn read_template(path: &Path) -> Result<(Document, Files, Vec<Finding>), Error> {
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut read = |name: &str| fs::read_to_string(directory.join(name));
    let shown = directory.join(&file_name);
    let parsed = parse(&file_name, &mut read);
    let fail = |findings, files| Error::Template { template: shown, findings, files };
    match parsed.document {
        Some(document) if !any_error(&parsed.findings) => Ok((document, parsed.files, parsed.findings)),
        _ => Err(fail(parsed.findings, parsed.files)),
    }
}

pub(super) fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity() == Severity::Error)
}

/// Reads the lock file, if it is there.
pub fn read_lock(path: &Path, accept: Accept) -> Result<Option<Lock>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Lock::parse(&text, accept).map(Some).map_err(|error| Error::Lock { path: path.to_owned(), error }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { doing: "read", path: path.to_owned(), source }),
    }
}

/// Writes the lock file: the old one or the new one is there, never a part of one.
pub fn write_lock(path: &Path, lock: &Lock) -> Result<(), Error> {
    let fail = |source| Error::File { doing: "write", path: path.to_owned(), source };
    replace_file(path, lock.to_text().as_bytes()).map_err(fail)
}

/// What the command line and the template say about times and platforms.
pub fn asked(request: &Request, facts: &Facts, inputs: Inputs) -> Asked {
    Asked {
        inputs,
        epoch_flag: request.epoch,
        created_flag: request.created,
        epoch: facts.epoch,
        created: facts.created,
        platforms: facts.platforms.clone(),
    }
}

/// Reads template and lock; adds to the lock what is missing, or refuses to.
pub fn load(request: &Request, terms: &Terms<'_>) -> Result<Loaded, Error> {
    let path = template_path(&request.template)?;
    let (document, files, mut findings) = read_template(&path)?;
    let (facts, more) = document.facts(&request.set, request.version.as_deref());
    findings.extend(more);
    if any_error(&findings) {
        return Err(Error::Template { template: path, findings, files });
    }
    let lock_path = lock_path(&path);
    let mut lock = read_lock(&lock_path, Accept::OwnProfile)?;
    let platforms = match (facts.platforms.as_slice(), &lock) {
        ([], Some(lock)) if !lock.platforms.is_empty() => lock.platforms.clone(),
        ([], _) => vec![terms.machine.clone()],
        (platforms, _) => platforms.to_vec(),
    };
    let mut asks = Asks::new();
    for platform in &platforms {
        let (template, more) = document.template(platform, &request.set, request.version.as_deref());
        findings.extend(more.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
        asks::add(&template, platform, &mut asks);
    }
    if any_error(&findings) {
        return Err(Error::Template { template: path, findings, files });
    }
    let inputs = if asks.is_empty() { Inputs::None } else { Inputs::Some };
    let asked = asked(request, &facts, inputs);
    let mut locked = Vec::new();
    if let Some((completed, changes)) = complete(&asked, lock.as_ref(), terms.lock_time, &terms.machine) {
        if request.lock == LockMode::Locked {
            let missing = changes.iter().map(|change| change.entry.as_str());
            let missing = missing.map(str::to_owned).chain(asks.keys().map(ToString::to_string));
            let missing = missing.collect::<Vec<_>>().join(", ");
            return Err(Error::Locked { path: lock_path, missing });
        }
        // A lock without the inputs that it is there for would be half a one: it is written with them.
        if asks.is_empty() {
            write_lock(&lock_path, &completed)?;
        }
        (lock, locked) = (Some(completed), changes);
    }
    let missing = || Error::Locked { path: lock_path.clone(), missing: "times or platforms".to_owned() };
    let settled = settle(&asked, lock.as_ref()).ok_or_else(missing)?;
    let platforms = choose(&request.platforms, &settled.platforms)?;
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Loaded {
        path,
        directory,
        lock_path,
        files,
        warnings: findings,
        document,
        facts,
        settled,
        platforms,
        lock,
        asks,
        locked,
        made_now: terms.lock_time,
        set: request.set.clone(),
        version: request.version.clone(),
        asked,
    })
}

fn choose(wanted: &[Platform], all: &[Platform]) -> Result<Vec<Platform>, Error> {
    if let Some(wanted) = wanted.iter().find(|platform| !all.contains(platform)) {
        let found = all.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::NoSuchPlatform { wanted: wanted.to_string(), found });
    }
    let chosen = all.iter().filter(|platform| wanted.is_empty() || wanted.contains(platform));
    Ok(chosen.cloned().collect())
}
