//! The tests of a template, tried on its image: what passes, how a failure is told, and what a test never changes.

use crate::harness::{Ended, Program, Project, require, require_root};
use crate::system::with_shell;

/// An image that serves a page and says when it starts and stops.
const SERVED: &str = r#"
[[layer]]
name = "page"
[[layer.step]]
write = "/srv/page"
text = "hello\n"
owner = "app"
mode = "0640"
[[layer.step]]
symlink = "/link"
target = "/srv"
[config]
entrypoint = ["/bin/sh", "-c", "echo up; trap 'echo down; exit' QUIT; httpd -f -p 80 -h /srv & wait"]
env = { GREETING = "hi" }
user = "app"
workdir = "/srv/made"
stop-signal = "SIGQUIT"
"#;

const GOOD: &str = r#"
[[test]]
name = "runs as the image says"
run = "id -un; pwd; echo $GREETING $HOME; echo warning >&2"
stdout = "app\n/srv/made\nhi /srv\n"
stderr = { contains = "arn" }
[[test]]
name = "answers"
service = "80/tcp"
run = ["wget", "-q", "-O", "-", "http://127.0.0.1/page"]
stdout = { regex = "^hello$" }
[[test]]
name = "writes"
run = "echo x > /tmp/mark; exit 7"
exit = 7
[[test]]
name = "finds nothing of the test before"
run = ["ls", "/tmp"]
stdout = ""
[[test]]
file = "/link/page"
owner = "app"
mode = "0640"
contains = "ello"
sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
[[test]]
file = "/srv/nothing"
exists = false
[[test]]
name = "boots"
in = "machine"
run = ["true"]
"#;

/// A project with an image that serves, and these tests.
fn served(tests: &str) -> Option<Project> {
    if !require_root() {
        return None;
    }
    with_shell(&format!("{SERVED}{tests}"))
}

fn said(ended: &Ended, expected: &[&str]) {
    for words in expected {
        assert!(ended.text().contains(words), "expected `{words}` on stdout: {}", ended.all());
    }
}

#[test]
fn tests_pass_on_a_copy_of_the_image_and_leave_no_trace() {
    let Some(project) = served(GOOD) else { return };
    let ended = project.kiln(&["test"]).env("TERM", "xterm").ok();
    let expected = [
        "PASS  runs as the image says  ",
        "PASS  answers  ",
        "PASS  writes  ",
        "PASS  finds nothing of the test before  ",
        "PASS  file /link/page  ",
        "PASS  file /srv/nothing  ",
        "SKIP  boots  (machine images are not built yet)\n",
    ];
    said(&ended, &expected);
    assert_eq!(ended.text().lines().count(), expected.len(), "{}", ended.all());
    assert!(!ended.text().contains('\u{1b}'), "no colors in a pipe: {}", ended.all());
    assert!(ended.stderr.contains("7 tests: 6 passed, 1 skipped, "), "{}", ended.all());
    project.kiln(&["inspect", "store:steps:1"]).run().expect_code(1);
    let plan = |project: &Project| project.kiln(&["plan", "--json"]).ok().json()["digest"].clone();
    let (digest, planned) = (project.build(&["--test"]), plan(&project));
    let template = String::from_utf8(project.read("kiln.toml")).expect("text");
    project.write("kiln.toml", template.replace(GOOD, ""));
    assert_eq!((project.build(&[]), plan(&project)), (digest, planned), "tests are no part of the image");
    let none = project.kiln(&["test"]).ok();
    assert!(none.text().is_empty() && none.stderr.contains("the template has no tests"), "{}", none.all());
}

const BAD: &str = r#"
[[test]]
name = "exact & <more>"
run = "echo one; echo found; echo three; echo trouble >&2; exit 3"
stdout = "one\nexpected\nthree\n"
[[test]]
name = "contains"
run = ["seq", "100"]
stdout = { contains = "101" }
[[test]]
name = "program"
run = ["/bin/nothing"]
[[test]]
name = "killed"
run = "kill -9 $$"
[[test]]
name = "slow"
run = "echo so far; sleep 60"
timeout = "1s"
[[test]]
file = "/link/page"
owner = "0:0"
mode = "0644"
contains = "bye"
[[test]]
file = "/srv/nothing"
[[test]]
file = "/link"
exists = false
[[test]]
name = "passes"
run = ["true"]
"#;

