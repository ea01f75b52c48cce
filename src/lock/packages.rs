//! The entries of packages as tables of the lock file: a line for each package, so that two branches merge.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use crate::base::{ContentDigest, Epoch, Platform};
use crate::packages::PackagePin;

use super::input::{PackagesPin, PackagesRequest, Pin, ReleasePin, Request};
use super::raw::{list, quoted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPackages {
    packages: Vec<String>,
    repositories: Vec<String>,
    #[serde(default)]
    recommends: bool,
    r#in: Option<String>,
    platform: Platform,
    given: ContentDigest,
    releases: Vec<RawRelease>,
    set: Vec<Spanned<PackagePin>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRelease {
    repository: String,
    suite: String,
    date: Epoch,
}

impl RawPackages {
    /// The entry, or the place of a package that is not the first of its name and architecture, and what is wrong.
    pub(super) fn entry(self) -> Result<(Request, Pin), (usize, String)> {
        let mut names = BTreeSet::new();
        for pin in &self.set {
            let PackagePin { name, architecture, .. } = pin.as_ref();
            if !names.insert((name.clone(), architecture.clone())) {
                return Err((pin.span().start, format!("the set has the package `{name}` ({architecture}) twice")));
            }
        }
        let mut set: Vec<PackagePin> = self.set.into_iter().map(Spanned::into_inner).collect();
        set.sort_by(|left, right| (&left.name, &left.architecture).cmp(&(&right.name, &right.architecture)));
        let release = |raw: RawRelease| ReleasePin { repository: raw.repository, suite: raw.suite, date: raw.date };
        let releases = self.releases.into_iter().map(release).collect();
        let request = PackagesRequest {
            packages: self.packages,
            repositories: self.repositories,
            recommends: self.recommends,
            stage: self.r#in,
            platform: self.platform,
        };
        Ok((Request::Packages(request), Pin::Packages(PackagesPin { given: self.given, releases, set })))
    }
}

/// The keys of an entry, and their values.
pub(super) fn lines(request: &PackagesRequest, pin: &PackagesPin) -> Vec<(&'static str, String)> {
    let words = |words: &[String]| list(words.iter().map(|word| quoted(word)));
    let mut lines = vec![("packages", words(&request.packages)), ("repositories", words(&request.repositories))];
    lines.extend(request.recommends.then(|| ("recommends", "true".to_owned())));
    lines.extend(request.stage.as_ref().map(|stage| ("in", quoted(stage))));
    lines.push(("platform", quoted(&request.platform.to_string())));
    lines.push(("given", quoted(&pin.given.to_string())));
    lines.push(("releases", column(pin.releases.iter().map(release))));
    lines.push(("set", column(pin.set.iter().map(package))));
    lines
}

fn release(pin: &ReleasePin) -> String {
    let (repository, suite, date) = (quoted(&pin.repository), quoted(&pin.suite), quoted(&pin.date.to_string()));
    format!("repository = {repository}, suite = {suite}, date = {date}")
}

fn package(pin: &PackagePin) -> String {
    let texts = [
        ("name", &pin.name),
        ("version", &pin.version),
        ("architecture", &pin.architecture),
        ("source", &pin.source),
        ("repository", &pin.repository),
        ("file", &pin.file),
    ];
    let texts: String = texts.iter().map(|(key, text)| format!("{key} = {}, ", quoted(text))).collect();
    let (sha256, reason) = (quoted(&pin.sha256.to_string()), quoted(&pin.reason.to_string()));
    format!("{texts}size = {}, sha256 = {sha256}, reason = {reason}", pin.size)
}

/// A list of tables with a line for each.
fn column(tables: impl Iterator<Item = String>) -> String {
    let rows: String = tables.map(|table| format!("  {{ {table} }},\n")).collect();
    if rows.is_empty() { "[]".to_owned() } else { format!("[\n{rows}]") }
}

#[cfg(test)]
pub(super) mod testing {
    //! An entry of packages.

    use super::*;
    use crate::packages::Reason;

    pub(crate) fn pin(name: &str, reason: Reason) -> PackagePin {
        PackagePin {
            name: name.to_owned(),
            version: "2:1.22.1-9+b1~x".to_owned(),
            architecture: "amd64".to_owned(),
            file: format!("pool/main/n/nginx/{name}_1.22.1-9_amd64.deb"),
            size: 5,
            sha256: [9; 32].into(),
            source: "nginx".to_owned(),
            repository: "debian".to_owned(),
            reason,
        }
    }

    pub(crate) fn entry() -> (PackagesRequest, PackagesPin) {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let request = PackagesRequest {
            packages: words(&["nginx-light", "curl=7.88*", "?priority(required)"]),
            repositories: words(&["debian", "own"]),
            recommends: true,
            stage: Some("build".to_owned()),
            platform: "linux/amd64".parse().expect("a platform"),
        };
        let release = |suite: &str| ReleasePin {
            repository: "debian".to_owned(),
            suite: suite.to_owned(),
            date: "2026-11-01T00:00:00Z".parse().expect("a time"),
        };
        let needed = Reason::Needed("nginx-light".to_owned());
        let set = vec![pin("libc6", needed), pin("nginx-light", Reason::Asked)];
        let releases = vec![release("bookworm-security"), release("bookworm")];
        (request, PackagesPin { given: [10; 32].into(), releases, set })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lock::raw::write;
    use crate::lock::{Accept, Lock, LockError, PROFILE};
    use crate::packages::Reason;

    fn lock(entries: impl IntoIterator<Item = (PackagesRequest, PackagesPin)>) -> Lock {
        let entries = entries.into_iter().map(|(request, pin)| (Request::Packages(request), Pin::Packages(pin)));
        let time: Epoch = "2026-01-01T00:00:00Z".parse().expect("a time");
        Lock {
            profile: PROFILE.to_owned(),
            epoch: time,
            created: time,
            platforms: Vec::new(),
            inputs: entries.collect(),
        }
    }

    fn parse(text: &str) -> Result<Lock, LockError> {
        Lock::parse(text, Accept::OwnProfile)
    }

    #[test]
    fn an_entry_has_a_line_for_each_package() {
        let (request, pin) = testing::entry();
        let mut text = String::new();
        write(&Request::Packages(request), &Pin::Packages(pin), &mut text);
        let nines = "09".repeat(32);
        let package = |name: &str, reason: &str| {
            format!(
                "  {{ name = \"{name}\", version = \"2:1.22.1-9+b1~x\", architecture = \"amd64\", source = \"nginx\", \
                 repository = \"debian\", file = \"pool/main/n/nginx/{name}_1.22.1-9_amd64.deb\", size = 5, \
                 sha256 = \"sha256:{nines}\", reason = \"{reason}\" }},\n"
            )
        };
        let (tens, first, second) =
            ("0a".repeat(32), package("libc6", "needed by nginx-light"), package("nginx-light", "asked for"));
        let expected = format!(
            r#"
[[packages]]
packages = ["nginx-light", "curl=7.88*", "?priority(required)"]
repositories = ["debian", "own"]
recommends = true
in = "build"
platform = "linux/amd64"
given = "sha256:{tens}"
releases = [
  {{ repository = "debian", suite = "bookworm-security", date = "2026-11-01T00:00:00Z" }},
  {{ repository = "debian", suite = "bookworm", date = "2026-11-01T00:00:00Z" }},
]
set = [
{first}{second}]
"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_left_out_is_read_too() {
        let (mut request, mut pin) = testing::entry();
        (request.recommends, request.stage) = (false, None);
        (pin.releases, pin.set) = (Vec::new(), Vec::new());
        let lock = lock([(request, pin)]);
        let text = lock.to_text();
        assert!(!text.contains("recommends") && !text.contains("in =") && text.contains("set = []"), "{text}");
        assert_eq!(parse(&text), Ok(lock));
    }

    #[test]
    fn the_order_of_a_set_means_nothing() {
        let lock = lock([testing::entry()]);
        let text = lock.to_text();
        let lines: Vec<&str> = text.lines().collect();
        let at = lines.iter().position(|line| line.contains("name = \"libc6\"")).expect("a line");
        let mut turned = lines.clone();
        turned.swap(at, at + 1);
        assert_ne!(lines, turned);
        assert_eq!(parse(&turned.join("\n")), Ok(lock));
    }

    #[test]
    fn hostile_sets_are_refused_with_their_line() {
        let text = lock([testing::entry()]).to_text();
        let line = text.lines().position(|line| line.contains("name = \"nginx-light\"")).expect("a line") + 1;
        let refused = |old: &str, new: &str| match parse(&text.replace(old, new)) {
            Err(LockError::Syntax { line, reason }) => (line, reason),
            other => panic!("{new}: {other:?}"),
        };
        let (at, reason) = refused("pool/main/n/nginx/nginx-light", "../nginx-light");
        assert_eq!(at, line);
        assert_eq!(reason, "expected a path inside the repository, found `../nginx-light_1.22.1-9_amd64.deb`");
        let (at, reason) = refused("name = \"libc6\"", "name = \"nginx-light\"");
        assert_eq!(at, line);
        assert_eq!(reason, "the set has the package `nginx-light` (amd64) twice");
        assert_eq!(refused("name = \"nginx-light\"", "name = \"../nginx-light\"").0, line);
        assert_eq!(refused("reason = \"asked for\"", "reason = \"wanted\"").0, line);
        assert_eq!(refused("reason = \"asked for\"", "size = 6, reason = \"asked for\"").0, line);
        assert_eq!(refused("source = \"nginx\", repository", "mirror = \"x\", repository").0, line - 1);
        refused("in = \"build\"", "stage = \"build\"");
        refused("suite = \"bookworm\", date", "sweet = \"bookworm\", date");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            names in prop::collection::btree_set("[a-z0-9+.-]{1,6}", 0..4),
            words in prop::collection::vec("\\PC{0,6}", 0..3),
            stage in prop::option::of("\\PC{0,6}"),
            text in "[\\PC\n\"'\\\\]{0,8}",
            number in any::<u32>(),
        ) {
            let (mut request, mut pin) = testing::entry();
            (request.packages, request.stage, request.repositories) = (words, stage, vec![text.clone()]);
            pin.set = names.iter().map(|name| testing::pin(name, Reason::Recommended(format!("x{text}")))).collect();
            for package in &mut pin.set {
                (package.version, package.source) = (text.clone(), text.clone());
                (package.repository, package.size) = (text.clone(), u64::from(number));
            }
            let lock = lock([(request, pin)]);
            prop_assert_eq!(parse(&lock.to_text()), Ok(lock));
        }
    }
}
