//! `kiln login` and `kiln logout`: what is tried, what is kept, who else reads it, and what nobody sees.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::foreign::{good, push};
use crate::harness::{Ended, Program, Project, kiln_binary, require};
use crate::registry::Registry;
use crate::registry::access::{Access, basic};
use crate::sample;

const USER: &str = "kim";
const PASSWORD: &str = "hunter2 & co";

/// A registry with an image that only one user may read, by a password or by a token that it gives.
fn guarded(access: Access) -> (Registry, String) {
    let registry = Registry::start();
    let (name, _) = push(&registry, &good());
    registry.require(access);
    (registry, name)
}

fn by_password() -> Access {
    Access::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() }
}

fn docker_file(project: &Project) -> PathBuf {
    project.top().join("home/.docker/config.json")
}

fn write_docker_file(project: &Project, text: &str) {
    fs::create_dir_all(docker_file(project).parent().expect("a directory")).expect("made");
    fs::write(docker_file(project), text).expect("written");
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("JSON")
}

/// What docker's file has for a password.
fn entry(password: &str) -> Value {
    json!({ "auth": basic(USER, password).trim_start_matches("Basic ") })
}

/// `kiln login` with this on stdin, and without a terminal.
fn login(project: &Project, registry: &Registry, stdin: &str, environment: &[(&str, &Path)]) -> Ended {
    project.write("password", stdin);
    let shell = ["-c", "exec \"$0\" \"$@\" < password"];
    let arguments = ["login", &registry.place(), "-u", USER, "--password-stdin", "-v"];
    let kiln = environment.iter().fold(project.kiln(&arguments), |kiln, (name, value)| kiln.env(name, value));
    let ended = kiln.under("/bin/sh", &shell).run();
    let said = format!("{}{}", ended.text(), ended.stderr);
    let encoded = basic(USER, stdin.trim_end()).replace("Basic ", "");
    assert!(!said.contains(stdin.trim_end()) && !said.contains(&encoded), "{}", ended.all());
    ended
}

#[test]
fn a_password_that_is_taken_is_kept_and_used() {
    let skopeo = require("skopeo");
    for access in [by_password(), Access::tokens_for(USER, PASSWORD)] {
        let (registry, image) = guarded(access);
        let project = Project::empty();
        let hint = format!("kiln login {}", registry.place());
        project.kiln(&["inspect", &image]).run().expect_code(5).expect_said(&hint);
        let file = docker_file(&project);
        let said = login(&project, &registry, &format!("{PASSWORD}\n"), &[]).expect_code(0);
        assert!(said.stdout.is_empty() && said.stderr.contains(&file.display().to_string()), "{}", said.all());
        said.expect_said("base64 is no encryption").expect_said("credsStore");
        assert_eq!(json_of(&file), json!({ "auths": { registry.place(): entry(PASSWORD) } }));
        assert_eq!(fs::metadata(&file).expect("there").mode() & 0o7777, 0o600);
        project.kiln(&["inspect", &image]).ok();
        if let Some(skopeo) = &skopeo {
            let arguments = ["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}")];
            let read = Program::new(skopeo).args(arguments).env("HOME", project.top().join("home"));
            let read = read.env("XDG_RUNTIME_DIR", project.top().join("home/none")).ok();
            assert!(read.json()["layers"].is_array(), "{}", read.all());
        }
        let out = project.kiln(&["logout", &registry.place()]).ok();
        out.expect_said("removed from").expect_said(&file.display().to_string());
        project.kiln(&["inspect", &image]).run().expect_code(5);
        project.kiln(&["logout", &registry.place()]).ok().expect_said("not logged in");
    }
}

#[test]
fn a_password_that_is_refused_changes_nothing() {
    const FILE: &str = "{ \"auths\": {\"b.org\":{\"auth\":\"Yjpi\"}}, \"z\": 1, \"a\": 2 }\n\n";
    for access in [by_password(), Access::tokens_for(USER, PASSWORD)] {
        let (registry, _) = guarded(access);
        let project = Project::empty();
        write_docker_file(&project, FILE);
        let before = fs::metadata(docker_file(&project)).expect("there").ino();
        let refused = login(&project, &registry, "some-other-secret", &[]).expect_code(5);
        refused.expect_said("does not take this password of `kim`").expect_said("help:");
        // A blank at the end is part of a password, and so is a second line end.
        login(&project, &registry, &format!("{PASSWORD} \n"), &[]).expect_code(5);
        login(&project, &registry, &format!("{PASSWORD}\n\n"), &[]).expect_code(5);
        assert_eq!(fs::read_to_string(docker_file(&project)).expect("there"), FILE);
        assert_eq!(fs::metadata(docker_file(&project)).expect("there").ino(), before);
        login(&project, &registry, &format!("{PASSWORD}\r\n"), &[]).expect_code(0);
        let now = json_of(&docker_file(&project));
        assert_eq!((&now["auths"]["b.org"]["auth"], &now["z"], &now["a"]), (&json!("Yjpi"), &json!(1), &json!(2)));
        assert_eq!(now["auths"][registry.place()], entry(PASSWORD));
    }
    let (registry, _) = guarded(by_password());
    let project = Project::empty();
    write_docker_file(&project, "{ \"auths\": ");
    login(&project, &registry, PASSWORD, &[]).expect_code(1).expect_said("config.json");
    assert!(registry.calls().is_empty(), "nothing is tried that cannot be kept");
    assert_eq!(fs::read_to_string(docker_file(&project)).expect("there"), "{ \"auths\": ");
}

