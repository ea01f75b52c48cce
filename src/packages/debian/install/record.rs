//! One package of dpkg's database.

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::base::path::readable;

use super::super::deb::{Conffile, Deb, Fate, Script};
use super::super::error::IndexError;
use super::super::package::{MultiArch, Package};
use super::super::paragraph::Paragraphs;
use super::super::state::State;
use super::error::InstallError;
use super::fields::Fields;

/// What dpkg writes in place of a digest while a conffile waits to be configured for the first time.
const NEW: &str = "newconffile";

/// A package that a root has or had.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) package: Package,
    fields: Fields,
    pub(super) conffiles: Vec<Kept>,
    /// Its files in dpkg's order, as it spells them.
    pub(super) files: Vec<ImagePath>,
    /// What there is of it in the directory `info`, without the list: the ends of the names.
    pub(super) info: Vec<String>,
    /// The scripts that run when it is replaced.
    pub(super) scripts: BTreeMap<Script, Vec<u8>>,
}

/// A conffile and the MD5 of what the package last brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) path: ImagePath,
    pub(super) digest: String,
    /// Whether the package does not bring it any more.
    pub(super) is_obsolete: bool,
    /// Whether it goes with the next upgrade.
    pub(super) is_leaving: bool,
}

impl Record {
    /// Reads one paragraph of `status`.
    pub(super) fn read(text: &str) -> Result<Self, IndexError> {
        let package = Package::read(&Paragraphs::only(text.as_bytes())?)?;
        State::of(&package)?;
        let fields = Fields::cut(text);
        let lines = fields.get("Conffiles").unwrap_or_default().lines().filter(|line| !line.trim().is_empty());
        let wrong = |line: &str| IndexError::Field {
            package: package.name().to_owned(),
            field: "Conffiles",
            found: line.trim().to_owned(),
            expected: "a path and a digest",
        };
        let conffiles = lines.map(|line| Kept::read(line).ok_or_else(|| wrong(line))).collect::<Result<_, _>>()?;
        Ok(Self { package, fields, conffiles, files: Vec::new(), info: Vec::new(), scripts: BTreeMap::new() })
    }

    /// Reads what a root without dpkg has of a package, which says nothing of its state.
    pub(super) fn read_part(text: &str) -> Result<Self, IndexError> {
        let mut fields = Fields::cut(text);
        fields.put("Status", Some("install ok installed".to_owned()));
        let mut text = String::new();
        fields.write(&mut text);
        Self::read(text.trim_end())
    }

