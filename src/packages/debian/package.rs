//! One package of an index or of dpkg's database: what the solver, the lock and the installation need of it.

use crate::base::ContentDigest;

use super::error::IndexError;
use super::paragraph::Paragraph;
use super::relation::{Alternatives, is_architecture, is_name, parse};
use super::version::{Version, VersionError, compare};

/// A package of one version. Its texts lie behind each other in one allocation: an index has sixty thousand of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    text: Box<str>,
    /// Where each text ends, in the order of [`Text`].
    ends: [u32; TEXTS],
    /// How much it belongs to the system.
    pub standing: Standing,
    /// How common it is.
    pub priority: Priority,
    /// What other architectures may do with it.
    pub multi_arch: MultiArch,
    /// Size of its file in bytes; 0 in dpkg's database.
    pub size_bytes: u64,
    /// Of its file; `None` in dpkg's database.
    pub sha256: Option<ContentDigest>,
}

/// What a package is to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// One of many.
    Plain,
    /// `Protected: yes`, or `Important: yes`: removed only by who insists.
    Protected,
    /// `Essential: yes`: in every system, and never named as a dependency.
    Essential,
}

/// Of the field `Priority` (Debian policy, 2.5), the most common first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// What a system needs to work at all.
    Required,
    /// What people expect on any Unix.
    Important,
    /// A system for text terminals.
    Standard,
    /// Everything else.
    Optional,
    /// Deprecated.
    Extra,
}

/// Of the field `Multi-Arch` (deb-control(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultiArch {
    /// Satisfies its own architecture only.
    No,
    /// May be there several times, in one version.
    Same,
    /// Satisfies any architecture.
    Foreign,
    /// Satisfies who says `:any`.
    Allowed,
}

/// A field that names other packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relates {
    /// Must be configured before this is configured.
    Depends,
    /// Must be configured before this is unpacked.
    PreDepends,
    /// Is there in all but unusual installations.
    Recommends,
    /// Must not be there.
    Conflicts,
    /// Must not be configured.
    Breaks,
    /// May lose files to this one.
    Replaces,
    /// Names that this one stands for.
    Provides,
}

impl Relates {
    /// As the field is called.
    pub fn field(self) -> &'static str {
        self.text().name()
    }

    fn text(self) -> Text {
        match self {
            Self::Depends => Text::Depends,
            Self::PreDepends => Text::PreDepends,
            Self::Recommends => Text::Recommends,
            Self::Conflicts => Text::Conflicts,
            Self::Breaks => Text::Breaks,
            Self::Replaces => Text::Replaces,
            Self::Provides => Text::Provides,
        }
    }
}

/// The texts that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Package,
    Version,
    Architecture,
    Source,
    PreDepends,
    Depends,
    Recommends,
    Conflicts,
    Breaks,
    Replaces,
    Provides,
    Filename,
    Status,
}

const TEXTS: usize = 13;

impl Text {
    const ALL: [Self; TEXTS] = [
        Self::Package,
        Self::Version,
        Self::Architecture,
        Self::Source,
        Self::PreDepends,
        Self::Depends,
        Self::Recommends,
        Self::Conflicts,
        Self::Breaks,
        Self::Replaces,
        Self::Provides,
        Self::Filename,
        Self::Status,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Package => "Package",
            Self::Version => "Version",
            Self::Architecture => "Architecture",
            Self::Source => "Source",
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Recommends => "Recommends",
            Self::Conflicts => "Conflicts",
            Self::Breaks => "Breaks",
            Self::Replaces => "Replaces",
            Self::Provides => "Provides",
            Self::Filename => "Filename",
            Self::Status => "Status",
        }
    }
}

impl Package {
    /// Reads a paragraph. Its name, version and architecture are checked; what names other packages is read when it is
    /// asked for.
    pub fn read(paragraph: &Paragraph<'_>) -> Result<Self, IndexError> {
        let mut raw = Raw::default();
        for (name, lines) in paragraph.fields() {
            raw.put(name, lines)?;
        }
        raw.package()
    }

    fn get(&self, text: Text) -> &str {
        let index = text as usize;
        let end = self.ends.get(index).map_or(0, |end| *end as usize);
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.get(Text::Package)
    }

    /// Its version, as it is spelled.
    pub fn version(&self) -> &str {
        self.get(Text::Version)
    }

    /// Its architecture, `all` included.
    pub fn architecture(&self) -> &str {
        self.get(Text::Architecture)
    }

    /// The source package that it is built from, without a version.
    pub fn source(&self) -> &str {
        let source = self.get(Text::Source);
        let name = source.split([' ', '(']).next().unwrap_or_default();
        if name.is_empty() { self.name() } else { name }
    }

