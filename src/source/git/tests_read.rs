//! What is taken from a commit.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::testing::*;
use super::*;

#[test]
fn a_commit_is_taken_as_it_is() {
    let world = World::new();
    world.repository("r", &[("dir/file", "text\n"), ("run", "#!/bin/sh\n"), ("empty", "")]);
    symlink("dir/file", world.at("r/link")).expect("a link");
    std::fs::set_permissions(world.at("r/run"), PermissionsExt::from_mode(0o755)).expect("a mode");
    std::fs::write(world.at("r").join(std::ffi::OsStr::from_bytes(b"\xff\n")), "odd").expect("a file");
    let commit = world.commit("r", &[]);
    let (read, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!(
        shown(&read),
        "d 0755 0:0 1700000000 /dir\nf 0644 0:0 1700000000 /dir/file 5\nf 0644 0:0 1700000000 /empty 0\n\
         l 0777 0:0 1700000000 /link dir/file\nf 0755 0:0 1700000000 /run 10\nf 0644 0:0 1700000000 /\\xff\\x0a 3\n"
    );
    assert_eq!(read.commit_time, TIME);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["/\\xff\\x0a", "/dir/file", "/empty", "/run"]);
    assert_eq!(files["/dir/file"], b"text\n");
    assert_eq!(read.warnings, []);
}

