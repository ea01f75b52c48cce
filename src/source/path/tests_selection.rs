//! What is taken, and why the rest is not.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, mkfifoat, openat};

use super::testing::*;
use super::*;
use crate::base::ContentDigest;
use crate::base::hash::digest_of;

#[test]
fn nodes_are_normal_whatever_the_machine_says() {
    let source = Source::new(&[("b/run", "x"), ("b/data", "yy"), ("empty/", ""), ("a-b", ""), ("a/x", "")]);
    std::fs::set_permissions(source.at("b/run"), PermissionsExt::from_mode(0o4711)).expect("chmod");
    std::fs::set_permissions(source.at("b/data"), PermissionsExt::from_mode(0o660)).expect("chmod");
    std::fs::hard_link(source.at("b/data"), source.at("b/same")).expect("a hard link");
    symlink("../nowhere", source.at("b/link")).expect("a link");
    let text = dump(&source.scan());
    let lines: Vec<&str> = text.lines().map(|line| line.split(" 0 sha").next().unwrap_or(line)).collect();
    let (x, y) = (digest_of::<ContentDigest>(b"x"), digest_of::<ContentDigest>(b"yy"));
    let expected = [
        "d 0755 0:0 0 /a".to_owned(),
        "f 0644 0:0 0 /a-b".to_owned(),
        "f 0644 0:0 0 /a/x".to_owned(),
        "d 0755 0:0 0 /b".to_owned(),
        format!("f 0644 0:0 0 /b/data 2 {y}"),
        "l 0777 0:0 0 /b/link ../nowhere".to_owned(),
        format!("f 0755 0:0 0 /b/run 1 {x}"),
        format!("f 0644 0:0 0 /b/same 2 {y}"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn takes_what_git_would_commit() {
    let source = Source::new(&[
        (".gitignore", "*.o\n/build\n!keep.o\n*.{a,b}\n# c\n"),
        ("a.o", ""),
        ("tracked.o", ""),
        ("keep.o", ""),
        ("x.a", ""),
        ("sub/a.o", ""),
        ("sub/.gitignore", "!a.o\nlocal/\n"),
        ("sub/local/x", ""),
        ("build/out", ""),
        ("build/deep/tracked", ""),
        ("build/deep/new", ""),
        ("new", ""),
        ("sub/build", ""),
    ]);
    source.git("", &["init", "-q"]);
    // Neither of these has a say: they differ from machine to machine.
    source.write(".git/info/exclude", "new\n");
    source.git("", &["add", "-f", "tracked.o", "build/deep/tracked"]);
    let listed = source.git("", &["ls-files", "-co", "--exclude-per-directory=.gitignore"]);
    let mut expected: Vec<&str> = listed.lines().collect();
    expected.sort_unstable();
    let scan = source.scan();
    assert_eq!(names(&scan), expected);
    let why = |name: &str| scan.why_left_out(&image_path(name)).map(|reason| reason.to_string());
    assert_eq!(why("a.o").as_deref(), Some("git ignores it (`*.o` in .gitignore:1)"));
    assert_eq!(why("sub/local/x").as_deref(), Some("git ignores it (`local/` in sub/.gitignore:2)"));
    assert_eq!(why("build/deep/new").as_deref(), Some("git ignores it (`/build` in .gitignore:2)"));
    assert_eq!(scan.why_left_out(&image_path(".git/HEAD")), Some(Reason::GitDirectory));
    assert_eq!(why("new"), None);
    assert_eq!(why("nowhere"), None);
}

#[test]
fn rules_above_the_source_hold_and_worktrees_have_their_own_index() {
    let source = Source::new(&[(".gitignore", "*.o\ndist\n"), ("app/a.o", ""), ("app/b.o", ""), ("app/c", "")]);
    source.git("", &["init", "-q"]);
    source.git("", &["add", "-f", ".gitignore", "app/a.o", "app/c"]);
    source.git("", &["commit", "-qm", "x"]);
    let app = scan(&request(&source.at("app")), None, 1).expect("a scan");
    assert_eq!(names(&app), ["a.o", "c"]);
    assert_eq!(
        app.why_left_out(&image_path("b.o")).map(|reason| reason.to_string()).as_deref(),
        Some("git ignores it (`*.o` in .gitignore:1)")
    );
    let other = tempfile::tempdir().expect("a temporary directory");
    let tree = other.path().join("tree");
    source.git("", &["worktree", "add", "-q", tree.to_str().expect("UTF-8")]);
    std::fs::write(tree.join("app/b.o"), "").expect("a file");
    assert_eq!(names(&scan(&request(&tree), None, 1).expect("a scan")), [".gitignore", "app/a.o", "app/c"]);

    source.write("dist/x", "");
    let dist = scan(&request(&source.at("dist")), None, 1).expect("a scan");
    assert!(dist.tree.is_empty());
    assert!(matches!(&dist.warnings[..], [Warning::RootIgnored { rule }] if rule.line == 2));
}

#[test]
fn submodules_are_taken_and_other_nested_repositories_are_not() {
    let library = Source::new(&[("lib.c", ""), (".gitignore", "*.o\n")]);
    library.git("", &["init", "-q"]);
    library.git("", &["add", "."]);
    library.git("", &["commit", "-qm", "x"]);
    let source = Source::new(&[("main.c", ""), (".gitignore", "*.c\n")]);
    source.git("", &["init", "-q"]);
    let address = library.path().to_str().expect("UTF-8").to_owned();
    source.git("", &["submodule", "--quiet", "add", &address, "lib"]);
    source.git("", &["submodule", "--quiet", "add", &address, "missing"]);
    std::fs::remove_dir_all(source.at("missing")).expect("removed");
    source.write("missing/", "");
    source.write("lib/lib.o", "");
    source.write("other/x", "");
    source.git("other", &["init", "-q"]);
    source.write("other/.git/x", "");
    let scanned = source.scan();
    assert_eq!(names(&scanned), [".gitignore", ".gitmodules", "lib/.gitignore", "lib/lib.c"]);
    assert_eq!(
        scanned.warnings,
        [
            Warning::NestedRepository { path: image_path("other") },
            Warning::SubmoduleMissing { path: image_path("missing") }
        ]
    );
    assert_eq!(scanned.why_left_out(&image_path("other/x")), Some(Reason::NestedRepository));
    // A plain directory of several repositories: each as it would commit itself.
    std::fs::remove_dir_all(source.at(".git")).expect("removed");
    assert!(names(&source.scan()).contains(&"other/x".to_owned()));
}

#[test]
fn dockerignore_include_exclude_and_own_files() {
    let source = Source::new(&[
        (".dockerignore", "docs\n!docs/keep.md\n"),
        ("docs/a.md", ""),
        ("docs/keep.md", ""),
        ("src/a.rs", ""),
        ("src/test/a.rs", ""),
        ("out/layout", ""),
        ("top", ""),
        ("empty/", ""),
    ]);
    let mut wanted = source.request();
    wanted.exclude = vec!["test/".into()];
    wanted.never = vec![source.at("out"), source.path().to_owned()];
    let scanned = scan(&wanted, None, 2).expect("a scan");
    assert_eq!(names(&scanned), [".dockerignore", "docs/keep.md", "src/a.rs", "top"]);
    let why = |name: &str| scanned.why_left_out(&image_path(name));
    assert_eq!(why("out/layout"), Some(Reason::Own));
    assert_eq!(why("src/test/a.rs"), Some(Reason::Excluded { glob: "test/".into() }));
    assert!(matches!(why("docs/a.md"), Some(Reason::DockerIgnored(rule)) if rule.line == 1));
    assert_eq!(why("empty"), Some(Reason::EmptyDirectory));

    wanted.include = vec!["*.md".into(), "/src".into()];
    let scanned = scan(&wanted, None, 2).expect("a scan");
    assert_eq!(names(&scanned), ["docs/keep.md", "src/a.rs"]);
    assert_eq!(scanned.why_left_out(&image_path("top")), Some(Reason::NotIncluded));
}

#[test]
fn special_files_enter_only_when_everything_does() {
    let source = Source::new(&[("a", ""), ("empty/", ""), (".gitignore", "a\n"), (".git/HEAD", "")]);
    mkfifoat(CWD, source.at("fifo"), Mode::RUSR).expect("a fifo");
    let _socket = UnixListener::bind(source.at("socket")).expect("a socket");
    let committed = source.scan();
    assert_eq!(names(&committed), [".gitignore"]);
    let skipped = |name: &str, special| Warning::SpecialSkipped { path: image_path(name), special };
    assert_eq!(committed.warnings, [skipped("fifo", Special::Fifo), skipped("socket", Special::Socket)]);
    assert_eq!(committed.why_left_out(&image_path("fifo")), Some(Reason::Special(Special::Fifo)));

    let everything = source.scan_everything();
    assert_eq!(names(&everything), [".gitignore", "a", "fifo"]);
    assert!(everything.tree.is_directory(&image_path("empty")) && dump(&everything).contains("p 0644 0:0 0 /fifo"));
    assert_eq!(everything.warnings, [skipped("socket", Special::Socket)]);
}

#[test]
fn some_extended_attributes_enter_when_everything_does() {
    let source = Source::new(&[("d/a", "")]);
    let set = |name: &str, xattr: &str| {
        rustix::fs::setxattr(source.at(name), xattr, b"v", rustix::fs::XattrFlags::empty()).is_ok()
    };
    if !(set("d/a", "user.x") && set("d", "user.y")) {
        // This file system has none.
        return;
    }
    set("d/a", "trusted.z");
    let text = dump(&source.scan_everything());
    assert!(text.contains("user.x=v") && text.contains("user.y=v") && !text.contains("trusted"));
    assert!(!dump(&source.scan()).contains("user."));
}

#[test]
fn a_source_can_be_one_file() {
    let source = Source::new(&[("tool", "x"), ("other", ""), (".gitignore", "ignored\n"), ("ignored", "")]);
    let tool = scan(&request(&source.at("tool")), None, 1).expect("a scan");
    assert_eq!((names(&tool), &tool.form), (vec!["tool".to_owned()], &Form::File(image_path("tool"))));
    let ignored = scan(&request(&source.at("ignored")), None, 1).expect("a scan");
    assert!(ignored.tree.is_empty() && matches!(ignored.left_out[0].reason, Reason::GitIgnored(_)));
}

#[test]
fn names_need_not_be_text_and_links_are_not_followed() {
    let source = Source::new(&[("d/x", "")]);
    let odd = std::ffi::OsStr::from_bytes(b"\xff\n");
    std::fs::write(source.path().join(odd), "").expect("a file");
    symlink("d", source.at("to-d")).expect("a link");
    symlink("/etc/passwd", source.at(".gitignore")).expect("a link");
    let scanned = source.scan();
    let paths: Vec<&[u8]> = scanned.tree.iter().map(|(path, _)| path.as_bytes()).collect();
    assert_eq!(paths, [&b".gitignore"[..], b"d", b"d/x", b"to-d", b"\xff\n"]);
}

#[test]
fn line_ends_and_lfs_pointers_are_warned_of() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let source = Source::new(&[
        (".gitattributes", "*.txt text\nsub/b.txt -text\n"),
        ("a.txt", "x\r\n"),
        ("b.bin", "x\r\n"),
        ("sub/b.txt", "x\r\n"),
        ("sub/c.txt", "x\n"),
        ("model", pointer),
    ]);
    source.git("", &["init", "-q"]);
    let rule = Rule { file: ".gitattributes".into(), line: 1, pattern: "*.txt text".into() };
    let expected =
        [Warning::LfsPointer { path: image_path("model") }, Warning::LineEndings { path: image_path("a.txt"), rule }];
    assert_eq!(source.scan().warnings, expected);
}

#[test]
fn lines_that_are_no_patterns_are_warned_of() {
    let source = Source::new(&[(".gitignore", "ok\na**[z-a]\n"), (".dockerignore", "[z-a]\n"), ("a", "")]);
    let bad: Vec<String> = source.scan().warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        bad,
        [
            "`[z-a]` in .dockerignore:1 is not a pattern and was skipped",
            "`a**[z-a]` in .gitignore:2 is not a pattern and was skipped"
        ]
    );
}

#[test]
fn what_cannot_be_scanned_says_why() {
    let source = Source::new(&[("file", ""), (".gitignore", "x\n"), ("x", ""), (".git/HEAD", "")]);
    let at = |name: &str| request(&source.at(name));
    assert!(matches!(error(&at("nothing")), ScanError::Missing { .. }));
    assert!(matches!(error(&at("file/below")), ScanError::Read { .. }));
    mkfifoat(CWD, source.at("fifo"), Mode::RUSR).expect("a fifo");
    assert!(matches!(error(&at("fifo")), ScanError::Kind { .. }));
    let globs = ScanRequest { include: vec!["[".into()], ..source.request() };
    assert!(matches!(error(&globs), ScanError::Glob { source, .. } if source.pattern == "["));
    source.write(".git/index", "DIRC but no more than that");
    let index = error(&source.request());
    assert!(matches!(&index, ScanError::Index { .. }) && index.hint().is_some());
}

#[test]
fn a_path_that_is_too_long_is_an_error() {
    let source = Source::new(&[]);
    let name = "d".repeat(250);
    let mut directory = openat(CWD, source.path(), OFlags::DIRECTORY, Mode::empty()).expect("open");
    for _ in 0..17 {
        mkdirat(&directory, Path::new(&name), Mode::RWXU).expect("mkdir");
        directory = openat(&directory, Path::new(&name), OFlags::DIRECTORY, Mode::empty()).expect("open");
    }
    assert!(matches!(error(&source.request()), ScanError::Path { .. }));
}
