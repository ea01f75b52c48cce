//! Whose files are, where there is one id only: the same as everywhere else, or a refusal that says so.

use crate::harness::{Ended, Project, kiln_binary, require, require_root, skip};
use crate::system::with_shell;

/// Everything that owners go through: each command is on a line of its own, and the next line looks whether it is so.
const STEPS: &str = r#"
[[layer]]
name = 'owned'
[[layer.step]]
directory = '/var/mail'
mode = '2775'
owner = '0:8'
[[layer.step]]
write = '/etc/shadow'
text = 'root:*:1::::::'
mode = '0640'
owner = '0:42'
[[layer.step]]
copy = 'links'
to = '/opt'
owner = '7:8'

[[layer]]
name = 'changed'
[[layer.step]]
run = '''
is() { [ "$(stat -c %u:%g:%a "$1")" = "$2" ] || { echo "$1: $(stat -c %u:%g:%a "$1"), not $2"; exit 1; }; }
is /etc/shadow 0:42:640; is /srv 1000:1000:755; is /opt/link 7:8:777; is /var/mail 0:8:2775; is /bin 0:0:755

# By path, by link, relative, of a directory and all that is in it.
cd /opt; mkdir a; echo x >a/x; ln -s x a/l; mkdir a/d; chown -R 5:6 a
is a 5:6:755; is a/x 5:6:644; is a/l 5:6:777; is /opt/a/d/../x 5:6:644; is . 7:8:755
chown 9 a/l; is a/x 9:6:644; is a/l 5:6:777
chown -h :77 a/l; is a/l 5:77:777
[ "$(stat -L -c %u:%g /dev/stdin <a/x)" = 9:6 ]; exec 5<a/x; chown 10:6 /proc/self/fd/5; exec 5<&-; is a/x 10:6:644

# The kernel takes away what it always takes away.
cp /bin/busybox s; chmod 4755 s; chown 11 s; is s 11:0:755
chmod 6755 a/d; chown 12 a/d; is a/d 12:6:6755

# A record goes where the file goes, and no further.
mv a/x b; is b 10:6:644; ln b c; chown 13:14 c; is b 13:14:644; mv a/l m; is m 5:77:777
rm c; echo y >c; is c 0:0:644; rm m; ln -s y m; is m 0:0:777
cp b e; is e 0:0:644; cp -a b f; is f 13:14:644
for i in 1 2 3 4 5 6 7 8 9; do echo >g; chown 15 g; rm g; ln -s g h; chown -h 16 h; rm h; done
echo >g; ln -s g h; is g 0:0:644; is h 0:0:777
chown 1:1 g; chown 0:0 g; is g 0:0:644

# What the layers below have is copied up.
chmod 600 /etc/shadow; is /etc/shadow 0:42:600; chown 17 /etc/passwd; is /etc/passwd 17:0:644
mv /opt/link /opt/moved; is /opt/moved 7:8:777

# Archives.
busybox tar cf /tmp/t -C / opt/a opt/b opt/moved; mkdir /t; busybox tar xf /tmp/t -C /t
is /t/opt/a 5:6:755; is /t/opt/b 13:14:644; chown -h 7:8 /t/opt/moved; is /t/opt/moved 7:8:777

# Memory, pipes and another root.
echo >/tmp/x; chown 18 /tmp/x; is /tmp/x 18:0:644
busybox mkfifo p; chown 19:20 p; is p 19:20:644
mkdir -p /r/bin /r/d; cp /bin/busybox /r/bin; echo >/r/d/x
busybox chroot /r /bin/busybox sh -ec 'cd /d; busybox chown 21:22 x ../d; busybox ln -s /d /l; [ $(busybox stat -c %u /l/x) = 21 ]'
is /r/d/x 21:22:644; is /r/d 21:22:755; rm -r /r/bin

# A group that directories give.
mkdir -p /var/mail/in/deep; echo >/var/mail/in/deep/x; echo >/var/mail/app; chown 1000 /var/mail/app
is /var/mail/app 1000:8:644
'''
[[layer.step]]
run = '''
is() { [ "$(stat -c %u:%g:%a "$1")" = "$2" ] || { echo "$1: $(stat -c %u:%g:%a "$1"), not $2"; exit 1; }; }
is /opt/moved 7:8:777; is /opt/p 19:20:644; is /opt/h 0:0:777; is /opt/b 13:14:644; is /t/opt/moved 7:8:777
rm /opt/moved; ln -s other /opt/moved; mv /opt/p /opt/q
'''

