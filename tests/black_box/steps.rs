//! Commands in the image: what they change, what they see, and what they cannot do.

use std::fs;

use crate::harness::{Ended, Project, require, require_root};
use crate::system::{HEAD, SYSTEM, with_shell};

fn files(project: &Project) -> String {
    project.kiln(&["inspect", "store:steps:1", "--files"]).ok().text().to_owned()
}

/// The first line with a path.
fn line<'a>(files: &'a str, path: &str) -> Option<&'a str> {
    files.lines().find(|line| line.split(' ').any(|word| word == path))
}

#[test]
fn a_command_changes_what_it_changes_and_nothing_else() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'work'\n[[layer.step]]\nrun = '''\n\
        echo new > /srv/new; chown app:app /srv/new; chmod 640 /srv/new\n\
        ln /srv/new /srv/second; ln -s new /srv/link; mkdir -p /srv/deep/er; mknod /srv/pipe p\n\
        touch /old; chmod 644 /old; chown 0:0 /old\n\
        rm -r /anew; mkdir /anew; echo y > /anew/y\n\
        rm -r /gone; echo t > /tmp/t; echo r > /run/r; echo d > /dev/shm/d\n'''\n\
        [[layer.step]]\nwrite = '/srv/after'\ntext = 'x'\n\
        [[layer.step]]\nrun = ['/bin/sh', '-ec', 'cat /srv/new /srv/after > /srv/both']\n";
    let Some(project) = with_shell(steps) else { return };
    let first = project.build(&[]);
    let files = files(&project);
    let work = files.split("kiln: work").nth(1).expect("the layer");
    for (path, expected) in [
        ("/srv/new", "f 0640 1000:1000 1767225600 /srv/new 4 "),
        ("/srv/link", "l 0777 0:0 1767225600 /srv/link new"),
        ("/srv/deep/er", "d 0755 0:0 1767225600 /srv/deep/er"),
        ("/srv/pipe", "p 0644 0:0 1767225600 /srv/pipe"),
        ("/srv/both", "f 0644 0:0 1767225600 /srv/both 5 "),
        ("/gone", "w /gone"),
        ("/anew/x", "w /anew/x"),
        ("/anew/y", "f 0644 0:0 1767225600 /anew/y 2 "),
    ] {
        assert!(line(work, path).is_some_and(|line| line.contains(expected)), "{path}: {work}");
    }
    assert!(work.contains("h /srv/second /srv/new"), "hard links stay: {work}");
    for path in ["/old", "/tmp/t", "/run", "/proc", "/dev", "/etc/hosts", "/gone/x"] {
        assert!(line(work, path).is_none(), "{path} is no change: {work}");
    }
    let again = project.kiln(&["build"]).ok();
    assert_eq!(again.digest(), first);
    assert!(again.stderr.contains("0 built, 2 cached") && !again.stderr.contains("step 1"), "{}", again.stderr);
    assert_eq!(project.kiln(&["build", "--no-cache"]).ok().digest(), first, "the same when it runs again");
}

#[test]
fn a_command_finds_the_surroundings_that_are_promised() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'look'\n[[layer.step]]\nrun = '''\n\
        env | sort; hostname; id; pwd; umask; cat /proc/self/mountinfo; ls /proc | grep '^[0-9]' | tail -1\n'''\n\
        user = 'app'\nworkdir = '/srv'\nenv = { MINE = '1' }\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["build"]).env("LEAK", "leaked").env("TZ", "Asia/Tokyo").ok();
    for expected in [
        "HOME=/srv",
        "LC_ALL=C.UTF-8",
        "MINE=1",
        "SOURCE_DATE_EPOCH=1767225600",
        "TZ=UTC",
        "USER=app",
        "| kiln",
        "uid=1000(app) gid=1000(app) groups=1000(app),1001(extra)",
        "| /srv",
        "| 0022",
    ] {
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.all());
    }
    for leaked in ["LEAK", "leaked", "Tokyo"] {
        assert!(!ended.stderr.contains(leaked), "{leaked}: {}", ended.all());
    }
    // The overlay is named by links, so that a step cannot read where it runs.
    assert!(ended.stderr.contains("upperdir=upper"), "{}", ended.all());
}

