//! What a person sees: progress on a terminal, plain text anywhere else, colors where they are wanted.

use std::path::Path;

use crate::foreign::{Tar, on, push};
use crate::harness::{Ended, Program, Project, kiln_binary, require};
use crate::outputs::{SMALL, small};
use crate::registry::{Mischief, Registry, Rule};

/// A project whose layer is more than a few blocks.
fn large() -> Project {
    let project = small();
    let lines = (0..1_000_000_u64).map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    project.write("app/large", lines.collect::<String>());
    project
}

/// Runs kiln on a terminal; stdout is everything that was written to it.
fn on_a_terminal(script: &Path, project: &Project, arguments: &str, environment: &[(&str, &str)]) -> Ended {
    let line = format!("stty cols 80 rows 24; exec '{}' {arguments}", kiln_binary().display());
    let program = Program::new(script).args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let program = program.env("HOME", project.top().join("home")).env("KILN_STORE", project.top().join("store"));
    let program = program.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").cwd(project.path(""));
    environment.iter().fold(program, |program, (name, value)| program.env(name, value)).run()
}

const ESCAPE: char = '\u{1b}';

#[test]
fn a_terminal_shows_progress_and_a_file_does_not() {
    let Some(script) = require("script") else { return };
    let project = large();
    let seen = on_a_terminal(&script, &project, "build -o oci:out", &[("TERM", "xterm")]).expect_code(0);
    let text = seen.text();
    assert!(text.contains("layer files [") && text.contains(" MiB/"), "a bar: {}", seen.all());
    let end = text.rsplit('\r').map(str::trim).find(|line| !line.is_empty()).expect("something was said");
    assert!(end.contains("sha256:"), "the digest comes last: {}", seen.all());
    let again = on_a_terminal(&script, &project, "build --no-cache --quiet", &[("TERM", "xterm")]).expect_code(0);
    assert_eq!(again.text().lines().count(), 1, "the digest alone: {}", again.all());
    for environment in [&[("TERM", "dumb")][..], &[]] {
        let dumb = on_a_terminal(&script, &project, "build --no-cache", environment).expect_code(0);
        assert!(dumb.text().contains("layer files: built,"), "{}", dumb.all());
        assert!(!dumb.text().contains(ESCAPE) && !dumb.text().contains("MiB/"), "{}", dumb.all());
    }
    let piped = project.kiln(&["build", "--no-cache"]).env("TERM", "xterm").ok();
    assert!(piped.stderr.contains("layer files: built,"), "{}", piped.all());
    assert!(!piped.stderr.contains(ESCAPE) && !piped.stderr.contains('\r'), "{}", piped.all());
}

#[test]
fn a_download_shows_its_bytes_on_a_terminal() {
    let Some(script) = require("script") else { return };
    let registry = Registry::start();
    let (base, layer) = push(&registry, &Tar::new().file("numbers", &"0123456789abcdef".repeat(200_000)).layer());
    let silence = std::time::Duration::from_millis(700);
    registry.misbehave(Rule::on(&layer, Mischief::Slow { after: 2 << 20, silence }));
    let project = Project::new(&on(&base));
    let seen = on_a_terminal(&script, &project, "build", &[("TERM", "xterm")]).expect_code(0);
    let bar = format!("fetching from {} [", registry.place());
    let shown = seen.text().split('\r').any(|line| line.contains(&bar) && line.contains("MiB/3.05 MiB"));
    assert!(shown, "{}", seen.all());
    let piped = Project::new(&on(&base)).kiln(&["build"]).env("TERM", "xterm").ok();
    assert!(!piped.stderr.contains("fetching"), "{}", piped.all());
}

#[test]
fn colors_are_for_terminals_and_can_be_refused_and_asked_for() {
    let Some(script) = require("script") else { return };
    let project = small();
    project.write("kiln.toml", SMALL.replace("copy = \"app\"", "copi = \"app\""));
    let xterm = ("TERM", "xterm");
    for verb in ["check", "inspect store:nothing", "build --set wrod=x"] {
        let on = |more: &str, environment: &[(&str, &str)]| {
            let seen = on_a_terminal(&script, &project, &format!("{verb} {more}"), environment).expect_code(1);
            assert!(seen.text().contains("error"), "{}", seen.all());
            seen.text().contains(ESCAPE)
        };
        assert!(on("", &[xterm]), "{verb}: on a terminal");
        assert!(!on("", &[xterm, ("NO_COLOR", "1")]), "{verb}: NO_COLOR");
        assert!(on("", &[xterm, ("NO_COLOR", "")]), "{verb}: an empty NO_COLOR says nothing (no-color.org)");
        assert!(
            !on("--color never", &[xterm]) && on("--color always", &[xterm, ("NO_COLOR", "1")]),
            "{verb}: asked for"
        );
        let piped = |arguments: &[&str]| {
            let ended = project.kiln(&verb.split(' ').collect::<Vec<_>>()).args(arguments).env("TERM", "xterm").run();
            ended.expect_code(1).stderr.contains(ESCAPE)
        };
        assert!(!piped(&[]) && piped(&["--color", "always"]), "{verb}: to a pipe");
    }
}

#[test]
fn the_tables_below_the_help_fit_a_terminal_of_80_columns() {
    let project = Project::empty();
    let verbs = "init check plan lock update vendor build test inspect diff login logout schema completions man store";
    let of_store = ["ls", "log", "check", "gc"].map(|verb| vec!["store", verb]);
    let all = verbs.split(' ').map(|verb| vec![verb]).chain(of_store).chain([Vec::new()]);
    let mut tables = 0;
    for verb in all {
        // What follows the options is laid out by hand: a line that is too long would be broken anywhere.
        let below = |columns: &str| {
            let shown = project.kiln(&[&verb[..], &["--help"]].concat()).env("COLUMNS", columns).ok();
            assert!(shown.text().contains("Usage: kiln"), "{}", shown.all());
            let lines: Vec<String> = shown.text().lines().map(str::to_owned).collect();
            let options = lines.iter().rposition(|line| line.contains("Print help") || line.contains("Print version"));
            lines[options.expect("every verb has `--help`") + 1..].to_vec()
        };
        let table = below("80");
        assert_eq!(table, below("200"), "{verb:?}");
        tables += usize::from(table.len() > 1);
    }
    assert!(tables >= 4, "kiln itself, build, inspect and update have one");
}
