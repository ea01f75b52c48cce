//! A directory with a template, its content and a store, and kiln started in it with an empty environment.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than any build here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(240);

const TEMPLATE: &str = r#"[image]
name = "example/faults"
version = "1"
platforms = ["linux/amd64"]
epoch = "2026-01-01T00:00:00Z"
created = "2026-01-01T00:00:00Z"

[sources.data]
path = "data"

[[layer]]
name = "data"
copy = "data"
to = "/data/"
"#;

/// The working directory of a test; goes when it is dropped.
pub(crate) struct Place {
    directory: TempDir,
}

/// How a run of kiln ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` after a signal that it could not catch.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The most memory it held, as far as it was seen, in KiB.
    pub(crate) peak_kib: u64,
}

/// A run of kiln that goes on.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Place {
    /// With a template that copies the empty directory `data`.
    pub(crate) fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        fs::write(place.path("kiln.toml"), TEMPLATE).expect("our own directory");
        fs::create_dir(place.path("data")).expect("our own directory");
        place
    }

    /// With some hundred megabytes of text, the same each time.
    pub(crate) fn large(megabytes: u64) -> Self {
        let place = Self::new();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for number in 0..megabytes / 4 {
            let mut text = Vec::with_capacity(4 << 20);
            while text.len() < 4 << 20 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                write!(text, "{:x} word{} ", state >> 40, state & 1023).expect("memory can be written to");
            }
            fs::write(place.path(&format!("data/{number:03}.txt")), text).expect("our own directory");
        }
        place
    }

    /// A path in it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// Starts kiln in it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
        command.args(arguments);
        self.start_command(command, &[])
    }

    /// Starts a program in it that has no other environment.
    pub(crate) fn start_command(&self, mut command: Command, environment: &[(&str, &str)]) -> Running {
        let logs = tempfile::Builder::new().prefix("log").tempdir_in(self.directory.path()).expect("our own directory");
        let logs = logs.keep();
        let (stdout, stderr) = (logs.join("stdout"), logs.join("stderr"));
        let child = command
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("our own directory"))
            .stderr(File::create(&stderr).expect("our own directory"))
            .spawn()
            .expect("kiln can be started");
        Running { child, stdout, stderr }
    }

    /// Runs kiln in it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).finish()
    }

    /// Builds into a store and gives the digest.
    pub(crate) fn digest(&self, store: &str) -> String {
        let built = self.run(&["build", "--store", store]);
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        built.stdout
    }

    /// The store holds nothing broken and nothing half done.
    pub(crate) fn assert_sound(&self, store: &str) {
        let checked = self.run(&["store", "check", "--store", store]);
        assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
        assert_eq!(names(&self.path(store).join("tmp")), Vec::<String>::new(), "left in tmp/ of the store");
        assert_eq!(names(&self.path(store).join("aside")), Vec::<String>::new(), "set aside");
    }
}

impl Running {
    /// Waits for the end, which must come in time.
    pub(crate) fn finish(mut self) -> Ended {
        let begin = Instant::now();
        let mut peak_kib = 0;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            peak_kib = peak_kib.max(peak(self.child.id()));
            if begin.elapsed() > LIMIT {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("kiln did not end within {LIMIT:?}");
            }
            thread::sleep(Duration::from_millis(5));
        };
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("our own directory")).into_owned();
        Ended { code: status.code(), stdout: text(&self.stdout), stderr: text(&self.stderr), peak_kib }
    }
}

/// The highest resident size so far, as the kernel counts it; 0 once the process is gone.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Says that something is not tested here; a failure where KILN_REQUIRE_READERS is set.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("KILN_REQUIRE_READERS").is_none(), "cannot be tested: {why}");
    // Past the test harness, which holds back what `println!` writes.
    writeln!(std::io::stderr(), "skipped: {why}").ok();
}

/// The names in a directory, sorted; none if it is not there.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("our own directory").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
