//! Whatever kiln wrote once is read for ever: locks and stores of earlier formats, in `fixtures/locks` and
//! `fixtures/stores`, one directory for each format.
//!
//! `KILN_BLESS=1` adds the directory of today's format if it is not there. It never writes into one that is.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::foreign::{Tar, good, write_layout};
use crate::harness::Project;

/// Today's.
const STORE_FORMAT: &str = "1";

/// In place of the path of the template, which no other machine has.
const PLACEHOLDER: &str = "/project/kiln.toml";

/// Notes that say something about one machine's files: they are worth nothing elsewhere.
const OF_ONE_MACHINE: [&str; 2] = ["scans", "outputs"];

const TEMPLATE: &str = "\
[image]
name = 'example/kept'
version = '1'
platforms = ['linux/amd64']
epoch = '2026-01-01T00:00:00Z'
created = '2026-02-01T00:00:00Z'

[base]
image = 'oci:base'

[sources.data]
path = 'data'
[sources.archive]
path = 'archive.tar'

[[layer]]
name = 'note'
write = '/etc/note'
text = 'one'

[[layer]]
name = 'data'
copy = 'data'
to = '/srv/'

[[layer]]
name = 'archive'
extract = 'archive'
to = '/opt/'
";

fn fixtures(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind)
}

/// The directories of all formats, of which there is at least one.
fn formats(kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures(kind)).expect("fixtures").map(|entry| entry.expect("readable").path());
    let formats: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(!formats.is_empty(), "no {kind}");
    formats
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("readable");
        let target = to.join(entry.path().strip_prefix(from).expect("below"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("a directory of our own");
        } else {
            fs::copy(entry.path(), target).expect("a directory of our own");
        }
    }
}

/// Moves the note about the last build from one path of its template to another.
fn move_build(store: &Path, from: &str, to: &str) {
    let name = |path: &str| Sha256::digest(path).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (old, new) = (store.join("builds").join(name(from)), store.join("builds").join(name(to)));
    let note = fs::read_to_string(&old).expect("the last build is known");
    fs::remove_file(&old).expect("a directory of our own");
    fs::write(new, note.replace(from, to)).expect("a directory of our own");
}

fn real(path: &Path) -> String {
    fs::canonicalize(path).expect("it is there").display().to_string()
}

fn bless(directory: &Path) {
    let project = Project::new(TEMPLATE);
    project.write("data/one", "1\n");
    project.write("data/sub/two", "2\n");
    project.write("archive.tar", Tar::new().directory("bin/").file("bin/tool", "#!/bin/sh\n").bytes());
    write_layout(&project.path("base"), &[good()]);
    let digest = project.build(&["-o", "rootfs-tar:out.tar"]);
    let store = project.top().join("store");
    move_build(&store, &real(&project.path("kiln.toml")), PLACEHOLDER);
    OF_ONE_MACHINE.iter().for_each(|notes| fs::remove_dir_all(store.join(notes)).expect("it is there"));
    for gone in ["base", "out.tar"] {
        let path = project.path(gone);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it is there");
    }
    copy(&project.path(""), &directory.join("project"));
    copy(&store, &directory.join("store"));
    fs::write(directory.join("digest"), format!("{digest}\n")).expect("the project's directory can be written to");
}

#[test]
fn stores_of_every_format_still_serve() {
    let today = fixtures("stores").join(STORE_FORMAT);
    if std::env::var_os("KILN_BLESS").is_some() && !today.exists() {
        bless(&today);
    }
    for format in formats("stores") {
        let project = Project::empty();
        copy(&format.join("project"), &project.path(""));
        let store = project.top().join("store");
        copy(&format.join("store"), &store);
        move_build(&store, PLACEHOLDER, &real(&project.path("kiln.toml")));
        let digest = fs::read_to_string(format.join("digest")).expect("a digest");
        let build = |args: &[&str]| project.kiln(&["build", "--offline", "--locked"]).args(args).ok();
        let built = build(&[]).expect_said("0 built, 3 cached");
        assert_eq!(built.digest(), digest.trim(), "{}", format.display());
        project.kiln(&["store", "check"]).ok();
        let log = project.kiln(&["store", "log", "example/kept"]).ok();
        assert!(log.text().contains(digest.trim()), "{}", log.all());
        // What the last build had is known to the last file.
        let text = String::from_utf8(project.read("kiln.toml")).expect("text");
        project.write("kiln.toml", text.replace("'one'", "'two'"));
        project.write("data/one", "changed\n");
        let plan = project.kiln(&["plan", "--offline"]).ok();
        for words in ["because: step 1: `content` was `", "`/srv/one`: "] {
            assert!(plan.text().contains(words), "{words}: {}", plan.all());
        }
        let changed = build(&[]).expect_said("2 built, 1 cached").digest();
        project.kiln(&["store", "gc", "--keep-days", "0"]).ok();
        assert_eq!(build(&[]).expect_said("0 built, 3 cached").digest(), changed);
        // Blocks of the old layer or not: the same bytes.
        let fresh = project.top().join("fresh");
        write_layout(&project.path("base"), &[good()]);
        let again = project.kiln(&["build", "--locked", "--store"]).args([&fresh]).ok();
        assert_eq!(again.digest(), changed);
    }
}