#[test]
fn repositories_with_sha256_are_read() {
    let world = World::new();
    std::fs::create_dir(world.at("r")).expect("a directory");
    world.git("r", &["init", "-q", "--object-format=sha256"]);
    let commit = world.commit("r", &[("dir/a", "1"), ("b", &"2".repeat(5000))]);
    assert!(matches!(commit, ObjectId::Sha256(_)));
    assert_eq!(world.resolve("r", "main").expect("a branch"), commit);
    let (read, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!(names(&read), ["/b", "/dir/a"]);
    assert_eq!(files["/dir/a"], b"1");
}

#[test]
fn a_branch_that_moves_does_not_move_what_is_read() {
    let world = World::new();
    let commit = world.repository("r", &[("a", "old")]);
    world.commit("r", &[("a", "new"), ("b", "")]);
    let (read, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!((names(&read), files["/a"].as_slice()), (vec!["/a".to_owned()], &b"old"[..]));
}

/// Servers of the old protocol give out what a branch or tag names, and nothing else.
#[test]
fn a_server_that_gives_out_no_single_commits_gives_everything() {
    let world = World::new();
    let commit = world.repository("r", &[("a", "old")]);
    world.commit("r", &[("a", "new")]);
    world.write("config", "[protocol]\n version = 0\n");
    let (_, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!(files["/a"], b"old");
    // A ref that is neither a branch nor a tag.
    let tree = world.git("r", &["rev-parse", "HEAD^{tree}"]);
    let hidden = world.commit_tree("r", &tree);
    let child = world.git("r", &["commit-tree", "-m", "y", "-p", &hidden.to_string(), &tree]);
    world.git("r", &["update-ref", "refs/other/x", &child]);
    world.git("r", &["update-ref", "refs/heads/main", &commit.to_string()]);
    let request = GitRequest { rev: Some("refs/other/x".to_owned()), ..world.request("r") };
    assert!(world.read(&request, &hidden).is_ok());
    let error = world.error(&world.request("r"), &hidden);
    assert!(matches!(&error, GitError::NoSuchCommit { commit, .. } if *commit == hidden), "{error}");
}

#[test]
fn commits_that_are_not_there_and_other_objects_are_refused() {
    let world = World::new();
    world.repository("r", &[("a", "")]);
    world.git("r", &["tag", "-a", "-m", "x", "heavy"]);
    let error = world.error(&world.request("r"), &"01".repeat(20).parse().expect("an id"));
    assert!(matches!(error, GitError::NoSuchCommit { .. }), "{error}");
    for (rev, found) in [("heavy", "tag"), ("HEAD^{tree}", "tree"), ("HEAD:a", "blob")] {
        let error = world.error(&world.request("r"), &world.id("r", rev));
        assert!(matches!(&error, GitError::NotACommit { found: kind, .. } if kind == found), "{error}");
    }
}

#[test]
fn large_files_pass_through() {
    let world = World::new();
    // Not compressible, and not all the same.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let bytes: Vec<u8> = (0..20 << 20).map(|_| next()).collect();
    world.repository("r", &[]);
    world.write("r/large", &bytes);
    let commit = world.commit("r", &[]);
    let (_, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert!(files["/large"] == bytes);
}

#[test]
fn attributes_change_nothing() {
    let world = World::new();
    let attributes = "*.txt eol=crlf\n*.id ident\n*.big filter=lfs\n*.gone export-ignore\n";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let text = [("b.id", "$Id$"), ("c.txt", "1\n"), ("d.gone", "")];
    world.repository("r", &text);
    world.write("r/.gitattributes", attributes);
    ["a.big", "e.big"].iter().for_each(|name| world.write(&format!("r/{name}"), pointer));
    let commit = world.commit("r", &[]);
    let ran = world.at("ran");
    let filter = format!("[filter \"lfs\"]\n smudge = touch {0}\n process = touch {0}\n required\n", ran.display());
    world.write("config", filter);
    let (read, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!((files["/b.id"].as_slice(), files["/c.txt"].as_slice()), (&b"$Id$"[..], &b"1\n"[..]));
    assert_eq!(files["/a.big"], pointer.as_bytes());
    assert!(names(&read).contains(&"/d.gone".to_owned()) && !ran.exists());
    // Copies are handed over once and warned of each.
    assert!(!files.contains_key("/e.big"));
    let warned = [Warning::LfsPointer { path: path("a.big") }, Warning::LfsPointer { path: path("e.big") }];
    assert_eq!(read.warnings, warned);
    assert_eq!(read.tree.get(&path("a.big")), read.tree.get(&path("e.big")));
}

#[test]
fn a_subdirectory_is_taken_alone() {
    let world = World::new();
    let commit = world.repository("r", &[("lib/core/x/a", "1"), ("lib/corp/b", ""), ("lib/file", ""), ("c", "")]);
    symlink("lib", world.at("r/link")).expect("a link");
    let commit = {
        let _ = commit;
        world.commit("r", &[])
    };
    let of = |subdir: &str| GitRequest { subdir: Some(path(subdir)), ..world.request("r") };
    let (read, files) = world.read(&of("lib/core"), &commit).expect("a directory");
    assert_eq!(shown(&read), "d 0755 0:0 1700000000 /x\nf 0644 0:0 1700000000 /x/a 1\n");
    assert_eq!(files["/x/a"], b"1");
    let error = world.error(&of("lib/cor/x"), &commit);
    assert_eq!(error.to_string(), format!("the commit {commit} has no directory `/lib/cor/x`"));
    assert_eq!(error.hint().as_deref(), Some("did you mean `/lib/core`, `/lib/corp`?"));
    let error = world.error(&of("zzz"), &commit);
    assert!(matches!(&error, GitError::NoSubdir { nearest, .. } if nearest.is_empty()), "{error}");
    for (at, kind) in [("lib/file", "file"), ("link/core", "symbolic link")] {
        let error = world.error(&of(at), &commit);
        assert!(matches!(&error, GitError::NotADirectory { found, .. } if *found == kind), "{error}");
    }
}

#[test]
fn a_sink_that_fails_ends_the_reading() {
    let world = World::new();
    let commit = world.repository("r", &[("a", "small"), ("b", &"large".repeat(1000))]);
    for failing in ["/a", "/b"] {
        let mut sink = |path: &crate::base::ImagePath, _: u64, _: &mut dyn std::io::Read| match path.to_string() {
            path if path == failing => Err(std::io::Error::other("full")),
            _ => Ok(()),
        };
        let error = read(&world.request("r"), &commit, &world.terms(), &world.at("scratch"), &mut sink);
        let error = error.expect_err("a full disk");
        assert!(matches!(error, GitError::Content(_)) && whole(&error).ends_with("full"), "{}", whole(&error));
    }
}

#[test]
fn a_scratch_directory_that_is_none_is_named() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    let mut sink = crate::layer::read::ignore;
    let error = read(&world.request("r"), &commit, &world.terms(), &world.at("none"), &mut sink);
    assert!(matches!(error, Err(GitError::Scratch { path, .. }) if path == world.at("none")));
}
