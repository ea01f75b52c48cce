//! What a step may use, and what is said and left when it wants more.

use std::path::Path;

use crate::harness::{require, require_root};
use crate::system::with_shell;

#[test]
fn a_step_without_memory_is_told_by_name_and_not_killed_with_its_sandbox() {
    if !require_root() {
        return;
    }
    // Eight that have less each than all may have together; and one that is refused more.
    for run in [
        "for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of=/dev/null bs=40M count=100 & done; wait; exit 1",
        "x=a; while true; do x=$x$x; done",
    ] {
        let steps = format!("[[layer]]\nname = 'hungry'\nrun = '{run}'\nmemory = '60M'\ntimeout = '60s'\n");
        let Some(project) = with_shell(&steps) else { return };
        let ended = project.kiln(&["build"]).run().expect_code(1);
        for said in ["layer `hungry`", "kiln.toml:", "its `memory`", "give the step a larger `memory`"] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
        }
    }
}

#[test]
fn nothing_is_left_of_a_step_with_thousands_of_processes() {
    if !require_root() || require("busybox").is_none() {
        return;
    }
    let many = "i=0; while [ $i -lt 2000 ]; do sleep 60 & i=$((i+1)); done; wait";
    let steps = format!("[[layer]]\nname = 'many'\nrun = '{many}'\ntimeout = '6s'\n");
    let Some(project) = with_shell(&steps) else { return };
    let number = "echo \"number $$\" >&2; exec \"$0\" \"$@\"";
    let ended = project.kiln(&["build"]).under("/bin/sh", &["-c", number]).run().expect_code(1);
    let ended = ended.expect_said("longer than its `timeout` of 6 s");
    let number = ended.stderr.lines().find_map(|line| line.strip_prefix("number ")).expect("the shell said it");
    for hierarchy in ["pids", "memory", "."] {
        let group = Path::new("/sys/fs/cgroup").join(hierarchy).join(format!("kiln-{number}-0"));
        assert!(!group.exists(), "{} is left: {}", group.display(), ended.all());
    }
}