#[test]
fn locks_of_every_format_are_read_and_left_as_they_are() {
    for format in formats("locks") {
        let project = Project::empty();
        copy(&format, &project.path(""));
        let before = project.read("kiln.lock");
        project.kiln(&["lock", "--offline"]).ok().expect_said("is complete");
        assert_eq!(project.read("kiln.lock"), before, "{}", format.display());
        // Every entry is needed: each kind of request is still the key of its entry.
        let entries = String::from_utf8(before).expect("text").matches("\n[[").count();
        project.write("kiln.toml", "[image]\nname = 'x'\n[[layer]]\nname = 'x'\nwrite = '/x'\ntext = ''\n");
        let dropped = project.kiln(&["lock", "--offline"]).ok();
        assert_eq!(dropped.stderr.matches(": dropped").count(), entries, "{}", dropped.all());
    }
}

/// A project whose lock has an entry of each kind that needs no network.
fn locked() -> Project {
    let project = Project::new(
        "[image]\nname = 'x'\nplatforms = ['linux/amd64']\n[base]\nimage = 'oci:base'\n\
         [sources.tool]\nurl = 'file:///nowhere'\n[[layer]]\nname = 'x'\ncopy = 'tool'\nto = '/bin/'\n",
    );
    project.write("tool", "tool\n");
    let template = String::from_utf8(project.read("kiln.toml")).expect("text");
    let url = format!("file://{}", project.path("tool").display());
    project.write("kiln.toml", template.replace("file:///nowhere", &url));
    write_layout(&project.path("base"), &[good()]);
    project.kiln(&["lock", "--epoch", "2026-01-01T00:00:00Z", "--created", "2026-01-01T00:00:00Z"]).ok();
    project
}

#[test]
fn a_lock_that_git_checked_out_with_crlf_is_the_same_lock() {
    let project = locked();
    let digest = project.build(&["--locked"]);
    let text = String::from_utf8(project.read("kiln.lock")).expect("text");
    assert!(text.contains("[[image]]") && text.contains("[[url]]"), "{text}");
    let windows = text.replace('\n', "\r\n");
    project.write("kiln.lock", &windows);
    assert_eq!(project.build(&["--locked"]), digest);
    project.kiln(&["lock"]).ok().expect_said("is complete");
    project.kiln(&["update"]).ok().expect_said("nothing moved");
    assert_eq!(project.read("kiln.lock"), windows.as_bytes(), "nothing moved, nothing is written");
    // What is written anew has kiln's own line ends, and git turns them round again.
    project.write("tool", "another\n");
    let moved = project.kiln(&["update", "tool"]).ok();
    let written = String::from_utf8(project.read("kiln.lock")).expect("text");
    assert!(!written.contains('\r') && written != text, "{}", moved.all());
}

#[test]
fn a_merge_conflict_inside_an_entry_is_named_by_every_verb() {
    let project = locked();
    let text = String::from_utf8(project.read("kiln.lock")).expect("text");
    let sha = text.lines().find(|line| line.starts_with("sha256 = ")).expect("an entry");
    let other = sha.replace(|c: char| c.is_ascii_digit(), "a");
    for ends in ["\n", "\r\n"] {
        let conflict = format!("<<<<<<< HEAD\n{sha}\n||||||| base\n{sha}\n=======\n{other}\n>>>>>>> theirs");
        let broken = text.replace(sha, &conflict);
        let line = broken.lines().position(|line| line.starts_with("<<<<<<<")).expect("a conflict") + 1;
        project.write("kiln.lock", broken.replace('\n', ends));
        for verb in ["build", "plan", "lock", "update"] {
            let ended = project.kiln(&[verb]).run().expect_code(1);
            ended
                .expect_said(&format!("line {line} of the lock file is a merge conflict"))
                .expect_said("choose a side, or delete the lock file and run `kiln lock`");
        }
        assert_eq!(project.read("kiln.lock"), broken.replace('\n', ends).as_bytes(), "it is left for the user");
    }
    project.write("kiln.lock", &text);
    project.build(&["--locked"]);
}
