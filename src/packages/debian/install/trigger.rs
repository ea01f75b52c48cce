//! Who is told when something is unpacked (deb-triggers(5); dpkg's `triggers.txt`).
//!
//! ```text
//! triggers/File      /usr/share/man man-db/noawait     paths, in the order in which they came
//! triggers/NAME      libc-bin/noawait                  a name, and who wants to know
//! triggers/Unincorp  ldconfig libc6:amd64              what happened, and who waits for it (`-`: nobody)
//! ```
//! What is written into `Unincorp` dpkg takes from there the next time that it runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ImagePath;
use crate::base::path::readable;

use super::divert::{absolute, lines};
use super::error::InstallError;

/// Whether whoever triggers waits until it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Await {
    Yes,
    No,
}

/// One line of a package's `triggers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Directive {
    Interest(Vec<u8>, Await),
    Activate(Vec<u8>, Await),
}

/// Who wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interest {
    package: String,
    waits: Await,
}

/// The triggers of a root.
#[derive(Debug, Clone, Default)]
pub(super) struct Triggers {
    files: Vec<(ImagePath, Interest)>,
    names: BTreeMap<String, Vec<Interest>>,
    /// What happened, in order: the trigger, and who waits.
    happened: Vec<(Vec<u8>, BTreeSet<String>)>,
    /// What differs from the root's files: `File`, `Unincorp`, names.
    changed: BTreeSet<String>,
}

/// The names of files that are no triggers.
const OWN: &[&str] = &["File", "Unincorp", "Lock"];

/// Reads a package's `triggers`.
pub(super) fn directives(package: &str, bytes: &[u8]) -> Result<Vec<Directive>, InstallError> {
    let directive = |line: &[u8]| {
        let end = line.iter().position(|b| matches!(b, b' ' | b'\t'))?;
        let (word, name) = line.split_at(end);
        let name = name.trim_ascii().to_vec();
        let is_good = !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic());
        let path_or_name = absolute(&name).is_some() || is_trigger_name(&name);
        if !is_good || !path_or_name {
            return None;
        }
        Some(match word {
            b"interest" | b"interest-await" => Directive::Interest(name, Await::Yes),
            b"interest-noawait" => Directive::Interest(name, Await::No),
            b"activate" | b"activate-await" => Directive::Activate(name, Await::Yes),
            b"activate-noawait" => Directive::Activate(name, Await::No),
            _ => return None,
        })
    };
    let wrong = |line: &[u8]| InstallError::Trigger { package: package.to_owned(), line: readable(line) };
    bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| directive(line).ok_or_else(|| wrong(line)))
        .collect()
}

/// A name becomes the name of a file.
fn is_trigger_name(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| super::super::relation::is_name(name) && !OWN.contains(&name))
}

impl Triggers {
    /// Reads the directory `triggers`, given the names and contents of its files.
    pub(super) fn read(files: &[(ImagePath, Vec<u8>)]) -> Result<Self, InstallError> {
        let mut triggers = Self::default();
        for (path, bytes) in files {
            for (index, line) in lines(bytes).enumerate() {
                let fail = |reason| InstallError::Damaged { path: path.clone(), line: index + 1, reason };
                match path.name() {
                    b"Lock" => {}
                    b"Unincorp" => {
                        let text = std::str::from_utf8(line).map_err(|_| fail("expected a trigger and packages"))?;
                        let mut words = text.split_whitespace();
                        let name = words.next().ok_or_else(|| fail("expected a trigger and packages"))?;
                        triggers.happened.push((name.into(), words.map(str::to_owned).collect()));
                    }
                    b"File" => {
                        let space = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
                        let (file, package) = line.split_at(space);
                        let file = absolute(file).ok_or_else(|| fail("expected a path and a package"))?;
                        let interest = Interest::read(package.trim_ascii());
                        triggers.files.push((file, interest.ok_or_else(|| fail("expected a path and a package"))?));
                    }
                    name => {
                        let name = String::from_utf8_lossy(name).into_owned();
                        let interest = Interest::read(line).ok_or_else(|| fail("expected a package"))?;
                        triggers.names.entry(name).or_default().push(interest);
                    }
                }
            }
        }
        Ok(triggers)
    }

