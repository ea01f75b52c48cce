//! Stages that do not need each other run side by side, and nothing but the time they take tells.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{Ended, Program, Project, kiln_binary, require, require_root};
use crate::system::{HEAD, SYSTEM, with_shell};

/// A place on this machine where steps meet: nobody is answered before as many are there as it is for.
struct Meeting {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Meeting {
    fn of(guests: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let came = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&came);
        thread::spawn(move || {
            let mut waiting = Vec::new();
            for guest in listener.incoming().flatten() {
                let mut line = String::new();
                let mut reader = BufReader::new(guest);
                while reader.read_line(&mut line).is_ok_and(|length| length > 2) {}
                counted.fetch_add(1, Ordering::SeqCst);
                waiting.push(reader.into_inner());
                if waiting.len() == guests {
                    for mut guest in waiting.drain(..) {
                        guest.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nall\n").ok();
                    }
                }
            }
        });
        Self { port, came }
    }

    /// The command that goes there.
    fn go(&self) -> String {
        format!("wget -q -O - http://127.0.0.1:{}/", self.port)
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// A system as a stage of that name.
fn system_stage() -> String {
    SYSTEM
        .replace("[[layer]]\nname", "[[stage.machine.layer]]\nname")
        .replace("[[layer.step]]", "[[stage.machine.layer.step]]")
}

/// A stage on it with one layer, whose command gives up long before the test does.
fn stage(name: &str, layer: &str, run: &str, more: &str) -> String {
    format!(
        "[stage.{name}.base]\nstage = 'machine'\n[[stage.{name}.layer]]\nname = '{layer}'\nrun = '{run}'\nnetwork = true\ntimeout = '100s'\n{more}\n"
    )
}

/// A project with these stages; the image has what the named ones put into `/out`.
fn with_stages(stages: &str, used: &[&str]) -> Option<Project> {
    let project = with_shell("")?;
    let mut image = String::from("[[layer]]\nname = 'all'\n");
    for name in used {
        image.push_str(&format!("[[layer.step]]\ncopy = '{name}:out'\nto = '/{name}/'\n"));
    }
    project.write("kiln.toml", format!("{HEAD}{}{stages}{image}", system_stage()));
    Some(project)
}

fn two_that_meet(meeting: &Meeting) -> String {
    let run = |name: &str| format!("echo {name} goes; {}; mkdir /out; echo {name} > /out/name", meeting.go());
    stage("first", "meet", &run("one"), "") + &stage("second", "meet", &run("two"), "")
}

/// Nothing is left of its steps.
#[track_caller]
fn assert_cleaned(project: &Project) {
    let left = std::fs::read_dir(project.top().join("store/sandbox/work")).expect("the area").count();
    assert_eq!(left, 0, "nothing is left behind");
}

#[test]
fn stages_that_do_not_need_each_other_run_at_once_and_their_lines_say_whose_they_are() {
    if !require_root() {
        return;
    }
    let meeting = Meeting::of(2);
    let Some(project) = with_stages(&two_that_meet(&meeting), &["first", "second"]) else { return };
    let ended = project.kiln(&["build", "--jobs", "2", "-o", "rootfs:root"]).ok();
    for said in
        ["layer first/meet, step 1: ", "layer second/meet, step 1: ", "first/meet | one goes", "second/meet | two goes"]
    {
        assert!(ended.stderr.lines().any(|line| line.starts_with(said)), "{said}: {}", ended.all());
    }
    assert!(ended.stderr.matches("/meet | all").count() == 2, "{}", ended.all());
    assert_eq!((project.read("root/first/name"), project.read("root/second/name")), (b"one\n".into(), b"two\n".into()));
    let log = project.kiln(&["log"]).ok();
    let lines: Vec<&str> = log.text().lines().filter(|line| line.ends_with("goes")).collect();
    assert!(lines.len() == 2 && lines[0].contains("one") && lines[1].contains("two"), "{}", log.all());
}

#[test]
fn the_digest_does_not_depend_on_how_many_run_at_once() {
    if !require_root() {
        return;
    }
    let meeting = Meeting::of(1);
    let stages = two_that_meet(&meeting)
        + &stage(
            "third",
            "join",
            "cat /in/name > /joined; mkdir /out; cp /joined /out",
            "mounts = [{ from = 'first:out', to = '/in' }]",
        );
    let Some(project) = with_stages(&stages, &["second", "third", "first"]) else { return };
    let built = ["1", "2", "8"].map(|jobs| {
        let store = project.top().join(format!("store-{jobs}"));
        let store = store.to_str().expect("a path").to_owned();
        let plan =
            |project: &Project| project.kiln(&["plan", "--store", &store, "--jobs", jobs]).ok().text().to_owned();
        let before = plan(&project);
        let ended = project.kiln(&["build", "--jobs", jobs, "--store", &store]).ok();
        let alone = ended.stderr.contains("\nmeet | all") || ended.stderr.starts_with("meet | all");
        assert_eq!(alone, jobs == "1", "one after the other needs no names of stages: {}", ended.all());
        (ended.digest(), before, plan(&project))
    });
    assert!(built[0] == built[1] && built[1] == built[2], "{built:?}");
    assert_eq!(meeting.came(), 6);
}

#[test]
fn a_stage_waits_for_those_that_it_needs() {
    if !require_root() {
        return;
    }
    let stages = stage("first", "make", "sleep 1; mkdir /out; echo made > /out/made", "")
        + "[stage.second.base]\nstage = 'first'\n[[stage.second.layer]]\nname = 'on-top'\nrun = 'cat /out/made > /out/top'\n"
        + &stage(
            "third",
            "given",
            "mkdir /out; cat /in/top > /out/given",
            "mounts = [{ from = 'second:out', to = '/in' }]",
        );
    let Some(project) = with_stages(&stages, &["third"]) else { return };
    let ended = project.kiln(&["build", "--jobs", "8", "-o", "rootfs:root"]).ok();
    assert_eq!(project.read("root/third/given"), b"made\n");
    assert!(!ended.stderr.contains("/make"), "a row has one step at a time: {}", ended.all());
}

#[test]
fn a_step_that_fails_ends_those_beside_it_and_is_what_is_told() {
    if !require_root() {
        return;
    }
    let meeting = Meeting::of(2);
    // The one that is stopped comes first in the template: what is told is the failure all the same.
    let stages = stage("first", "slow", &format!("{}; sleep 1000", meeting.go()), "")
        + &stage("second", "fails", &format!("{}; exit 3", meeting.go()), "");
    let Some(project) = with_stages(&stages, &["first", "second"]) else { return };
    let ended: Ended = project.kiln(&["build", "--jobs", "2"]).run().expect_code(1);
    assert!(ended.stderr.contains("layer `fails`: the step failed: exit code 3"), "{}", ended.all());
    assert!(!ended.stderr.contains("interrupted") && ended.stderr.matches("error").count() == 1, "{}", ended.all());
    assert_cleaned(&project);
}

#[test]
fn ctrl_c_ends_all_that_run() {
    let (true, Some(timeout)) = (require_root(), require("timeout")) else { return };
    let stages = stage("first", "slow", "sleep 1000", "") + &stage("second", "slow", "sleep 1000; true", "");
    let Some(project) = with_stages(&stages, &["first", "second"]) else { return };
    let build = project.kiln(&["build", "--jobs", "2"]);
    // In the foreground it sends one signal, to kiln alone: a second one would end kiln at once.
    let ended =
        build.under(timeout, &["--foreground", "--preserve-status", "--signal=INT", "3"]).run().expect_code(130);
    assert!(ended.stderr.ends_with("error: interrupted\n"), "{}", ended.all());
    assert_cleaned(&project);
}

#[test]
fn a_layer_that_two_platforms_come_to_at_once_runs_once() {
    if !require_root() {
        return;
    }
    let meeting = Meeting::of(1);
    let stages = stage("tool", "compile", &format!("{}; sleep 1; mkdir /out; echo x > /out/x", meeting.go()), "")
        .replace("[stage.tool.base]", "[stage.tool]\nruns-on = 'linux/amd64'\n[stage.tool.base]");
    let Some(project) = with_stages(&stages, &["tool"]) else { return };
    let template = String::from_utf8(project.read("kiln.toml")).expect("a text");
    project.write("kiln.toml", template.replace("['linux/amd64']", "['linux/amd64', 'linux/arm64']"));
    for (arguments, runs) in [(&["build", "--jobs", "4"][..], 1), (&["build", "--jobs", "4", "--no-cache"], 2)] {
        let ended = project.kiln(arguments).ok();
        assert_eq!((ended.stderr.matches("step 1").count(), meeting.came()), (1, runs), "{}", ended.all());
    }
}

#[test]
fn a_cache_is_one_step_s_at_a_time() {
    if !require_root() {
        return;
    }
    let run = |name: &str| {
        format!(
            "test ! -e /cache/busy || exit 9; touch /cache/busy; sleep 1; rm /cache/busy; mkdir /out; echo {name} > /out/x"
        )
    };
    let stages = stage("first", "use", &run("one"), "cache = [\"/cache\"]")
        + &stage("second", "use", &run("two"), "cache = [\"/cache\"]");
    let Some(project) = with_stages(&stages, &["first", "second"]) else { return };
    project.kiln(&["build", "--jobs", "2"]).ok();
}

#[test]
fn a_shell_where_a_step_failed_has_the_terminal_for_itself() {
    let (true, Some(script)) = (require_root(), require("script")) else { return };
    let meeting = Meeting::of(2);
    let stages = stage("first", "slow", &format!("{}; while sleep 1; do echo noise; done", meeting.go()), "")
        + &stage("second", "fails", &format!("{}; exit 3", meeting.go()), "");
    let Some(project) = with_stages(&stages, &["first", "second"]) else { return };
    // Somebody who types until there is nobody left to read it: the shell is not there from the beginning.
    let build = format!("{} build --jobs 2 --debug", kiln_binary().display());
    let script = script.display();
    let line = format!("while sleep 1; do echo exit; done | {script} --quiet --return --command '{build}' /dev/null");
    let seen = Program::new("/bin/sh")
        .args(["-c", &line])
        .env("HOME", project.top().join("home"))
        .env("KILN_STORE", project.top().join("store"))
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .cwd(project.path(""))
        .run()
        .expect_code(1);
    let (_, after) = seen.text().split_once("a shell where it stopped").unwrap_or_else(|| panic!("{}", seen.all()));
    assert!(!after.contains("noise") && after.contains("exit code 3"), "{}", seen.all());
    assert_cleaned(&project);
}

#[test]
fn of_several_failures_and_warnings_the_order_is_that_of_the_template() {
    let stage = |name: &str, copied: &str| {
        let twice = "[[stage.N.layer.step]]\nwrite = '/out/x'\ntext = 'N'\n".repeat(2).replace('N', name);
        format!(
            "[[stage.{name}.layer]]\nname = 'of-{name}'\n{twice}[[stage.{name}.layer.step]]\ncopy = 'app:{copied}'\nto = '/y'\n"
        )
    };
    let names = ["d", "a", "c", "b"];
    let template = |copied: &str| {
        let stages: String = names.iter().map(|name| stage(name, copied)).collect();
        let used = names.map(|name| format!("[[layer.step]]\ncopy = '{name}:out'\nto = '/{name}/'\n")).concat();
        format!("{HEAD}[sources.app]\npath = 'app'\n{stages}[[layer]]\nname = 'all'\n{used}")
    };
    let project = Project::new(&template("there"));
    project.write("app/there", "x");
    let order = |said: &str| -> Vec<usize> {
        let lines = said.lines().filter_map(|line| line.trim().split_once("--> kiln.toml:"));
        lines.map(|(_, place)| place.split(':').next().and_then(|line| line.parse().ok()).expect("a line")).collect()
    };
    for _ in 0..10 {
        project.write("kiln.toml", template("there"));
        let warned = project.kiln(&["plan", "--jobs", "8"]).ok();
        let lines = order(&warned.stderr);
        assert!(lines.len() == 4 && lines.is_sorted(), "{}", warned.all());
        project.write("kiln.toml", template("missing"));
        let ended = project.kiln(&["plan", "--jobs", "8"]).run().expect_code(1).expect_said("layer `of-d`");
        assert_eq!(ended.stderr.matches("error:").count(), 1, "{}", ended.all());
    }
}
