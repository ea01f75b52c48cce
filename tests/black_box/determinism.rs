//! One digest, whatever differs between two machines, users and runs: each build in a process of its own, in a
//! directory of its own, with a store of its own.

use std::fs::{FileTimes, OpenOptions};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{Gid, Uid};

use crate::harness::{Project, kiln_binary, require, require_root};
use crate::sample::{self, Executable, FILES, set_mode};

/// The digest of a plain build.
fn plain() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| sample::project("gzip").build(&[]))
}

fn gzip() -> Project {
    sample::project("gzip")
}

#[test]
fn a_second_build_elsewhere() {
    for codec in ["gzip", "zstd", "none"] {
        let digests = [(); 2].map(|()| sample::project(codec).build(&[]));
        assert_eq!(digests[0], digests[1], "{codec}");
    }
}

#[test]
fn the_digest_depends_on_what_it_should_depend_on() {
    let other = gzip();
    other.write("app/data/a.txt", "b\n");
    assert_ne!(other.build(&[]), plain());
    let other = gzip();
    set_mode(&other.path("app/data/a.txt"), 0o755);
    assert_ne!(other.build(&[]), plain());
    assert_ne!(gzip().build(&["--epoch", "2026-01-01T00:00:01Z"]), plain());
    assert_ne!(sample::project("zstd").build(&[]), plain());
}

#[test]
fn times_of_the_sources() {
    let project = gzip();
    for (at, (path, ..)) in (1..).zip(FILES) {
        let time = UNIX_EPOCH + Duration::from_nanos(at * 86_400_000_000_001);
        let file = OpenOptions::new().write(true).open(project.path("app").join(path)).expect("the file is there");
        file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).expect("times can be set");
    }
    assert_eq!(project.build(&[]), plain());
}

#[test]
fn order_in_which_the_sources_were_made() {
    let project = gzip();
    std::fs::remove_dir_all(project.path("app")).expect("it is there");
    for (path, content, executable) in FILES.iter().rev() {
        project.write(&format!("app/{path}"), content);
        set_mode(&project.path("app").join(path), if *executable == Executable::Yes { 0o755 } else { 0o644 });
    }
    assert_eq!(project.build(&[]), plain());
}

#[test]
fn hard_links_among_the_sources() {
    let project = gzip();
    std::fs::remove_file(project.path("app/data/twin")).expect("it is there");
    std::fs::hard_link(project.path("app/README"), project.path("app/data/twin")).expect("links can be made");
    assert_eq!(project.build(&[]), plain());
}

#[test]
fn modes_that_a_umask_gave_the_sources() {
    for (file, program) in [(0o600, 0o700), (0o664, 0o775), (0o444, 0o555)] {
        let project = gzip();
        for (path, _, executable) in FILES {
            set_mode(&project.path("app").join(path), if executable == Executable::Yes { program } else { file });
        }
        set_mode(&project.path("app/data"), 0o700);
        assert_eq!(project.build(&[]), plain(), "{file:o}");
    }
}

#[test]
fn umask_of_the_build() {
    for umask in ["0077", "0002", "0000"] {
        let project = gzip();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let build = project.kiln(&["build", "-o", "oci:out"]).under("/bin/sh", &["-c", &script]);
        assert_eq!(build.ok().digest(), plain(), "{umask}");
    }
}

#[test]
fn environment() {
    let cases = [
        ("TZ", "Asia/Kathmandu"),
        ("TZ", "America/St_Johns"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "C"),
        ("HOME", "/nonexistent"),
        ("SOURCE_DATE_EPOCH", "1234567890"),
        ("CI", "true"),
        ("USER", "somebody"),
        ("HOSTNAME", "elsewhere"),
        ("KILN_JOBS", "3"),
    ];
    for (name, value) in cases {
        assert_eq!(gzip().kiln(&["build"]).env(name, value).ok().digest(), plain(), "{name}={value}");
    }
}

