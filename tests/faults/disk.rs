//! A full disk is a clear error and leaves nothing half done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Place, names, skip};

/// A small file system in memory, unmounted when it is dropped.
pub(crate) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// `None` where it cannot be mounted, which is said.
    pub(crate) fn of(size: &str, at: &Path) -> Option<Self> {
        fs::create_dir_all(at).expect("our own directory");
        let options = format!("size={size}");
        let mounted = Command::new("timeout")
            .args(["20", "mount", "-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            skip("a full disk needs root, to mount a small one");
            return None;
        }
        Some(Self { at: at.to_owned() })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("timeout").args(["20", "umount", "--lazy"]).arg(&self.at).status();
    }
}

#[test]
fn a_full_store_is_named_and_stays_sound() {
    let place = Place::large(80);
    let Some(_disk) = Disk::of("8m", &place.path("disk")) else { return };
    let ended = place.run(&["build", "--store", "disk/store"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("no space is left for the store `disk/store`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("kiln store gc"), "it says what to do: {}", ended.stderr);
    assert_eq!(names(&place.path("disk/store/tmp")), Vec::<String>::new());
    place.assert_sound("disk/store");
}

#[test]
fn a_store_whose_first_opening_found_no_room_opens_once_there_is_some() {
    let place = Place::large(4);
    let Some(disk) = Disk::of("64k", &place.path("disk")) else { return };
    let filler = disk.at.join("filler");
    for size in (0..=16).rev().map(|pages| pages * 4096) {
        fs::write(&filler, vec![1; size]).unwrap_or_default();
        let ended = place.run(&["build", "--store", "disk/store"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        fs::remove_file(&filler).expect("our own disk");
        let listed = place.run(&["store", "ls", "--store", "disk/store"]);
        assert_eq!(listed.code, Some(0), "with {size} bytes taken: {}", listed.stderr);
        fs::remove_dir_all(disk.at.join("store")).expect("our own disk");
    }
}

#[test]
fn a_full_output_is_named_and_leaves_nothing() {
    let place = Place::large(80);
    let Some(disk) = Disk::of("8m", &place.path("disk")) else { return };
    for output in ["oci:disk/out", "oci-archive:disk/out.tar", "docker-archive:disk/out.tar", "rootfs:disk/root"] {
        let ended = place.run(&["build", "--store", "store", "-o", output]);
        assert_eq!(ended.code, Some(1), "{output}: {}", ended.stderr);
        let (_, path) = output.split_once(':').expect("all have a kind");
        assert!(ended.stderr.contains(path), "{output}: {}", ended.stderr);
        assert_eq!(names(&disk.at), Vec::<String>::new(), "{output}");
    }
    place.assert_sound("store");
}
