//! dpkg's database (dpkg(1), FILES): which packages a root has and which files are theirs.
//!
//! ```text
//! var/lib/dpkg/status                         a paragraph for each package
//! var/lib/dpkg/info/NAME[:ARCH].list          its files
//! var/lib/dpkg/info/NAME[:ARCH].postinst ..   its control archive
//! var/lib/dpkg/diversions, statoverride       what the administrator and other packages want otherwise
//! var/lib/dpkg/triggers/                      who is told of what
//! var/lib/dpkg/arch                           further architectures
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::base::ImagePath;
use crate::tree::resolve::resolve_fully;
use crate::tree::{Kind, contents};

use super::super::deb::Script;
use super::super::package::Package;
use super::super::state::State;
use super::Ground;
use super::divert::{Diversions, Overrides, absolute, lines};
use super::error::InstallError;
use super::record::{Record, replaces};
use super::trigger::Triggers;

/// Where it is.
const HOME: &[u8] = b"var/lib/dpkg";

/// dpkg's database of one root.
#[derive(Debug, Clone, Default)]
pub struct Database {
    pub(super) architecture: String,
    pub(super) records: Vec<Record>,
    pub(super) diversions: Diversions,
    pub(super) overrides: Overrides,
    pub(super) triggers: Triggers,
    /// Where it really is.
    home: ImagePath,
    /// Whether the root has one.
    is_there: bool,
    /// Further architectures that it knows.
    foreign: BTreeSet<String>,
    /// Files to write, by their path from `home`; `None` for one that goes.
    pub(super) changed: BTreeMap<String, Option<(Vec<u8>, u16)>>,
    /// Whether a record changed.
    is_stale: bool,
}

/// What has to change below `/var/lib/dpkg`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseChange {
    /// Directories that have to be there, 0755, parents first.
    pub directories: Vec<ImagePath>,
    /// Files to write, in path order.
    pub files: Vec<DatabaseFile>,
    /// Files to take away.
    pub removed: Vec<ImagePath>,
}

/// A file of the database. It is root's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile {
    /// Where it is, links of the root followed.
    pub path: ImagePath,
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u16,
}

impl Database {
    /// Reads the database of a root; an empty one if there is no dpkg.
    pub fn read(ground: &Ground<'_>) -> Result<Self, InstallError> {
        let mut database = Self::empty(ground)?;
        database.read_status(ground)?;
        database.read_info(ground)?;
        let (path, bytes) = database.file(ground, "diversions")?;
        database.diversions = Diversions::read(&path, &bytes)?;
        let (path, bytes) = database.file(ground, "statoverride")?;
        if !bytes.is_empty() {
            let accounts = |name: &[u8]| ground.file(&ImagePath::parse(name).unwrap_or_default());
            let (users, groups) = (accounts(b"etc/passwd")?, accounts(b"etc/group")?);
            let (users, groups) = (users.unwrap_or_default(), groups.unwrap_or_default());
            database.overrides = Overrides::read(&path, &bytes, &users, &groups)?;
        }
        let directory = database.path("triggers");
        let mut files = Vec::new();
        for (path, _) in ground.root.below(&directory) {
            files.push((path.clone(), ground.file(path)?.unwrap_or_default()));
        }
        database.triggers = Triggers::read(&files)?;
        let (_, bytes) = database.file(ground, "arch")?;
        let words = String::from_utf8_lossy(&bytes).split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        database.foreign = words.into_iter().filter(|word| *word != database.architecture).collect();
        Ok(database)
    }

    /// One without packages.
    pub(super) fn empty(ground: &Ground<'_>) -> Result<Self, InstallError> {
        let home = resolve_fully(ground.root, &ImagePath::parse(HOME).unwrap_or_default())?;
        Ok(Self { architecture: ground.architecture.to_owned(), home, ..Self::default() })
    }

