//! Memory does not grow with the size of a file or a layer.

use std::fs::File;

use crate::foreign::{Layer, Tar, on, push};
use crate::place::Place;
use crate::registry::Registry;

/// What DESIGN allows a build to hold, in KiB.
const MOST_KIB: u64 = 128 << 10;

const SPARSE_BYTES: u64 = 1 << 30;

#[test]
fn a_gigabyte_is_built_in_128_mebibytes() {
    let place = Place::new();
    let file = File::create(place.path("data/sparse")).expect("our own directory");
    file.set_len(SPARSE_BYTES).expect("file systems here take holes");
    let ended = place.run(&["build", "--store", "store", "--jobs", "2"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.peak_kib > 0, "the peak was not seen");
    assert!(ended.peak_kib < MOST_KIB, "expected less than {MOST_KIB} KiB, found {}", ended.peak_kib);
}

/// Of the layer that is pulled: twice what may be held, so that a copy of it in memory is seen.
const PULLED_BYTES: usize = (2 * MOST_KIB as usize) << 10;

#[test]
fn a_large_layer_is_pulled_read_and_copied_from_in_128_mebibytes() {
    let registry = Registry::start();
    // Blocks that do not compress among themselves and repeat far apart: the blob is as large as the file.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(PULLED_BYTES / 8)
    .flatten()
    .collect();
    let tar = Tar::new().put(tar::EntryType::Regular, "large", "", &noise).bytes();
    let (base, layer) = push(&registry, &Layer::gzip(&tar));
    drop((noise, tar));
    let place = Place::new();
    let copy = "[[layer]]\nname = 'copy'\ncopy = 'base'\nto = '/copy/'\n";
    let template = format!("{}\n[sources.base]\nimage = '{base}'\n{copy}", on(&base));
    std::fs::write(place.path("kiln.toml"), template).expect("our own directory");
    let ended = place.run(&["build", "--store", "store", "--jobs", "2", "-o", "oci:out"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(registry.calls_of(&layer).len(), 1, "it is fetched once");
    assert!(ended.peak_kib > 0, "the peak was not seen");
    assert!(ended.peak_kib < MOST_KIB, "expected less than {MOST_KIB} KiB, found {}", ended.peak_kib);
}