#[test]
fn what_a_command_is_given_it_sees_and_cannot_change() {
    if !require_root() {
        return;
    }
    let steps = "[sources.app]\npath = 'app'\n\
        [[layer]]\nname = 'given'\n[[layer.step]]\nrun = '''\n\
        cat /in/a /one; echo x > /in/b && exit 9; echo y > /copy/b; cat /copy/b; stat -c %Y /in/a\n'''\n\
        mounts = [{ from = 'app', to = '/in' }, { from = 'app:a', to = '/one' }, { from = 'app', to = '/copy', writable = true }]\n\
        [[layer.step]]\nscript = 'app:run.sh'\nargs = ['first', 'se cond']\n";
    let Some(project) = with_shell(steps) else { return };
    project.write("app/a", "content-of-a\n");
    project.write("app/run.sh", "#!/bin/sh\necho \"script $# $2\" > /made\n");
    let ended = project.kiln(&["build"]).ok();
    assert_eq!(ended.stderr.matches("content-of-a").count(), 2, "{}", ended.all());
    assert!(ended.stderr.contains("Read-only file system") && ended.stderr.contains("| 1767225600"), "{}", ended.all());
    let files = files(&project);
    assert!(line(&files, "/made").is_some(), "{files}");
    for path in ["/in", "/one", "/copy"] {
        assert!(line(&files, path).is_none(), "{path} is only a place for a mount: {files}");
    }
    let digest = ended.digest();
    project.write("app/a", "another content\n");
    let ended = project.kiln(&["build"]).ok();
    assert!(ended.stderr.contains("another content") && ended.digest() == digest, "it runs again: {}", ended.all());
}

#[test]
fn a_failing_command_says_where_how_and_what_it_said_last() {
    if !require_root() {
        return;
    }
    let at = |run: &str| format!("[[layer]]\nname = 'fails'\n{run}\n");
    let Some(project) = with_shell(&at("run = 'echo so; echo far; exit 7'")) else { return };
    let fails = |run: &str| -> Ended {
        project.write("kiln.toml", format!("{HEAD}{SYSTEM}{}", at(run)));
        project.kiln(&["build"]).run().expect_code(1)
    };
    let ended = fails("run = 'echo so; echo far; exit 7'");
    for said in ["layer `fails`", "exit code 7", "kiln.toml:", "^^^", "far", "kiln log"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    let ended = fails("run = ['/bin/sh', '-ec', 'echo -e \"\\tat\"; exit 3']");
    assert!(ended.stderr.contains("        at") && !ended.stderr.contains('\u{fffd}'), "{}", ended.all());
    assert!(ended.stderr.contains("step 1: /bin/sh -ec \"echo -e "), "{}", ended.all());
    fails("run = 'kill -9 $$'").expect_said("killed by signal 9");
    fails("run = ['/bin/missing']").expect_said("`/bin/missing` is not in the image");
    fails("run = 'sleep 60'\ntimeout = '1s'").expect_said("longer than its `timeout` of 1 s");
    fails("run = 'true'\nuser = 'nobody-here'").expect_said("nobody-here");
    fails("run = 'true'\nworkdir = '/not/there'").expect_said("/not/there");
    fails("run = 'true'\nsecrets = ['token']").expect_said("--secret id=token");
    fails("run = 'echo x > /.wh.y'").expect_said(".wh.");
    let left = fs::read_dir(project.top().join("store/sandbox/work")).expect("the area").count();
    assert_eq!(left, 0, "nothing is left behind");
}

#[test]
fn a_hostile_command_is_contained() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'hostile'\nrun = '''\n\
        try() { if \"$@\" 2>/tmp/said; then echo \"DONE: $*\"; else echo \"refused: $* ($(cat /tmp/said))\"; fi; }\n\
        try mount -t tmpfs none /srv\n\
        try dd if=/dev/zero of=/proc/sys/kernel/panic count=1\n\
        try dd if=/dev/zero of=/proc/sysrq-trigger count=1\n\
        try mknod /srv/disk b 254 0\n\
        try dd if=/srv/disk of=/dev/null count=1\n\
        try kill -9 1\n\
        try wget -T 2 -q -O - http://192.0.2.1/\n\
        try hostname other\n\
        date -s 2020-01-01 >/dev/null 2>&1 || true; echo year: $(date +%Y)\n\
        rm -f /srv/disk\n\
        for file in /proc/1/root /proc/1/cwd; do try ls $file/; done\n\
        try readlink /proc/1/exe\n\
        try chmod 4777 /proc/1/exe\n\
        for number in 3 4 5 6 7 8 9; do try ls /proc/1/fd/$number/../../..; try ls /proc/self/fd/$number/; done\n\
        for device in null full tty; do try chmod 600 /dev/$device; try chown 5 /dev/$device; done\n\
        try touch -d 2001-01-01 /dev/null\n\
        for place in /dev /dev/shm /tmp /cache; do try mknod $place/node c 1 5; try head -c 1 $place/node; done\n\
        rm -f /cache/node\n\
        (while true; do sleep 1000; done) &\n\
        echo pids: $(ls /proc | grep -c '^[0-9]')\n'''\ncache = ['/cache']\n";
    let Some(project) = with_shell(steps) else { return };
    // Whoever calls kiln may have something open.
    let kiln = project.kiln(&["build"]).under("/bin/sh", &["-c", "exec 7</ 9<..; exec \"$@\"", "sh"]);
    let ended = kiln.ok();
    let done: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("| DONE:")).collect();
    let only_nodes = done.iter().all(|line| line.contains("mknod") || line.contains("kill -9 1"));
    assert!(only_nodes, "{done:?}\n{}", ended.all());
    assert_eq!(ended.stderr.matches("| refused:").count() + done.len(), 41, "{}", ended.all());
    assert!(!ended.stderr.contains("year: 2020"), "{}", ended.all());
}