    /// A package as it is once it is unpacked over `old`, without its files. `inherited` finds the digest of a conffile
    /// that another package had.
    pub(super) fn unpacked(
        deb: &Deb,
        old: Option<&Self>,
        architecture: &str,
        inherited: impl Fn(&ImagePath) -> Option<String>,
    ) -> Result<Self, InstallError> {
        let name = || deb.control.package.name().to_owned();
        let control = |source| InstallError::Control { package: name(), source };
        let text = deb.control.files.get("control").map(|file| file.content.as_slice()).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|error| control(not_text(&error)))?;
        let mut fields = Fields::of_control(text, architecture).map_err(control)?;
        fields.put("Status", Some("install ok unpacked".to_owned()));
        fields.put("Config-Version", old.and_then(Self::configured_version).map(str::to_owned));
        // These are the system's rather than the version's.
        for name in ["Priority", "Section"].into_iter().filter(|name| fields.get(name).is_none()).collect::<Vec<_>>() {
            fields.put(name, old.and_then(|old| old.fields.get(name)).map(str::to_owned));
        }
        let mut text = String::new();
        fields.write(&mut text);
        let paragraph = Paragraphs::only(text.as_bytes()).map_err(control)?;
        let package = Package::read(&paragraph).map_err(control)?;
        let conffiles = deb
            .control
            .conffiles()
            .map_err(|source| InstallError::Deb { package: name(), source: Box::new(source) })?;
        for conffile in &conffiles {
            if std::str::from_utf8(conffile.path.as_bytes()).is_err() {
                return Err(InstallError::Name { package: name(), name: readable(conffile.path.as_bytes()) });
            }
        }
        let kept = |conffile: &Conffile| Kept {
            path: conffile.path.clone(),
            digest: old
                .and_then(|old| old.digest_of(&conffile.path))
                .map(str::to_owned)
                .or_else(|| inherited(&conffile.path))
                .unwrap_or_else(|| NEW.to_owned()),
            is_obsolete: false,
            is_leaving: conffile.fate == Fate::Removed,
        };
        let conffiles = conffiles.iter().map(kept).collect();
        let is_kept = |name: &&String| !name.contains('.') && !matches!(name.as_str(), "control" | "list");
        let info = deb.control.files.keys().filter(is_kept).cloned().collect();
        let scripts = [Script::PreRm, Script::PostRm]
            .into_iter()
            .filter_map(|script| Some((script, deb.control.script(script)?.to_vec())))
            .collect();
        Ok(Self { package, fields, conffiles, files: Vec::new(), info, scripts })
    }

    pub(super) fn state(&self) -> State {
        State::of(&self.package).unwrap_or(State::NotInstalled)
    }

    /// Whether its files count as its own: not those of what was removed and left its conffiles behind.
    pub(super) fn is_there(&self) -> bool {
        self.state() > State::ConfigFiles
    }

    /// Whether it works.
    pub(super) fn is_configured(&self) -> bool {
        self.state() >= State::TriggersAwaited
    }

    /// The version that was configured last.
    pub(super) fn configured_version(&self) -> Option<&str> {
        match self.state() {
            State::NotInstalled => None,
            State::Installed | State::TriggersPending => Some(self.package.version()),
            State::TriggersAwaited => Some(self.fields.get("Config-Version").unwrap_or(self.package.version())),
            _ => self.fields.get("Config-Version"),
        }
    }

    /// Whether it is a package as it comes in a file.
    pub(super) fn is_of(&self, package: &Package) -> bool {
        self.package.name() == package.name() && self.package.architecture() == package.architecture()
    }

    /// The digest of a conffile, if it is one.
    pub(super) fn digest_of(&self, path: &ImagePath) -> Option<&str> {
        self.conffiles.iter().find(|kept| kept.path == *path).map(|kept| kept.digest.as_str())
    }

    /// Its name to dpkg, in names of files and on the command line.
    pub(super) fn stem(&self) -> String {
        stem(&self.package)
    }

    /// Appends its paragraph.
    pub(super) fn write(&self, out: &mut String) {
        let mut fields = self.fields.clone();
        let lines: String = self.conffiles.iter().map(Kept::line).collect();
        fields.put("Conffiles", (!lines.is_empty()).then_some(lines));
        fields.write(out);
    }

    /// Its list of files, as dpkg keeps it.
    pub(super) fn list(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for path in &self.files {
            list.push(b'/');
            list.extend_from_slice(if path.is_root() { b"." } else { path.as_bytes() });
            list.push(b'\n');
        }
        list
    }
}

/// The name of a package to dpkg: with its architecture if others may be there beside it.
pub(super) fn stem(package: &Package) -> String {
    match package.multi_arch {
        MultiArch::Same => format!("{}:{}", package.name(), package.architecture()),
        _ => package.name().to_owned(),
    }
}

/// Whether unpacking `new` replaces `old`.
pub(super) fn replaces(new: &Package, old: &Package) -> bool {
    let are_siblings = new.multi_arch == MultiArch::Same && old.multi_arch == MultiArch::Same;
    new.name() == old.name() && (!are_siblings || new.architecture() == old.architecture())
}

impl Kept {
    fn read(line: &str) -> Option<Self> {
        let mut rest = line.trim();
        let mut flag = |name: &str| match rest.strip_suffix(name) {
            Some(before) => {
                rest = before;
                true
            }
            None => false,
        };
        let (is_leaving, is_obsolete) = (flag(" remove-on-upgrade"), flag(" obsolete"));
        let (path, digest) = rest.rsplit_once(' ')?;
        let path = ImagePath::parse(path.strip_prefix('/')?.as_bytes()).ok()?;
        Some(Self { path, digest: digest.to_owned(), is_obsolete, is_leaving })
    }

    fn line(&self) -> String {
        let obsolete = if self.is_obsolete { " obsolete" } else { "" };
        let leaving = if self.is_leaving { " remove-on-upgrade" } else { "" };
        let path = String::from_utf8_lossy(self.path.as_bytes());
        format!("\n /{path} {}{obsolete}{leaving}", self.digest)
    }
}

pub(super) fn not_text(error: &std::str::Utf8Error) -> IndexError {
    IndexError::NotText { offset: error.valid_up_to() }
}
