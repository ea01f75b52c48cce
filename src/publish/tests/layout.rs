//! Directories.

use super::*;
use crate::base::Class;
use crate::registry::{Created, Race};

#[test]
fn a_layout_is_made_extended_and_never_rewritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a/b");
    let mut shelf = Shelf::default();
    let (one, two) = (shelf.image("one"), shelf.image("two"));
    let place = LayoutPlace::open(&path).expect("it is not there");
    assert!(!path.exists(), "nothing is made before something is pushed");
    let receipt = send(&shelf, &one, &place, &["1", "1.0"]).expect("sent");
    assert_eq!(receipt.names.iter().map(|(_, created)| *created).collect::<Vec<_>>(), [Created::Now; 2]);
    let before = files(&path);
    let again = send(&shelf, &one, &LayoutPlace::open(&path).expect("a layout"), &["1"]).expect("there");
    assert_eq!((again.names[0].1, again.blobs.len()), (Created::AlreadyThere, 0));
    let error = send(&shelf, &two, &place, &["1"]).expect_err("it holds another");
    assert_eq!(error.class(), Class::Refused);
    assert!(error.to_string().contains(&format!("`oci:{}:1`", path.display())), "{error}");
    assert!(matches!(error, PublishError::Held { lost: Race::None, source, .. } if source.held.0 == one.digest));
    assert_eq!(files(&path), before, "a refusal and a repetition change nothing");
    send(&shelf, &two, &place, &["2"]).expect("sent");
    let after = files(&path);
    assert!(before.iter().all(|(name, bytes)| name == "index.json" || after[name] == *bytes));
    let json: Value = serde_json::from_slice(&after["index.json"]).expect("JSON");
    assert_eq!(json["manifests"].as_array().map(Vec::len), Some(3));
    assert_eq!(after.len(), 2 + 2 * 3, "nothing is left beside: {:?}", after.keys());
}

#[test]
fn a_name_that_somebody_else_made_meanwhile_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let (one, two) = (shelf.image("one"), shelf.image("two"));
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &one, &place, &["1"]).expect("sent");
    let tag: Tag = "1".parse().expect("a tag");
    assert!(matches!(place.create(&tag, &two), Ok(Naming::Held { race: Race::Lost, digest }) if digest == one.digest));
    assert!(matches!(place.create(&tag, &one), Ok(Naming::Holds(Created::AlreadyThere))));
}

#[test]
fn what_has_no_name_is_found_and_gets_one_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &image, &place, &[]).expect("sent");
    send(&shelf, &image, &place, &[]).expect("there");
    let listed = || serde_json::from_slice::<Value>(&files(directory.path())["index.json"]).expect("JSON");
    assert_eq!(listed()["manifests"], json!([entry(&image)]));
    send(&shelf, &image, &place, &["1"]).expect("named");
    assert_eq!(listed()["manifests"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_refers_to_something_is_found_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &image, &place, &["1"]).expect("sent");
    let artifact = shelf.artifact(&image, "signed");
    let receipt = send(&shelf, &image, &place, &["1"]).expect("completed");
    assert_eq!(receipt.attached, [artifact.digest]);
    let referrers = place.referrers(&image.digest).expect("a list");
    assert_eq!(referrers.iter().map(|entry| entry.digest).collect::<Vec<_>>(), [artifact.digest]);
    assert_eq!(referrers[0].artifact_type.as_deref(), Some("application/x-note"));
    // A reader that is given no name finds the one image.
    let at = format!("oci:{}", directory.path().display()).parse().expect("a reference");
    let origin = origin::FileOrigin::open(&at).expect("a layout");
    let crate::base::reference::Reference::OciDirectory(located) = &at else { panic!("a directory") };
    let (top, called) = origin.top(located).expect("one image");
    assert_eq!((top.digest, called.as_deref()), (image.digest, Some("1")));
    let collected = collect(&origin, top).expect("it is whole");
    assert_eq!(collected, collect(&shelf, image).expect("it is whole"));
}

#[test]
fn what_lacks_a_blob_is_not_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let index = shelf.index(&[&image]);
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &index, &place, &["1"]).expect("sent");
    assert!(place.has_manifest(&index.digest).expect("asked"));
    let layer = digest_of::<BlobDigest>("one".repeat(1000).as_bytes());
    let path = directory.path().join("blobs/sha256").join(layer.hex());
    fs::remove_file(&path).expect("it is there");
    assert!(!place.has_manifest(&index.digest).expect("asked"));
    send(&shelf, &index, &place, &["2"]).expect("what is missing is brought");
    assert!(place.has_manifest(&index.digest).expect("asked"));
    fs::write(&path, "x").expect("damaged");
    let error = send(&shelf, &index, &place, &["3"]).expect_err("it is not written over");
    assert!(matches!(&error, PublishError::NotAPlace { .. }) && error.hint().is_some(), "{error:?}");
}

#[test]
fn a_blob_that_is_another_or_missing_or_unreadable_never_gets_a_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let layer: BlobDigest = digest_of("one".repeat(1000).as_bytes());
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    shelf.blobs.insert(layer, "two".repeat(1000).into_bytes());
    let error = send(&shelf, &image, &place, &["1"]).expect_err("damaged");
    assert!(matches!(&error, PublishError::Damaged { digest, .. } if *digest == layer), "{error:?}");
    assert_eq!(error.class(), Class::Mismatch);
    shelf.blobs.insert(layer, "one".repeat(1001).into_bytes());
    assert!(matches!(send(&shelf, &image, &place, &["1"]), Err(PublishError::Damaged { .. })));
    shelf.blobs.remove(&layer);
    let error = send(&shelf, &image, &place, &["1"]).expect_err("missing");
    assert!(matches!(&error, PublishError::NoBlob { size_bytes: 3000, .. }) && error.hint().is_some());
    let here = files(directory.path());
    assert!(!here.contains_key("index.json") && !here.contains_key(&format!("blobs/sha256/{}", layer.hex())));
    let broken = PublishError::reading(io::Error::other("broken"), &entry(&image));
    assert!(matches!(&broken, PublishError::Read { .. }) && broken.class() == Class::Failed);
}