    /// Where its file is in the repository; empty in dpkg's database.
    pub fn file(&self) -> &str {
        self.get(Text::Filename)
    }

    /// Of dpkg's database, such as `install ok installed`; otherwise empty.
    pub fn status(&self) -> &str {
        self.get(Text::Status)
    }

    /// What it names in a field, for a system of `architecture`.
    pub fn relations(&self, field: Relates, architecture: &str) -> Result<Vec<Alternatives<'_>>, IndexError> {
        parse(self.get(field.text()), architecture)
    }

    /// How many others it needs, at a glance.
    pub(super) fn needs(&self) -> usize {
        [Text::PreDepends, Text::Depends].map(|text| self.get(text).split(',').count()).into_iter().sum()
    }

    /// Whether the version is the same for dpkg, however it is spelled.
    pub fn is_of_version(&self, version: &str) -> bool {
        compare(self.version(), version).is_eq()
    }
}

#[derive(Default)]
struct Raw<'a> {
    texts: [Option<std::borrow::Cow<'a, str>>; TEXTS],
    essential: bool,
    protected: bool,
    priority: &'a str,
    multi_arch: &'a str,
    size: &'a str,
    sha256: &'a str,
}

impl<'a> Raw<'a> {
    fn put(&mut self, name: &'a str, lines: &[&'a str]) -> Result<(), IndexError> {
        let line = lines.first().map_or("", |line| line.trim());
        if let Some(text) = Text::ALL.into_iter().find(|text| text.name().eq_ignore_ascii_case(name)) {
            let Some(place) = self.texts.get_mut(text as usize) else { return Ok(()) };
            let value = if lines.len() > 1 { lines.join(" ").trim().to_owned().into() } else { line.into() };
            if place.replace(value).is_some() {
                return Err(IndexError::Twice { field: name.to_owned() });
            }
            return Ok(());
        }
        let small = match name.len() {
            4 if name.eq_ignore_ascii_case("Size") => &mut self.size,
            6 if name.eq_ignore_ascii_case("SHA256") => &mut self.sha256,
            8 if name.eq_ignore_ascii_case("Priority") => &mut self.priority,
            10 if name.eq_ignore_ascii_case("Multi-Arch") => &mut self.multi_arch,
            9 if name.eq_ignore_ascii_case("Essential") => {
                self.essential = line == "yes";
                return Ok(());
            }
            9 if name.eq_ignore_ascii_case("Important") || name.eq_ignore_ascii_case("Protected") => {
                self.protected |= line == "yes";
                return Ok(());
            }
            _ => return Ok(()),
        };
        if !small.is_empty() {
            return Err(IndexError::Twice { field: name.to_owned() });
        }
        *small = line;
        Ok(())
    }

    fn text(&self, text: Text) -> &str {
        self.texts.get(text as usize).and_then(Option::as_deref).unwrap_or_default()
    }

    fn package(self) -> Result<Package, IndexError> {
        let name = self.text(Text::Package);
        if name.is_empty() {
            return Err(IndexError::Nameless);
        }
        let wrong = |field, found: &str, expected| IndexError::Field {
            package: name.to_owned(),
            field,
            found: found.to_owned(),
            expected,
        };
        if !is_name(name) {
            return Err(wrong("Package", name, "letters, digits and `+-.`"));
        }
        let version = |source: VersionError| IndexError::Version { package: name.to_owned(), source };
        // A package that was removed and left its conffiles behind keeps its version; one that was purged has none.
        if !self.text(Text::Version).is_empty() || self.text(Text::Status).is_empty() {
            Version::parse(self.text(Text::Version)).map_err(version)?;
        }
        let architecture = self.text(Text::Architecture);
        if architecture.is_empty() && self.text(Text::Status).is_empty() {
            return Err(IndexError::Missing { package: name.to_owned(), field: "Architecture" });
        }
        if !architecture.is_empty() && !is_architecture(architecture) {
            return Err(wrong("Architecture", architecture, "the name of an architecture"));
        }
        let standing = match (self.essential, self.protected) {
            (true, _) => Standing::Essential,
            (false, true) => Standing::Protected,
            (false, false) => Standing::Plain,
        };
        let multi_arch = match self.multi_arch {
            "" | "no" => MultiArch::No,
            "same" => MultiArch::Same,
            "foreign" => MultiArch::Foreign,
            "allowed" => MultiArch::Allowed,
            found => return Err(wrong("Multi-Arch", found, "`no`, `same`, `foreign` or `allowed`")),
        };
        let priority = match self.priority {
            "required" => Priority::Required,
            "important" => Priority::Important,
            "standard" => Priority::Standard,
            "extra" => Priority::Extra,
            _ => Priority::Optional,
        };
        let size_bytes = match self.size {
            "" => 0,
            size => size.parse().map_err(|_| wrong("Size", size, "a number of bytes"))?,
        };
        let sha256 = match self.sha256 {
            "" => None,
            sha256 => {
                let digest = format!("sha256:{sha256}").parse();
                Some(digest.map_err(|_| wrong("SHA256", sha256, "64 hexadecimal digits"))?)
            }
        };
        let mut text = String::with_capacity(self.texts.iter().flatten().map(|text| text.len()).sum());
        let mut ends = [0; TEXTS];
        for (end, part) in ends.iter_mut().zip(&self.texts) {
            text.push_str(part.as_deref().unwrap_or_default());
            // Four gigabytes of one paragraph: nobody holds them to come here.
            *end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        }
        let text = text.into_boxed_str();
        Ok(Package { text, ends, standing, priority, multi_arch, size_bytes, sha256 })
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Packages in a line.

    use super::super::paragraph::Paragraphs;
    use super::*;

    /// A package from its name, its version and more fields, each on a line.
    pub(crate) fn package(name: &str, version: &str, more: &str) -> Package {
        let architecture = if more.contains("Architecture:") { "" } else { "Architecture: amd64\n" };
        let sha256 = "0".repeat(64);
        let text = format!(
            "Package: {name}\nVersion: {version}\n{architecture}Filename: pool/{name}_{version}.deb\nSize: 1\n\
             SHA256: {sha256}\n{more}"
        );
        let paragraph = Paragraphs::only(text.as_bytes()).expect("a paragraph");
        Package::read(&paragraph).expect("a package")
    }
}

