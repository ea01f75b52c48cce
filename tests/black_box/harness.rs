//! Projects in directories of their own, and programs that are run with an empty environment and a time limit.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// After which a program is ended and its test fails: emulated builds on a busy machine stay far below it.
const LIMIT: Duration = Duration::from_secs(300);

/// The kiln that is tested.
pub(crate) fn kiln_binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kiln"))
}

/// What a program said and how it ended.
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    line: String,
}

impl Ended {
    /// stdout as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is UTF-8")
    }

    /// The last line of stdout.
    pub(crate) fn last_line(&self) -> &str {
        self.text().lines().last().unwrap_or_default()
    }

    /// The digest that is alone on the last line of stdout.
    pub(crate) fn digest(&self) -> String {
        let line = self.last_line();
        let hex = line.strip_prefix("sha256:").unwrap_or_default();
        assert!(hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "no digest: {}", self.all());
        line.to_owned()
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("not JSON, {error}: {}", self.all()))
    }

    /// Everything, for the message of an assertion.
    pub(crate) fn all(&self) -> String {
        let stdout = String::from_utf8_lossy(&self.stdout);
        format!("`{}` ended with {:?}\nstdout: {stdout}\nstderr: {}", self.line, self.code, self.stderr)
    }

    /// Fails unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Fails unless stderr says this.
    #[track_caller]
    pub(crate) fn expect_said(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "expected `{words}` on stderr: {}", self.all());
        self
    }
}

/// A program to run: an empty environment but for what is set.
pub(crate) struct Program(Command);

impl Program {
    /// A program by its path.
    pub(crate) fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.env_clear().stdin(Stdio::null());
        Self(command)
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.0.args(args);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// The directory it is run in.
    pub(crate) fn cwd(mut self, directory: impl AsRef<Path>) -> Self {
        self.0.current_dir(directory);
        self
    }

    /// The same run by another program, whose arguments come first.
    pub(crate) fn under(self, path: impl AsRef<OsStr>, args: &[&str]) -> Self {
        let mut outer = Self::new(path).args(args).args([self.0.get_program()]).args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            outer.0.env(name, value.unwrap_or_default());
        }
        match self.0.get_current_dir() {
            Some(directory) => outer.cwd(directory),
            None => outer,
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(mut self) -> Ended {
        let line = format!("{:?}", self.0);
        let mut child = self.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(&line);
        let (stdout, stderr) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let (stdout, stderr) = (collect(stdout), collect(stderr));
        let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(LIMIT), stderr.recv_timeout(LIMIT)) else {
            child.kill().expect("the program can be ended");
            panic!("`{line}` was not done after {LIMIT:?}");
        };
        let code = child.wait().expect("the program can be waited for").code();
        Ended { code, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned(), line }
    }

    /// Runs it and fails unless it succeeds.
    #[track_caller]
    pub(crate) fn ok(self) -> Ended {
        self.run().expect_code(0)
    }
}

/// Reads a pipe to its end beside the other one, so that neither fills up.
fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if pipe.read_to_end(&mut bytes).is_ok() {
            sender.send(bytes).ok();
        }
    });
    receiver
}

/// Where a program of somebody else is. `None`, said visibly, if it is not installed; a failure where
/// KILN_REQUIRE_READERS is set.
pub(crate) fn require(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/sbin:/usr/bin:/sbin:/bin"));
    let found = std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// Says that something is not tested here; a failure where KILN_REQUIRE_READERS is set.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("KILN_REQUIRE_READERS").is_none(), "cannot be tested: {why}");
    // Past the test harness, which holds back what `println!` writes.
    writeln!(std::io::stderr(), "skipped: {why}").ok();
}

/// Whether the tests run as root; says so if not.
pub(crate) fn require_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("this needs root");
    }
    is_root
}

/// A directory of its own with a template, its sources and a store.
pub(crate) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::Builder::new().prefix("kiln-test-").tempdir().expect("a directory for the test");
        std::fs::create_dir(directory.path().join("home")).expect("a home");
        std::fs::create_dir(directory.path().join("project")).expect("a project");
        Self { directory }
    }

    /// One with a template.
    pub(crate) fn new(template: &str) -> Self {
        let project = Self::empty();
        project.write("kiln.toml", template);
        project
    }

    /// The directory above the project, the home and the store.
    pub(crate) fn top(&self) -> &Path {
        self.directory.path()
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.top().join("project").join(path)
    }

    /// Writes a file of the project, with the directories above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a file in the project")).expect("directories");
        std::fs::write(path, content).expect("the file can be written");
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// kiln, in the project, with its own home and store.
    pub(crate) fn kiln(&self, args: &[&str]) -> Program {
        self.kiln_at(kiln_binary(), args)
    }

    /// The same with another binary.
    pub(crate) fn kiln_at(&self, binary: &Path, args: &[&str]) -> Program {
        let (home, store) = (self.top().join("home"), self.top().join("store"));
        Program::new(binary).args(args).env("HOME", home).env("KILN_STORE", store).cwd(self.path(""))
    }

    /// Builds and gives the digest.
    #[track_caller]
    pub(crate) fn build(&self, args: &[&str]) -> String {
        self.kiln(&["build"]).args(args).ok().digest()
    }
}
