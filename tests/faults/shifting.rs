//! A file that changes while it is read gives an error or one of its true states, never a torn layer.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::place::Place;

const ROUNDS: usize = 4;

#[test]
fn a_file_that_grows_is_an_error_and_never_a_torn_layer() {
    let place = Place::large(16);
    let file = place.path("data/000.txt");
    let stop = AtomicBool::new(false);
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = OpenOptions::new().append(true).open(&file).expect("our own file");
            while !stop.load(Ordering::Relaxed) {
                log.write_all(b"one more line\n").expect("our own file");
                thread::yield_now();
            }
        });
        let outcomes: Vec<_> = (0..ROUNDS)
            .map(|round| place.run(&["build", "--store", "store", "-o", &format!("oci:out{round}")]))
            .collect();
        stop.store(true, Ordering::Relaxed);
        outcomes
    });
    for (round, ended) in outcomes.iter().enumerate() {
        let seen = place.run(&["inspect", &format!("oci:out{round}"), "--files", "--store", "store"]);
        match ended.code {
            Some(0) => assert_eq!(seen.code, Some(0), "{}", seen.stderr),
            Some(1) => assert!(ended.stderr.contains("changed"), "{}", ended.stderr),
            _ => panic!("{ended:?}"),
        }
    }
    assert!(outcomes.iter().any(|ended| ended.code == Some(1)), "no build saw the file grow: {outcomes:?}");
    place.assert_sound("store");
}

#[test]
fn a_file_that_is_rewritten_with_the_same_length_is_not_torn() {
    let place = Place::new();
    let file = place.path("data/flips");
    let states = [vec![b'a'; 8 << 20], vec![b'b'; 8 << 20]];
    fs::write(&file, &states[0]).expect("our own file");
    let stop = AtomicBool::new(false);
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            for state in states.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                fs::write(&file, state).expect("our own file");
            }
        });
        let outcomes: Vec<_> = (0..ROUNDS)
            .map(|round| place.run(&["build", "--store", "store", "-o", &format!("rootfs:root{round}")]))
            .collect();
        stop.store(true, Ordering::Relaxed);
        outcomes
    });
    for (round, ended) in outcomes.iter().enumerate() {
        let built = place.path(&format!("root{round}/data/flips"));
        match ended.code {
            Some(0) => {
                let found = fs::read(built).expect("in the image");
                // `fs::write` empties the file before it fills it: a shorter one is a state that it had.
                assert!(states.iter().any(|state| state.starts_with(&found)), "torn: {} bytes", found.len());
            }
            Some(1) => assert!(ended.stderr.contains("changed") && !built.exists(), "{}", ended.stderr),
            _ => panic!("{ended:?}"),
        }
    }
    place.assert_sound("store");
}