#[cfg(test)]
mod tests {
    use super::super::paragraph::Paragraphs;
    use super::super::relation::shown;
    use super::*;

    fn read(text: &str) -> Result<Package, IndexError> {
        Package::read(&Paragraphs::new(text.as_bytes()).expect("text").next().expect("one").expect("a paragraph"))
    }

    const GOOD: &str = "Package: libc6\nversion: 2.36-9\nArchitecture: amd64\nSource: glibc (2.36)\nDepends: a,\n b (>= 1)\n\
                        Multi-Arch: same\nPriority: required\nEssential: yes\nFilename: pool/l.deb\nSize: 7\n";

    #[test]
    fn what_is_needed_is_kept() {
        let package = read(GOOD).expect("a package");
        assert_eq!((package.name(), package.version(), package.architecture()), ("libc6", "2.36-9", "amd64"));
        assert_eq!((package.source(), package.file(), package.size_bytes), ("glibc", "pool/l.deb", 7));
        assert_eq!((package.standing, package.priority), (Standing::Essential, Priority::Required));
        assert_eq!((package.multi_arch, package.status()), (MultiArch::Same, ""));
        let depends = package.relations(Relates::Depends, "amd64").expect("relations");
        assert_eq!(depends.iter().map(|group| shown(group)).collect::<Vec<_>>(), ["a", "b (>= 1)"]);
        assert!(package.relations(Relates::Breaks, "amd64").expect("relations").is_empty());
        assert!(package.is_of_version("0:2.36-9") && !package.is_of_version("2.36-8"));
        let protected = read("Package: a\nVersion: 1\nArchitecture: all\nImportant: yes\n").expect("a package");
        assert_eq!((protected.standing, protected.source()), (Standing::Protected, "a"));
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let with = |line: &str| read(&format!("{GOOD}{line}\n")).map(drop);
        assert!(matches!(read("Version: 1\n"), Err(IndexError::Nameless)));
        assert!(matches!(read("Package: a\nVersion: 1\n"), Err(IndexError::Missing { field: "Architecture", .. })));
        assert!(matches!(read("Package: a\nArchitecture: all\n"), Err(IndexError::Version { .. })));
        assert!(matches!(with("SHA256: abc"), Err(IndexError::Field { field: "SHA256", .. })));
        assert!(matches!(with("size: 8"), Err(IndexError::Twice { .. })));
        assert!(matches!(with("depends: x"), Err(IndexError::Twice { .. })));
        for (from, to) in
            [("libc6", "../x"), ("amd64", "a/b"), ("Size: 7", "Size: x"), ("Multi-Arch: same", "Multi-Arch: x")]
        {
            assert!(matches!(read(&GOOD.replace(from, to)), Err(IndexError::Field { .. })), "{to}");
        }
    }
}
