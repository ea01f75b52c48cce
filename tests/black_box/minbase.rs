//! The smallest Debian, made by kiln and by mmdebstrap of the same packages, compared file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use kiln::base::glob::{Globs, Is};
use kiln::base::hash::digest_of;
use kiln::base::{ContentDigest, ImagePath};

use crate::harness::{Ended, Program, Project, require, require_root, skip};

/// The search path of the machine's tools.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the two differ, and why: `GLOB WHAT REASON` in each line, where `WHAT` is `content`, `time`, `mode`, `only-kiln`
/// or `only-mmdebstrap`.
const DIFFERENCES: &str = include_str!("../../fixtures/debian/differences");

/// The suites that this machine's apt has, as kiln's repositories.
pub(crate) const REPOSITORIES: &str = "[repositories.debian]\nkind = 'debian'\nsuite = ['bookworm', 'bookworm-updates']\n\
    [repositories.security]\nkind = 'debian'\nsuite = 'bookworm-security'\n";

/// The time of what no package brings, as a template has it and in seconds since 1970.
const EPOCH: (&str, i64) = ("2026-01-01T00:00:00Z", 1_767_225_600);

/// A project with these layers on nothing, which knows Debian. `None`, said visibly, where apt has no Debian.
pub(crate) fn on_debian(name: &str, layers: &str) -> Option<Project> {
    let known = Path::new("/etc/apt/sources.list.d/debian.sources");
    if !known.exists() && !Path::new("/etc/apt/sources.list").exists() {
        skip("this machine's apt has no Debian");
        return None;
    }
    let project = Project::empty();
    let image =
        format!("[image]\nname = '{name}'\nversion = '1'\nplatforms = ['linux/amd64']\nepoch = '{}'\n", EPOCH.0);
    let head = image + REPOSITORIES;
    project.write("kiln.toml", head + layers);
    Some(project)
}

/// A file as both have to have it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    time: i64,
    content: String,
}

fn entries(root: &Path) -> BTreeMap<String, Entry> {
    let walk = walkdir::WalkDir::new(root).min_depth(1);
    let entry = |found: walkdir::Result<walkdir::DirEntry>| {
        let found = found.expect("readable");
        let path = format!("/{}", found.path().strip_prefix(root).expect("below").display());
        let about = found.metadata().expect("there");
        let (kind, content) = if about.is_symlink() {
            ("link", fs::read_link(found.path()).expect("a link").display().to_string())
        } else if about.is_dir() {
            ("directory", String::new())
        } else if about.is_file() {
            ("file", digest_of::<ContentDigest>(&fs::read(found.path()).expect("readable")).to_string())
        } else {
            ("other", String::new())
        };
        let owner = (about.uid(), about.gid());
        (path, Entry { kind, mode: about.mode() & 0o7777, owner, time: about.mtime(), content })
    };
    walk.into_iter().map(entry).collect()
}

/// The files of all packages, on a merged `/usr`, and the conffiles among them.
fn listed(root: &Path) -> BTreeSet<String> {
    let info = fs::read_dir(root.join("var/lib/dpkg/info")).expect("dpkg's database");
    let lists =
        info.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some_and(|e| e == "list"));
    let text: String = lists.map(|path| fs::read_to_string(path).expect("a list")).collect();
    let place = |line: &str| match ["/bin/", "/sbin/", "/lib/", "/lib64/"].iter().any(|top| line.starts_with(top)) {
        true => format!("/usr{line}"),
        false => line.to_owned(),
    };
    text.lines().map(place).collect()
}

/// What a line of the list allows.
struct Allowed {
    globs: Globs,
    what: String,
    line: String,
}

fn allowed() -> Vec<Allowed> {
    let lines = DIFFERENCES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let (glob, what) = (words.next().expect("a glob"), words.next().expect("what differs"));
        assert!(words.next().is_some(), "a reason: {line}");
        let globs = Globs::new(&[glob]).expect("a glob");
        Allowed { globs, what: what.to_owned(), line: line.to_owned() }
    };
    lines.map(parse).collect()
}

