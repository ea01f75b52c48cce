//! A blob whose bytes are not what its name says is found, set aside and made anew.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::place::{Place, names};

/// Flips one bit in the middle of the store's largest blob, the layer, and gives its digest.
fn damage(store: &Path) -> String {
    let mut blobs: Vec<(u64, String, PathBuf)> = Vec::new();
    let all = store.join("blobs/sha256");
    for folder in names(&all) {
        for name in names(&all.join(&folder)) {
            let path = all.join(&folder).join(&name);
            let size = fs::metadata(&path).expect("it was listed").len();
            blobs.push((size, format!("sha256:{folder}{name}"), path));
        }
    }
    let (_, digest, path) = blobs.into_iter().max().expect("the store holds blobs");
    let mut bytes = fs::read(&path).expect("our own store");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("our own store");
    fs::write(&path, bytes).expect("our own store");
    digest
}

#[test]
fn check_finds_a_damaged_blob_and_the_next_build_makes_it_anew() {
    let place = Place::large(8);
    let digest = place.digest("store");
    let damaged = damage(&place.path("store"));
    let checked = place.run(&["store", "check", "--store", "store"]);
    assert_eq!(checked.code, Some(4), "{}", checked.stderr);
    assert!(checked.stdout.contains(&damaged), "{}", checked.stdout);
    assert_eq!(names(&place.path("store/aside")).len(), 1);
    assert_eq!(place.digest("store"), digest);
    let again = place.run(&["store", "check", "--store", "store"]);
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
}

#[test]
fn a_damaged_unpacked_archive_does_not_reach_a_layer() {
    let place = Place::new();
    let template = |to: &str| {
        let text = fs::read_to_string(place.path("kiln.toml")).expect("our own directory");
        let at = text.find("[[layer]]").expect("it has one");
        let layer = format!("[[layer]]\nname = \"data\"\nextract = \"data:x.tar\"\nto = \"{to}\"\n");
        fs::write(place.path("kiln.toml"), text[..at].to_owned() + &layer).expect("our own directory");
    };
    let mut header = tar::Header::new_ustar();
    header.set_size(1 << 20);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "file", &vec![7; 1 << 20][..]).expect("written to memory");
    fs::write(place.path("data/x.tar"), archive.into_inner().expect("written to memory")).expect("our own directory");
    template("/first");
    place.digest("store");
    // The largest blob is what was unpacked: the layer is compressed.
    let damaged = damage(&place.path("store"));
    template("/second");
    let ended = place.run(&["build", "--store", "store", "-o", "rootfs:root"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // `Error::Layer` because of `AssembleError::Content`, because of `ContentError::Read`
    assert!(
        ended.stderr.contains("cannot make the layer `data`") && ended.stderr.contains(&damaged),
        "{}",
        ended.stderr
    );
    assert!(!place.path("root").exists());
    assert_eq!(names(&place.path("store/aside")).len(), 1, "it was set aside");
    let again = place.run(&["build", "--store", "store", "-o", "rootfs:root"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(again.stdout, place.digest("other"));
    assert!(fs::read(place.path("root/second/file")).expect("in the image") == vec![7; 1 << 20]);
}

#[test]
fn a_damaged_blob_does_not_reach_an_output() {
    let place = Place::large(8);
    let digest = place.digest("store");
    let damaged = damage(&place.path("store"));
    let first = place.run(&["build", "--store", "store", "-o", "oci:out"]);
    if first.code != Some(0) {
        assert!(first.stderr.contains(&damaged), "{}", first.stderr);
        assert_eq!(names(&place.path("out")), Vec::<String>::new());
        let second = place.run(&["build", "--store", "store", "-o", "oci:out"]);
        assert_eq!(second.code, Some(0), "{}", second.stderr);
    }
    let seen = place.run(&["inspect", "oci:out", "--files", "--store", "other"]);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert!(seen.stdout.starts_with(&digest), "{}", seen.stdout);
    let name = damaged.strip_prefix("sha256:").expect("a digest");
    let built = fs::read(place.path("out/blobs/sha256").join(name)).expect("the output holds the layer");
    let whole = place.digest("whole");
    assert_eq!(whole, digest);
    let expected = fs::read(place.path("whole/blobs/sha256").join(&name[..2]).join(&name[2..])).expect("the store too");
    assert!(built == expected, "the damaged layer was written to the output");
}
