//! What a suite is and which indexes it has (`Release`; the repository format of Debian's wiki, "DebianRepository/Format").

use std::collections::BTreeMap;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::base::{ContentDigest, Epoch};

use super::error::IndexError;
use super::paragraph::{Paragraph, Paragraphs};
use super::pool::Automatic;

/// A `Release` whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who made it, such as `Debian`.
    pub origin: String,
    /// What it is for now, such as `stable`.
    pub suite: String,
    /// What it is called for ever, such as `bookworm`.
    pub codename: String,
    /// When it was made.
    pub date: Epoch,
    /// Until when it counts; `None`: for ever.
    pub valid_until: Option<Epoch>,
    /// For which architectures it has indexes.
    pub architectures: Vec<String>,
    /// Which components it has.
    pub components: Vec<String>,
    /// Whether its files can be had under the name of their digest, so that they stay together while it changes.
    pub by_hash: ByHash,
    /// Whether its packages come by themselves.
    pub automatic: Automatic,
    /// Where packages for all architectures are listed.
    pub all: AllPackages,
    /// Its indexes by path from its directory.
    pub files: BTreeMap<String, IndexFile>,
}

/// Whether files can be had under the name of their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHash {
    /// They can.
    Yes,
    /// Only under their own names.
    No,
}

/// Where packages for all architectures are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllPackages {
    /// In the index of each architecture.
    Within,
    /// In an index of their own alone.
    Apart,
}

/// One file of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFile {
    /// Of its bytes, compressed as they are.
    pub sha256: ContentDigest,
    /// How many.
    pub size_bytes: u64,
}

/// What a `Release` should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its suite or codename, as the template names it.
    pub suite: &'a str,
    /// Components that it should have.
    pub components: &'a [String],
    /// Debian's name of an architecture that it should have.
    pub architecture: &'a str,
    /// Who should have made it, if that is known.
    pub origin: Option<&'a str>,
    /// The time at which it should count.
    pub at: Epoch,
    /// When the last one was made that was seen, if any: none may be older.
    pub not_before: Option<Epoch>,
}

/// A `Release` that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// It is damaged.
    #[error("cannot read the Release file")]
    Unreadable {
        /// Why.
        #[from]
        source: IndexError,
    },
    /// A field that is needed.
    #[error("the Release file has no field `{field}`")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A field holds something else than it should.
    #[error("field `{field}` of the Release file is `{found}`, expected {expected}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// It is of another suite: the signature of one suite does not count for another.
    #[error("expected the suite `{expected}`, found suite `{suite}` with codename `{codename}`")]
    Suite {
        /// What was asked for.
        expected: String,
        /// What it is for.
        suite: String,
        /// What it is called.
        codename: String,
    },
    /// It is of somebody else.
    #[error("expected a suite of `{expected}`, found one of `{found}`")]
    Origin {
        /// Who should have made it.
        expected: String,
        /// Who has.
        found: String,
    },
    /// A component that it does not have.
    #[error("the suite `{suite}` has no component `{component}`, only {}", has.join(", "))]
    Component {
        /// The suite.
        suite: String,
        /// What was asked for.
        component: String,
        /// What there is.
        has: Vec<String>,
    },
    /// An architecture that it does not have.
    #[error("the suite `{suite}` has nothing for `{architecture}`, only for {}", has.join(", "))]
    Architecture {
        /// The suite.
        suite: String,
        /// What was asked for.
        architecture: String,
        /// What there is.
        has: Vec<String>,
    },
    /// Its time is over.
    #[error("the Release file of `{suite}` was valid until {valid_until}, and it is {at}")]
    Expired {
        /// The suite.
        suite: String,
        /// Its last moment.
        valid_until: Epoch,
        /// The time.
        at: Epoch,
    },
    /// Its time has not come.
    #[error("the Release file of `{suite}` is of {date}, and it is {at}")]
    Future {
        /// The suite.
        suite: String,
        /// When it was made.
        date: Epoch,
        /// The time.
        at: Epoch,
    },
    /// An older one than was seen before: somebody may withhold what was mended since.
    #[error("the Release file of `{suite}` is of {date}, older than the one of {before} that was seen before")]
    Older {
        /// The suite.
        suite: String,
        /// When it was made.
        date: Epoch,
        /// When the other was.
        before: Epoch,
    },
    /// An index that it should have.
    #[error("the Release file of `{suite}` does not list `{path}` in a compression that can be read")]
    NoIndex {
        /// The suite.
        suite: String,
        /// Without the compression.
        path: String,
    },
}

