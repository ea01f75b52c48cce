//! Tars.

use super::*;
use crate::output::testing::Memory;

fn archive(path: &Path) -> ArchivePlace {
    ArchivePlace::open(path).expect("a place")
}

/// The names in a directory.
fn beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("ours").map(|entry| entry.expect("ours"));
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_same_gives_the_same_bytes_and_what_is_there_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let mut shelf = Shelf::default();
    let (one, two) = (shelf.image("one"), shelf.image("two"));
    shelf.artifact(&one, "signed");
    for name in ["a.tar", "b.tar"] {
        send(&shelf, &one, &archive(&path(name)), &["1"]).expect("sent");
    }
    let first = fs::read(path("a.tar")).expect("written");
    assert_eq!(first, fs::read(path("b.tar")).expect("written"));
    send(&shelf, &one, &archive(&path("a.tar")), &["1"]).expect("there");
    assert_eq!(fs::read(path("a.tar")).expect("written"), first);
    let error = send(&shelf, &two, &archive(&path("a.tar")), &["1"]).expect_err("it holds another");
    assert!(matches!(error, PublishError::Held { .. }));
    shelf.blobs.retain(|_, bytes| *bytes != "two".repeat(1000).into_bytes());
    send(&shelf, &two, &archive(&path("a.tar")), &["2"]).expect_err("a blob is missing");
    assert_eq!(fs::read(path("a.tar")).expect("written"), first, "a push that fails changes nothing");
    shelf.image("two");
    send(&shelf, &two, &archive(&path("a.tar")), &["2"]).expect("sent");
    let place = archive(&path("a.tar"));
    for (tag, image) in [("1", &one), ("2", &two)] {
        assert_eq!(place.holds(&tag.parse().expect("a tag")).expect("asked"), Some(image.digest));
        assert!(place.has_manifest(&image.digest).expect("asked"));
    }
    assert_eq!(place.referrers(&one.digest).expect("a list").len(), 1);
    drop(place);
    let mut names = beside(directory.path());
    names.sort();
    assert_eq!(names, ["a.tar", "b.tar"], "nothing is left beside");
}

#[test]
fn it_is_what_a_build_writes() {
    let directory = tempfile::tempdir().expect("a directory");
    let (memory, mut shelf) = (Memory::sample(), Shelf::default());
    let images = [memory.image("linux/amd64")];
    let built = directory.path().join("built.tar");
    let output = format!("oci-archive:{}", built.display()).parse().expect("an output");
    crate::output::write::<crate::output::OutputError>(&memory.subject(&images), &output, &[], |_, _| Ok(()))
        .expect("it is free");
    memory.layers.iter().for_each(|layer| drop(shelf.put("x", layer)));
    shelf.put("x", &images[0].config.bytes);
    let manifest = manifest_of(images[0].manifest.bytes.clone(), None).expect("a manifest");
    let pushed = directory.path().join("pushed.tar");
    send(&shelf, &manifest, &archive(&pushed), &["1.8.2"]).expect("sent");
    assert_eq!(fs::read(pushed).expect("written"), fs::read(built).expect("written"));
}

#[test]
fn a_file_that_appeared_meanwhile_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("x.tar");
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let place = archive(&path);
    fs::write(&path, "mine").expect("written");
    let error = send(&shelf, &image, &place, &["1"]).expect_err("it is somebody's");
    assert!(matches!(&error, PublishError::Output(_)) && error.class() == crate::base::Class::Refused, "{error:?}");
    assert_eq!(fs::read(&path).expect("it is there"), b"mine");
}

#[test]
fn what_is_no_archive_of_a_layout_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("x.tar");
    for content in [&b""[..], b"text", b"\x1f\x8b\x08\x00\x00\x00"] {
        fs::write(&path, content).expect("written");
        assert!(matches!(ArchivePlace::open(&path).err(), Some(PublishError::NotAPlace { .. })), "{content:?}");
    }
    assert!(matches!(ArchivePlace::open(directory.path()).err(), Some(PublishError::NotAPlace { .. })));
}

#[test]
fn several_push_into_one_archive_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a/all.tar");
    let mut shelf = Shelf::default();
    let images: Vec<Manifest> = (0..6).map(|at| shelf.image(&format!("image {at}"))).collect();
    std::thread::scope(|scope| {
        for (at, image) in images.iter().enumerate() {
            let (path, shelf) = (&path, &shelf);
            scope.spawn(move || send(shelf, image, &archive(path), &[&format!("t{at}")]).expect("each waits its turn"));
        }
    });
    let place = archive(&path);
    for (at, image) in images.iter().enumerate() {
        assert_eq!(place.holds(&format!("t{at}").parse().expect("a tag")).expect("asked"), Some(image.digest));
    }
    drop(place);
    assert_eq!(beside(&directory.path().join("a")), ["all.tar"]);
}