#[test]
fn working_directory() {
    let project = gzip();
    let template = project.path("kiln.toml");
    let template = template.to_str().expect("a path in UTF-8");
    assert_eq!(project.kiln(&["build", template]).cwd("/").ok().digest(), plain());
    let project = gzip();
    assert_eq!(project.kiln(&["build", "../project"]).cwd(project.top().join("home")).ok().digest(), plain());
    let project = gzip();
    assert_eq!(project.kiln(&["build", "../kiln.toml"]).cwd(project.path("app")).ok().digest(), plain());
}

#[test]
fn threads() {
    for jobs in ["1", "2", "16"] {
        for codec in ["gzip", "zstd"] {
            let expected = sample::project(codec).build(&[]);
            assert_eq!(sample::project(codec).build(&["--jobs", jobs]), expected, "{jobs} {codec}");
        }
    }
}

#[test]
fn threads_on_a_layer_of_many_blocks() {
    let builds = ["1", "2", "16"].map(|jobs| {
        let project = gzip();
        project.write("app/large", large());
        project.build(&["--jobs", jobs])
    });
    assert!(builds.iter().all(|digest| *digest == builds[0]), "{builds:?}");
}

/// 9 MiB that neither repeat nor compress to nothing: numbers in decimal after a multiplicative step.
fn large() -> Vec<u8> {
    let mut number = 1_u64;
    let mut bytes = Vec::new();
    while bytes.len() < 9 << 20 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice((number >> 20).to_string().as_bytes());
    }
    bytes
}

#[test]
fn what_is_cached() {
    let project = gzip();
    let first = project.build(&[]);
    assert_eq!(project.build(&[]), first, "from the cache");
    assert_eq!(project.build(&["--no-cache"]), first, "without the cache");
    project.write("app/data/a.txt", "changed\n");
    assert_ne!(project.build(&[]), first, "a changed file is seen");
    project.write("app/data/a.txt", "a\n");
    assert_eq!(project.build(&[]), first, "and changed back");
    assert_eq!(first, plain());
}

#[test]
fn host_name() {
    let Some(unshare) = require("unshare") else { return };
    if !require_root() {
        return;
    }
    let script = "printf elsewhere.example >/proc/sys/kernel/hostname && exec \"$0\" \"$@\"";
    let project = gzip();
    let build = project.kiln(&["build"]).under("/bin/sh", &["-c", script]).under(unshare, &["--uts"]);
    assert_eq!(build.ok().digest(), plain());
}

#[test]
fn another_user() {
    let Some(setpriv) = require("setpriv") else { return };
    if !require_root() {
        return;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").expect("there is one");
    let Some(line) = passwd.lines().find(|line| line.starts_with("kiln-test-a:")) else {
        return crate::harness::skip("there is no user kiln-test-a");
    };
    let id: u32 = line.split(':').nth(2).and_then(|id| id.parse().ok()).expect("a user has a number");
    let project = gzip();
    // The binary may stand in a directory that the other user cannot enter.
    let binary = project.top().join("kiln");
    std::fs::copy(kiln_binary(), &binary).expect("it can be copied");
    give(project.top(), id);
    let reuid = format!("--reuid={id}");
    let regid = format!("--regid={id}");
    let build = project.kiln_at(&binary, &["build", "-o", "oci:out"]);
    let build = build.under(setpriv, &[reuid.as_str(), regid.as_str(), "--clear-groups"]);
    assert_eq!(build.ok().digest(), plain());
}

/// Gives a directory and everything in it to a user.
fn give(path: &Path, id: u32) {
    for entry in walkdir::WalkDir::new(path) {
        let entry = entry.expect("it can be read");
        let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
        rustix::fs::chown(entry.path(), Some(user), Some(group)).expect("root can give it away");
    }
}

#[test]
fn a_processor_without_extensions() {
    let Some(qemu) = require("qemu-x86_64") else { return };
    if !cfg!(target_arch = "x86_64") {
        return crate::harness::skip("kiln is not built for x86_64");
    }
    for codec in ["gzip", "zstd"] {
        let expected = sample::project(codec).build(&[]);
        let build = sample::project(codec);
        let build = build.kiln(&["build"]).under(&qemu, &["-cpu", "qemu64", "-L", "/"]);
        assert_eq!(build.ok().digest(), expected, "{codec}");
    }
}