impl ReleaseError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } | Self::Missing { .. } | Self::Field { .. } | Self::NoIndex { .. } => {
                "this is the repository's own mistake: tell those who run it, or take another one".to_owned()
            }
            Self::Suite { codename, .. } => {
                format!("try another mirror, or write `suite = \"{codename}\"` if that is what you mean")
            }
            Self::Origin { .. } => "the mirror does not serve this distribution: try another one".to_owned(),
            Self::Component { .. } => "write `components` with those that there are".to_owned(),
            Self::Architecture { .. } => "write `platforms` with those that there are".to_owned(),
            Self::Expired { .. } => "the mirror is out of date: try another one, or set `snapshot`".to_owned(),
            Self::Future { .. } => "correct the clock of this machine, or set a later `snapshot`".to_owned(),
            Self::Older { .. } => "the mirror is behind: try another one, or try again later".to_owned(),
        })
    }
}

/// How much later than the clock a `Release` may be: clocks differ.
const SKEW_SECONDS: i64 = 3600;

/// The compressions of an index that can be read, the smallest first.
const COMPRESSIONS: &[&str] = &[".xz", ".zst", ".gz", ".bz2", ""];

impl Release {
    /// Reads the text of a `Release`.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let paragraph = Paragraphs::only(text.as_bytes())?;
        let line = |name: &str| paragraph.line(name).unwrap_or_default().to_owned();
        let words = |name: &str| -> Vec<String> {
            paragraph.lines(name).iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect()
        };
        Ok(Self {
            origin: line("Origin"),
            suite: line("Suite"),
            codename: line("Codename"),
            date: date(&paragraph, "Date")?.ok_or(ReleaseError::Missing { field: "Date" })?,
            valid_until: date(&paragraph, "Valid-Until")?,
            architectures: words("Architectures"),
            components: words("Components"),
            by_hash: if line("Acquire-By-Hash") == "yes" { ByHash::Yes } else { ByHash::No },
            automatic: if line("NotAutomatic") == "yes" { Automatic::No } else { Automatic::Yes },
            all: all_packages(&words("Architectures"), &line("No-Support-for-Architecture-all")),
            files: files(&paragraph)?,
        })
    }

    /// Checks that this is what was asked for, and that it counts.
    pub fn check(&self, wanted: &Wanted<'_>) -> Result<(), ReleaseError> {
        let suite = || wanted.suite.to_owned();
        if wanted.suite.is_empty() || (wanted.suite != self.suite && wanted.suite != self.codename) {
            let (found, codename) = (self.suite.clone(), self.codename.clone());
            return Err(ReleaseError::Suite { expected: suite(), suite: found, codename });
        }
        if let Some(origin) = wanted.origin.filter(|origin| *origin != self.origin) {
            return Err(ReleaseError::Origin { expected: origin.to_owned(), found: self.origin.clone() });
        }
        // Security suites used to call their components `updates/main`.
        let has = |component: &String| {
            self.components.iter().any(|own| own == component || own.rsplit('/').next() == Some(component))
        };
        if let Some(component) = wanted.components.iter().find(|component| !has(component)) {
            let has = self.components.clone();
            return Err(ReleaseError::Component { suite: suite(), component: component.clone(), has });
        }
        if !self.architectures.iter().any(|own| own == wanted.architecture) {
            let (architecture, has) = (wanted.architecture.to_owned(), self.architectures.clone());
            return Err(ReleaseError::Architecture { suite: suite(), architecture, has });
        }
        if self.date.seconds() > wanted.at.seconds() + SKEW_SECONDS {
            return Err(ReleaseError::Future { suite: suite(), date: self.date, at: wanted.at });
        }
        if let Some(valid_until) = self.valid_until.filter(|until| *until < wanted.at) {
            return Err(ReleaseError::Expired { suite: suite(), valid_until, at: wanted.at });
        }
        match wanted.not_before.filter(|before| self.date < *before) {
            Some(before) => Err(ReleaseError::Older { suite: suite(), date: self.date, before }),
            None => Ok(()),
        }
    }

    /// The index of a component for an architecture, in the smallest compression that can be read: its path from the
    /// suite's directory, and what it is.
    pub fn index(&self, component: &str, architecture: &str) -> Result<(String, IndexFile), ReleaseError> {
        let path = format!("{component}/binary-{architecture}/Packages");
        let found = COMPRESSIONS.iter().find_map(|compression| {
            let path = format!("{path}{compression}");
            self.files.get(&path).map(|file| (path, *file))
        });
        found.ok_or_else(|| ReleaseError::NoIndex { suite: self.codename.clone(), path })
    }
}

