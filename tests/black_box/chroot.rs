//! Steps where neither namespaces nor mounts can be had: the same digest, nothing left behind, and no word kept back.

use std::collections::BTreeMap;
use std::fs;

use seccompiler::{SeccompAction, SeccompFilter, TargetArch};

use crate::harness::{Ended, Project, require_root, skip};
use crate::system::with_shell;

/// Everything that a copy and its comparison could get wrong.
const STEPS: &str = r#"
[sources.app]
path = 'app'

[[layer]]
name = 'below'
[[layer.step]]
write = '/dir/kept'
text = 'kept'
[[layer.step]]
write = '/dir/sub/deep'
text = 'deep'
[[layer.step]]
write = '/to-file/x'
text = 'x'
[[layer.step]]
write = '/to-directory'
text = 'x'
[[layer.step]]
write = '/again/x'
text = 'x'
[[layer.step]]
write = '/set'
text = 'x'
mode = '4755'
owner = 'app:app'
[[layer.step]]
symlink = '/mnt/link'
target = '/srv'

[[layer]]
name = 'ran'
[[layer.step]]
run = '''
# No change, no trace.
touch /old; chmod 755 /dir; cp /etc/group /etc/g; mv /etc/g /etc/group; rm /again/x; rmdir /again; mkdir /again; echo -n x >/again/x
# Gone, replaced, changed.
rm -r /gone /dir/sub; rm -r /to-file; echo x >/to-file; rm /to-directory; mkdir -p /to-directory/a/b
chmod 700 /bin/busybox; chmod 755 /bin/busybox; chown 5:6 /set; echo y >>/dir/kept; mv /old /new
# Names, links, pipes and owners.
echo 1 >/first; ln /first /second; echo 1 >/one; ln /one /two; ln -s nowhere /dangling; mknod /pipe p; mkdir -m 3775 '/a name'; chown 0:8 '/a name'
mknod /device c 7 7; chown -R app:app /srv; echo "$(id -u):$(stat -c %u:%a /set)" >/said
# What is given, and what is thrown away.
cat /etc/hosts >/hosts; echo x >/tmp/x; echo x >/run/x; mkdir -p /run/user/0; echo x >/dev/shm/x; (echo x >/proc/x) 2>/dev/null || true
ls -A /in >/listed; cat /in/b/c >>/listed; cat /only >>/listed; echo kept >/cache/file; echo w >/in-own/w; rm /in-own/a
echo to nothing >/dev/null; head -c 3 /dev/zero | od >/zeros; test -c /dev/urandom
sleep 1000 & (sleep 1000 & sleep 1000) &
'''
mounts = [{ from = 'app', to = '/in' }, { from = 'app:a', to = '/only' }, { from = 'app', to = '/in-own', writable = true }]
cache = ['/cache', '/srv/cache']
[[layer.step]]
run = 'cat /cache/file >/cached; ls -A /tmp /run /in 2>&1 | grep -c . >/left; echo more >>/dir/kept; rm -r /to-directory/a'
cache = ['/cache']

[[layer]]
name = 'turns'
[[layer.step]]
run = 'rm /second; echo 2 >>/two; echo 1 >/three; ln /three /four; echo new:x:1234:1234::/srv:/bin/sh >>/etc/passwd; mkdir -m 777 /own; echo x >/own/1'
[[layer.step]]
run = 'id -u >/own/id; rm /own/1; pwd >>/own/id'
user = 'new'
workdir = '/own'
[[layer.step]]
write = '/own/function'
text = 'f'
[[layer.step]]
remove = '/dir/*'
[[layer.step]]
run = 'ls -A /dir /own >/seen; mv /own/function /own/renamed; echo 2 >>/four'
"#;

/// A system with these steps, and sources for them.
fn project(steps: &str) -> Option<Project> {
    if !require_root() {
        return None;
    }
    let project = with_shell(steps)?;
    project.write("app/a", "a\n");
    project.write("app/b/c", "c\n");
    Some(project)
}

/// A build in a chroot, and all that it said.
fn in_chroot(project: &Project) -> Ended {
    let ended = project.kiln(&["build", "--sandbox", "chroot"]).run();
    assert!(ended.code == Some(0), "{}", ended.all());
    ended
}

