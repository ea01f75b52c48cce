use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::world::World;
use crate::packages::debian::install::{Job, after, before, driver};

fn shown(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(|job| format!("{} {}", job.name(), job.arguments.join(" "))).collect()
}

#[test]
fn scripts_run_as_policy_says() {
    let mut world = World::default();
    let scripts = [("preinst", "new"), ("prerm", "p"), ("postrm", "q"), ("config", "c"), ("templates", "t")];
    let old = world.deb("Package: a\nVersion: 1\n", &scripts, &[]);
    let database = world.database();
    let jobs = before(&[&old], &database);
    assert_eq!(shown(&jobs), ["preinst of a install"]);
    assert!(after(&[&old], &database).is_empty());
    let names: Vec<(&str, u16)> = jobs[0].files.iter().map(|(name, file)| (name.as_str(), file.mode)).collect();
    let (run, plain) = (0o755, 0o644);
    let expected = [("config", run), ("control", plain), ("md5sums", plain), ("postrm", run), ("preinst", run)];
    assert_eq!(names[..5], expected);
    world.unpack(&[&old]).expect("it can be unpacked");
    // A package that was never configured has nothing to stop.
    let new = world.deb("Package: a\nVersion: 2\n", &scripts, &[]);
    assert_eq!(shown(&before(&[&new], &world.database())), ["preinst of a upgrade 1 2"]);
    world.configure();
    let database = world.database();
    assert_eq!(shown(&before(&[&new], &database)), ["prerm of a upgrade 2", "preinst of a upgrade 1 2"]);
    let jobs = after(&[&new], &database);
    assert_eq!(shown(&jobs), ["postrm of a upgrade 2"]);
    assert_eq!((jobs[0].program.as_str(), jobs[0].files["a.postrm"].content.as_slice()), ("a.postrm", b"q".as_slice()));
    let removed = world.text("var/lib/dpkg/status").replace("install ok installed", "deinstall ok config-files");
    world.write("var/lib/dpkg/status", &removed);
    assert_eq!(shown(&before(&[&new], &world.database())), ["preinst of a install 1 2"]);
    assert!(after(&[&new], &world.database()).is_empty());
}

#[test]
fn architectures_of_a_package_are_counted() {
    let mut world = World::default();
    let same = |architecture: &str| format!("Package: l\nMulti-Arch: same\nArchitecture: {architecture}\n");
    let debs = ["amd64", "i386"].map(|name| world.deb(&same(name), &[("preinst", ""), ("prerm", "")], &[]));
    let count = |job: &Job| job.environment.iter().find(|(name, _)| name.ends_with("REFCOUNT")).map(|(_, n)| n.clone());
    let jobs = before(&[&debs[0], &debs[1]], &world.database());
    assert_eq!(jobs.iter().filter_map(count).collect::<Vec<_>>(), ["1", "2"]);
    world.unpack(&[&debs[0]]).expect("it can be unpacked");
    world.configure();
    let jobs = before(&[&debs[0]], &world.database());
    assert_eq!(jobs[0].program, "l:amd64.prerm");
    assert_eq!(jobs.iter().filter_map(count).collect::<Vec<_>>(), ["1", "1"]);
}

#[test]
fn the_driver_runs_scripts_and_names_the_one_that_fails() {
    let mut world = World::default();
    let dpkg = world.deb("Package: dpkg\nVersion: 1.2.3\n", &[], &[]);
    let directory = tempfile::tempdir().expect("a directory");
    let top = directory.path().to_str().expect("a name");
    let good = format!(
        "#!/bin/sh\necho $DPKG_MAINTSCRIPT_PACKAGE $DPKG_MAINTSCRIPT_NAME $DPKG_RUNNING_VERSION \"${{DPKG_ROOT-x}}\" \
         $(basename $0) $* $(pwd) >>{top}/log\n"
    );
    let good = world.deb("Package: good\n", &[("preinst", &good)], &[]);
    let bad = world.deb("Package: it-is\n", &[("preinst", "#!/bin/sh\nexit 3\n")], &[]);
    let jobs = before(&[&good, &bad, &good, &dpkg], &world.database());
    for (number, job) in jobs.iter().enumerate() {
        let place = directory.path().join(number.to_string());
        fs::create_dir(&place).expect("a directory");
        for (name, file) in &job.files {
            fs::write(place.join(name), &file.content).expect("a file");
            fs::set_permissions(place.join(name), fs::Permissions::from_mode(file.mode.into())).expect("a mode");
        }
    }
    // The place that debconf looks at is a directory of the test's.
    let text = driver(&jobs, top).replace("/var/lib/dpkg/tmp.ci", &format!("{top}/tmp.ci"));
    let output = Command::new("timeout").args(["20", "sh", "-c", &text]).output().expect("a shell");
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "preinst of it-is ended with code 3\n");
    let log = fs::read_to_string(directory.path().join("log")).expect("a file");
    assert_eq!(log, "good preinst 1.2.3  preinst install /\n");
    assert!(!directory.path().join("tmp.ci").exists());
}
