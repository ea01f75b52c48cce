//! Memory does not grow with the size of a file or a layer.

use std::fs::File;

use crate::place::Place;

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