    /// Forgets what a package wanted to know.
    pub(super) fn forget(&mut self, package: &str) {
        let before = self.files.len();
        self.files.retain(|(_, interest)| interest.package != package);
        if self.files.len() != before {
            self.changed.insert("File".to_owned());
        }
        for (name, interests) in &mut self.names {
            let before = interests.len();
            interests.retain(|interest| interest.package != package);
            if interests.len() != before {
                self.changed.insert(name.clone());
            }
        }
    }

    /// Notes what a package wants to know.
    pub(super) fn add(&mut self, package: &str, name: &[u8], waits: Await) {
        let interest = Interest { package: package.to_owned(), waits };
        if let Some(path) = absolute(name) {
            self.files.retain(|(known, other)| *known != path || other.package != package);
            self.files.push((path, interest));
            self.changed.insert("File".to_owned());
        } else {
            let name = String::from_utf8_lossy(name).into_owned();
            let interests = self.names.entry(name.clone()).or_default();
            interests.retain(|other| other.package != package);
            interests.push(interest);
            self.changed.insert(name);
        }
    }

    /// Notes that a trigger was activated, by `package` unless it does not wait. Of those who want to know only those count
    /// that are configured: the others find out when they are.
    pub(super) fn activate(&mut self, name: &[u8], package: Option<&str>, is_configured: impl Fn(&str) -> bool) {
        let is_heard = if let Some(path) = absolute(name) {
            self.files.iter().any(|(known, interest)| path.below(known).is_some() && is_configured(&interest.package))
        } else {
            let interests = std::str::from_utf8(name).ok().and_then(|name| self.names.get(name));
            interests.into_iter().flatten().any(|interest| is_configured(&interest.package))
        };
        if is_heard {
            self.happen(name, package);
        }
    }

    /// Notes which paths that somebody wants to know of are among those that `package` brings or takes away.
    pub(super) fn touch<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a ImagePath>,
        package: &str,
        is_configured: impl Fn(&str) -> bool,
    ) {
        let wanted: BTreeMap<&ImagePath, bool> = self
            .files
            .iter()
            .filter(|(_, interest)| is_configured(&interest.package))
            .fold(BTreeMap::new(), |mut wanted, (path, interest)| {
                *wanted.entry(path).or_default() |= interest.waits == Await::Yes;
                wanted
            });
        if wanted.is_empty() {
            return;
        }
        let mut hit: BTreeMap<ImagePath, bool> = BTreeMap::new();
        for path in paths {
            for at in std::iter::successors(Some(path.clone()), ImagePath::parent) {
                if let Some(waits) = wanted.get(&at) {
                    hit.insert(at, *waits);
                }
            }
        }
        for (path, waits) in hit {
            self.happen(&[b"/", path.as_bytes()].concat(), waits.then_some(package));
        }
    }

    fn happen(&mut self, name: &[u8], package: Option<&str>) {
        self.changed.insert("Unincorp".to_owned());
        let awaiter = package.unwrap_or("-").to_owned();
        match self.happened.iter_mut().find(|(known, _)| known == name) {
            Some((_, awaiters)) => drop(awaiters.insert(awaiter)),
            None => self.happened.push((name.to_vec(), BTreeSet::from([awaiter]))),
        }
    }

    /// The files that changed since the last call, by name; `None` for one that goes.
    pub(super) fn take(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        std::mem::take(&mut self.changed).into_iter().map(|name| (name.clone(), self.file(&name))).collect()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match name {
            "File" => {
                for (path, interest) in &self.files {
                    bytes.extend([b"/", path.as_bytes(), b" ", interest.line().as_bytes()].concat());
                }
            }
            "Unincorp" => {
                for (trigger, awaiters) in &self.happened {
                    let awaiters: String = awaiters.iter().map(|awaiter| format!(" {awaiter}")).collect();
                    bytes.extend([trigger, awaiters.as_bytes(), b"\n"].concat());
                }
                return Some(bytes);
            }
            name => {
                let interests = self.names.get(name).into_iter().flatten();
                interests.for_each(|interest| bytes.extend(interest.line().as_bytes()));
            }
        }
        (!bytes.is_empty()).then_some(bytes)
    }
}