#[test]
fn the_digest_is_that_of_a_step_in_namespaces() {
    let (Some(one), Some(other)) = (project(STEPS), project(STEPS)) else { return };
    let root = one.kiln(&["build", "--sandbox", "root", "-o", "rootfs:root"]).ok();
    let ended = other.kiln(&["build", "--sandbox", "chroot", "-o", "rootfs:root"]).ok();
    assert_eq!(list(&one), list(&other));
    assert_eq!(ended.digest(), root.digest(), "{}", ended.all());
    assert_eq!(ended.stderr.matches("warning:").count(), 1, "{}", ended.all());
    let left: Vec<_> = fs::read_dir(other.top().join("store/sandbox/work")).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
    // What was in the cache is there again.
    let again = in_chroot(&other);
    assert_eq!(again.digest(), root.digest());
}

/// The files of what was built, with what tells them apart.
fn list(project: &Project) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt;
    let root = project.path("root");
    let entries = walkdir::WalkDir::new(&root).into_iter().map(|entry| entry.expect("it can be read"));
    let described = entries.map(|entry| {
        let meta = entry.metadata().expect("it is there");
        let content = if meta.is_file() { fs::read(entry.path()).expect("it can be read") } else { Vec::new() };
        let content = if content.len() > 1000 { Vec::new() } else { content };
        let path = entry.path().strip_prefix(&root).expect("it is below").display().to_string();
        let (owner, content) = ((meta.uid(), meta.gid()), String::from_utf8_lossy(&content).into_owned());
        (path, format!("{:o} {owner:?} {} {content}", meta.mode(), meta.nlink()))
    });
    described.collect()
}

#[test]
fn what_a_command_leaves_running_is_ended() {
    let steps = "[[layer]]\nname = 'leaves'\nrun = 'sleep 98761 & (sleep 98761 & (sleep 98761 &) ) & sleep 0'\n";
    let Some(project) = project(steps) else { return };
    in_chroot(&project);
    assert_eq!(running("98761"), 0);
    // So is one that takes too long, with what it has started.
    let slow = "[[layer]]\nname = 'slow'\n[[layer.step]]\nrun = '(sleep 98762 &); sleep 98762'\ntimeout = '1s'\n";
    let Some(project) = self::project(slow) else { return };
    let ended = project.kiln(&["build", "--sandbox", "chroot"]).run().expect_code(1);
    ended.expect_said("it took longer than its `timeout` of 1 s");
    assert_eq!(running("98762"), 0);
}

/// How many processes have this argument.
fn running(argument: &str) -> usize {
    let lines = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path().join("cmdline"));
    let texts = lines.filter_map(|path| fs::read(path).ok());
    texts.filter(|text| text.split(|b| *b == 0).any(|word| word == argument.as_bytes())).count()
}

/// Produces `SandboxError::SecretOnDisk`.
#[test]
fn a_secret_is_in_memory_or_refused() {
    let steps = "[[layer]]\nname = 'secret'\n[[layer.step]]\nrun = 'stat -c %u:%a /run/secrets/token >/s; grep -c . /run/secrets/token >>/s'\n\
        secrets = ['token']\n[[layer.step]]\nrun = 'ls -A /run >/r'\n";
    let Some(project) = project(steps) else { return };
    let build = |store: &str| {
        let args =
            ["build", "--sandbox", "chroot", "--secret", "id=token,env=TOKEN", "--store", store, "-o", "rootfs:root"];
        project.kiln(&args).env("TOKEN", "a long enough value").run()
    };
    let memory = tempfile::tempdir_in("/dev/shm");
    match memory.as_ref().ok().and_then(|memory| memory.path().to_str()) {
        Some(memory) => {
            let ended = build(memory);
            assert!(ended.code == Some(0), "{}", ended.all());
            assert_eq!((project.read("root/s"), project.read("root/r")), (b"0:400\n1\n".to_vec(), Vec::new()));
        }
        None => skip("there is no /dev/shm"),
    }
    let on_disk = tempfile::tempdir_in("/var/tmp").expect("a directory");
    let ended = build(on_disk.path().to_str().expect("a plain name"));
    if ended.code == Some(0) {
        return skip("/var/tmp is in memory");
    }
    ended.expect_code(1).expect_said("it has secrets, and `chroot` can only put them on a disk here");
}