#[test]
fn a_registry_that_asks_for_nothing_is_told_as_such() {
    let registry = Registry::start();
    let project = Project::empty();
    login(&project, &registry, PASSWORD, &[]).expect_code(0).expect_said("the password was not tried");
    assert_eq!(json_of(&docker_file(&project))["auths"][registry.place()], entry(PASSWORD));
    let offline = ["login", &registry.place(), "-u", USER, "--password-stdin", "--offline"];
    project.kiln(&offline).under("/bin/sh", &["-c", "exec \"$0\" \"$@\" < password"]).run().expect_code(5);
}

#[test]
fn a_named_file_is_written_through_its_link() {
    let (registry, image) = guarded(by_password());
    let project = Project::empty();
    write_docker_file(&project, "{}");
    fs::create_dir(project.path("dotfiles")).expect("made");
    symlink("dotfiles/auth.json", project.path("auth.json")).expect("linked");
    let named = project.path("auth.json");
    let environment = [("REGISTRY_AUTH_FILE", named.as_path())];
    login(&project, &registry, PASSWORD, &environment).expect_code(0).expect_said("auth.json");
    assert!(fs::symlink_metadata(&named).expect("there").is_symlink());
    assert_eq!(json_of(&project.path("dotfiles/auth.json"))["auths"][registry.place()], entry(PASSWORD));
    assert_eq!(fs::metadata(&named).expect("there").mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(docker_file(&project)).expect("there"), "{}");
    project.kiln(&["inspect", &image]).run().expect_code(5);
    project.kiln(&["inspect", &image]).env("REGISTRY_AUTH_FILE", &named).ok();
}

#[test]
fn a_helper_gets_it_on_stdin_and_nowhere_else() {
    const HELPER: &str = "#!/bin/sh\ncd \"${0%/*}\"\ntr '\\0' ' ' < /proc/$$/cmdline > seen-arguments\n\
        case $1 in\nstore) cat > kept ;;\nget) cat kept 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;\n\
        erase) rm kept ;;\nesac\n";
    let (registry, image) = guarded(Access::tokens_for(USER, PASSWORD));
    let project = Project::empty();
    project.write("bin/docker-credential-test", HELPER);
    sample::set_mode(&project.path("bin/docker-credential-test"), 0o755);
    write_docker_file(&project, "{\"credsStore\":\"test\"}");
    let path = PathBuf::from(format!("{}:/usr/bin:/bin", project.path("bin").display()));
    let said = login(&project, &registry, PASSWORD, &[("PATH", &path)]).expect_code(0);
    assert!(said.stderr.contains("`docker-credential-test`") && !said.stderr.contains("warning"), "{}", said.all());
    let kept: Value = serde_json::from_slice(&project.read("bin/kept")).expect("JSON");
    assert_eq!(kept, json!({ "ServerURL": registry.place(), "Username": USER, "Secret": PASSWORD }));
    let arguments = String::from_utf8(project.read("bin/seen-arguments")).expect("text");
    assert!(arguments.trim_end().ends_with("docker-credential-test store"), "{arguments}");
    assert_eq!(fs::read_to_string(docker_file(&project)).expect("there"), "{\"credsStore\":\"test\"}");
    let with_helper = |arguments: &[&str]| project.kiln(arguments).env("PATH", &path);
    with_helper(&["inspect", &image]).ok();
    with_helper(&["logout", &registry.place()]).ok().expect_said("`docker-credential-test`");
    assert!(!project.path("bin/kept").exists());
    // One that is missing is told before anything is asked.
    registry.reset();
    login(&project, &registry, PASSWORD, &[]).expect_code(1).expect_said("docker-credential-test");
    assert!(registry.calls().is_empty());
}

