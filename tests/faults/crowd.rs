//! Several at once in one store.

use std::fs;

use crate::place::Place;

const MEGABYTES: u64 = 40;

#[test]
fn two_builds_share_a_store() {
    let place = Place::large(MEGABYTES);
    let alone = place.digest("alone");
    let first = place.start(&["build", "--store", "store", "--jobs", "1", "-o", "oci:first"]);
    let second = place.start(&["build", "--store", "store", "--jobs", "2", "-o", "oci:second"]);
    for ended in [first.finish(), second.finish()] {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.stdout, alone);
    }
    place.assert_sound("store");
    for output in ["oci:first", "oci:second"] {
        let seen = place.run(&["inspect", output, "--files", "--store", "store"]);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        assert!(seen.stdout.starts_with(&alone), "{}", seen.stdout);
    }
}

#[test]
fn gc_beside_a_build_takes_nothing_from_it() {
    let place = Place::large(MEGABYTES);
    let alone = place.digest("alone");
    // Once with nothing in the store, once with a layer that an earlier build left and that no root holds.
    for round in ["cold", "cached"] {
        let output = format!("oci:{round}");
        let build = place.start(&["build", "--store", "store", "-o", &output]);
        for _ in 0..3 {
            let gc = place.run(&["store", "gc", "--keep-days", "0", "--max-size", "0", "--store", "store"]);
            assert_eq!(gc.code, Some(0), "{}", gc.stderr);
        }
        let built = build.finish();
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        assert_eq!(built.stdout, alone);
        let seen = place.run(&["inspect", &output, "--files", "--store", "store"]);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        fs::remove_dir_all(place.path("store/builds")).expect("our own store");
        fs::create_dir(place.path("store/builds")).expect("our own store");
    }
    place.digest("store");
    place.assert_sound("store");
    let seen = place.run(&["inspect", "store:example/faults:1", "--files", "--store", "store"]);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
}
