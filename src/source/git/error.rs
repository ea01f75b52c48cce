//! Why a git source is not resolved or read.

use std::io;
use std::path::PathBuf;

use crate::base::{Class, ImagePath};
use crate::layer::read::ReadError;

use super::address::AddressFlaw;
use super::id::ObjectId;
use super::mask::ShownUrl;
use super::object::{NameFlaw, ObjectFlaw};

/// A git source that cannot be reached, found or believed. Urls and messages in it hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git is not installed.
    #[error("there is no program `{program}`")]
    NoProgram {
        /// As it was looked for.
        program: String,
    },
    /// The machine could not start git.
    #[error("cannot start `{program}`")]
    Start {
        /// As it was looked for.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A url that is not followed.
    #[error("`{url}` is not a url of a git repository that kiln follows")]
    Address {
        /// As it was given.
        url: ShownUrl,
        /// Why.
        source: AddressFlaw,
    },
    /// A network would be needed.
    #[error("`{what}` of `{url}` is not known, and cannot be asked for while offline")]
    Offline {
        /// The repository.
        url: ShownUrl,
        /// The rev or commit.
        what: String,
    },
    /// The server, or the repository on it, cannot be had.
    #[error("cannot reach `{url}`: {said}")]
    Unreachable {
        /// The repository.
        url: ShownUrl,
        /// The end of what git said.
        said: String,
    },
    /// git was silent for too long.
    #[error("git said nothing about `{url}` for {seconds} s")]
    TimedOut {
        /// The repository.
        url: ShownUrl,
        /// How long that was.
        seconds: u64,
    },
    /// git did not end and gave nothing of what it had fetched, for too long.
    #[error("git was silent for {seconds} s when it was asked for what it fetched")]
    Silent {
        /// How long that was.
        seconds: u64,
    },
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// A list of refs that cannot be.
    #[error("git's list of the refs of `{url}` cannot be read: found {found}")]
    Answer {
        /// The repository.
        url: ShownUrl,
        /// What is wrong in it.
        found: String,
    },
    /// A repository without commits.
    #[error("`{url}` has no HEAD")]
    NoHead {
        /// The repository.
        url: ShownUrl,
    },
    /// Neither a branch nor a tag.
    #[error("`{url}` has no branch or tag `{rev}`")]
    NoSuchRev {
        /// The repository.
        url: ShownUrl,
        /// As it was given.
        rev: String,
        /// Those that are like it, the nearest first.
        nearest: Vec<String>,
    },
    /// The beginning of a commit id: which commit it means can change.
    #[error("`{rev}` is not a branch or tag of `{url}`, and not a full commit id")]
    Abbreviated {
        /// The repository.
        url: ShownUrl,
        /// As it was given.
        rev: String,
        /// The branch's or tag's commit that begins so, if there is one.
        full: Option<ObjectId>,
    },
    /// A branch and a tag of the same name.
    #[error("`{rev}` is a branch of `{url}` at {branch} and a tag at {tag}")]
    Ambiguous {
        /// The repository.
        url: ShownUrl,
        /// As it was given.
        rev: String,
        /// The branch's commit.
        branch: ObjectId,
        /// The tag's commit.
        tag: ObjectId,
    },
    /// No branch or tag leads to it.
    #[error("`{url}` does not give out a commit {commit}")]
    NoSuchCommit {
        /// The repository.
        url: ShownUrl,
        /// As it was locked or given.
        commit: ObjectId,
    },
    /// An id of something else.
    #[error("expected a commit, found a {found}: {id}")]
    NotACommit {
        /// As it was locked or given.
        id: ObjectId,
        /// Such as `tag`.
        found: String,
    },
    /// No such directory.
    #[error("the commit {commit} has no directory `{subdir}`")]
    NoSubdir {
        /// The commit.
        commit: ObjectId,
        /// As it was given.
        subdir: ImagePath,
        /// Directories that are like it, the nearest first.
        nearest: Vec<ImagePath>,
    },
    /// Something else is there.
    #[error("`{at}` of the commit {commit} is a {found}, not a directory")]
    NotADirectory {
        /// The commit.
        commit: ObjectId,
        /// The wanted directory, or one on the way to it.
        at: ImagePath,
        /// What it is.
        found: &'static str,
    },
    /// A name that no image, or no checkout, may have.
    #[error("the git tree {tree} holds a name that cannot be taken: `{path}`")]
    Name {
        /// The tree.
        tree: ObjectId,
        /// The path, made readable.
        path: String,
        /// Why.
        source: NameFlaw,
    },
    /// Not what its id says.
    #[error("the git object {id} cannot be believed")]
    Object {
        /// Its id.
        id: ObjectId,
        /// Why.
        source: ObjectFlaw,
    },
    /// More files and directories than an image may have.
    #[error("the commit has more than {} files", crate::layer::read::limits::ENTRIES_MAX)]
    TooManyEntries,
    /// More submodules than anybody has, or more deeply nested ones.
    #[error("the submodules go on at `{path}`, beyond any bound")]
    TooManySubmodules {
        /// The first one too many.
        path: ImagePath,
    },
    /// A submodule that `.gitmodules` does not know.
    #[error("`.gitmodules` gives no url for the submodule `{path}`")]
    NoSubmoduleUrl {
        /// Where it is.
        path: ImagePath,
    },
    /// A submodule that cannot be taken.
    #[error("cannot take the submodule `{path}`")]
    Submodule {
        /// Where it is.
        path: ImagePath,
        /// Why.
        source: Box<GitError>,
    },
    /// The scratch directory.
    #[error("cannot make a scratch repository in `{path}`")]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// git failed at something that needs no server.
    #[error("git cannot {doing}: {said}")]
    Git {
        /// What it was asked to do.
        doing: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// The sink failed.
    #[error("cannot keep a file of the git source")]
    Content(#[source] ReadError),
}

impl GitError {
    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        match self {
            Self::Submodule { source, .. } => source.class(),
            Self::Interrupted => Class::Interrupted,
            Self::Object { .. } => Class::Mismatch,
            Self::Offline { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Silent { .. }
            | Self::NoSuchCommit { .. } => Class::Unavailable,
            _ => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoProgram { .. } => "install git: kiln fetches git sources with it".to_owned(),
            Self::Address { source, .. } => return address_hint(source).map(str::to_owned),
            Self::Offline { .. } => "run it once without `--offline`".to_owned(),
            Self::Unreachable { url, .. } => format!("`git ls-remote {url}` shows whether git itself can reach it"),
            Self::TimedOut { url, .. } => format!("try again, or see whether `git ls-remote {url}` answers"),
            Self::Silent { .. } => "try again; if it stays so, see whether `git fsck` works on this machine".to_owned(),
            Self::NoHead { .. } => "push a commit to it, or name a branch with `rev`".to_owned(),
            Self::NoSuchRev { url, nearest, .. } if nearest.is_empty() => {
                format!("`git ls-remote {url}` lists what it has")
            }
            Self::NoSuchRev { nearest, .. } => format!("did you mean {}?", listed(nearest)),
            Self::Abbreviated { full: Some(full), .. } => format!("write the whole id: `{full}`"),
            Self::Abbreviated { rev, .. } => format!("`git rev-parse {rev}` gives the whole id in a clone"),
            Self::Ambiguous { rev, .. } => format!("write `refs/heads/{rev}` or `refs/tags/{rev}`"),
            Self::NoSuchCommit { .. } => {
                "it may have been removed by a forced push: choose another with `kiln update`".to_owned()
            }
            Self::NotACommit { found, .. } if found == "tag" => "write the tag's name, or the commit's id".to_owned(),
            Self::NotACommit { .. } => "write the id of a commit".to_owned(),
            Self::NoSubdir { nearest, .. } if !nearest.is_empty() => format!("did you mean {}?", listed(nearest)),
            Self::NoSubdir { .. } => "`subdir` is a path from the repository's root".to_owned(),
            Self::NotADirectory { found: "submodule", .. } => "take it with `submodules = true`".to_owned(),
            Self::NotADirectory { .. } => {
                "name the directory it is in with `subdir`, and copy it from there".to_owned()
            }
            Self::Name { .. } | Self::TooManyEntries => "name a directory without it with `subdir`".to_owned(),
            Self::Object { source: ObjectFlaw::Hash, .. } => {
                "the object store or the git program is damaged: `git fsck` in a clone says more".to_owned()
            }
            Self::Object { .. } => "`git fsck` in a clone says more".to_owned(),
            Self::TooManySubmodules { .. } => "leave `submodules` out, and name those you need as sources".to_owned(),
            Self::NoSubmoduleUrl { .. } => "leave `submodules` out, or add it to `.gitmodules`".to_owned(),
            Self::Submodule { source, .. } => return source.hint(),
            Self::Content(source) => return source.hint(),
            Self::Start { .. } | Self::Interrupted | Self::Answer { .. } | Self::Scratch { .. } | Self::Git { .. } => {
                return None;
            }
        })
    }
}

fn address_hint(flaw: &AddressFlaw) -> Option<&'static str> {
    Some(match flaw {
        AddressFlaw::Empty | AddressFlaw::Dash | AddressFlaw::Transport { .. } => {
            "a url is like `https://example.org/lib` or `git@example.org:lib`"
        }
        AddressFlaw::Relative => "give a whole path; a directory beside the template is a `path` source",
        AddressFlaw::Above | AddressFlaw::Local => "leave `submodules` out, and name it as a source of its own",
        AddressFlaw::Control => return None,
    })
}

fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
