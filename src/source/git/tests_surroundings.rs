//! The user's git, and what must not come from it.

use crate::base::Class;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::program::{Asker, git};
use super::testing::*;
use super::*;

#[test]
fn hooks_and_templates_of_the_user_do_not_run() {
    let world = World::new();
    let commit = world.repository("r", &[("a", "")]);
    let ran = world.at("ran");
    let body = format!("touch {}", ran.display());
    for hook in ["reference-transaction", "post-checkout", "post-index-change"] {
        world.script(&format!("hooks/{hook}"), &body);
        world.script(&format!("template/hooks/{hook}"), &body);
    }
    let fsmonitor = world.script("fsmonitor", &body);
    let at = |name: &str| world.at(name).display().to_string();
    let templates = format!("[init]\n templateDir = {}\n", at("template"));
    let settings = format!("[core]\n fsmonitor = {}\n hooksPath = {}\n", fsmonitor.display(), at("hooks"));
    for config in [&templates, &(settings + &templates)] {
        world.write("config", config);
        // They would run.
        let included = format!("include.path={}", at("config"));
        world.git(".", &["-c", &included, "clone", "-q", &world.url("r"), "clone"]);
        assert!(ran.exists());
        std::fs::remove_file(&ran).expect("a file");
        std::fs::remove_dir_all(world.at("clone")).expect("a directory");
        world.resolve("r", "main").expect("a branch");
        world.read(&world.request("r"), &commit).expect("a commit");
        // With all branches, refs are written.
        world.write("config", format!("{config}[protocol]\n version = 0\n"));
        world.commit("r", &[]);
        world.read(&world.request("r"), &commit).expect("a commit");
        assert!(!ran.exists());
    }
}

#[test]
fn the_users_way_to_the_server_is_kept() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    world.write("config", format!("[url \"{}\"]\n insteadOf = https://example.org/\n", world.url("")));
    assert_eq!(resolve(&request("https://example.org/r"), &world.terms()).expect("a mirror"), commit);
    assert!(world.read(&request("https://example.org/r"), &commit).is_ok());
}

#[test]
fn variables_of_another_repository_are_cleared() {
    let world = World::new();
    let command = git(&world.terms(), Asker::Template);
    let value = |name: &str| command.get_envs().find(|(key, _)| *key == name).map(|(_, value)| value);
    // `git rev-parse --local-env-vars`, which hooks set; settings that were given by variables stay.
    let local = world.git(".", &["rev-parse", "--local-env-vars"]);
    let kept = ["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"];
    for name in local.lines().filter(|name| !kept.contains(name)) {
        let changed = value(name);
        assert!(matches!(changed, Some(None)) || name == "GIT_NO_REPLACE_OBJECTS", "{name}: {changed:?}");
    }
    assert!(kept.iter().all(|name| value(name).is_none()));
    assert_eq!(value("GIT_TERMINAL_PROMPT"), Some(Some("0".as_ref())));
}

#[test]
fn a_git_that_is_not_there_is_said() {
    let mut world = World::new();
    world.set_program("/nonexistent/git");
    let error = world.resolve("r", "main").expect_err("no git");
    assert!(matches!(error, GitError::NoProgram { .. }), "{error}");
    assert_eq!(error.to_string(), "there is no program `/nonexistent/git`");
    world.write("plain", "");
    world.set_program(world.at("plain"));
    let error = world.resolve("r", "main").expect_err("not a program");
    assert!(matches!(error, GitError::Start { .. }), "{error}");
}

#[test]
fn a_git_that_is_silent_is_ended_with_its_helpers() {
    let mut world = World::new();
    world.stall = Duration::from_millis(500);
    let pid = world.at("pid");
    world.program(&format!("sleep 1000 & echo $! > {}; wait", pid.display()));
    let error = world.resolve("r", "main").expect_err("silence");
    assert!(matches!(error, GitError::TimedOut { .. }), "{error}");
    assert_eq!(error.class(), Class::Unavailable);
    gone(&world);
}

#[test]
fn an_interrupt_ends_git_with_its_helpers() {
    let mut world = World::new();
    let pid = world.at("pid");
    world.program(&format!("sleep 1000 & echo $! > {}; wait", pid.display()));
    let error = std::thread::scope(|scope| {
        let working = scope.spawn(|| world.resolve("r", "main"));
        while !std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
            std::thread::sleep(Duration::from_millis(5));
        }
        world.interrupted.store(true, Ordering::Relaxed);
        working.join().expect("no panic").expect_err("an interrupt")
    });
    assert!(matches!(error, GitError::Interrupted) && error.class() == Class::Interrupted, "{error}");
    gone(&world);
    assert!(matches!(world.resolve("r", "main"), Err(GitError::Interrupted)));
}

#[test]
fn an_interrupt_ends_the_reading_of_a_file() {
    let world = World::new();
    let commit = world.repository("r", &[("a", &"x".repeat(1 << 20))]);
    let mut sink = |_: &crate::base::ImagePath, _: u64, _: &mut dyn std::io::Read| {
        world.interrupted.store(true, Ordering::Relaxed);
        Ok(())
    };
    let error = read(&world.request("r"), &commit, &world.terms(), &world.at("scratch"), &mut sink);
    assert!(matches!(error, Err(GitError::Interrupted)));
}

/// ssh leaves a process behind that keeps standard error open.
#[test]
fn what_a_helper_leaves_behind_is_not_waited_for() {
    let mut world = World::new();
    let pid = world.at("pid");
    let id = "01".repeat(20);
    world.program(&format!("sleep 1000 > /dev/null & echo $! > {}; printf '{id}\\trefs/heads/main\\n'", pid.display()));
    assert_eq!(world.resolve("r", "main").expect("a branch").to_string(), id);
    let pid = std::fs::read_to_string(pid).expect("a number");
    assert!(is_alive(&pid));
    let number = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(number, rustix::process::Signal::KILL).expect("it is ours");
}