    fn read_status(&mut self, ground: &Ground<'_>) -> Result<(), InstallError> {
        let (path, bytes) = self.file(ground, "status")?;
        self.is_there = ground.root.get(&path).is_some();
        let status = |source| InstallError::Status { path: path.clone(), source };
        let text = std::str::from_utf8(&bytes).map_err(|error| status(super::record::not_text(&error)))?;
        for paragraph in text.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty()) {
            let record = Record::read(paragraph).map_err(status)?;
            if record.state() > State::NotInstalled {
                self.records.push(record);
            }
        }
        Ok(())
    }

    fn read_info(&mut self, ground: &Ground<'_>) -> Result<(), InstallError> {
        let directory = self.path("info");
        let index: BTreeMap<String, usize> =
            self.records.iter().enumerate().map(|(index, record)| (record.stem(), index)).collect();
        for (path, _) in ground.root.below(&directory) {
            let Some((stem, kind)) = std::str::from_utf8(path.name()).ok().and_then(|name| name.rsplit_once('.'))
            else {
                continue;
            };
            // Files of packages that are not there mean nothing to dpkg either.
            let record = index.get(stem).and_then(|index| self.records.get_mut(*index));
            let Some(record) = record.filter(|_| path.parent().as_ref() == Some(&directory)) else { continue };
            let script = [Script::PreRm, Script::PostRm].into_iter().find(|script| script.name() == kind);
            if kind == "list" {
                record.files = read_list(path, &ground.file(path)?.unwrap_or_default())?;
                continue;
            }
            if let Some(script) = script {
                record.scripts.insert(script, ground.file(path)?.unwrap_or_default());
            }
            record.info.push(kind.to_owned());
        }
        Ok(())
    }

    pub(super) fn path(&self, name: &str) -> ImagePath {
        // A name that is too long for a path is that of a package whose file could not be written either.
        self.home.join(&ImagePath::parse(name.as_bytes()).unwrap_or_default())
    }

    /// A file of the database; empty if it is not there.
    fn file(&self, ground: &Ground<'_>, name: &str) -> Result<(ImagePath, Vec<u8>), InstallError> {
        let path = self.path(name);
        let bytes = ground.file(&path)?.unwrap_or_default();
        Ok((path, bytes))
    }

    /// Whether it has no package at all: nothing can run in such a root yet.
    pub fn is_empty(&self) -> bool {
        !self.records.iter().any(Record::is_there)
    }

    /// What a package replaces.
    pub(super) fn old(&self, new: &Package) -> Option<&Record> {
        self.records.iter().find(|record| replaces(new, &record.package))
    }

    /// The version of a package that is there.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.records
            .iter()
            .find(|record| record.package.name() == name && record.is_there())
            .map(|r| r.package.version())
    }

    /// Takes out the packages that are replaced.
    pub(super) fn take_out(&mut self, is_replaced: impl Fn(&Record) -> bool) -> Vec<Record> {
        let (old, others) = std::mem::take(&mut self.records).into_iter().partition(is_replaced);
        let old: Vec<Record> = old;
        self.records = others;
        for old in &old {
            for kind in old.info.iter().map(String::as_str).chain(["list"]) {
                self.changed.insert(format!("info/{}.{kind}", old.stem()), None);
            }
        }
        old
    }

    /// Puts a package in. `control` are the files of its control archive.
    pub(super) fn put(&mut self, record: Record, mut control: BTreeMap<String, Vec<u8>>) {
        let stem = record.stem();
        let architecture = record.package.architecture();
        if architecture != "all" && architecture != self.architecture && self.foreign.insert(architecture.to_owned()) {
            let list: String = self.foreign.iter().map(|foreign| format!("{foreign}\n")).collect();
            let list = format!("{}\n{list}", self.architecture);
            self.changed.insert("arch".to_owned(), Some((list.into_bytes(), 0o644)));
        }
        for kind in &record.info {
            /// What dpkg runs has to be executable.
            const PROGRAMS: &[&str] = &["preinst", "postinst", "prerm", "postrm", "config"];
            let mode = if PROGRAMS.contains(&kind.as_str()) { 0o755 } else { 0o644 };
            let content = control.remove(kind).unwrap_or_default();
            self.changed.insert(format!("info/{stem}.{kind}"), Some((content, mode)));
        }
        self.records.push(record);
        self.is_stale = true;
        self.note_list(self.records.len().saturating_sub(1));
    }

    /// Notes that the list or the conffiles of a package changed.
    pub(super) fn note_list(&mut self, index: usize) {
        let Some(record) = self.records.get(index) else { return };
        self.changed.insert(format!("info/{}.list", record.stem()), Some((record.list(), 0o644)));
        self.is_stale = true;
    }

    /// Whether a package, as dpkg names it, is configured.
    pub(super) fn is_configured(records: &[Record], name: &str) -> bool {
        records.iter().any(|record| record.is_configured() && (record.package.name() == name || record.stem() == name))
    }

    /// What changed since it was read, or since the last call.
    pub fn take(&mut self) -> DatabaseChange {
        let mut changed = std::mem::take(&mut self.changed);
        for (name, content) in self.triggers.take() {
            changed.insert(format!("triggers/{name}"), content.map(|content| (content, 0o644)));
        }
        if std::mem::take(&mut self.is_stale) {
            changed.insert("status".to_owned(), Some((self.status().into_bytes(), 0o644)));
        }
        if changed.is_empty() {
            return DatabaseChange::default();
        }
        if !std::mem::replace(&mut self.is_there, true) {
            changed.insert("info/format".to_owned(), Some((b"1\n".to_vec(), 0o644)));
        }
        let directories = ["", "info", "triggers", "updates"].map(|name| self.path(name));
        let mut change = DatabaseChange { directories: directories.to_vec(), ..DatabaseChange::default() };
        for (name, content) in changed {
            let path = self.path(&name);
            match content {
                Some((content, mode)) => change.files.push(DatabaseFile { path, content, mode }),
                None => change.removed.push(path),
            }
        }
        change
    }

    /// The file `status`, in the order in which dpkg writes it.
    fn status(&self) -> String {
        let mut records: Vec<&Record> = self.records.iter().collect();
        records.sort_by_key(|record| (record.package.name(), record.package.architecture()));
        let mut text = String::new();
        records.into_iter().for_each(|record| record.write(&mut text));
        text
    }
}

impl Ground<'_> {
    /// The content of a file, links followed; `None` if it is not there.
    pub(super) fn file(&self, path: &ImagePath) -> Result<Option<Vec<u8>>, InstallError> {
        let place = resolve_fully(self.root, path)?;
        let Some(node) = self.root.get(&place) else { return Ok(None) };
        let Kind::File { content, .. } = &node.kind else { return Err(InstallError::NotAFile { path: place }) };
        let bytes = contents::read_all(self.contents, content).map_err(io::Error::other);
        bytes.map(Some).map_err(|source| InstallError::Content { path: place, source })
    }
}

fn read_list(path: &ImagePath, bytes: &[u8]) -> Result<Vec<ImagePath>, InstallError> {
    let fail =
        |index| InstallError::Damaged { path: path.clone(), line: index + 1, reason: "expected an absolute path" };
    lines(bytes).enumerate().map(|(index, line)| absolute(line).ok_or_else(|| fail(index))).collect()
}
