//! Sets of packages beside those of apt, on the machine's own indexes of Debian and on systems with nothing and with the
//! smallest Debian.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use kiln::base::Epoch;
use kiln::layer::read::{ignore, layer};
use kiln::packages::Request;
use kiln::packages::debian::{
    Automatic, Foundation, Keyring, Offer, Package, Pool, Recommends, Release, SolveError, Task, Wanted, deb, index,
    installed, solve, verify,
};

use crate::harness::{Program, require, skip};

/// The search path of the machine's tools.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// How many packages of the index are tried, evenly spread; and how many of them with the program instead of its library.
const SAMPLE: usize = 200;
const WITH_PROGRAM: usize = 4;
/// Tried beside the sample: large ones, and those with many choices.
const KNOWN: &[&str] = &[
    "nginx",
    "nginx-light",
    "apache2",
    "postgresql",
    "mariadb-server",
    "redis-server",
    "exim4",
    "postfix",
    "curl",
    "git",
    "python3",
    "python3-pip",
    "nodejs",
    "ruby",
    "perl",
    "golang",
    "rustc",
    "gcc",
    "build-essential",
    "default-jdk",
    "openssh-server",
    "systemd",
    "systemd-sysv",
    "dbus",
    "locales",
    "tzdata",
    "ca-certificates",
    "texlive",
    "gnome-core",
    "xfce4",
    "firefox-esr",
    "vim",
    "emacs",
    "qemu-system-x86",
    "docker.io",
    "podman",
    "linux-image-amd64",
    "cups",
];

/// Where kiln's set is another one and no part of apt's, and why. Of a name that is only provided, by packages that are
/// equally common, apt takes the one with the best number in its cache; kiln takes the one that names the fewest others.
const OTHERWISE: &[(&str, &str)] = &[("php-ml-json-ld", "php-json is only provided")];
/// How many in a hundred may be like that without being in the list: the indexes, and with them the sample, move on.
const UNLISTED_PERCENT: usize = 1;

/// What the machine's apt knows of Debian.
struct Machine {
    text: Vec<u8>,
    packages: Vec<Package>,
}

fn apt(args: &[&str]) -> Program {
    Program::new("/usr/bin/apt-get").args(args).env("PATH", PATH).env("LC_ALL", "C")
}

impl Machine {
    /// `None`, said visibly, where there is no apt or it has no lists of Debian.
    fn new() -> Option<Self> {
        require("apt-get")?;
        let listed = apt(&["indextargets", "--format", "$(FILENAME)", "Created-By: Packages", "Origin: Debian"]).ok();
        let mut text = Vec::new();
        for file in listed.text().lines().filter(|file| Path::new(file).exists()) {
            let helper = Program::new("/usr/lib/apt/apt-helper").args(["cat-file", file]).env("PATH", PATH);
            text.extend(helper.ok().stdout);
            text.push(b'\n');
        }
        if text.is_empty() {
            skip("apt has no lists of Debian: run apt-get update");
            return None;
        }
        let packages = index::read(&text).expect("Debian's indexes are good");
        Some(Self { text, packages })
    }

    /// The names that are tried.
    fn sample(&self) -> Vec<&str> {
        let names: BTreeSet<&str> = self.packages.iter().map(Package::name).collect();
        let every = names.len().div_ceil(SAMPLE);
        let known = KNOWN.iter().copied().filter(|name| names.contains(name));
        names.iter().copied().step_by(every).chain(known).collect()
    }

    /// The smallest Debian.
    fn minbase(&self) -> Set {
        let offers = [Offer { packages: &self.packages, automatic: Automatic::Yes }];
        let pool = Pool::new("amd64", &offers, &[]).expect("Debian's relations are good");
        solved(&pool, &[], Foundation::Minbase).expect("Debian has a smallest system")
    }

    /// dpkg's database of a system that has these.
    fn status(&self, set: &Set) -> String {
        let mut status = String::new();
        let mut left = set.clone();
        for paragraph in std::str::from_utf8(&self.text).expect("text").split("\n\n") {
            let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            if left.remove(&format!("{}={}", field("Package: "), field("Version: "))) {
                writeln!(status, "{}\nStatus: install ok installed\n", paragraph.trim()).expect("memory does not fail");
            }
        }
        assert!(left.is_empty(), "not in the index: {left:?}");
        status
    }
}