#[test]
fn a_command_that_floods_or_forks_without_end_is_ended_with_the_build() {
    if !require_root() {
        return;
    }
    let steps =
        "[[layer]]\nname = 'swells'\nrun = 'x=a; while true; do x=$x$x; done'\nmemory = '64M'\ntimeout = '60s'\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["build"]).run().expect_code(1);
    // Said by the shell, or by kiln if the shell was ended first.
    let is_said = |said: &&str| ended.stderr.contains(said);
    assert!(["| sh: out of memory", "more memory than it may"].iter().any(is_said), "{}", ended.all());
    let forks = "[[layer]]\nname = 'forks'\nrun = 'f() { f | f & }; f; sleep 30'\ntimeout = '3s'\n";
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{forks}"));
    project.kiln(&["build"]).run().expect_code(1);
    let loud =
        "[[layer]]\nname = 'loud'\nrun = 'dd if=/dev/zero bs=1M count=200 | tail -c 1; head -c 50000000 /dev/zero'\n";
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{loud}"));
    project.kiln(&["build", "-q"]).ok();
}

#[test]
fn root_and_a_user_with_subordinate_ids_make_the_same_image() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'owners'\nrun = '''\n\
        echo a > /srv/a; chown app:app /srv/a; chmod 4755 /srv/a; echo b > /srv/b; chown 65534:65534 /srv/b; rm -r /gone\n\
        mkdir /gone; echo new > /gone/y; mv /old /older; ls -ln /srv\n'''\n\
        [[layer]]\nname = 'as-app'\nrun = 'echo mine > /srv/mine; id'\nuser = 'app'\n";
    let Some(project) = with_shell(steps) else { return };
    let store = project.top().join("other");
    let Some(rootless) = crate::rootless::build(&project, "subordinate-ids", &store) else { return };
    fs::create_dir(&store).expect("a store");
    let chown = require("chown").expect("chown");
    crate::harness::Program::new(chown).args([crate::rootless::USER]).args([&store]).ok();
    let as_root = project.build(&["--sandbox", "root"]);
    let ended = rootless.ok();
    assert_eq!(ended.digest(), as_root, "{}", ended.all());
}

#[test]
fn a_cache_stays_and_changed_sources_look_newer_than_it() {
    if !require_root() {
        return;
    }
    let steps = "[sources.app]\npath = 'app'\n[[layer]]\nname = 'cached'\nrun = '''\n\
        if [ ! -e /cache/a ] || [ /src/a -nt /cache/a ]; then echo compiling; cat /src/a > /cache/a; fi\n\
        cat /cache/a > /result; cat /src/b >> /result\n'''\n\
        cache = ['/cache']\nmounts = [{ from = 'app', to = '/src' }]\n";
    let Some(project) = with_shell(steps) else { return };
    project.write("app/a", "one\n");
    project.write("app/b", "x\n");
    let old = |path: &str| {
        let file = fs::File::options().write(true).open(project.path(path)).expect("a file");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    };
    assert!(project.kiln(&["build"]).ok().stderr.contains("| compiling"));
    project.write("app/b", "y\n");
    let ended = project.kiln(&["build"]).ok();
    assert!(ended.stderr.contains("step 1") && !ended.stderr.contains("| compiling"), "unchanged: {}", ended.all());
    // Longer than the file system's clock ticks.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    project.write("app/a", "two\n");
    old("app/a");
    let ended = project.kiln(&["build"]).ok();
    assert!(ended.stderr.contains("| compiling"), "a changed file of old time is no stale result: {}", ended.all());
}