impl Interest {
    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| !text.is_empty())?;
        let (package, option) = text.split_once('/').unwrap_or((text, ""));
        let waits = if option == "noawait" { Await::No } else { Await::Yes };
        Some(Self { package: package.to_owned(), waits })
    }

    fn line(&self) -> String {
        let option = if self.waits == Await::No { "/noawait" } else { "" };
        format!("{}{option}\n", self.package)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::path;

    fn taken(triggers: &mut Triggers) -> Vec<(String, String)> {
        let text =
            |bytes: Option<Vec<u8>>| bytes.map_or("gone".to_owned(), |b| String::from_utf8_lossy(&b).into_owned());
        triggers.take().into_iter().map(|(name, bytes)| (name, text(bytes))).collect()
    }

    #[test]
    fn interests_are_kept_as_dpkg_keeps_them() {
        let read = |files: &[(&str, &str)]| {
            let files: Vec<_> = files.iter().map(|(name, text)| (path(name), text.as_bytes().to_vec())).collect();
            Triggers::read(&files)
        };
        let files = [("t/File", "/usr/share/man man-db/noawait\n"), ("t/ldconfig", "libc-bin\n"), ("t/Lock", "x")];
        let mut triggers = read(&files).expect("triggers");
        triggers.add("a:amd64", b"/etc/a", Await::Yes);
        triggers.add("a:amd64", b"ldconfig", Await::No);
        triggers.touch([path("usr/share/man/man1/a.1"), path("usr")].iter(), "b", |_| true);
        triggers.touch([path("etc/a")].iter(), "b", |package| package == "man-db");
        triggers.touch([path("etc/a")].iter(), "b", |_| true);
        triggers.activate(b"ldconfig", Some("b"), |_| true);
        triggers.activate(b"ldconfig", None, |_| true);
        triggers.activate(b"ldconfig", Some("c"), |_| false);
        triggers.activate(b"nobodys", Some("b"), |_| true);
        triggers.activate(b"/etc/a/b", Some("b"), |_| true);
        let expected = [
            ("File", "/usr/share/man man-db/noawait\n/etc/a a:amd64\n"),
            ("Unincorp", "/usr/share/man -\n/etc/a b\nldconfig - b\n/etc/a/b b\n"),
            ("ldconfig", "libc-bin\na:amd64/noawait\n"),
        ];
        assert_eq!(taken(&mut triggers), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert!(taken(&mut triggers).is_empty());
        triggers.forget("libc-bin");
        triggers.forget("a:amd64");
        let expected = [("File", "/usr/share/man man-db/noawait\n"), ("ldconfig", "gone")];
        assert_eq!(taken(&mut triggers), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        for bad in [[("t/File", "man-db\n")], [("t/File", "/a\n")], [("t/x", "a\n\n")], [("t/Unincorp", "\n\n")]] {
            assert!(matches!(read(&bad), Err(InstallError::Damaged { .. })), "{bad:?}");
        }
    }

    #[test]
    fn directives_are_read_or_refused() {
        let text = "# a comment\n\ninterest /usr/share\ninterest-noawait x\n activate\tldconfig \nactivate-noawait y";
        let found = directives("a", text.as_bytes()).expect("directives");
        assert_eq!(found[0], Directive::Interest(b"/usr/share".to_vec(), Await::Yes));
        assert_eq!(found[2], Directive::Activate(b"ldconfig".to_vec(), Await::Yes));
        assert_eq!(found.len(), 4);
        for bad in ["interest", "interests x", "interest ../x", "interest a b", "interest File", "interest /.."] {
            let found = directives("a", bad.as_bytes());
            assert!(matches!(found, Err(InstallError::Trigger { .. })), "{bad} {found:?}");
        }
    }
}
