//! Kills and interrupts at any moment leave a store that is whole.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Place, Running, names};

/// Where in a build it is hit, in thousandths of the time that a whole one takes.
const MOMENTS: [u32; 5] = [30, 170, 420, 700, 930];

const MEGABYTES: u64 = 200;

fn hit(running: &Running, signal: Signal) {
    let process = Pid::from_child(&running.child);
    // It may have ended just before, which is one of the moments too.
    let _ = kill_process(process, signal);
}

fn timed(place: &Place, store: &str) -> (String, Duration) {
    let begin = Instant::now();
    let digest = place.digest(store);
    (digest, begin.elapsed())
}

#[test]
fn a_killed_build_leaves_a_sound_store() {
    let place = Place::large(MEGABYTES);
    let (digest, whole) = timed(&place, "whole");
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let store = format!("store{round}");
        let running = place.start(&["build", "--store", &store, "-o", "oci:out"]);
        thread::sleep(whole * moment / 1000);
        hit(&running, Signal::KILL);
        running.finish();
        place.assert_sound(&store);
        assert_eq!(place.digest(&store), digest, "killed after {moment} thousandths of {whole:?}");
        place.assert_sound(&store);
    }
}

/// A build of four outputs is killed at many moments: none leaves an output that the next build takes for somebody else's.
#[test]
fn a_killed_build_leaves_no_output_that_the_next_one_refuses() {
    const KILLS: u32 = 40;
    let place = Place::large(4);
    let outputs = ["oci:out", "oci-archive:out.tar", "docker-archive:docker.tar", "rootfs:root"];
    let build = |version: &str| {
        let outputs = outputs.iter().flat_map(|output| ["-o", output]);
        let arguments = ["build", "--store", "store", "--version", version].into_iter().chain(outputs);
        place.start(&arguments.collect::<Vec<_>>())
    };
    let begin = Instant::now();
    assert_eq!(build("0").finish().code, Some(0));
    let whole = begin.elapsed();
    for kill in 1..=KILLS {
        // Another version is another image, so that each output is written.
        let running = build(&kill.to_string());
        thread::sleep(whole * kill / KILLS);
        hit(&running, Signal::KILL);
        running.finish();
        let again = build(&format!("{kill}-again")).finish();
        assert_eq!(again.code, Some(0), "killed after {kill}/{KILLS} of {whole:?}: {}", again.stderr);
    }
}

#[test]
fn a_build_that_is_interrupted_in_a_layer_says_so_and_leaves_nothing() {
    let place = Place::large(MEGABYTES);
    let running = place.start(&["build", "--store", "store", "-o", "oci:out"]);
    // The layer is being written once the store holds something temporary that grows.
    let begun = || {
        let tmp = place.path("store/tmp");
        names(&tmp).iter().any(|name| std::fs::metadata(tmp.join(name)).is_ok_and(|file| file.len() > 0))
    };
    let begin = Instant::now();
    while !begun() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no layer was begun");
        thread::sleep(Duration::from_millis(1));
    }
    hit(&running, Signal::INT);
    let ended = running.finish();
    // `Error::Interrupted` of the pipeline, alone and without a cause.
    assert_eq!((ended.code, ended.stderr.as_str(), ended.stdout.as_str()), (Some(130), "error: interrupted\n", ""));
    assert!(!place.path("out").exists());
    assert_eq!(names(&place.path("store/builds")), Vec::<String>::new(), "nothing was remembered");
    place.assert_sound("store");
}

#[test]
fn an_interrupted_build_ends_with_130_and_cleans_up() {
    let place = Place::large(MEGABYTES);
    let (digest, whole) = timed(&place, "whole");
    let mut interrupted = 0;
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let store = format!("store{round}");
        let output = format!("oci-archive:target{round}/out.tar");
        std::fs::create_dir(place.path(&format!("target{round}"))).expect("our own directory");
        let running = place.start(&["build", "--store", &store, "-o", &output]);
        thread::sleep(whole * moment / 1000 + Duration::from_millis(20));
        hit(&running, Signal::INT);
        let ended = running.finish();
        let left = names(&place.path(&format!("target{round}")));
        match ended.code {
            Some(130) => {
                interrupted += 1;
                assert_eq!(left, Vec::<String>::new(), "after {moment} thousandths of {whole:?}");
            }
            // It was done before the signal came.
            Some(0) => assert_eq!(left, ["out.tar"]),
            _ => panic!("expected exit code 130, found {:?}: {}", ended.code, ended.stderr),
        }
        place.assert_sound(&store);
        assert_eq!(place.digest(&store), digest);
    }
    assert!(interrupted > 0, "no signal came before the end of its build");
}
