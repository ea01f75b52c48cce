//! `kiln reproduce`: what is the same from run to run, what is not, and whether the reason is found.

use std::fs;

use serde_json::Value;

use crate::harness::require_root;
use crate::system::{HEAD, SYSTEM, with_shell};

/// The causes by path.
fn causes(report: &Value) -> Vec<(String, String)> {
    let differences = report["different"]["comparison"]["differences"].as_array().expect("differences");
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    differences.iter().map(|difference| (text(&difference["path"]), text(&difference["cause"]["name"]))).collect()
}

#[test]
fn a_reproducible_template_is_0_and_says_what_was_varied() {
    if !require_root() {
        return;
    }
    let steps = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'good'\n[[layer.step]]\nrun = '''\n\
        find /in -type f | sort > /list; cat /in/[0-9] > /all; echo $SOURCE_DATE_EPOCH > /time; env | sort > /env; umask > /umask\n\
        id > /id; cat /proc/self/mountinfo | grep -c 'lowerdir' > /dev/null; rm -r /gone; echo x > /gone; touch /old\n\
        stat -c '%a %u %n' /in /copy / /etc /bin > /modes; rm /copy/1; mv /copy/sub /copy/sup; find /copy | sort > /left'''\n\
        mounts = [{ from = 'app', to = '/in' }, { from = 'app', to = '/copy', writable = true }]\n\
        [[layer]]\nname = 'above'\n[[layer.step]]\nrun = 'ls /bin | sort > /bins; cp /all /again; chown app:app /again; ls /gone'\n";
    let Some(project) = with_shell(steps) else { return };
    (1..9).for_each(|number| project.write(&format!("app/{number}"), format!("{number}\n")));
    (1..5).for_each(|number| project.write(&format!("app/sub/{number}"), "x"));
    let digest = project.build(&[]);
    let ended = project.kiln(&["reproduce", "--keep", "both"]).ok();
    assert_eq!(ended.text(), format!("{digest}\n"), "as a build gives it: {}", ended.all());
    for said in
        ["run 1 of 2", "run 2 of 2", "varied: host name (kiln; elsewhere)", "order of directories", "not varied: clock"]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    assert_eq!(ended.stderr.matches("layer good, step 1").count(), 2, "nothing comes from the store: {}", ended.all());
    for kept in ["oci:both/run-1", "oci:both/run-2"] {
        assert_eq!(project.kiln(&["inspect", kept, "--json"]).ok().json()["digest"], digest.as_str());
    }
    let left = fs::read_dir(project.top().join("store/sandbox/work")).expect("the area").count();
    assert_eq!(left, 0, "nothing is left behind");
    let three = project.kiln(&["reproduce", "--times", "3", "--json", "--keep", "both"]).ok().json();
    assert_eq!(three["runs"].as_array().map(Vec::len), Some(3));
    assert_eq!((&three["is_same"], &three["different"]), (&Value::Bool(true), &Value::Null));
}

/// Four bytes of a number for `printf`, the lowest first.
const LITTLE_ENDIAN: &str = "le() { for shift in 0 8 16 24; do printf '\\\\x%02x' $(($1 >> shift & 255)); done; }";

/// File, what writes it, and the cause that is to be named.
const SOURCES: &[(&str, &str, &str)] = &[
    ("/srv/date", "date > /srv/date", "clock"),
    ("/srv/stamp", "date +%s > /srv/stamp", "clock"),
    ("/srv/random", "head -c 12 /dev/urandom | od -An -tx1 | tr -d ' ' > /srv/random", "random"),
    ("/srv/bins", "find /bin > /srv/bins", "order"),
    ("/srv/mounted", "find /in -type f > /srv/mounted", "order"),
    ("/srv/directories", "find /in/deep -maxdepth 1 > /srv/directories", "order"),
    (
        "/srv/build.log",
        "work() { for n in 1 2 3; do [ $(nproc) = 1 ] && sleep 0.$2; echo \"$1: $n\"; sleep 0.2; done; }\n\
         { work a 3 & work b 0 & wait; } > /srv/build.log",
        "parallel-log",
    ),
    (
        "/srv/header",
        "echo same | gzip -c > /tmp/gz; { head -c 4 /tmp/gz; printf \"$(le $(date +%s))\"; tail -c +9 /tmp/gz; } > /srv/header",
        "gzip-time",
    ),
    (
        "/srv/mod.pyc",
        "{ printf '\\xa7\\x0d\\x0d\\x0a\\0\\0\\0\\0'; printf \"$(le $(date +%s))\"; printf '\\5\\0\\0\\0body'; } > /srv/mod.pyc",
        "pyc-time",
    ),
    ("/srv/host", "echo \"built on $(hostname)\" > /srv/host", "hostname"),
    ("/srv/jobs", "echo \"make -j$(nproc)\" > /srv/jobs", "processors"),
];

