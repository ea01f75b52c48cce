//! Places that steps find something at, and what of them is the image's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::harness::{Program, Project, require, require_root};
use crate::system::with_shell;

const STEPS: &str = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'work'\n\
    [[layer.step]]\nrun = 'cat /data/in/a /one /srv/group/in/a; stat -c \"is %a %u:%g\" /data /srv/group; echo /gone/*'\n\
    mounts = [{ from = 'app', to = '/data/in' }, { from = 'app:a', to = '/one' }, { from = 'app', to = '/link/in' },\n\
    { from = 'app', to = '/srv/group/in' }, { from = 'app', to = '/only/a/place' }]\n\
    [[layer.step]]\nrun = 'mkdir -p /data/in; chmod 750 /data/in; chown 5:5 /data; touch /one; chmod 700 /kept'\n\
    mounts = [{ from = 'app', to = '/kept/in' }]\n\
    [[layer.step]]\nrun = 'cat /data/in/a'\nmounts = [{ from = 'app', to = '/data/in' }]\n";

const BELOW: &str = "[[layer]]\nname = 'below'\n\
    [[layer.step]]\ndirectory = '/srv/group'\nowner = '0:1000'\nmode = '2775'\n\
    [[layer.step]]\ndirectory = '/real'\n[[layer.step]]\nsymlink = '/link'\ntarget = '/real'\n";

fn project() -> Option<Project> {
    let project = with_shell(&format!("{BELOW}{STEPS}"))?;
    project.write("app/a", "content\n");
    Some(project)
}

#[test]
fn what_a_step_makes_where_an_earlier_one_had_a_mount_stays() {
    if !require_root() {
        return;
    }
    let Some(project) = project() else { return };
    project.kiln(&["lock"]).ok();
    let mut digests = Vec::new();
    for mode in ["root", "chroot"] {
        let ended = project.kiln(&["build", "--no-cache", "--sandbox", mode, "-o", &format!("rootfs:{mode}")]).ok();
        assert!(ended.stderr.contains("is 755 0:0"), "{}", ended.all());
        digests.push(ended.digest());
        let root = project.path(mode);
        let found = |path: &str| {
            let found = fs::symlink_metadata(root.join(path)).unwrap_or_else(|error| panic!("{mode} {path}: {error}"));
            (found.permissions().mode() & 0o7777, found.uid(), found.gid())
        };
        assert_eq!(found("data"), (0o755, 5, 5), "{mode}");
        assert_eq!(found("data/in"), (0o750, 0, 0), "{mode}");
        assert_eq!(found("one"), (0o644, 0, 0), "{mode}");
        assert_eq!(found("kept"), (0o700, 0, 0), "{mode}");
        for path in ["kept/in", "real/in", "srv/group/in", "only", "run/kiln"] {
            assert!(!root.join(path).exists(), "{mode}: {path} is only a place for a mount");
        }
    }
    assert_eq!(digests[0], digests[1]);
    let store = project.top().join("other");
    let Some(rootless) = crate::rootless::build(&project, "subordinate-ids", &store) else { return };
    fs::create_dir(&store).expect("a store");
    let chown = require("chown").expect("chown");
    Program::new(chown).args([crate::rootless::USER]).args([&store]).ok();
    assert_eq!(rootless.ok().digest(), digests[0]);
}

#[test]
fn a_script_without_its_interpreter_names_it() {
    if !require_root() {
        return;
    }
    let steps = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'runs'\nscript = 'app:run.sh'\n";
    let Some(project) = with_shell(steps) else { return };
    project.write("app/run.sh", "#! /usr/bin/ruby -w\nputs 1\n");
    let ended = project.kiln(&["build"]).run().expect_code(1);
    assert!(!ended.stderr.contains("/run/kiln/script"), "{}", ended.all());
    // Produces `SandboxError::NoInterpreter`.
    ended.expect_said("`/usr/bin/ruby`, which the first line of the script names, is not in the image");
}

#[test]
fn a_link_to_nothing_in_the_way_is_named() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'way'\n[[layer.step]]\nsymlink = '/run'\ntarget = '/var/nothing'\n\
        [[layer]]\nname = 'runs'\nrun = 'true'\n";
    let Some(project) = with_shell(steps) else { return };
    for mode in ["root", "chroot"] {
        let ended = project.kiln(&["build", "--sandbox", mode]).run().expect_code(1);
        ended.expect_said("`/run` is a link to `/var/nothing`, which is not there");
    }
}

#[test]
fn a_program_for_another_processor_is_told_from_one_that_is_not_there() {
    if !require_root() {
        return;
    }
    // The first bytes of one for an arm64 (elf(5), `e_machine`).
    let head = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[2, 0, 183, 0, 1, 0, 0, 0], &[0; 40]].concat();
    let steps = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'brings'\ncopy = 'app'\nto = '/app/'\n\
        [[layer]]\nname = 'runs'\nrun = ['/app/foreign']\n";
    let Some(project) = with_shell(steps) else { return };
    project.write("app/foreign", head);
    let file = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.path("app/foreign"), file).expect("a mode");
    // Produces `SandboxError::Foreign`.
    let ended = project.kiln(&["build"]).run().expect_code(1);
    ended.expect_said("cannot run `/app/foreign`").expect_said("another processor").expect_said("kiln doctor");
}

#[test]
fn what_the_caller_ignores_a_step_can_hear() {
    let Some(project) =
        with_shell("[[layer]]\nname = 'hears'\nrun = \"trap 'echo heard' QUIT; kill -QUIT $$; true\"\n")
    else {
        return;
    };
    let shell = require("sh").expect("a shell");
    let ignoring = "trap '' QUIT INT USR1; exec \"$0\" \"$@\"";
    let built = project.kiln(&["build"]).under(shell, &["-c", ignoring]).ok();
    assert!(built.stderr.contains("hears | heard"), "{}", built.all());
}
