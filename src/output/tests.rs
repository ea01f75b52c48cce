//! Outputs as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::testing::Memory;
use super::*;
use crate::base::hash::digest_of;
use crate::image::index;

fn output(form: &str, path: &Path) -> Output {
    format!("{form}:{}", path.display()).parse().expect("an output")
}

fn write(subject: &Subject<'_>, output: &Output, last: Option<&Recorded>) -> Result<Receipt, OutputError> {
    super::write(subject, output, last.as_slice(), |_, _| Ok(()))
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

const FORMS: [&str; 5] = ["oci", "oci-archive", "docker-archive", "rootfs", "rootfs-tar"];

#[test]
fn every_form_is_written_replaced_and_left_alone() {
    let one = Memory::sample();
    let mut other = Memory::sample();
    other.layers.push(vec![3; 10]);
    let (one_image, other_image) = ([one.image("linux/amd64")], [other.image("linux/amd64")]);
    for form in FORMS {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("made/on the way/out");
        let output = output(form, &path);
        let first = write(&one.subject(&one_image), &output, None).expect("it is free");
        assert_eq!(first.written, Written::New, "{form}");
        let again = write(&one.subject(&one_image), &output, first.recorded.as_ref()).expect("it is ours");
        assert_eq!((again.written, &again.recorded), (Written::AlreadyThere, &first.recorded), "{form}");
        let moved = write(&other.subject(&other_image), &output, again.recorded.as_ref()).expect("it is ours");
        assert_eq!(moved.written, Written::Replaced, "{form}");
        let unknown = write(&one.subject(&one_image), &output, None);
        assert!(matches!(unknown, Err(OutputError::NotOurs { .. })), "{form}");
        let outdated = write(&one.subject(&one_image), &output, first.recorded.as_ref());
        assert!(matches!(outdated, Err(OutputError::NotOurs { .. })), "{form}");
        assert_eq!(names(path.parent().expect("it has a parent")), ["out"], "{form} leaves nothing beside");
    }
}

#[test]
fn what_a_run_told_before_it_was_killed_is_recognised() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    for form in FORMS {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("out");
        let output = output(form, &path);
        let mut told = None;
        let first = super::write::<OutputError>(&memory.subject(&images), &output, &[], |coming, held| {
            assert!(held.is_none() && !path.exists(), "{form}: it is told before it is there");
            told = Some(coming.clone());
            Ok(())
        });
        first.expect("it is free");
        let again = write(&memory.subject(&images), &output, told.as_ref()).expect("it is ours");
        assert_eq!(again.written, Written::AlreadyThere, "{form}");
    }
}

#[test]
fn nothing_is_written_that_could_not_be_remembered() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let directory = tempfile::tempdir().expect("a temporary directory");
    for form in FORMS {
        let output = output(form, &directory.path().join("out"));
        let full = |_: &Recorded, _: Option<&Recorded>| Err(OutputError::NoName { tag: "any error".to_owned() });
        let refused = super::write(&memory.subject(&images), &output, &[], full);
        assert!(matches!(refused, Err(OutputError::NoName { .. })), "{form}");
        assert_eq!(names(directory.path()), Vec::<String>::new(), "{form}");
    }
}

#[test]
fn a_link_is_followed_to_what_is_ours_and_not_to_anything_else() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    for form in FORMS {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (path, link) = (directory.path().join("out"), directory.path().join("link"));
        std::os::unix::fs::symlink("out", &link).expect("a link");
        let through = output(form, &link);
        let nothing = write(&memory.subject(&images), &through, None);
        assert!(matches!(nothing, Err(OutputError::LinkToNothing { .. })), "{form}");
        let first = write(&memory.subject(&images), &output(form, &path), None).expect("it is free");
        let again = write(&memory.subject(&images), &through, first.recorded.as_ref()).expect("it is ours");
        assert_eq!(again.written, Written::AlreadyThere, "{form}");
        let mut other = Memory::sample();
        other.layers.push(vec![3; 10]);
        let other_images = [other.image("linux/amd64")];
        let moved = write(&other.subject(&other_images), &through, first.recorded.as_ref()).expect("it is ours");
        assert_eq!(moved.written, Written::Replaced, "{form}");
        assert!(fs::symlink_metadata(&link).expect("still there").is_symlink(), "{form}: the link stays");
        let foreign = write(&memory.subject(&images), &through, None);
        assert!(matches!(foreign, Err(OutputError::NotOurs { .. })), "{form}");
    }
}

#[test]
fn what_was_changed_since_is_not_touched() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    for form in FORMS {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("out");
        let output = output(form, &path);
        let first = write(&memory.subject(&images), &output, None).expect("it is free");
        let changed = if path.is_dir() { path.join("mine") } else { path.clone() };
        fs::write(&changed, "mine").expect("it can be written");
        let again = write(&memory.subject(&images), &output, first.recorded.as_ref());
        assert!(matches!(again, Err(OutputError::NotOurs { .. })), "{form}");
        assert_eq!(fs::read_to_string(&changed).expect("still there"), "mine");
    }
}