#[test]
fn every_known_source_of_difference_is_recognised_by_name() {
    if !require_root() {
        return;
    }
    let mut steps = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'bad'\nkeep = ['*.pyc']\n".to_owned();
    for (_, command, _) in SOURCES {
        steps.push_str(&format!(
            "[[layer.step]]\nrun = '''\n{LITTLE_ENDIAN}\n{command}\n'''\nmounts = [{{ from = 'app', to = '/in' }}]\n"
        ));
    }
    let Some(project) = with_shell(&steps) else { return };
    (1..9).for_each(|number| project.write(&format!("app/deep/{number}/file"), "x\n"));
    let ended = project.kiln(&["reproduce", "--json"]).run().expect_code(4);
    let report = ended.json();
    let found = causes(&report);
    for (number, (path, _, cause)) in SOURCES.iter().enumerate() {
        let named = found.iter().find(|(other, _)| other == path).map(|(_, cause)| cause.as_str());
        assert_eq!(named, Some(*cause), "{path}: {report:#}");
        assert_eq!(report["different"]["touched"][path], serde_json::json!([number + 1]), "{path}: {report:#}");
    }
    let text = project.kiln(&["reproduce", "-q"]).run().expect_code(4);
    for said in ["layer `bad` differs", "kiln.toml:", "cause: ", "mend: ", "written by: step 1", "`python-times`"] {
        assert!(text.text().contains(said), "{said}: {}", text.all());
    }
    assert!(text.stderr.starts_with("error: run 2 gave another image"), "{}", text.all());
}

#[test]
fn a_stage_that_differs_comes_before_the_image_that_takes_from_it() {
    if !require_root() {
        return;
    }
    let stage = SYSTEM
        .replace("[[layer]]\nname", "[[stage.make.layer]]\nname")
        .replace("[[layer.step]]", "[[stage.make.layer.step]]");
    let template = |taken: &str| {
        format!(
            "{HEAD}{stage}[[stage.make.layer]]\nname = 'compile'\nrun = 'hostname > /srv/host; echo ok > /srv/ok'\n\
             network = true\ncache = ['/cache']\n\
             [[layer]]\nname = 'plain'\nwrite = '/a'\ntext = 'a'\n[[layer]]\nname = 'app'\ncopy = 'make:srv/{taken}'\nto = '/app/'\n"
        )
    };
    let Some(project) = with_shell("") else { return };
    project.write("kiln.toml", template("host"));
    let report = project.kiln(&["reproduce", "--json"]).run().expect_code(4).json();
    assert_eq!(report["different"]["layer"], "make/compile", "{report:#}");
    assert_eq!(report["different"]["others"], serde_json::json!(["app"]), "{report:#}");
    assert_eq!(causes(&report), [("/srv/host".to_owned(), "hostname".to_owned())]);
    let notes = report["different"]["notes"].to_string();
    assert!(notes.contains("network = true") && notes.contains("`cache` at `/cache`"), "{notes}");
    project.write("kiln.toml", template("ok"));
    let ended = project.kiln(&["reproduce"]).ok().expect_said("the layer `make/compile` differs from run to run");
    assert!(ended.stderr.contains("without an effect on the image"), "{}", ended.all());
}

#[test]
fn inputs_come_from_the_users_store_and_not_from_the_network() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell("") else { return };
    project.build(&["-o", "oci:base"]);
    project.write(
        "next/kiln.toml",
        format!("{HEAD}[base]\nimage = 'oci:../base'\n[[layer]]\nname = 'a'\nrun = 'ls /bin > /bins'\n"),
    );
    project.kiln(&["reproduce", "next", "--offline"]).ok();
    // The store has all of it now.
    fs::rename(project.path("base"), project.path("moved")).expect("moved");
    project.kiln(&["reproduce", "next", "--offline", "--locked"]).ok();
    let ended = project.kiln(&["reproduce", "next", "--keep", "next"]).ok();
    assert!(ended.stderr.contains("kept: next/run-2"), "{}", ended.all());
    fs::remove_dir_all(project.path("next/run-1")).expect("it is there");
    project.write("next/run-1/mine", "x");
    project.kiln(&["reproduce", "next", "--keep", "next"]).run().expect_code(3).expect_said("run-1");
    assert_eq!(project.read("next/run-1/mine"), b"x");
}

#[test]
fn a_failing_step_is_told_as_a_build_tells_it() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'fails'\nrun = '[ $(hostname) = kiln ] || exit 7'\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["reproduce"]).run().expect_code(1);
    assert!(
        ended.stderr.contains("run 2 fails where run 1 did not") && ended.stderr.contains("exit code 7"),
        "{}",
        ended.all()
    );
    let left = fs::read_dir(project.top().join("store/sandbox/work")).expect("the area").count();
    assert_eq!(left, 0, "nothing is left behind");
    project.kiln(&["reproduce", "--times", "1"]).run().expect_code(2);
}

#[test]
fn what_belongs_to_the_machine_is_said_to_be_the_same() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell("[[layer]]\nname = 'runs'\nrun = 'true'\n") else { return };
    let ended = project.kiln(&["reproduce"]).ok();
    for what in ["boot id", "kernel release", "memory size", "processor model"] {
        assert!(ended.stderr.contains(&format!("not varied: {what}: ")), "{what}: {}", ended.all());
    }
    let asked = project.kiln(&["reproduce", "--sandbox", "root"]).ok();
    asked.expect_said("not varied: sandbox: `root` was asked for\n");
    assert!(!ended.stderr.contains("was asked for"), "{}", ended.all());
}
