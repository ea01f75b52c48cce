//! `[[test]]`: what it becomes, and what is found in it.

use super::provision::error_in;
use super::*;
use crate::base::ImagePath;
use crate::template::form::Form as Wanted;

const IMAGE: &str = "[image]\nname = 'x'\n[[layer]]\nname = 'l'\ndirectory = '/x'\n";

fn tests(text: &str) -> Vec<Test> {
    template(&format!("{IMAGE}{text}")).tests
}

fn error(test: &str) -> Kind {
    error_in(&format!("{IMAGE}[[test]]\n{test}"))
}

#[test]
fn tests_are_read() {
    let all = tests(
        r#"
[variables]
port = "8000"
[[test]]
name = "answers"
service = "${port}"
run = ["curl", "http://127.0.0.1:${port}/"]
exit = 3
stdout = { contains = "ok" }
stderr = ""
in = "container"
timeout = "1m"
[[test]]
run = "app --version"
stdout.regex = '^v\d+$'
service = "53/udp"
[[test]]
file = "/etc/passwd"
mode = "0644"
owner = "0:0"
contains = "app:"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[test]]
file = "/etc/passwd"
exists = false
in = "machine"
"#,
    );
    let names: Vec<&str> = all.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["answers", "app --version", "file /etc/passwd", "file /etc/passwd (2)"]);
    let words = ["curl", "http://127.0.0.1:8000/"].map(str::to_owned).to_vec();
    let first = Check::Run {
        command: Command::Argv(words),
        service: Some(Port { number: 8000, protocol: Protocol::Tcp }),
        exit: 3,
        stdout: Some(Expected::Contains("ok".to_owned())),
        stderr: Some(Expected::Exact(String::new())),
    };
    assert_eq!((&all[0].check, all[0].form, all[0].timeout_s), (&first, Some(Form::Container), Some(60)));
    let Check::Run { command: Command::Shell { shell, text }, service, exit: 0, stdout, stderr: None } = &all[1].check
    else {
        panic!("{:?}", all[1]);
    };
    assert_eq!((shell.join(" ").as_str(), text.as_str()), ("/bin/sh -ec", "app --version"));
    assert_eq!(service.map(|port| (port.number, port.protocol)), Some((53, Protocol::Udp)));
    assert_eq!(stdout, &Some(Expected::Regex(r"^v\d+$".to_owned())));
    let Check::File { path, exists: true, mode: Some(0o644), owner: Some(_), contains, sha256: Some(_) } =
        &all[2].check
    else {
        panic!("{:?}", all[2]);
    };
    assert_eq!((path, contains.as_deref()), (&ImagePath::parse(b"etc/passwd").expect("a path"), Some("app:")));
    assert!(matches!(all[3].check, Check::File { exists: false, mode: None, .. }));
    assert_eq!((all[3].form, all[2].form), (Some(Form::Machine), None));
}

#[test]
fn tests_that_look_at_nothing_or_at_two_things() {
    assert!(matches!(error("name = 'x'"), Kind::MissingKey { keys, .. } if keys == ["run", "file"]));
    let conflict = |test: &str, one: &str, other: &str| {
        let found = error(test);
        assert!(
            matches!(&found, Kind::Conflict { first, second } if (first.as_str(), second.as_str()) == (one, other)),
            "{found:?}"
        );
    };
    conflict("run = 'x'\nfile = '/x'", "run", "file");
    conflict("run = 'x'\nmode = '0644'", "run", "mode");
    conflict("file = '/x'\nstdout = 'x'", "file", "stdout");
    conflict("file = '/x'\nservice = '80'", "file", "service");
    conflict("file = '/x'\nexists = false\nmode = '0644'", "exists = false", "mode");
    conflict("run = 'x'\nstdout = { exact = 'x', regex = 'x' }", "exact", "regex");
    assert!(
        matches!(error("run = 'x'\nstdout = {}"), Kind::MissingKey { keys, .. } if keys == ["exact", "contains", "regex"])
    );
    assert!(matches!(
        error("run = 'x'\nstderr = { contain = 'x' }"),
        Kind::UnknownKey { nearest: Some("contains"), .. }
    ));
    let twice = "name = 'a'\nrun = 'x'\n[[test]]\nname = 'a'\nrun = 'y'";
    assert!(matches!(error(twice), Kind::Duplicate { what: "test", name } if name == "a"));
}

#[test]
fn values_of_tests_have_their_form() {
    let bad = |test: &str, wanted: Wanted| {
        let found = error(test);
        assert!(matches!(found, Kind::BadValue { form, .. } if form == wanted), "{test}: {found:?}");
    };
    bad("run = []", Wanted::Command);
    bad("run = 'x'\nservice = '80/sctp'", Wanted::ServicePort);
    bad("run = 'x'\ntimeout = '0s'", Wanted::Duration);
    bad("run = 'x'\nexit = 256", Wanted::Number(0, 255));
    bad("run = 'x'\nin = 'vm'", Wanted::Choice(&["container", "machine"]));
    bad("run = 'x'\nname = ' '", Wanted::LayerName);
    bad("file = 'x'", Wanted::AbsoluteImagePath);
    bad("file = '/x'\nsha256 = 'abc'", Wanted::Sha256);
    bad("file = '/x'\nmode = '9'", Wanted::Mode);
    bad("file = '/x'\nowner = 'a b'", Wanted::Owner);
    let why = |pattern: &str| match error(&format!("run = 'x'\nstdout.regex = '{pattern}'")) {
        Kind::BadValue { form: Wanted::Regex, why, .. } => why.unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(why("a(b"), "unclosed group");
    assert!(why("(?=a)").starts_with("look-around"), "{}", why("(?=a)"));
    assert!(!why("(a{1000}){1000}").contains('\n'));
}

#[test]
fn what_is_expected_matches() {
    let regex = |pattern: &str| Expected::Regex(pattern.to_owned());
    assert!(regex("^ok$").matches(b"a\nok\n") && !regex("^k").matches(b"ok") && regex("a").matches(b"\xff\xfea"));
    assert!(Expected::Contains("b".to_owned()).matches(b"abc") && Expected::Contains(String::new()).matches(b""));
    assert!(!Expected::Contains("bd".to_owned()).matches(b"abc"));
    assert!(Expected::Exact("a\n".to_owned()).matches(b"a\n") && !Expected::Exact("a".to_owned()).matches(b"a\n"));
}
