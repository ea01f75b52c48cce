//! Every kind of file that a source can hold, on its way into an image and out of it again.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat};
use rustix::io::Errno;

use crate::harness::{Program, Project, require, require_root, skip};
use crate::outputs::SMALL;
use crate::sample::CAPABILITY;

/// The small template, whose source takes also what git would not.
fn everything() -> Project {
    let project = Project::new(&SMALL.replace("path = \"app\"", "path = \"app\"\nignored = true"));
    project.write("app/file", "hello\n");
    project
}

fn make(project: &Project, path: &str, kind: FileType, device: u64) -> Result<(), Errno> {
    mknodat(CWD, project.path(path), kind, Mode::from_raw_mode(0o644), device)
}

/// What `kiln inspect --files` says of the image that was built last.
fn inspected(project: &Project) -> String {
    project.kiln(&["inspect", "store:test/small", "--files"]).ok().text().to_owned()
}

/// The names of the entries in a tar, as GNU tar sees them.
fn listed(project: &Project, tar: &Path, file: &str) -> Vec<Vec<u8>> {
    let program = Program::new(tar).env("LC_ALL", "C").cwd(project.path(""));
    let seen = program.args(["--quoting-style=literal", "--show-transformed-names", "-tf", file]).ok();
    // Without it readers that know it (bsdtar, Go) would take the names for UTF-8; GNU tar takes any bytes and says so.
    let mut complaints = seen.stderr.lines().filter(|line| !line.ends_with("extended header keyword 'hdrcharset'"));
    assert_eq!(complaints.next(), None, "GNU tar has nothing to complain about");
    seen.stdout.split(|byte| *byte == b'\n').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
}

#[test]
fn pipes_are_kept_where_everything_is_taken_and_sockets_never() {
    let project = everything();
    make(&project, "app/pipe", FileType::Fifo, 0).expect("anybody can make a pipe");
    let _socket = UnixListener::bind(project.path("app/socket")).expect("a socket");
    let build = project.kiln(&["build", "-o", "rootfs:root"]).ok();
    assert!(build.stderr.contains("warning: source `app`: `/socket` is a socket and was skipped"), "{}", build.all());
    assert!(!build.stderr.contains("/pipe"), "what is kept is nothing to warn of: {}", build.all());
    let pipe = fs::symlink_metadata(project.path("root/srv/pipe")).expect("the pipe is in the image");
    assert!(pipe.file_type().is_fifo());
    assert_eq!(pipe.mtime(), 1_767_225_600, "the epoch");
    assert!(!project.path("root/srv/socket").exists());
    let files = inspected(&project);
    assert!(files.contains(" p 0644 0:0 1767225600 /srv/pipe\n") && !files.contains("socket"), "{files}");
}

#[test]
fn what_git_would_not_commit_is_skipped_with_a_warning() {
    let project = everything();
    project.write("kiln.toml", SMALL);
    make(&project, "app/pipe", FileType::Fifo, 0).expect("anybody can make a pipe");
    let build = project.kiln(&["build"]).ok();
    assert!(build.stderr.contains("`/pipe` is a named pipe and was skipped"), "{}", build.all());
    assert!(build.stderr.contains("`ignored = true`"), "what to do about it: {}", build.all());
    assert!(!inspected(&project).contains("pipe"));
}

#[test]
fn devices_are_kept_where_everything_is_taken() {
    if !require_root() {
        return;
    }
    let project = everything();
    let devices = [("null", FileType::CharacterDevice, (1, 3)), ("loop0", FileType::BlockDevice, (7, 0))];
    for (name, kind, (major, minor)) in devices {
        if let Err(error) = make(&project, &format!("app/{name}"), kind, makedev(major, minor)) {
            return skip(&format!("root cannot make devices here: {error}"));
        }
    }
    project.build(&["-o", "rootfs:root", "-o", "rootfs-tar:root.tar"]);
    let files = inspected(&project);
    assert!(files.contains(" c 0644 0:0 1767225600 /srv/null 1,3\n"), "{files}");
    assert!(files.contains(" b 0644 0:0 1767225600 /srv/loop0 7,0\n"), "{files}");
    for (name, kind, (major, minor)) in devices {
        let meta = fs::symlink_metadata(project.path("root/srv").join(name)).expect("the device is in the image");
        let is_kind = match kind {
            FileType::CharacterDevice => meta.file_type().is_char_device(),
            _ => meta.file_type().is_block_device(),
        };
        assert!(is_kind && meta.rdev() == makedev(major, minor), "{name}");
    }
}