/// `name=version`.
type Set = BTreeSet<String>;

/// What kiln would add.
fn solved(pool: &Pool<'_>, names: &[&str], foundation: Foundation) -> Result<Set, SolveError> {
    let requests: Vec<Request> = names.iter().map(|name| Request::parse(name).expect("a name")).collect();
    let chosen = solve(pool, &Task { requests: &requests, recommends: Recommends::Skip, foundation })?;
    Ok(chosen.iter().map(|chosen| format!("{}={}", chosen.package.name(), chosen.package.version())).collect())
}

/// Asks apt's own library what `apt-get install` would do, one name after the other.
const SCRIPT: &str = r#"
import sys, apt_pkg
apt_pkg.init_config()
for key, value in (('Dir::State::status', sys.argv[1]), ('APT::Install-Recommends', '0'), ('Debug::NoLocking', '1')):
    apt_pkg.config.set(key, value)
apt_pkg.init_system()
cache = apt_pkg.Cache(None)
depcache = apt_pkg.DepCache(cache)
packages = [p for p in cache.packages if p.has_versions]
for name in sys.stdin.read().split():
    package = cache[name]
    with apt_pkg.ActionGroup(depcache):
        depcache.mark_install(package, True, True)
    if depcache.broken_count or not depcache.marked_install(package):
        fixer = apt_pkg.ProblemResolver(depcache)
        fixer.clear(package)
        fixer.protect(package)
        try:
            fixer.resolve(True)
        except apt_pkg.Error:
            pass
    changed = [p for p in packages if not depcache.marked_keep(p)]
    gone = ['gone:' + p.name for p in changed if depcache.marked_delete(p)]
    found = [p for p in changed if not depcache.marked_delete(p)]
    print(name, *['%s=%s' % (p.name, depcache.get_candidate_ver(p).ver_str) for p in found], *gone)
    with apt_pkg.ActionGroup(depcache):
        for p in changed:
            depcache.mark_keep(p)
"#;

fn with_library(names: &[&str], directory: &Path, status: &Path) -> Option<BTreeMap<String, Set>> {
    let (script, list) = (directory.join("apt.py"), directory.join("names"));
    fs::write(&script, SCRIPT).expect("a script");
    fs::write(&list, names.join("\n")).expect("a list");
    let line = format!("exec /usr/bin/python3 {} {} < {}", script.display(), status.display(), list.display());
    let ended = Program::new("/bin/sh").args(["-c", &line]).env("PATH", PATH).env("LC_ALL", "C").run();
    if ended.stderr.contains("No module named 'apt_pkg'") {
        skip("python3-apt is not installed");
        return None;
    }
    let text = ended.expect_code(0);
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        (words.next().unwrap_or_default(), words.collect())
    };
    Some(text.text().lines().map(line).collect())
}

fn with_program(name: &str, status: &Path) -> Set {
    let status = format!("Dir::State::status={}", status.display());
    let args = ["-s", "install", "--no-install-recommends", "-o", &status, "-o", "Debug::NoLocking=1", name];
    let ended = apt(&args).run();
    let line = |line: &str| {
        let mut words = line.strip_prefix("Inst ")?.split(' ');
        let (name, version) = (words.next()?, words.find_map(|word| word.strip_prefix('('))?);
        Some(format!("{name}={version}"))
    };
    ended.text().lines().filter_map(line).collect()
}

/// A set that is another one than apt's, for people.
fn difference(system: &str, name: &str, ours: &Set, theirs: &Set) -> String {
    let more: Vec<&String> = ours.difference(theirs).collect();
    let less: Vec<&String> = theirs.difference(ours).collect();
    format!("on {system}, {name}: only kiln has {more:?}, only apt has {less:?}\n")
}