#[test]
fn logins_at_once_are_all_kept() {
    let registries: Vec<Registry> = (0..6).map(|_| guarded(by_password()).0).collect();
    let project = Project::empty();
    project.write("password", PASSWORD);
    std::thread::scope(|scope| {
        for registry in &registries {
            let arguments = ["login", &registry.place(), "-u", USER, "--password-stdin"];
            let kiln = project.kiln(&arguments).under("/bin/sh", &["-c", "exec \"$0\" \"$@\" < password"]);
            scope.spawn(move || kiln.ok());
        }
    });
    let kept = json_of(&docker_file(&project));
    assert_eq!(kept["auths"].as_object().map(serde_json::Map::len), Some(registries.len()), "{kept}");
    let beside = fs::read_dir(docker_file(&project).parent().expect("a directory")).expect("there");
    assert_eq!(beside.count(), 1, "nothing is left beside it");
    project.kiln(&["logout", "--all"]).ok();
    assert_eq!(json_of(&docker_file(&project)), json!({ "auths": {} }));
    project.kiln(&["logout", "--all"]).ok().expect_said("not logged in to any registry");
}

#[test]
fn what_is_missing_on_the_command_line_is_said() {
    let project = Project::empty();
    for arguments in
        [&["login"][..], &["logout"], &["logout", "--all", "quay.io"], &["login", "quay.io", "--password-stdin"]]
    {
        project.kiln(arguments).run().expect_code(2);
    }
    project.kiln(&["login", "quay.io", "--password", "x"]).run().expect_code(2);
    project.kiln(&["login", "acme", "-u", USER]).run().expect_code(2).expect_said("Docker Hub is `docker.io`");
    let empty = project.kiln(&["login", "quay.io", "-u", USER, "--password-stdin"]).run().expect_code(2);
    empty.expect_said("a password is not empty");
    let help = project.kiln(&["login", "--help"]).ok();
    assert!(help.text().contains("everybody on a machine can read the arguments"), "{}", help.all());
    let Some(setsid) = require("setsid") else { return };
    for arguments in [&["login", "quay.io"][..], &["login", "quay.io", "-u", USER]] {
        let alone = project.kiln(arguments).under(&setsid, &["--wait"]).run().expect_code(2);
        alone.expect_said("there is no terminal").expect_said("`-u USER --password-stdin`");
    }
}

/// What a terminal showed, and the line behind the program: its exit code and whether the terminal has its echo.
fn on_a_terminal(script: &Path, project: &Project, arguments: &str, keys: &[(&str, &str)]) -> String {
    // The shell hears the key that interrupts as well, and has to be there when kiln has ended.
    let line = format!("trap : INT; '{}' login {arguments}; echo ended $?; stty -a", kiln_binary().display());
    let mut child = Command::new(script)
        .args(["--quiet", "--command", &line, "/dev/null"])
        .env_clear()
        .env("HOME", project.top().join("home"))
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .current_dir(project.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let (mut typed, mut screen) =
        (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
    let mut shown = Vec::new();
    for (question, answer) in keys {
        while !String::from_utf8_lossy(&shown).trim_end().ends_with(question) {
            let mut byte = [0];
            screen.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&shown)));
            shown.push(byte[0]);
        }
        typed.write_all(answer.as_bytes()).expect("keys");
    }
    screen.read_to_end(&mut shown).expect("readable");
    child.wait().expect("it ends");
    String::from_utf8(shown).expect("text")
}

#[test]
fn a_terminal_is_asked_and_does_not_show_the_password() {
    let Some(script) = require("script") else { return };
    let (registry, image) = guarded(by_password());
    let project = Project::empty();
    let (user, password) = (format!("user for `{}`:", registry.place()), "password of `kim`:");
    let stopped =
        on_a_terminal(&script, &project, &registry.place(), &[(&user, "kim\n"), (password, "hunt\x1a\x1c\x03")]);
    assert!(stopped.contains("ended 130") && !stopped.contains("hunt"), "{stopped}");
    assert!(stopped.contains(" echo ") && stopped.contains("susp = ^Z"), "the terminal is as it was: {stopped}");
    let stopped = on_a_terminal(&script, &project, &registry.place(), &[(&user, "ki\x03")]);
    assert!(stopped.contains("ended 130") && !docker_file(&project).exists(), "{stopped}");
    let done =
        on_a_terminal(&script, &project, &registry.place(), &[(&user, "kim\n"), (password, &format!("{PASSWORD}\n"))]);
    assert!(done.contains("ended 0") && done.contains("kim\r\n"), "{done}");
    assert!(!done.contains(PASSWORD) && done.contains(" echo "), "{done}");
    project.kiln(&["inspect", &image]).ok();
    let shown = on_a_terminal(&script, &project, "quay.io -u kim --password-stdin", &[]);
    assert!(shown.contains("ended 2") && shown.contains("leave `--password-stdin` away"), "{shown}");
}