/// A container's root: system calls for namespaces and mounts are refused.
fn without_namespaces<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let refused = [
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_fsopen,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_pivot_root,
    ];
    let rules = refused.into_iter().map(|number| (number, Vec::new())).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("a known machine");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(1), arch).expect("a filter");
    let program: seccompiler::BpfProgram = filter.try_into().expect("a program");
    // A thread has its own filter, and what it starts inherits it.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            seccompiler::apply_filter(&program).expect("applied");
            act()
        });
        thread.join().expect("it ends")
    })
}

#[test]
fn it_is_chosen_where_nothing_else_works_and_says_so_once() {
    let (Some(one), Some(other)) = (project(STEPS), project(STEPS)) else { return };
    let root = one.build(&["--sandbox", "root"]);
    let (ended, doctor, json) = without_namespaces(|| {
        let doctor = other.kiln(&["doctor"]).run();
        (other.kiln(&["build"]).run(), doctor, other.kiln(&["doctor", "--json"]).run())
    });
    assert!(ended.code == Some(0) && ended.digest() == root, "{}", ended.all());
    let warning = "warning: `chroot` does not isolate steps from this machine: they share its network, also without";
    assert_eq!(ended.stderr.matches("warning:").count(), 1, "{}", ended.all());
    let ended = ended.expect_said(warning);
    drop(ended);
    let text = doctor.text();
    assert!(text.contains("chroot: works  (used by default)"), "{}", doctor.all());
    assert!(text.contains("root: does not work"), "{}", doctor.all());
    assert!(text.contains("steps share with this machine: its network"), "{}", doctor.all());
    assert_eq!(json.json()["best"], "chroot");
    // Never where another works.
    let doctor = other.kiln(&["doctor"]).run();
    assert!(doctor.text().contains("root: works  (used by default)"), "{}", doctor.all());
    let ended = other.kiln(&["build", "--no-cache"]).ok();
    assert!(!ended.stderr.contains("warning:"), "{}", ended.all());
}

const SERVED: &str = r#"
[[layer]]
name = "page"
write = "/srv/page"
text = "hello\n"
[config]
entrypoint = ["/bin/sh", "-c", "httpd -f -p PORT -h /srv & wait"]
user = "app"
[[test]]
name = "answers"
service = "PORT/tcp"
run = ["wget", "-q", "-O", "-", "http://127.0.0.1:PORT/page"]
stdout = "hello\n"
[[test]]
name = "writes"
run = "touch /tmp/left; id -u"
stdout = "1000\n"
[[test]]
name = "finds nothing of the test before"
run = ["ls", "/tmp"]
stdout = ""
"#;

#[test]
fn tests_and_shells_run_on_a_copy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    let Some(project) = project(&SERVED.replace("PORT", &port.to_string())) else { return };
    // Somebody else's answer on the port would be taken for the image's.
    let ended = project.kiln(&["test", "--sandbox", "chroot"]).run().expect_code(1);
    assert!(ended.text().contains(&format!("somebody else listens at port {port}")), "{}", ended.all());
    drop(free);
    let ended = project.kiln(&["test", "--sandbox", "chroot"]).run();
    assert!(ended.code == Some(0) && ended.stderr.contains("3 tests: 3 passed"), "{}", ended.all());
    let shell = ["shell", ".", "--sandbox", "chroot", "--", "sh", "-c", "cat /srv/page; echo x >/left; exit 7"];
    let ended = project.kiln(&shell).run().expect_code(7);
    assert_eq!(ended.text(), "hello\n");
    let ended = project.kiln(&["shell", ".", "--sandbox", "chroot", "--", "ls", "/"]).ok();
    assert!(!ended.text().contains("left"), "{}", ended.all());
}

#[test]
fn a_reproduction_says_what_could_not_be_varied() {
    let Some(project) = project("[[layer]]\nname = 'ran'\nrun = 'ls -A /srv >/x'\n") else { return };
    let ended = project.kiln(&["reproduce", "--sandbox", "chroot"]).run();
    assert!(ended.code == Some(0), "{}", ended.all());
    assert!(ended.all().contains("`chroot` cannot change"), "{}", ended.all());
}