#[test]
fn names_may_be_any_bytes() {
    let project = everything();
    // Latin-1, bytes that never occur in UTF-8, a line break, a backslash, a blank at the end.
    let names: [&[u8]; 5] = [b"caf\xe9", b"\xff\xfe/\xc0\xaf", b"two\nlines", b"back\\slash", b"blank "];
    for name in names {
        let path = project.path("app").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().expect("a file in the source")).expect("directories");
        fs::write(path, name).expect("the file system takes any name");
    }
    symlink(OsStr::from_bytes(b"caf\xe9"), project.path("app/link")).expect("a link");
    let digest = project.build(&["-o", "rootfs:root", "-o", "rootfs-tar:root.tar"]);
    for name in names {
        let path = project.path("root/srv").join(OsStr::from_bytes(name));
        assert_eq!(fs::read(path).expect("the same name in the image"), name);
    }
    let target = fs::read_link(project.path("root/srv/link")).expect("a link");
    assert_eq!(target.as_os_str().as_bytes(), b"caf\xe9");
    // What people and programs are shown is text on one line, and says which bytes are meant.
    let files = inspected(&project);
    for shown in ["/srv/caf\\xe9 ", "/srv/\\xff\\xfe/\\xc0\\xaf ", "/srv/two\\x0alines ", "/srv/blank\\x20 "] {
        assert!(files.contains(shown), "{shown}: {files}");
    }
    project.kiln(&["plan", "--files", "app", "--json"]).ok().json();
    assert_eq!(project.build(&["--no-cache"]), digest);
    if let Some(tar) = require("tar") {
        let seen = listed(&project, &tar, "root.tar");
        assert!(
            seen.contains(&b"srv/caf\xe9".to_vec()) && seen.contains(&b"srv/\xff\xfe/\xc0\xaf".to_vec()),
            "{seen:?}"
        );
    }
}

#[test]
fn paths_may_be_longer_than_a_tar_header() {
    let project = everything();
    let part = "long-".repeat(40);
    let deep: PathBuf = ["app", &part, &part, &part].iter().collect();
    // The longest name that Linux takes, in a path of more than 800 bytes.
    let name = "n".repeat(255);
    let file = deep.join(&name);
    project.write(file.to_str().expect("ASCII"), "deep\n");
    symlink(&file, project.path("app/link")).expect("a link with a long target");
    project.build(&["-o", "rootfs:root", "-o", "rootfs-tar:root.tar"]);
    let inside = deep.strip_prefix("app").expect("below").join(&name);
    assert_eq!(fs::read(project.path("root/srv").join(&inside)).expect("the same path"), b"deep\n");
    assert_eq!(fs::read_link(project.path("root/srv/link")).expect("a link"), file);
    if let Some(tar) = require("tar") {
        let wanted = Path::new("srv").join(&inside).as_os_str().as_bytes().to_vec();
        assert!(listed(&project, &tar, "root.tar").contains(&wanted));
    }
}

/// Sets an attribute of a file; `None`, said visibly, where that cannot be.
fn set_attribute(path: &Path, name: &str, value: &[u8]) -> Option<()> {
    match rustix::fs::setxattr(path, name, value, XattrFlags::empty()) {
        Ok(()) => Some(()),
        Err(error) => {
            skip(&format!("`{name}` cannot be set in {}: {error}", path.display()));
            None
        }
    }
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).expect("a path holds no zero byte");
    let mut value = vec![0; 1 << 12];
    let length = rustix::fs::lgetxattr(&path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

#[test]
fn a_capability_of_a_source_file_is_kept_where_everything_is_taken() {
    if !require_root() {
        return;
    }
    let project = everything();
    let file = project.path("app/file");
    let set = set_attribute(&file, "security.capability", CAPABILITY)
        .and_then(|()| set_attribute(&file, "user.note", b"a note"))
        .and_then(|()| set_attribute(&file, "trusted.secret", b"of this machine"));
    if set.is_none() {
        return;
    }
    project.build(&["-o", "rootfs:root"]);
    let in_image = project.path("root/srv/file");
    assert_eq!(attribute(&in_image, "security.capability").as_deref(), Some(CAPABILITY));
    assert_eq!(attribute(&in_image, "user.note").as_deref(), Some(&b"a note"[..]));
    assert_eq!(attribute(&in_image, "trusted.secret"), None, "the machine's own attributes stay outside");
    let files = inspected(&project);
    assert!(files.contains("security.capability=") && files.contains("user.note=a\\x20note"), "{files}");
    project.write("kiln.toml", SMALL);
    project.build(&["-o", "rootfs:root"]);
    assert_eq!(attribute(&in_image, "security.capability"), None, "git does not commit attributes");
}

#[test]
fn holes_do_not_change_what_a_file_is() {
    const SIZE: u64 = 64 << 20;
    let builds = [true, false].map(|with_holes| {
        let project = everything();
        let file = File::create(project.path("app/disk")).expect("our own directory");
        if with_holes {
            file.set_len(SIZE).expect("file systems here take holes");
        } else {
            file.write_all_at(&vec![0; SIZE as usize], 0).expect("room");
        }
        file.write_all_at(b"in the middle", SIZE / 2 + 5).expect("room");
        drop(file);
        let digest = project.build(&["-o", "rootfs:root"]);
        let written = project.path("root/srv/disk");
        let meta = fs::metadata(&written).expect("it is in the image");
        assert_eq!(meta.len(), SIZE);
        assert!(meta.blocks() * 512 < SIZE / 8, "zeros take no room: {} blocks", meta.blocks());
        let mut found = [0; 13];
        let read = File::open(written).and_then(|file| file.read_exact_at(&mut found, SIZE / 2 + 5));
        read.expect("as long as the source");
        assert_eq!(&found, b"in the middle");
        digest
    });
    assert_eq!(builds[0], builds[1]);
}

#[test]
fn a_hundred_thousand_files_in_one_directory() {
    const FILES: usize = 100_000;
    let project = everything();
    let directory = project.path("app/many");
    fs::create_dir(&directory).expect("our own directory");
    for number in 0..FILES {
        fs::write(directory.join(format!("{number:06}")), format!("{}\n", number % 1000)).expect("room");
    }
    let digest = project.build(&["-o", "rootfs-tar:root.tar"]);
    let files = inspected(&project);
    let names: BTreeSet<&str> = files
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("f 0644 0:0 1767225600 /srv/many/"))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    assert_eq!(names.len(), FILES);
    assert_eq!(project.build(&[]), digest, "from the cache");
    fs::write(directory.join("099999"), "changed\n").expect("our own file");
    let changed = project.build(&[]);
    assert_ne!(changed, digest, "the last of them is seen");
    assert_eq!(project.build(&["--no-cache"]), changed);
}

