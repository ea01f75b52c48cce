//! What a package says of itself beside its files (deb-control(5), deb-conffiles(5), deb-md5sums(5)).

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::base::path::readable;

use super::super::package::Package;
use super::super::paragraph::Paragraphs;
use super::error::DebError;

/// The control archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Which package it is.
    pub package: Package,
    /// The files, by name. dpkg keeps all of them but `control` as `/var/lib/dpkg/info/PACKAGE.NAME`.
    pub files: BTreeMap<String, ControlFile>,
}

/// One file of the control archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlFile {
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits, as they are in the archive.
    pub mode: u16,
}

/// A program that dpkg runs for the package (deb-postinst(5) and the like).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Asks questions; debconf runs it.
    Config,
    /// Before the files are unpacked.
    PreInst,
    /// To configure the package.
    PostInst,
    /// Before it is removed.
    PreRm,
    /// After it was removed.
    PostRm,
}

impl Script {
    /// All of them, in the order in which they would be run.
    pub const ALL: [Self; 5] = [Self::Config, Self::PreInst, Self::PostInst, Self::PreRm, Self::PostRm];

    /// The name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::PreInst => "preinst",
            Self::PostInst => "postinst",
            Self::PreRm => "prerm",
            Self::PostRm => "postrm",
        }
    }
}

/// A file that belongs to whoever runs the system, once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conffile {
    /// Where it is.
    pub path: ImagePath,
    /// What the package does with it.
    pub fate: Fate,
}

/// What a package does with a conffile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It brings it.
    Brought,
    /// It had it once; it goes with the next upgrade.
    Removed,
}

impl Control {
    /// Reads what the files of a control archive say.
    pub fn new(files: BTreeMap<String, ControlFile>) -> Result<Self, DebError> {
        let control = files.get("control").ok_or(DebError::NoControl)?;
        let package = Package::read(&Paragraphs::only(&control.content)?)?;
        let control = Self { package, files };
        control.conffiles()?;
        control.md5sums()?;
        Ok(control)
    }

    fn content(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|file| file.content.as_slice())
    }

    /// A script, if the package has it.
    pub fn script(&self, script: Script) -> Option<&[u8]> {
        self.content(script.name())
    }

    /// The scripts that the package has.
    pub fn scripts(&self) -> impl Iterator<Item = Script> {
        Script::ALL.into_iter().filter(|script| self.files.contains_key(script.name()))
    }

    /// Its conffiles.
    pub fn conffiles(&self) -> Result<Vec<Conffile>, DebError> {
        let lines = self.content("conffiles").unwrap_or_default().split(|b| *b == b'\n');
        let conffile = |line: &[u8]| {
            let line = line.trim_ascii();
            let (path, fate) = match line.strip_prefix(b"remove-on-upgrade ") {
                Some(path) => (path, Fate::Removed),
                None => (line, Fate::Brought),
            };
            let path = if path.starts_with(b"/") { ImagePath::parse(path).ok() } else { None };
            let path = path.filter(|path| !path.is_root());
            path.map(|path| Conffile { path, fate }).ok_or_else(|| DebError::Conffile { line: readable(line) })
        };
        lines.filter(|line| !line.trim_ascii().is_empty()).map(conffile).collect()
    }

    /// MD5 of its files, 32 hexadecimal digits. They find damage, and prove nothing.
    pub fn md5sums(&self) -> Result<BTreeMap<ImagePath, String>, DebError> {
        let lines = self.content("md5sums").unwrap_or_default().split(|b| *b == b'\n');
        let sum = |line: &[u8]| {
            let (digest, path) = line.split_at_checked(32)?;
            let path = path.strip_prefix(b"  ").or_else(|| path.strip_prefix(b" *"))?;
            let digest = std::str::from_utf8(digest).ok()?;
            let is_hex = digest.bytes().all(|b| b.is_ascii_hexdigit());
            is_hex.then_some((ImagePath::parse(path).ok()?, digest.to_owned()))
        };
        let sum = |line: &[u8]| sum(line).ok_or_else(|| DebError::Md5sums { line: readable(line) });
        lines.filter(|line| !line.is_empty()).map(sum).collect()
    }
}