/// Differences in lines that nothing in the list allows, and lines of the list that nothing needs. What the other made has a
/// time from when it `began` on, in seconds since 1970.
fn differences(
    kiln: &BTreeMap<String, Entry>,
    other: &BTreeMap<String, Entry>,
    listed: &BTreeSet<String>,
    began: i64,
) -> String {
    let mut found: Vec<(&str, &'static str, String)> = Vec::new();
    for (path, entry) in kiln {
        let Some(theirs) = other.get(path) else {
            found.push((path, "only-kiln", format!("{entry:?}")));
            continue;
        };
        let both =
            |left: &dyn std::fmt::Debug, right: &dyn std::fmt::Debug| format!("kiln {left:?}, mmdebstrap {right:?}");
        if (entry.kind, &entry.content) != (theirs.kind, &theirs.content) {
            found.push((path, "content", both(&entry.content, &theirs.content)));
        }
        if (entry.mode, entry.owner) != (theirs.mode, theirs.owner) {
            found.push((path, "mode", both(&(entry.mode, entry.owner), &(theirs.mode, theirs.owner))));
        }
        // Scripts copy files with their times; here what scripts make has the epoch.
        let is_of_package = theirs.time < began && listed.contains(path);
        let expected = if is_of_package { theirs.time } else { EPOCH.1 };
        // Directories change whenever something is made in them.
        if entry.time != expected && entry.kind != "directory" {
            found.push((path, "time", both(&entry.time, &theirs.time)));
        }
    }
    let missing = other.iter().filter(|(path, _)| !kiln.contains_key(*path));
    found.extend(missing.map(|(path, entry)| (path.as_str(), "only-mmdebstrap", format!("{entry:?}"))));
    let allowed = allowed();
    let mut needed = vec![false; allowed.len()];
    let mut text = String::new();
    for (path, what, how) in found {
        let is_allowed = |allowed: &Allowed| {
            allowed.what == what && allowed.globs.covers(&ImagePath::parse(path.as_bytes()).expect("a path"), Is::Other)
        };
        match allowed.iter().position(is_allowed) {
            Some(at) => needed[at] = true,
            None => writeln!(text, "{path} {what}: {how}").expect("writable"),
        }
    }
    for (allowed, _) in allowed.iter().zip(needed).filter(|(_, needed)| !needed) {
        writeln!(text, "nothing needs the line: {}", allowed.line).expect("writable");
    }
    text
}

/// Runs a program in a root of the machine's, with what dpkg and apt need.
fn inside(root: &Path, args: &[&str]) -> Ended {
    let chroot = require("chroot").expect("coreutils");
    Program::new(chroot).args([root]).args(args).env("PATH", PATH).env("LC_ALL", "C").run()
}

#[test]
fn the_smallest_debian_is_that_of_mmdebstrap() {
    let Some(mmdebstrap) = require("mmdebstrap") else { return };
    if !require_root() {
        return;
    }
    let layers = "[[layer]]\nname = 'system'\npackages = ['?priority(required)', 'apt']\n";
    let Some(project) = on_debian("minbase", layers) else { return };
    let built = project.build(&["-o", "rootfs:root"]);
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    let sources = if sources.exists() { sources } else { Path::new("/etc/apt/sources.list") };
    let theirs = project.path("theirs");
    let began = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs().cast_signed();
    Program::new(mmdebstrap)
        .args(["--quiet", "--variant=minbase", "--format=directory", "bookworm"])
        .args([theirs.as_path(), sources])
        .env("PATH", PATH)
        .env("HOME", project.top())
        .ok();
    let root = project.path("root");
    let text = differences(&entries(&root), &entries(&theirs), &listed(&root), began);
    assert!(text.is_empty(), "{text}");
    // It works in a root of its own.
    for args in [&["dpkg", "--verify"][..], &["dpkg", "--audit"]] {
        let ended = inside(&root, args).expect_code(0);
        assert!(ended.text().is_empty(), "{args:?}: {}", ended.all());
    }
    inside(&root, &["apt-get", "check"]).expect_code(0);
    let listed = inside(&root, &["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\\n"]).expect_code(0);
    assert!(listed.text().lines().all(|state| state == "ii "), "{}", listed.all());
    // Once more, without what is kept.
    assert_eq!(project.build(&["--no-cache", "--locked"]), built);
}
