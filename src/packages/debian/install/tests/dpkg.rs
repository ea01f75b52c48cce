//! The same as dpkg: packages are unpacked by both, and all files and the whole database are compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::world::{Memory, World, shown};
use crate::base::ImagePath;
use crate::packages::debian::Deb;
use crate::tree::{Kind, LinkGroup, Node, Tree};

/// What a package is made of: its control file, more control files, its files.
type Source<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);

fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("a time can be set");
}

/// Builds a package with dpkg-deb. What begins with `= ` is a hard link, with `-> ` a link.
fn build(directory: &Path, (control, more, files): Source<'_>) -> PathBuf {
    let top = directory.join("source");
    fs::remove_dir_all(&top).ok();
    fs::create_dir_all(top.join("DEBIAN")).expect("a directory");
    let control = format!("{control}Maintainer: M <m@example.org>\nDescription: short\n  * long\n .\n more\n");
    fs::write(top.join("DEBIAN/control"), control).expect("a file");
    for (name, text) in more {
        fs::write(top.join("DEBIAN").join(name), text).expect("a file");
        let mode = if name.starts_with("p") { 0o755 } else { 0o644 };
        fs::set_permissions(top.join("DEBIAN").join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    for (name, text) in files {
        let path = top.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        match (text.strip_prefix("-> "), text.strip_prefix("= ")) {
            _ if name.ends_with('/') => fs::create_dir_all(&path).expect("a directory"),
            (Some(target), _) => symlink(target, &path).expect("a link"),
            (_, Some(first)) => fs::hard_link(top.join(first), &path).expect("a hard link"),
            _ => fs::write(&path, text).expect("a file"),
        }
        if *text == "setuid" {
            chown(&path, Some(6), Some(12)).expect("an owner");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o4750)).expect("a mode");
        }
        set_time(&path, 1_700_000_000);
    }
    let deb = directory.join("package.deb");
    run(Command::new("dpkg-deb").args(["-Znone", "--build"]).arg(&top).arg(&deb));
    deb
}

fn run(command: &mut Command) {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output().expect("it starts");
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&told));
}

fn dpkg(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["60", "dpkg", "--log=/dev/null", "--force-unsafe-io", "--force-confold"]);
    command.arg(format!("--root={}", root.display())).args(arguments);
    command
}

/// Writes a root to disk.
fn lay(world: &World, to: &Path) {
    fs::remove_dir_all(to).ok();
    fs::create_dir_all(to).expect("a directory");
    let mut first: BTreeMap<LinkGroup, PathBuf> = BTreeMap::new();
    for (path, node) in world.root.iter() {
        let place = to.join(path.to_string().trim_start_matches('/'));
        match &node.kind {
            Kind::Directory => fs::create_dir(&place).expect("a directory"),
            Kind::Symlink { target } => symlink(String::from_utf8_lossy(target).as_ref(), &place).expect("a link"),
            Kind::File { content, links } => match links.and_then(|links| first.get(&links)) {
                Some(first) => fs::hard_link(first, &place).expect("a hard link"),
                None => {
                    fs::write(&place, &world.contents.0[&content.digest]).expect("a file");
                    links.map(|links| first.insert(links, place.clone()));
                }
            },
            other => panic!("{other:?}"),
        }
        lchown(&place, Some(node.uid), Some(node.gid)).expect("an owner");
        if !matches!(node.kind, Kind::Symlink { .. }) {
            fs::set_permissions(&place, fs::Permissions::from_mode(node.mode.into())).expect("a mode");
        }
        set_time(&place, node.mtime);
    }
}

/// Reads a root from disk.
fn scan(from: &Path) -> World {
    let mut world = World::default();
    let mut inodes: BTreeMap<u64, LinkGroup> = BTreeMap::new();
    let mut nodes = Vec::new();
    let mut todo = vec![from.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let place = entry.expect("an entry").path();
            let meta = fs::symlink_metadata(&place).expect("it is there");
            let kind = if meta.is_dir() {
                todo.push(place.clone());
                Kind::Directory
            } else if meta.is_symlink() {
                let target = fs::read_link(&place).expect("a link");
                Kind::Symlink { target: target.to_string_lossy().as_bytes().into() }
            } else {
                let next = LinkGroup(inodes.len() as u64);
                let links = (meta.nlink() > 1).then(|| *inodes.entry(meta.ino()).or_insert(next));
                Kind::File { content: world.contents.put(fs::read(&place).expect("a file")), links }
            };
            let (mode, mtime) = ((meta.mode() & 0o7777) as u16, meta.mtime());
            let node = Node { uid: meta.uid(), gid: meta.gid(), mtime, ..Node::new(kind, mode) };
            let relative = place.strip_prefix(from).expect("it is below");
            nodes.push((ImagePath::parse(relative.to_string_lossy().as_bytes()).expect("a path"), node));
        }
    }
    world.root = nodes.into_iter().collect::<Tree>();
    world
}