#[test]
fn a_failure_says_what_was_expected_and_what_was_found() {
    let Some(project) = served(BAD) else { return };
    let ended = project.kiln(&["test", "--junit", "junit.xml"]).run().expect_code(1);
    let expected = [
        "FAIL  exact & <more>  ",
        "      exit code: expected 0, found 3\n",
        "      stdout is not what was expected (-: expected, +: found)\n          one\n        - expected\n        + found\n          three\n",
        "      stderr:\n        trouble\n",
        "      stdout does not contain `101`\n        (85 lines before)\n        86\n",
        "      `/bin/nothing` is not in the image\n",
        "      exit code: expected 0, found killed by signal 9\n",
        "      it took longer than its `timeout` of 1 s\n      stdout:\n        so far\n",
        "      mode of `/link/page`: expected 0644, found 0640\n",
        "      owner of `/link/page`: expected 0:0, found 1000:1000\n",
        "      `/link/page` does not contain `bye`\n",
        "      `/srv/nothing`: it is not there, and should be\n",
        "      `/link`: it is there, and should not be\n",
        "PASS  passes  ",
    ];
    said(&ended, &expected);
    assert!(ended.stderr.contains("error: 8 of 9 tests failed"), "{}", ended.all());
    let json = project.kiln(&["test", "--json", "--filter", "exact"]).run().expect_code(1).json();
    assert_eq!((&json["tests"], &json["failed"], &json["skipped"]), (&1.into(), &1.into(), &0.into()), "{json}");
    let result = &json["results"][0];
    assert_eq!((&result["name"], &result["outcome"]), (&"exact & <more>".into(), &"failed".into()), "{json}");
    let complaint = &result["complaints"][1];
    assert_eq!(complaint["expected"], "one\nexpected\nthree\n", "{json}");
    assert_eq!(complaint["found"], "one\nfound\nthree\n", "{json}");
    assert_eq!(result["printed"]["stderr"][0], "trouble", "{json}");
    let wrong = project.kiln(&["test", "--filter", "nothing like it"]).run().expect_code(1);
    wrong.expect_said("no test has `nothing like it` in its name").expect_said("`killed`");
    let Some(python) = require("python3") else { return };
    let read = "import sys, xml.etree.ElementTree as tree\n\
        root = tree.parse('junit.xml').getroot()\n\
        print(root.tag, root.attrib['tests'], root.attrib['failures'])\n\
        for case in root.iter('testcase'): print(case.attrib['name'], [child.tag for child in case])";
    let read = Program::new(python).args(["-c", read]).cwd(project.path("")).ok();
    said(&read, &["testsuites 9 8\n", "exact & <more> ['failure']\n", "passes []\n"]);
}

const SERVICES: &str = r#"
[[test]]
name = "shown"
service = "80/tcp"
run = ["true"]
exit = 1
[[test]]
name = "elsewhere"
service = "81/tcp"
timeout = "2s"
run = ["true"]
"#;

#[test]
fn a_service_is_waited_for_shown_and_stopped_by_its_signal() {
    let Some(project) = served(SERVICES) else { return };
    let ended = project.kiln(&["test"]).run().expect_code(1);
    said(
        &ended,
        &[
            "      exit code: expected 1, found 0\n      service:\n        up\n        down\n",
            "      the service did not listen at 81/tcp in time\n      service:\n        up\n",
        ],
    );
    let template = String::from_utf8(project.read("kiln.toml")).expect("text");
    project.write("kiln.toml", template.replace("echo up; trap", "echo no >&2; exit 4; trap"));
    let ended = project.kiln(&["test", "--filter", "shown"]).run().expect_code(1);
    said(&ended, &["      the service ended before it listened at 80/tcp: exit code 4\n      service:\n        no\n"]);
}

#[test]
fn a_build_with_a_failing_test_leaves_nothing() {
    let Some(project) = served("[[test]]\nname = 'says no'\nrun = ['cat', '/state']\nstdout = \"good\\n\"\n") else {
        return;
    };
    let with_state = |state: &str| {
        let template = String::from_utf8(project.read("kiln.toml")).expect("text");
        let base = template.split("\n[[layer]]\nname = 'state'").next().unwrap_or_default().to_owned();
        let step = format!("\n[[layer]]\nname = 'state'\nwrite = '/state'\ntext = \"{state}\\n\"\n");
        project.write("kiln.toml", base + &step);
    };
    with_state("bad");
    let failed = project.kiln(&["build", "--test", "-o", "oci:out"]).run().expect_code(1);
    assert!(failed.text().is_empty() && failed.stderr.contains("FAIL  says no"), "{}", failed.all());
    assert!(!project.path("out").exists(), "{}", failed.all());
    let quiet = project.kiln(&["build", "--test", "--quiet"]).run().expect_code(1);
    assert!(quiet.stderr.starts_with("FAIL  says no"), "what failed is said: {}", quiet.all());
    project.kiln(&["inspect", "store:steps:1"]).run().expect_code(1);
    with_state("good");
    let built = project.kiln(&["build", "--test", "-o", "oci:out"]).ok();
    assert!(built.stderr.contains("PASS  says no") && project.path("out/index.json").exists(), "{}", built.all());
    assert_eq!(built.text().lines().count(), 1, "the digest alone: {}", built.all());
    project.kiln(&["inspect", "store:steps:1"]).ok();
}