#[test]
fn a_plan_is_the_same_before_and_after_commands_ran() {
    let steps = "[[layer]]\nname = 'ran'\nrun = 'echo x > /x'\n[[layer]]\nname = 'above'\nwrite = '/y'\ntext = 'y'\n";
    if !require_root() {
        return;
    }
    let Some(project) = with_shell(steps) else { return };
    let before = project.kiln(&["plan", "--json"]).ok().json();
    project.kiln(&["plan"]).ok().text().contains("not known before it ran").then_some(()).expect("said");
    project.build(&[]);
    let after = project.kiln(&["plan", "--json"]).ok().json();
    assert_eq!(before["plan"], after["plan"]);
    assert_eq!(before["digest"], after["digest"]);
    let cached = |plan: &serde_json::Value| {
        plan["layers"].as_array().expect("layers").iter().all(|layer| layer["cached"] == true)
    };
    assert!(cached(&after) && !cached(&before), "{after}");
}

#[test]
fn a_stage_with_commands_gives_its_files() {
    if !require_root() {
        return;
    }
    let stage = SYSTEM
        .replace("[[layer]]\nname", "[[stage.make.layer]]\nname")
        .replace("[[layer.step]]", "[[stage.make.layer.step]]");
    let steps = format!(
        "{stage}[[stage.make.layer]]\nname = 'compile'\nrun = 'mkdir /out; echo $WORD > /out/result; chmod 755 /out/result'\n\
         [stage.make.env]\nWORD = 'from-the-stage'\n[[layer]]\nname = 'app'\ncopy = 'make:out'\nto = '/app/'\n"
    );
    let Some(project) = with_shell("") else { return };
    project.write("kiln.toml", format!("{HEAD}{steps}"));
    let first = project.build(&["-o", "rootfs:root"]);
    assert_eq!(project.read("root/app/result"), b"from-the-stage\n");
    assert_eq!(project.build(&["--no-cache"]), first);
    let second = project.kiln(&["build"]).ok();
    assert!(second.digest() == first && !second.stderr.contains("step 1"), "{}", second.all());
}

#[test]
fn a_hundred_and_thirty_layers_can_be_stood_on() {
    if !require_root() {
        return;
    }
    let mut steps = String::new();
    for number in 0..130 {
        steps.push_str(&format!("[[layer]]\nname = 'l{number}'\nwrite = '/many/{number}'\ntext = '{number}'\n"));
    }
    steps.push_str("[[layer]]\nname = 'count'\nrun = 'ls /many | grep -c . > /count'\n");
    let Some(project) = with_shell(&steps) else { return };
    project.build(&["-o", "rootfs:root"]);
    assert_eq!(project.read("root/count"), b"130\n");
}

/// Produces `Error::Sandbox`, `SandboxError::ModeUnavailable` and `SandboxError::Area`.
#[test]
fn a_sandbox_that_cannot_be_had_says_what_would_help() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell("[[layer]]\nname = 'runs'\nrun = 'true'\n") else { return };
    let ended = project.kiln(&["build", "--sandbox", "subordinate-ids"]).run().expect_code(1);
    assert!(ended.stderr.contains("/etc/subuid") && ended.stderr.contains("usermod --add-subuids"), "{}", ended.all());
    project.kiln(&["build", "--sandbox", "magic"]).run().expect_code(2).expect_said("one-id");
    fs::remove_dir_all(project.top().join("store/sandbox")).expect("it is there");
    fs::write(project.top().join("store/sandbox"), "in the way").expect("a file");
    project.kiln(&["build"]).run().expect_code(1).expect_said("store/sandbox");
    let doctor = project.kiln(&["doctor", "--json", "--store", "elsewhere"]).ok().json();
    assert_eq!(doctor["best"], "root", "{doctor}");
}

#[test]
fn a_user_that_a_step_makes_runs_the_next_one() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'both'\n\
        [[layer.step]]\nrun = 'echo new:x:1234:1234::/srv:/bin/sh >> /etc/passwd; mkdir -m 777 /own'\n\
        [[layer.step]]\nrun = 'id -u > /own/id'\nuser = 'new'\n";
    let Some(project) = with_shell(steps) else { return };
    project.build(&["-o", "rootfs:root"]);
    assert_eq!(project.read("root/own/id"), b"1234\n");
}

#[test]
fn what_is_taken_out_is_counted_in_one_line() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'named'\nrun = 'mkdir -p /etc/ssh; echo x > /etc/hostname; echo y > /etc/ssh/ssh_host_rsa_key'\n";
    let Some(project) = with_shell(steps) else { return };
    let line = "layer named: 2 paths taken out or rewritten, `-v` lists them\n";
    let ended = project.kiln(&["build"]).ok();
    assert_eq!(ended.stderr.matches(line).count(), 1, "{}", ended.all());
    let listed = project.kiln(&["build", "-v", "--no-cache"]).ok();
    assert!(!listed.stderr.contains(line) && listed.stderr.contains("/etc/hostname"), "{}", listed.all());
}