#[test]
fn what_is_something_else_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let found = |path: &Path| match LayoutPlace::open(path) {
        Err(PublishError::NotAPlace { found, .. }) => found,
        other => panic!("{:?}", other.err()),
    };
    fs::write(path.join("file"), "x").expect("written");
    assert_eq!(found(&path.join("file")), "something else than a directory");
    assert_eq!(found(path), "a directory with `file` and no `oci-layout`");
    std::os::unix::fs::symlink("nowhere", path.join("link")).expect("made");
    assert_eq!(found(&path.join("link")), "a symbolic link to nothing");
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("written");
    assert_eq!(found(path), "one with version `2.0.0`");
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("written");
    LayoutPlace::open(path).map(drop).expect("begun by somebody");
    fs::write(path.join("index.json"), "x").expect("written");
    assert!(matches!(LayoutPlace::open(path).err(), Some(PublishError::ImageFile(_))));
}

#[test]
fn blobs_never_go_through_a_link() {
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    for name in ["blobs", "blobs/sha256"] {
        let (directory, elsewhere) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        let place = LayoutPlace::open(directory.path()).expect("it is empty");
        fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("written");
        let link = directory.path().join(name);
        fs::create_dir_all(link.parent().expect("it has one")).expect("made");
        fs::create_dir(elsewhere.path().join("sha256")).expect("made");
        std::os::unix::fs::symlink(elsewhere.path(), &link).expect("made");
        assert!(matches!(LayoutPlace::open(directory.path()).err(), Some(PublishError::NotAPlace { .. })), "{name}");
        let late = send(&shelf, &image, &place, &["1"]);
        assert!(matches!(late, Err(PublishError::NotAPlace { .. })), "{name}: {late:?}");
        assert!(files(elsewhere.path()).is_empty());
    }
}

/// A stock that gives its blobs when all wait for them.
struct Together<'a>(&'a Shelf, &'a std::sync::Barrier);

impl Stock for Together<'_> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        self.1.wait();
        self.0.open(blob)
    }

    fn near(&self, _: &BlobDigest) -> Vec<Repository> {
        Vec::new()
    }
}

#[test]
fn a_blob_that_another_one_brought_meanwhile_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    shelf.image("one");
    let (digest, bytes) = shelf.blobs.iter().find(|(_, bytes)| bytes.len() == 3000).expect("a layer");
    let layer = Descriptor::plain(&MediaType::ImageLayer, *digest, bytes.len() as u64);
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| place.bring_blob(&layer, &Together(&shelf, &barrier)).expect("brought by one of both"));
        }
    });
    assert!(!place.has_blob(&Descriptor { size: 2999, ..layer.clone() }).expect("asked"));
    place.bring_blob(&layer, &shelf).expect("it was there before it was opened");
    let other = place.bring_blob(&Descriptor { size: 2999, ..layer }, &shelf);
    assert!(matches!(other, Err(PublishError::NotAPlace { .. })), "{other:?}");
}

#[test]
fn several_push_into_one_directory_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("all");
    let mut shelf = Shelf::default();
    let images: Vec<Manifest> = (0..8).map(|at| shelf.image(&format!("image {at}"))).collect();
    std::thread::scope(|scope| {
        for (at, image) in images.iter().enumerate() {
            let (path, shelf) = (&path, &shelf);
            scope.spawn(move || {
                let place = LayoutPlace::open(path).expect("a place");
                send(shelf, image, &place, &[&format!("t{at}"), "same-for-all"]).err()
            });
        }
    });
    let place = LayoutPlace::open(&path).expect("a layout");
    let held = |tag: String| place.holds(&tag.parse().expect("a tag")).expect("asked");
    let winner = held("same-for-all".to_owned()).expect("one of them");
    assert!(images.iter().any(|image| image.digest == winner));
    for (at, image) in images.iter().enumerate() {
        assert_eq!(held(format!("t{at}")), Some(image.digest));
        assert!(place.has_manifest(&image.digest).expect("asked"));
    }
    assert_eq!(fs::read_dir(&path).expect("ours").count(), 3, "nothing is left beside");
}

#[test]
fn an_index_that_lists_the_same_over_and_over_is_gone_through_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    let mut top = shelf.image("one");
    send(&shelf, &top, &place, &[]).expect("sent");
    for _ in 0..7 {
        top = shelf.index(&[&top; 1_000]);
        place.bring_manifest(&top).expect("brought");
    }
    assert!(place.has_manifest(&top.digest).expect("asked"));
}

#[test]
fn a_list_that_never_ends_is_not_read() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("written");
    std::os::unix::fs::symlink("/dev/zero", directory.path().join("index.json")).expect("made");
    assert!(matches!(LayoutPlace::open(directory.path()).err(), Some(PublishError::ImageFile(_))));
    fs::remove_file(directory.path().join("index.json")).expect("it is there");
    let file = fs::File::create(directory.path().join("index.json")).expect("made");
    file.set_len(1 << 40).expect("it takes no room");
    assert!(matches!(LayoutPlace::open(directory.path()).err(), Some(PublishError::ImageFile(_))));
}
