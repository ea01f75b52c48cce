//! Commands of a template that fill the disk, are interrupted, or lose the kiln that runs them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::disk::Disk;
use crate::place::{Place, Running, names, skip};

/// Longer than anything here takes to begin or to end, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const USER: &str = "kiln-test-a";

/// A system that is one file, and a command in it.
fn with_command(run: &str) -> Option<Place> {
    let busybox = Path::new("/usr/bin/busybox");
    if !rustix::process::geteuid().is_root() || !busybox.exists() {
        skip("commands need root and busybox");
        return None;
    }
    let place = Place::new();
    fs::create_dir_all(place.path("system/bin")).expect("our own directory");
    fs::copy(busybox, place.path("system/bin/busybox")).expect("our own directory");
    for applet in ["sh", "dd", "sleep", "mkdir", "chown", "true"] {
        symlink("busybox", place.path("system/bin").join(applet)).expect("our own directory");
    }
    command(&place, run);
    Some(place)
}

fn command(place: &Place, run: &str) {
    let template = format!(
        "[image]\nname = 'example/steps'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
         [sources.system]\npath = 'system'\nignored = true\n[[layer]]\nname = 'system'\ncopy = 'system'\nto = '/'\n\
         [[layer]]\nname = 'command'\nrun = '''{run}'''\n"
    );
    fs::write(place.path("kiln.toml"), template).expect("our own directory");
}

/// Who runs kiln.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Root,
    /// The user of the tests, with subordinate ids.
    User,
}

impl Who {
    /// Those that there are.
    fn all() -> Vec<Self> {
        let has_user = fs::read_to_string("/etc/subuid").is_ok_and(|text| text.contains(&format!("{USER}:")));
        if !has_user || !Path::new("/usr/bin/newuidmap").exists() {
            skip("there is no user kiln-test-a with subordinate ids, or no newuidmap");
            return vec![Self::Root];
        }
        vec![Self::Root, Self::User]
    }

    /// Its store in `place`.
    fn store(self, place: &Place) -> PathBuf {
        let store = place.path(&format!("store-{self:?}"));
        if self == Self::User && !store.exists() {
            fs::create_dir(&store).expect("our own directory");
            run(Command::new("chown").arg(USER).arg(&store));
        }
        store
    }

    /// Starts a build of `place` with its store.
    fn build(self, place: &Place) -> Running {
        let store = self.store(place);
        if self == Self::Root {
            let store = store.to_str().expect("a path of ours");
            return place.start(&["build", "--sandbox", "root", "--store", store]);
        }
        let kiln = place.path("kiln");
        if !kiln.exists() {
            // Everybody may run this one.
            fs::copy(env!("CARGO_BIN_EXE_kiln"), &kiln).expect("our own directory");
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(place.path(""), open).expect("our own directory");
        }
        let mut command = Command::new("/usr/bin/setpriv");
        command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--init-groups"]).arg(kiln);
        command.args(["build", "--sandbox", "subordinate-ids", "--store"]).arg(store);
        place.start_command(command, &[("USER", USER), ("PATH", "/usr/bin:/bin")])
    }
}

fn run(command: &mut Command) {
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
}

/// Looks until it is so.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes were started with `word` as an argument.
fn processes(word: &str) -> usize {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|b| *b == 0).any(|argument| argument == word.as_bytes())).count()
}

/// The control groups that the process `pid` made, up to where this one may make its own.
fn groups(pid: u32) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new("/sys/fs/cgroup").max_depth(4).into_iter().flatten();
    let own = format!("kiln-{pid}-");
    walk.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own)).map(|entry| entry.into_path()).collect()
}

/// Two processes that hear no signal, and files that belong to somebody else. `seconds` names the processes.
fn deaf(seconds: &str) -> String {
    format!(
        "trap '' TERM INT HUP\nmkdir -m 700 /mine\nchown 1000:1000 /mine\ntrue > /mine/file\n\
         (while true; do sleep {seconds}; done) &\nwhile true; do sleep {seconds}; done"
    )
}

/// Seconds that nobody else sleeps.
fn seconds(number: u32) -> String {
    format!("9{}{number}", std::process::id())
}

#[test]
fn a_command_that_fills_the_disk_is_told_and_leaves_nothing() {
    let Some(place) = with_command("dd if=/dev/zero of=/big bs=1M count=200") else { return };
    let Some(_disk) = Disk::of("48m", &place.path("disk")) else { return };
    let store = ["build", "--store", "disk/store"];
    let left = || [names(&place.path("disk/store/sandbox/work")), names(&place.path("disk/store/tmp"))].concat();
    let ended = place.run(&store);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for said in ["layer `command`", "exit code 1", "/big", "the store `disk/store`", "kiln store gc"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(left(), Vec::<String>::new());
    // It fits once, and not a second time beside what the layer is made of.
    command(&place, "dd if=/dev/urandom of=/big bs=1M count=30");
    let ended = place.run(&store);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("no space is left") && ended.stderr.contains("disk/store"), "{}", ended.stderr);
    assert_eq!(left(), Vec::<String>::new());
    place.assert_sound("disk/store");
    command(&place, "dd if=/dev/zero of=/small bs=1M count=1");
    let ended = place.run(&store);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(left(), Vec::<String>::new());
}

#[test]
fn a_deaf_command_ends_when_kiln_is_interrupted() {
    let sleeps = seconds(1);
    let Some(place) = with_command(&deaf(&sleeps)) else { return };
    for who in Who::all() {
        let running = who.build(&place);
        wait_until("the command begins", || processes(&sleeps) == 2);
        let pid = running.child.id();
        kill_process(Pid::from_child(&running.child), Signal::INT).expect("our own child");
        let ended = running.finish();
        assert_eq!(ended.code, Some(130), "{who:?}: {}", ended.stderr);
        assert!(ended.stderr.ends_with("error: interrupted\n"), "{}", ended.stderr);
        wait_until("no process stays", || processes(&sleeps) == 0);
        let store = who.store(&place);
        assert_eq!(names(&store.join("sandbox/work")), Vec::<String>::new(), "{who:?}");
        assert_eq!((names(&store.join("tmp")), groups(pid)), (Vec::new(), Vec::new()), "{who:?}");
    }
}

#[test]
fn what_a_killed_kiln_leaves_goes_with_the_next_build() {
    let sleeps = seconds(2);
    let Some(place) = with_command(&deaf(&sleeps)) else { return };
    let mut digests = Vec::new();
    for who in Who::all() {
        command(&place, &deaf(&sleeps));
        let running = who.build(&place);
        wait_until("the command begins", || processes(&sleeps) == 2);
        let pid = running.child.id();
        kill_process(Pid::from_child(&running.child), Signal::KILL).expect("our own child");
        assert_eq!(running.finish().code, None);
        wait_until("no process stays", || processes(&sleeps) == 0);
        let work = who.store(&place).join("sandbox/work");
        assert_ne!(names(&work), Vec::<String>::new(), "{who:?}: nobody was there to remove it");
        command(&place, "true > /mine");
        let ended = who.build(&place).finish();
        assert_eq!(ended.code, Some(0), "{who:?}: {}", ended.stderr);
        assert_eq!((names(&work), groups(pid)), (Vec::new(), Vec::new()), "{who:?}");
        digests.push(ended.stdout);
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}