#[test]
fn sets_are_those_of_apt() {
    let Some(machine) = Machine::new() else { return };
    if require("python3").is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let minbase = machine.minbase();
    let names = machine.sample();
    for (system, set) in [("nothing", Set::new()), ("minbase", minbase)] {
        let text = machine.status(&set);
        let status = directory.path().join(system);
        fs::write(&status, &text).expect("a database");
        let Some(theirs) = with_library(&names, directory.path(), &status) else { return };
        for name in names.iter().step_by(names.len().div_ceil(WITH_PROGRAM)) {
            assert_eq!(with_program(name, &status), theirs[*name], "the program and its library agree on {name}");
        }
        let has = installed(text.as_bytes()).expect("a good database");
        let offers = [Offer { packages: &machine.packages, automatic: Automatic::Yes }];
        let pool = Pool::new("amd64", &offers, &has).expect("Debian's relations are good");
        let mut unlisted = String::new();
        for name in &names {
            let ours = solved(&pool, &[name], Foundation::Nothing).unwrap_or_else(|error| panic!("{name}: {error}"));
            // A smaller set is a better one: apt takes the first alternative before it sees that another comes anyway.
            if !ours.is_subset(&theirs[*name]) && !OTHERWISE.iter().any(|(known, _)| known == name) {
                unlisted.push_str(&difference(system, name, &ours, &theirs[*name]));
            }
        }
        let most = names.len() * UNLISTED_PERCENT / 100;
        assert!(unlisted.lines().count() <= most, "list what is right with its reason, mend the rest:\n{unlisted}");
    }
}

#[test]
fn debians_own_signatures_are_good() {
    if require("apt-get").is_none() {
        return;
    }
    let keyring = Keyring::debian().expect("keys");
    let lists = fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut checked = 0;
    for path in lists.filter(|path| path.to_string_lossy().ends_with("_InRelease")) {
        let message = fs::read(&path).expect("apt's lists can be read");
        if !String::from_utf8_lossy(&message).contains("\nOrigin: Debian\n") {
            continue;
        }
        // The keys count now; what the clock says is not for a test to rely on.
        let at: Epoch = "2026-06-01T00:00:00Z".parse().expect("a time");
        let signed = verify(&message, &keyring, at).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let release = Release::parse(&signed.text).expect("a good release");
        let components = ["main".to_owned()];
        let wanted = Wanted {
            suite: &release.codename,
            components: &components,
            architecture: "amd64",
            origin: Some("Debian"),
            at: release.date,
            not_before: None,
        };
        assert_eq!(release.check(&wanted), Ok(()), "{}", path.display());
        assert!(release.index("main", "amd64").is_ok(), "{}", path.display());
        checked += 1;
    }
    if checked == 0 {
        skip("apt has no lists of Debian: run apt-get update");
    }
}

/// Small ones, with conffiles, setuid programs and hard links.
const FILES: &[&str] = &["base-files", "dash", "passwd", "perl-base"];

#[test]
fn packages_are_read_as_dpkg_reads_them() {
    let Some(dpkg_deb) = require("dpkg-deb") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    if apt(&["download"]).args(FILES).cwd(directory.path()).run().code != Some(0) {
        skip("apt cannot download packages: there is no network, or its lists are old");
        return;
    }
    for entry in fs::read_dir(directory.path()).expect("a directory").flatten() {
        let file = fs::File::open(entry.path()).expect("a package");
        let deb = deb::read(file, &mut ignore).unwrap_or_else(|error| panic!("{}: {error}", entry.path().display()));
        let listed = Program::new(&dpkg_deb).args(["--fsys-tarfile".as_ref(), entry.path().as_os_str()]);
        let theirs: BTreeSet<String> = layer(listed.env("PATH", PATH).ok().stdout.as_slice(), &mut ignore)
            .expect("a tar")
            .iter()
            .map(|(path, _)| path.to_string())
            .collect();
        let ours: BTreeSet<String> = deb.files.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(ours, theirs);
        let sums = deb.control.md5sums().expect("sums");
        assert!(!sums.is_empty() && sums.keys().all(|path| deb.files.get(path).is_some()), "sums are of files");
        let conffiles = deb.control.conffiles().expect("conffiles");
        let shown = Program::new(&dpkg_deb).args(["--info".as_ref(), entry.path().as_os_str(), "conffiles".as_ref()]);
        let shown = shown.env("PATH", PATH).run();
        assert_eq!(conffiles.len(), if shown.code == Some(0) { shown.text().lines().count() } else { 0 });
    }
}
