//! Repositories and users made for the tests.

use std::collections::BTreeMap;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::base::ImagePath;

use super::{GitError, GitRequest, Network, ObjectId, Read, Submodules, Terms, read, resolve};

/// Seconds since 1970 of every commit that the tests make.
pub(super) const TIME: i64 = 1_700_000_000;

/// A directory with repositories in it, and a user who runs git with the settings in `config`.
pub(super) struct World {
    directory: tempfile::TempDir,
    program: PathBuf,
    pub(super) interrupted: AtomicBool,
    pub(super) stall: Duration,
    pub(super) network: Network,
}

/// Files by path, as the sink got them.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(directory.path().join("scratch")).expect("a directory");
        let mut world = Self {
            directory,
            program: PathBuf::new(),
            interrupted: AtomicBool::new(false),
            stall: Duration::from_secs(60),
            network: Network::Online,
        };
        world.program("exec git \"$@\"");
        world
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Makes an executable file. A shell writes it: a file that a thread of ours has open for writing cannot be run.
    pub(super) fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.at(name);
        let text = format!("#!/bin/sh\n{body}\n");
        let made = Command::new("timeout")
            .args(["60", "sh", "-c", "mkdir -p \"${1%/*}\" && printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(&path)
            .arg(text)
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        path
    }

    /// Has `body` run as the user's git, with nothing of this machine's configuration.
    pub(super) fn program(&mut self, body: &str) {
        let home = self.directory.path().display();
        let body =
            format!("export GIT_CONFIG_GLOBAL='{home}/config' GIT_CONFIG_SYSTEM=/dev/null HOME='{home}'\n{body}");
        self.program = self.script("bin/git", &body);
    }

    pub(super) fn set_program(&mut self, program: impl Into<PathBuf>) {
        self.program = program.into();
    }

    pub(super) fn terms(&self) -> Terms<'_> {
        Terms { program: &self.program, network: self.network, stall: self.stall, interrupted: &self.interrupted }
    }

    pub(super) fn try_git(&self, directory: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
        let mut command = Command::new("timeout");
        command.args(["60", "git", "-c", "user.name=x", "-c", "user.email=x@example.org"]);
        command.args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]).args(arguments);
        let date = format!("{TIME} +0200");
        command
            .current_dir(self.at(directory))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs([("GIT_AUTHOR_DATE", "1600000000 +0000"), ("GIT_COMMITTER_DATE", date.as_str())]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("git runs");
        child.stdin.take().expect("a pipe").write_all(input).expect("git reads its input");
        let output = child.wait_with_output().expect("git ends");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs git in a repository.
    pub(super) fn git(&self, directory: &str, arguments: &[&str]) -> String {
        self.try_git(directory, arguments, b"").unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    /// Makes a repository called `name` with the given files in one commit.
    pub(super) fn repository(&self, name: &str, files: &[(&str, &str)]) -> ObjectId {
        std::fs::create_dir_all(self.at(name)).expect("a directory");
        self.git(name, &["init", "-q"]);
        self.commit(name, files)
    }

    /// Adds a commit with the given files.
    pub(super) fn commit(&self, name: &str, files: &[(&str, &str)]) -> ObjectId {
        files.iter().for_each(|(path, text)| self.write(&format!("{name}/{path}"), text));
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", "x"]);
        self.id(name, "HEAD")
    }

    pub(super) fn id(&self, name: &str, rev: &str) -> ObjectId {
        self.git(name, &["rev-parse", rev]).parse().expect("an object id")
    }

    /// Adds an object whatever it is.
    pub(super) fn object(&self, name: &str, kind: &str, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
        self.try_git(name, &arguments, bytes).expect("an object")
    }

    /// Makes a commit of a tree the new `main`.
    pub(super) fn commit_tree(&self, name: &str, tree: &str) -> ObjectId {
        let commit = self.git(name, &["commit-tree", "-m", "x", tree]);
        self.git(name, &["update-ref", "refs/heads/main", &commit]);
        commit.parse().expect("an object id")
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("file://{}", self.at(name).display())
    }

    pub(super) fn request(&self, name: &str) -> GitRequest {
        request(&self.url(name))
    }

    pub(super) fn resolve(&self, name: &str, rev: &str) -> Result<ObjectId, GitError> {
        resolve(&GitRequest { rev: Some(rev.to_owned()), ..self.request(name) }, &self.terms())
    }

    /// Reads a commit; nothing may be left behind.
    pub(super) fn read(&self, request: &GitRequest, commit: &ObjectId) -> Result<(Read, Files), GitError> {
        let mut files = Files::new();
        let mut sink = |path: &ImagePath, size: u64, reader: &mut dyn std::io::Read| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            assert_eq!(bytes.len() as u64, size);
            assert!(files.insert(path.to_string(), bytes).is_none(), "{path} was handed over twice");
            Ok(())
        };
        let scratch = self.at("scratch");
        let read = read(request, commit, &self.terms(), &scratch, &mut sink);
        assert_eq!(std::fs::read_dir(scratch).map(Iterator::count).ok(), Some(0), "scratch is not empty");
        read.map(|read| (read, files))
    }

    pub(super) fn error(&self, request: &GitRequest, commit: &ObjectId) -> GitError {
        self.read(request, commit).expect_err("an error")
    }
}

pub(super) fn request(url: &str) -> GitRequest {
    GitRequest { url: url.to_owned(), rev: None, subdir: None, submodules: Submodules::Skip }
}

pub(super) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect("a path")
}

/// The tree as text, without the digests.
pub(super) fn shown(read: &Read) -> String {
    let lines = crate::tree::dump::write(&read.tree.to_changeset());
    lines
        .lines()
        .map(|line| line.split(" sha256:").next().unwrap_or_default())
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Names of everything but directories.
pub(super) fn names(read: &Read) -> Vec<String> {
    let files = read.tree.iter().filter(|(_, node)| !matches!(node.kind, crate::tree::Kind::Directory));
    files.map(|(path, _)| path.to_string()).collect()
}

/// An error with everything behind it.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}

/// Whether a process exists and is not only a number that nobody waited for.
pub(super) fn is_alive(pid: &str) -> bool {
    let mut status = String::new();
    let path = Path::new("/proc").join(pid.trim()).join("status");
    let opened = std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut status));
    opened.is_ok() && !status.contains("State:\tZ")
}

/// Waits until the helper is gone, which the kernel does in its own time.
pub(super) fn gone(world: &World) {
    let pid = std::fs::read_to_string(world.at("pid")).expect("a number");
    for _ in 0..1000 {
        if !is_alive(&pid) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{pid} is still there");
}
