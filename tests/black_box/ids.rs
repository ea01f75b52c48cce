//! Whose ids a build without privileges has, and what is said when they are too few.

use std::fs;

use crate::harness::{Program, Project, require, require_root};
use crate::rootless::{USER, run};
use crate::system::with_shell;

/// A project with these steps and its lock, and kiln with `args` as the user, with a store of that user's.
fn as_user(steps: &str, args: &[&str]) -> Option<(Project, Program)> {
    if !require_root() {
        return None;
    }
    let project = with_shell(steps)?;
    project.kiln(&["lock"]).ok();
    let store = project.top().join("other");
    let program = run(&project, args, &store)?;
    fs::create_dir(&store).expect("a store");
    Program::new(require("chown").expect("chown")).args([USER]).args([&store]).ok();
    Some((project, program))
}

#[test]
fn whatever_user_says_the_ids_are_those_of_who_builds() {
    let steps = "[[layer]]\nname = 'runs'\nrun = 'id -u'\nuser = 'app'\n";
    let args = ["build", "--locked", "--sandbox", "subordinate-ids"];
    for user in ["root", "nobody-here", ""] {
        let Some((_project, program)) = as_user(steps, &args) else { return };
        let ended = program.env("USER", user).ok();
        assert!(ended.stderr.contains("| 1000"), "{}", ended.all());
    }
}

#[test]
fn a_build_that_falls_back_to_one_id_says_why_and_what_helps() {
    let steps = "[[layer]]\nname = 'one'\nrun = 'true'\n[[layer]]\nname = 'two'\nrun = 'true'\n";
    let Some((_project, program)) = as_user(steps, &["build", "--locked"]) else { return };
    let ended = program.env("PATH", "/nowhere").ok();
    assert_eq!(ended.stderr.matches("steps run as `one-id`").count(), 1, "{}", ended.all());
    ended.expect_said("`newuidmap` cannot be run").expect_said("apt install uidmap");
}

#[test]
fn a_test_that_needs_a_second_id_fails_and_the_others_are_tried() {
    let steps = "[config]\nuser = 'app'\n[[test]]\nname = 'needs'\nrun = 'true'\n[[test]]\nfile = '/old'\n";
    let args = ["test", "--locked", "--sandbox", "one-id", "--json"];
    let Some((_project, program)) = as_user(steps, &args) else { return };
    let ended = program.run().expect_code(1);
    let results = ended.json();
    assert_eq!((&results["tests"], &results["failed"]), (&2.into(), &1.into()), "{}", ended.all());
    let said = results["results"][0]["complaints"].to_string();
    assert!(said.contains("`1000:1000`") && said.contains("`--sandbox subordinate-ids`"), "{said}");
    assert!(!said.contains("usermod"), "the user has them: {said}");
}