/// Two roots that get the same packages, one from dpkg.
struct Pair {
    directory: tempfile::TempDir,
    ours: World,
}

impl Pair {
    /// `None`, and a line that says so, where there is no dpkg or nobody who may use it.
    fn new(files: &[(&str, &str)]) -> Option<Self> {
        let has_dpkg = Command::new("dpkg-deb").arg("--version").output().is_ok_and(|output| output.status.success());
        if !has_dpkg || !rustix::process::getuid().is_root() {
            writeln!(std::io::stderr(), "skipped: comparing with dpkg needs dpkg and root").ok();
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let mut ours = World::with(files);
        ours.root.insert(ImagePath::parse(b"var/lib/dpkg/updates").expect("a path"), Node::new(Kind::Directory, 0o755));
        ours.root.insert(ImagePath::parse(b"var/lib/dpkg/info").expect("a path"), Node::new(Kind::Directory, 0o755));
        ours.root
            .insert(ImagePath::parse(b"var/lib/dpkg/triggers").expect("a path"), Node::new(Kind::Directory, 0o755));
        lay(&ours, &directory.path().join("theirs"));
        run(&mut dpkg(&directory.path().join("theirs"), &["--add-architecture", "i386"]));
        Some(Self { directory, ours })
    }

    fn theirs(&self) -> PathBuf {
        self.directory.path().join("theirs")
    }

    /// Unpacks packages in both and compares; configures in both and compares again.
    fn unpack(&mut self, sources: &[Source<'_>]) {
        let files: Vec<PathBuf> = sources
            .iter()
            .enumerate()
            .map(|(number, source)| {
                let file = self.directory.path().join(format!("{number}.deb"));
                fs::rename(build(self.directory.path(), *source), &file).expect("a file");
                file
            })
            .collect();
        let mut contents = Memory::default();
        let debs: Vec<Deb> = files.iter().map(|file| contents.read(&fs::read(file).expect("a package"))).collect();
        self.ours.contents.0.extend(contents.0);
        let names: Vec<&str> = files.iter().map(|file| file.to_str().expect("a name")).collect();
        run(&mut dpkg(&self.theirs(), &[&["--unpack"], names.as_slice()].concat()));
        self.ours.unpack(&debs.iter().collect::<Vec<_>>()).expect("they can be unpacked");
        let ours = self.directory.path().join("ours");
        lay(&self.ours, &ours);
        // Both databases once through dpkg: it takes what happened over from `triggers/Unincorp`.
        for root in [&self.theirs(), &ours] {
            let nothing = build(self.directory.path(), ("Package: zz\nVersion: 1\nArchitecture: all\n", &[], &[]));
            run(&mut dpkg(root, &["--unpack", nothing.to_str().expect("a name")]));
        }
        self.compare("unpacked");
        for root in [self.theirs(), ours] {
            run(&mut dpkg(&root, &["--configure", "--pending"]));
        }
        self.compare("configured");
        self.ours = scan(&self.directory.path().join("ours"));
    }

    fn compare(&self, what: &str) {
        let theirs = shown(&scan(&self.theirs()));
        let ours = shown(&scan(&self.directory.path().join("ours")));
        assert!(theirs == ours, "{what}: dpkg's and ours\n{}", difference(&theirs, &ours));
    }
}

fn difference(theirs: &str, ours: &str) -> String {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
    let only = |lines: &[&str], others: &[&str], sign: &str| {
        lines.iter().filter(|line| !others.contains(line)).map(|line| format!("{sign}{line}\n")).collect::<String>()
    };
    let text = only(&theirs, &ours, "-") + &only(&ours, &theirs, "+");
    if text.is_empty() { "another order".to_owned() } else { text }
}

const AMD64: &str = "Architecture: amd64\n";

#[test]
fn packages_are_unpacked_as_dpkg_does_it() {
    let Some(mut pair) = Pair::new(&[
        ("var/lib/dpkg/status", ""),
        ("var/lib/dpkg/diversions", "/usr/bin/x\n/usr/bin/x.distrib\nd\n"),
        ("var/lib/dpkg/statoverride", "#7 #8 2710 /usr/bin/x\n"),
    ]) else {
        return;
    };
    let a = format!("Package: a\nVersion: 1:1.0-1\n{AMD64}Depends: d|e(>=1),\n d\nX-Own: yes\nPriority: optional\n");
    let same = "Version: 2\nMulti-Arch: same\nSource: lib (3)\n";
    let lib = format!("Package: lib\n{same}{AMD64}");
    let lib32 = format!("Package: lib\n{same}Architecture: i386\n");
    let w = "interest-noawait /usr/share/watched\ninterest named\n";
    let plain = |name: &str| format!("Package: {name}\nVersion: 1\nArchitecture: all\n");
    let (d, b, wp) = (plain("d"), plain("b"), plain("w"));
    pair.unpack(&[
        (
            &a,
            &[("conffiles", "/etc/a.conf\n/etc/a.d/gone\n/etc/changed\n"), ("shlibs", "liba 1 a\n")],
            &[
                ("etc/a.conf", "1\n"),
                ("etc/a.d/gone", "1\n"),
                ("etc/changed", "1\n"),
                ("usr/bin/x", "of a"),
                ("usr/bin/y", "setuid"),
                ("usr/bin-x/z", "1"),
                ("usr/bin/link", "-> y"),
                ("usr/lib/one", "linked"),
                ("usr/lib/two", "= usr/lib/one"),
                ("usr/share/a/old/file", "1"),
            ],
        ),
        (&d, &[], &[("usr/bin/x", "of d")]),
        (&wp, &[("triggers", w)], &[]),
        (
            &lib,
            &[("md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/lib/64\n")],
            &[("usr/lib/64", ""), ("usr/share/doc/lib/copyright", "c")],
        ),
        (&lib32, &[("triggers", "interest other\n")], &[("usr/lib/32", ""), ("usr/share/doc/lib/copyright", "c")]),
        (&b, &[], &[("usr/share/b/moved", "1"), ("usr/share/b/mine", "1"), ("etc/b.conf", "b\n")]),
    ]);
    fs::write(pair.theirs().join("etc/changed"), "mine\n").expect("a file");
    pair.ours.write("etc/changed", "mine\n");
    let time = fs::metadata(pair.theirs().join("etc/changed")).expect("a file").mtime();
    let changed = ImagePath::parse(b"etc/changed").expect("a path");
    let node = Node { mtime: time, ..pair.ours.root.get(&changed).expect("a file").clone() };
    pair.ours.root.insert(changed, node);
    // Upgrades, a file that moves with `Replaces`, one that stays with who replaces it, triggers of packages that work.
    let a = format!("Package: a\nVersion: 1:1.0-2\n{AMD64}");
    let c = format!("Package: c\nVersion: 1\n{AMD64}Replaces: b (<< 2)\n");
    let e = format!("Package: e\nVersion: 1\n{AMD64}Replaces: f\n");
    let f = plain("f");
    pair.unpack(&[
        (
            &a,
            &[("conffiles", "/etc/a.conf\nremove-on-upgrade /etc/changed\n"), ("triggers", "activate named\n")],
            &[
                ("etc/a.conf", "2\n"),
                ("usr/bin/x", "new of a"),
                ("usr/share/watched/file", "1"),
                ("usr/share/a/new", "1"),
                ("usr/lib/two", "-> elsewhere"),
            ],
        ),
        (
            &c,
            &[("conffiles", "/etc/b.conf\n"), ("triggers", "activate-noawait other\n")],
            &[("usr/share/b/moved", "2"), ("etc/b.conf", "c\n")],
        ),
        (&e, &[], &[("usr/share/e", "1"), ("usr/share/f", "of e")]),
        (&f, &[], &[("usr/share/f", "of f"), ("usr/share/own", "1")]),
    ]);
    let lib = format!("Package: lib\nVersion: 3\nMulti-Arch: same\n{AMD64}");
    let lib32 = "Package: lib\nVersion: 3\nMulti-Arch: same\nArchitecture: i386\n";
    pair.unpack(&[
        (&lib, &[], &[("usr/share/doc/lib/copyright", "d"), ("usr/lib/x86/64", "")]),
        (lib32, &[], &[("usr/share/doc/lib/copyright", "d")]),
        (&wp.replace(": 1", ": 2"), &[], &[("usr/share/watched/own", "1")]),
    ]);
}