/// An archive with two files under two names each, which begin with `mark`.
fn linked(mark: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for content in ["one", "two"] {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        let text = format!("{mark} {content}\n");
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, format!("{mark}-{content}"), text.as_bytes()).expect("written to memory");
        let mut link = tar::Header::new_ustar();
        link.set_entry_type(tar::EntryType::Link);
        link.set_size(0);
        let name = format!("{mark}-{content}-again");
        tar.append_link(&mut link, name, format!("{mark}-{content}")).expect("written to memory");
    }
    tar.into_inner().expect("written to memory")
}

#[test]
fn hard_links_of_two_layers_are_not_joined() {
    let sources = "[sources.first]\npath = \"first.tar\"\n[sources.second]\npath = \"second.tar\"\n";
    let layers = ["first", "second"].map(|name| {
        // The same archive once more in the same layer, elsewhere.
        format!(
            "[[layer]]\nname = \"{name}\"\n[[layer.step]]\nextract = \"{name}\"\nto = \"/data\"\n\
             [[layer.step]]\nextract = \"{name}\"\nto = \"/copy\"\n"
        )
    });
    let project = Project::new(&format!("{SMALL}\n{sources}\n{}", layers.concat()));
    project.write("app/file", "hello\n");
    project.write("first.tar", linked("first"));
    project.write("second.tar", linked("second"));
    project.build(&["-o", "rootfs:root", "-o", "rootfs-tar:root.tar"]);
    let unpacked = project.path("unpacked");
    let archive = File::open(project.path("root.tar")).expect("it was written");
    tar::Archive::new(archive).unpack(&unpacked).expect("it can be unpacked");
    for root in [project.path("root"), unpacked] {
        let mut inodes = BTreeSet::new();
        for directory in ["data", "copy"] {
            for mark in ["first", "second"] {
                for content in ["one", "two"] {
                    let (name, again) = (format!("{mark}-{content}"), format!("{mark}-{content}-again"));
                    let paths = [name, again].map(|name| root.join(directory).join(name));
                    let expected = format!("{mark} {content}\n");
                    let texts = paths.each_ref().map(|path| fs::read_to_string(path).expect("in the image"));
                    assert_eq!(texts, [expected.clone(), expected], "{}", paths[0].display());
                    let meta = paths.map(|path| fs::metadata(path).expect("in the image"));
                    assert_eq!((meta[0].ino(), meta[0].nlink()), (meta[1].ino(), 2), "one file with two names");
                    assert!(inodes.insert(meta[0].ino()), "and no other file's");
                }
            }
        }
    }
}

#[test]
fn a_source_whose_path_depends_on_the_platform_is_read_for_each() {
    let template = SMALL
        .replace("[\"linux/amd64\"]", "[\"linux/amd64\", \"linux/arm64\"]")
        .replace("path = \"app\"", "path = \"bin/${platform.arch}\"");
    let project = Project::new(&template);
    for architecture in ["amd64", "arm64"] {
        project.write(&format!("bin/{architecture}/program"), format!("for {architecture}\n"));
    }
    project.build(&[]);
    for architecture in ["amd64", "arm64"] {
        let (platform, root) = (format!("linux/{architecture}"), format!("rootfs:{architecture}"));
        project.build(&["--platform", &platform, "-o", &root]);
        let text = project.read(&format!("{architecture}/srv/program"));
        assert_eq!(text, format!("for {architecture}\n").as_bytes(), "built alone");
    }
    let inspect = |platform: &str| {
        project.build(&[]);
        let image = project.kiln(&["inspect", "store:test/small", "--platform", platform, "--json"]).ok().json();
        image["images"][0]["layers"][0]["diff_id"].clone()
    };
    assert_ne!(inspect("linux/amd64"), inspect("linux/arm64"), "built together");
}