[[layer]]
name = 'above'
[[layer.step]]
run = '''
is() { [ "$(stat -c %u:%g:%a "$1")" = "$2" ] || { echo "$1: $(stat -c %u:%g:%a "$1"), not $2"; exit 1; }; }
is /opt/q 19:20:644; is /opt/moved 0:0:777; is /t/opt/moved 7:8:777; is /var/mail/in/deep/x 0:8:644
# No change, no trace.
chown 13:14 /opt/b; chown -h 7:8 /t/opt/moved; chown -R 5:6 /t/opt/a
'''
"#;

/// A project with these steps on a system with a shell.
fn project(steps: &str) -> Option<Project> {
    let project = with_shell(&format!("[sources.links]\npath = 'links'\n{steps}"))?;
    std::fs::create_dir(project.path("links")).expect("a directory");
    std::os::unix::fs::symlink("nowhere", project.path("links/link")).expect("a link");
    Some(project)
}

/// A build with one id, by a user who is nobody else. `None`, said visibly, where there is no such user or no such build.
fn with_one_id(project: &Project) -> Option<Ended> {
    let setpriv = require("setpriv")?;
    let passwd = std::fs::read_to_string("/etc/passwd").expect("there is one");
    let Some(line) = passwd.lines().find(|line| line.starts_with("kiln-test-b:")) else {
        skip("there is no user kiln-test-b");
        return None;
    };
    let id: u32 = line.split(':').nth(2).and_then(|id| id.parse().ok()).expect("a user has a number");
    // The binary may stand in a directory that the other user cannot enter.
    let binary = project.top().join("kiln");
    std::fs::copy(kiln_binary(), &binary).expect("it can be copied");
    for entry in walkdir::WalkDir::new(project.top()) {
        let path = entry.expect("it can be read").into_path();
        std::os::unix::fs::lchown(path, Some(id), Some(id)).expect("root can give it away");
    }
    let as_user = [format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".to_owned()];
    let as_user: Vec<&str> = as_user.iter().map(String::as_str).collect();
    let build = project.kiln_at(&binary, &["build", "--sandbox", "one-id"]).under(setpriv, &as_user).run();
    if build.stderr.contains("steps cannot run as `one-id` on this machine") {
        skip(&build.stderr);
        return None;
    }
    Some(build)
}

#[test]
fn owners_are_the_same_with_one_id_and_as_root() {
    if !require_root() {
        return;
    }
    let (Some(one), Some(root)) = (project(STEPS), project(STEPS)) else { return };
    let Some(build) = with_one_id(&one) else { return };
    let digest = build.expect_code(0).digest();
    assert_eq!(digest, root.build(&["--sandbox", "root"]));
}

/// What a build with one id of a layer with one step more says, and how it ends.
fn step(step: &str) -> Option<Ended> {
    if !require_root() {
        return None;
    }
    with_one_id(&project(&format!("[[layer]]\nname = 'more'\n[[layer.step]]\n{step}\n"))?)
}

#[test]
fn a_step_of_somebody_else_is_refused_before_it_starts() {
    let Some(build) = step("run = 'echo started'\nuser = 'app'") else { return };
    assert!(!build.stderr.contains("| started"), "{}", build.all());
    let build = build.expect_code(1).expect_said("it runs as `1000:1000`, and `one-id` has no id but root's");
    build.expect_said(more_ids());
}

#[test]
fn a_second_id_is_refused_by_name_when_it_is_asked_for() {
    let Some(build) = step("run = 'busybox su app -c id'") else { return };
    let build =
        build.expect_code(1).expect_said("the step failed: exit code 1; it asked to have the groups 1000, 1001");
    build.expect_said("which `one-id` cannot give").expect_said(more_ids());
}

/// What gives the user of [`with_one_id`] more ids.
fn more_ids() -> &'static str {
    let has = |file: &str| std::fs::read_to_string(file).is_ok_and(|text| text.contains("kiln-test-b:"));
    if has("/etc/subuid") && has("/etc/subgid") {
        return "this user has more ids: `--sandbox subordinate-ids`";
    }
    "apt install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535"
}

#[test]
fn a_device_is_refused_by_name() {
    let Some(build) = step("run = 'mknod /null c 1 3'") else { return };
    let build = build.expect_code(1).expect_said("it asked to make the device 1,3, which `one-id` cannot give");
    build.expect_said("build as root of the machine");
}

#[test]
fn a_step_that_goes_on_without_what_it_asked_for_is_told() {
    let Some(build) = step("run = 'mknod /null b 8 1 || busybox mkfifo /null'") else { return };
    build.expect_code(0).expect_said("(the step asked to make the device 8,1, which `one-id` cannot give: elsewhere");
}

#[test]
fn roots_own_groups_are_no_second_id() {
    let Some(build) = step("run = 'busybox su root -c \"echo it is $(id -u)\"'") else { return };
    build.expect_code(0).expect_said("| it is 0");
}