#[test]
fn a_layout_holds_what_its_index_names() {
    let memory = Memory::sample();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let images = [memory.image("linux/arm64"), memory.image("linux/amd64")];
    let made = index(&images, &BTreeMap::new()).expect("two platforms");
    let subject = Subject { index: Some(&made), ..memory.subject(&images) };
    let out = directory.path().join("out");
    fs::create_dir(&out).expect("an empty directory counts as free");
    write(&subject, &output("oci", &out), None).expect("it is free");
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("index.json")).expect("it is there")).expect("JSON");
    assert_eq!(json["manifests"][0]["digest"], made.digest.to_string());
    assert_eq!(json["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "1.8.2");
    let blobs = names(&out.join("blobs/sha256"));
    assert_eq!(blobs.len(), 1 + 2 + 2 + 2);
    for name in blobs {
        let bytes = fs::read(out.join("blobs/sha256").join(&name)).expect("a blob");
        assert_eq!(digest_of::<LayerDigest>(&bytes).hex(), name);
    }
    for form in ["docker-archive", "rootfs", "rootfs-tar"] {
        let refused = write(&subject, &output(form, &directory.path().join(form)), None);
        assert!(matches!(refused, Err(OutputError::NeedsOnePlatform { .. })), "{form}");
    }
}

#[test]
fn archives_of_the_same_image_are_the_same() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    for form in ["oci-archive", "docker-archive"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let bytes = ["a", "b"].map(|name| {
            let path = directory.path().join(name);
            write(&memory.subject(&images), &output(form, &path), None).expect("it is free");
            fs::read(path).expect("it is there")
        });
        assert!(bytes[0] == bytes[1], "{form}");
        crate::layer::read::layer(bytes[0].as_slice(), &mut crate::layer::read::ignore).expect("a good tar");
    }
}

#[test]
fn what_dead_runs_left_is_removed_and_what_lives_is_not() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let beside = |name: &str| directory.path().join(name);
    fs::create_dir_all(beside(".out.kiln-aaaaaaaaaaaa/x")).expect("a directory");
    fs::create_dir(beside(".out.kiln-bbbbbbbbbbbb")).expect("a directory");
    fs::write(beside(".out.kiln-notes"), "mine").expect("a file");
    let alive = File::open(beside(".out.kiln-bbbbbbbbbbbb")).expect("a directory");
    alive.lock().expect("nobody else has it");
    write(&memory.subject(&images), &output("oci", &beside("out")), None).expect("it is free");
    assert_eq!(names(directory.path()), [".out.kiln-bbbbbbbbbbbb", ".out.kiln-notes", "out"]);
}

#[test]
fn an_error_leaves_the_target_as_it_was() {
    let (memory, empty) = (Memory::sample(), Memory::default());
    let images = [memory.image("linux/amd64")];
    let broken = Subject { supply: &empty, ..memory.subject(&images) };
    let directory = tempfile::tempdir().expect("a temporary directory");
    for form in ["oci", "oci-archive", "docker-archive"] {
        let written = write(&broken, &output(form, &directory.path().join("out")), None);
        assert!(matches!(written, Err(OutputError::Blob { .. })), "{form}");
    }
    let foreign = [memory.image("plan9/amd64")];
    let written = write(&memory.subject(&foreign), &output("rootfs", &directory.path().join("out")), None);
    assert!(matches!(written, Err(OutputError::Root { .. })));
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[test]
fn outputs_of_one_call_keep_apart() {
    let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an output")).collect::<Vec<Output>>();
    assert!(matches!(check_outputs(&parse(&["oci:a:1", "oci-archive:./a:2"]), &[]), Err(OutputError::SamePath { .. })));
    assert!(matches!(check_outputs(&parse(&["rootfs:a", "oci-archive:a/b"]), &[]), Err(OutputError::Nested { .. })));
    let twice = parse(&["docker-archive:-", "docker-archive:-"]);
    assert!(matches!(check_outputs(&twice, &[]), Err(OutputError::SameStream { .. })));
    assert!(matches!(check_outputs(&parse(&["rootfs:a/.."]), &[]), Err(OutputError::NoFileName { .. })));
    assert!(check_outputs(&parse(&["oci:a", "oci:ab", "docker", "podman"]), &[]).is_ok());
    let platforms = ["linux/amd64", "linux/arm64"].map(|text| text.parse().expect("a platform"));
    for one in ["rootfs:a", "rootfs-tar:a", "docker-archive:a", "docker-archive:-", "docker"] {
        let refused = check_outputs(&parse(&[one]), &platforms);
        assert!(matches!(refused, Err(OutputError::NeedsOnePlatform { .. })), "{one}");
    }
    assert!(check_outputs(&parse(&["oci:a", "oci-archive:b"]), &platforms).is_ok());
}

#[test]
fn targets_without_a_name_are_refused() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let written = write(&memory.subject(&images), &output("rootfs", Path::new("/..")), None);
    assert!(matches!(written, Err(OutputError::NoFileName { .. })));
    let tagged = "docker-archive:x:1".parse().expect("an output");
    let nameless = Subject { name: None, ..memory.subject(&images) };
    assert!(matches!(write(&nameless, &tagged, None), Err(OutputError::NoName { .. })));
}

#[test]
fn a_parent_that_is_a_file_is_an_error() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let written = write(&memory.subject(&images), &output("oci", &file.path().join("out")), None);
    assert!(matches!(written, Err(OutputError::Io { .. })), "{written:?}");
}

#[test]
fn a_writer_that_fails_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let written = docker::write(&memory.subject(&images), &images[0], None, &mut Full);
    assert!(matches!(written, Err(OutputError::Write { .. })));
}
