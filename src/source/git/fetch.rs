//! One commit in a scratch repository.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::address::{self, AddressFlaw, Transport};
use super::child::{Finished, run};
use super::error::GitError;
use super::id::{Format, ObjectId};
use super::mask::ShownUrl;
use super::program::{Asker, git, git_in};
use super::request::{Network, Terms};

/// What servers say that give out a commit only by the name of a branch or tag, or cannot cut a history short.
const ONLY_BY_NAME: &[&str] = &["unadvertised object", "not valid", "does not support shallow"];
/// What they say of a commit that they do not have.
const UNKNOWN: &str = "not our ref";

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    pub(super) commit: &'a ObjectId,
    /// The name that led to the commit, if it did not come from a parent.
    pub(super) rev: Option<&'a str>,
    pub(super) asker: Asker,
}

/// A bare repository that holds one commit, and perhaps others. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Repository {
    directory: TempDir,
    pub(super) transport: Transport,
}

impl Repository {
    /// Fetches a commit into a new repository in the directory `scratch`.
    pub(super) fn fetch(wanted: &Wanted<'_>, terms: &Terms<'_>, scratch: &Path) -> Result<Self, GitError> {
        let transport = reach(wanted, terms)?;
        let fail = |source| GitError::Scratch { path: scratch.to_owned(), source };
        // git runs in another directory.
        let whole = scratch.canonicalize().map_err(fail)?;
        let directory = tempfile::Builder::new().prefix("git-").tempdir_in(whole).map_err(fail)?;
        let repository = Self { directory, transport };
        repository.init(wanted, terms)?;
        repository.fill(wanted, terms)?;
        Ok(repository)
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A place in it for a file that git is to read.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.path().join(format!("kiln-{name}"))
    }

    fn init(&self, wanted: &Wanted<'_>, terms: &Terms<'_>) -> Result<(), GitError> {
        let mut command = git(terms, wanted.asker);
        command.args(["init", "--quiet", "--bare", "--template="]);
        if wanted.commit.format() == Format::Sha256 {
            command.arg("--object-format=sha256");
        }
        command.arg("--").arg(self.path());
        let finished = run(command, wanted.url, terms)?;
        if finished.success {
            return Ok(());
        }
        Err(GitError::Git { doing: "make a repository", said: finished.said(wanted.url) })
    }

    /// The commit alone, or everything that the server has where it gives out no single commits.
    fn fill(&self, wanted: &Wanted<'_>, terms: &Terms<'_>) -> Result<(), GitError> {
        let url = || ShownUrl::of(wanted.url);
        let commit = wanted.commit;
        let alone = self.transfer(&["--depth=1"], &[&commit.to_string()], wanted, terms)?;
        if alone.success {
            return Ok(());
        }
        let unreachable = |finished: &Finished| GitError::Unreachable { url: url(), said: finished.said(wanted.url) };
        if alone.says(UNKNOWN) {
            return Err(GitError::NoSuchCommit { url: url(), commit: *commit });
        }
        if !ONLY_BY_NAME.iter().any(|text| alone.says(text)) {
            return Err(unreachable(&alone));
        }
        let mut refs = vec!["+refs/heads/*:refs/kiln/heads/*".to_owned(), "+refs/tags/*:refs/kiln/tags/*".to_owned()];
        refs.extend(wanted.rev.filter(|rev| rev.starts_with("refs/")).map(|rev| format!("+{rev}:refs/kiln/rev")));
        let refs: Vec<&str> = refs.iter().map(String::as_str).collect();
        let all = self.transfer(&[], &refs, wanted, terms)?;
        if !all.success {
            return Err(unreachable(&all));
        }
        let mut command = git_in(self.path(), terms, wanted.asker);
        command.args(["cat-file", "-e", &commit.to_string()]);
        let is_there = run(command, wanted.url, terms)?.success;
        if is_there { Ok(()) } else { Err(GitError::NoSuchCommit { url: url(), commit: *commit }) }
    }

    fn transfer(
        &self,
        options: &[&str],
        what: &[&str],
        wanted: &Wanted<'_>,
        terms: &Terms<'_>,
    ) -> Result<Finished, GitError> {
        let mut command = git_in(self.path(), terms, wanted.asker);
        // Progress is printed because silence is counted.
        command.args(["fetch", "--progress", "--no-tags", "--no-recurse-submodules"]);
        command.args(options).args(["--", wanted.url]).args(what);
        run(command, wanted.url, terms)
    }
}

/// How the repository is reached, if it may be.
fn reach(wanted: &Wanted<'_>, terms: &Terms<'_>) -> Result<Transport, GitError> {
    let url = || ShownUrl::of(wanted.url);
    let transport = address::check(wanted.url).map_err(|source| GitError::Address { url: url(), source })?;
    if wanted.asker == Asker::Parent(Transport::Network) && transport == Transport::File {
        return Err(GitError::Address { url: url(), source: AddressFlaw::Local });
    }
    if terms.network == Network::Offline && transport == Transport::Network {
        return Err(GitError::Offline { url: url(), what: wanted.commit.to_string() });
    }
    Ok(transport)
}