/// A suite that names `all` has an index of it, and lists its packages in the others as well if it says that nobody has to
/// look there.
fn all_packages(architectures: &[String], no_support: &str) -> AllPackages {
    let has_index = architectures.iter().any(|architecture| architecture == "all");
    if has_index && no_support != "Packages" { AllPackages::Apart } else { AllPackages::Within }
}

/// A time as RFC 5322 has it, in UTC.
fn date(paragraph: &Paragraph<'_>, field: &'static str) -> Result<Option<Epoch>, ReleaseError> {
    let Some(found) = paragraph.line(field) else { return Ok(None) };
    let numeric = found.replace("UTC", "+0000").replace("GMT", "+0000");
    // Not every archive knows its days of the week.
    let parser = DateTimeParser::new().relaxed_weekday(true);
    let time = parser.parse_timestamp(&numeric).ok().and_then(|time| Epoch::from_seconds(time.as_second()));
    let expected = "a time such as `Thu, 01 Jan 2026 00:00:00 UTC`";
    time.map(Some).ok_or_else(|| ReleaseError::Field { field, found: found.to_owned(), expected })
}

fn files(paragraph: &Paragraph<'_>) -> Result<BTreeMap<String, IndexFile>, ReleaseError> {
    let mut files = BTreeMap::new();
    for line in paragraph.lines("SHA256").iter().filter(|line| !line.trim().is_empty()) {
        let expected = "lines of digest, size and path, each path once";
        let fail = || ReleaseError::Field { field: "SHA256", found: (*line).to_owned(), expected };
        let [digest, size, path] = line.split_whitespace().collect::<Vec<_>>()[..] else { return Err(fail()) };
        let sha256 = format!("sha256:{digest}").parse().map_err(|_| fail())?;
        let size_bytes = size.parse().map_err(|_| fail())?;
        let is_good = path.bytes().all(|b| b.is_ascii_graphic()) && path.split('/').all(|part| part != "..");
        let file = IndexFile { sha256, size_bytes };
        if !is_good || files.insert(path.to_owned(), file).is_some_and(|before| before != file) {
            return Err(fail());
        }
    }
    if files.is_empty() { Err(ReleaseError::Missing { field: "SHA256" }) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "Origin: Debian\nSuite: oldstable\nCodename: bookworm\nDate: Sat, 06 Sep 2025 10:00:00 UTC\n\
                        Valid-Until: Sat, 13 Sep 2025 10:00:00 UTC\nAcquire-By-Hash: yes\n\
                        Architectures: all amd64 arm64\nComponents: main updates/contrib\nSHA256:\n";

    fn time(text: &str) -> Epoch {
        text.parse().expect("a time")
    }

    fn text() -> String {
        let line = |digit: &str, path: &str| format!(" {} 12 {path}\n", digit.repeat(64));
        [GOOD, &line("a", "main/binary-amd64/Packages.gz"), &line("b", "main/binary-amd64/Packages.xz")].concat()
    }

    fn good() -> Release {
        Release::parse(&text()).expect("a good release")
    }

    fn wanted<'a>() -> Wanted<'a> {
        Wanted {
            suite: "bookworm",
            components: &[],
            architecture: "amd64",
            origin: None,
            at: time("2025-09-07T00:00:00Z"),
            not_before: None,
        }
    }

    #[test]
    fn a_release_lists_its_indexes() {
        let release = good();
        assert_eq!(release.date, time("2025-09-06T10:00:00Z"));
        assert_eq!(release.by_hash, ByHash::Yes);
        assert_eq!((release.automatic, release.all), (Automatic::Yes, AllPackages::Apart));
        let backports =
            text().replace("Suite:", "NotAutomatic: yes\nNo-Support-for-Architecture-all: Packages\nSuite:");
        let backports = Release::parse(&backports).expect("a release");
        assert_eq!((backports.automatic, backports.all), (Automatic::No, AllPackages::Within));
        let (path, file) = release.index("main", "amd64").expect("an index");
        assert_eq!((path.as_str(), file.size_bytes), ("main/binary-amd64/Packages.xz", 12));
        assert!(matches!(release.index("main", "arm64"), Err(ReleaseError::NoIndex { .. })));
    }

    #[test]
    fn what_was_asked_for_is_checked() {
        let release = good();
        let components = ["main".to_owned(), "contrib".to_owned()];
        let all =
            Wanted { components: &components, origin: Some("Debian"), not_before: Some(release.date), ..wanted() };
        assert_eq!(release.check(&all), Ok(()));
        assert_eq!(release.check(&Wanted { suite: "oldstable", ..wanted() }), Ok(()));
        let refused = |wanted: Wanted<'_>| release.check(&wanted).expect_err("it is something else");
        assert!(matches!(refused(Wanted { suite: "stable", ..wanted() }), ReleaseError::Suite { .. }));
        assert!(matches!(refused(Wanted { suite: "", ..wanted() }), ReleaseError::Suite { .. }));
        assert!(matches!(refused(Wanted { origin: Some("Ubuntu"), ..wanted() }), ReleaseError::Origin { .. }));
        let other = ["non-free".to_owned()];
        assert!(matches!(refused(Wanted { components: &other, ..wanted() }), ReleaseError::Component { .. }));
        assert!(matches!(refused(Wanted { architecture: "riscv64", ..wanted() }), ReleaseError::Architecture { .. }));
        let at = |text: &str| Wanted { at: time(text), ..wanted() };
        assert!(matches!(refused(at("2025-09-14T00:00:00Z")), ReleaseError::Expired { .. }));
        assert!(matches!(refused(at("2025-09-06T08:00:00Z")), ReleaseError::Future { .. }));
        let newer = Wanted { not_before: Some(time("2025-09-06T10:00:01Z")), ..wanted() };
        assert!(matches!(refused(newer), ReleaseError::Older { .. }));
    }

    #[test]
    fn what_is_no_release_is_refused() {
        let parse = |text: &str| Release::parse(text).map(drop);
        assert!(matches!(parse(""), Err(ReleaseError::Unreadable { .. })));
        assert!(matches!(parse(&(text() + "suite: x\n")), Err(ReleaseError::Unreadable { .. })));
        assert!(matches!(parse(GOOD), Err(ReleaseError::Missing { field: "SHA256" })));
        assert!(matches!(parse("Suite: a\n"), Err(ReleaseError::Missing { field: "Date" })));
        assert!(matches!(parse(&text().replace("06 Sep", "6. Sept")), Err(ReleaseError::Field { field: "Date", .. })));
        for bad in ["x", "x 1 a", &format!("{} 1 ../a", "a".repeat(64)), &format!("{} x a", "a".repeat(64))] {
            let found = parse(&format!("{}\n {bad}\n", text().trim_end()));
            assert!(matches!(found, Err(ReleaseError::Field { field: "SHA256", .. })), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            lines in prop::collection::vec("(Date: |Suite: |SHA256:| |)[a-f0-9/: .]{0,20}", 0..10)
        ) {
            let _ = Release::parse(&lines.join("\n"));
        }
    }
}
