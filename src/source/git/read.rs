//! A commit with everything in it: the repository, then its submodules, each in a scratch repository of its own.

use std::path::Path;

use crate::base::ImagePath;
use crate::layer::read::Sink;
use crate::tree::Tree;

use super::address::{self, Transport};
use super::error::GitError;
use super::fetch::{Repository, Wanted};
use super::id::ObjectId;
use super::mask::ShownUrl;
use super::modules::{self, Urls};
use super::objects::Objects;
use super::program::Asker;
use super::request::{GitRequest, Submodules, Terms};
use super::walk::{self, Link, Located, Taken};
use super::warning::Warning;

/// How deeply submodules may be nested. A commit cannot contain itself, but a chain of repositories can be made that has
/// no end in practice.
const DEEPEST: usize = 8;
/// How many submodules there may be in all; the largest known projects have some hundreds.
const MOST: usize = 2_000;

/// A git source as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The files, all of 0:0 and with the time of the commit that they are from.
    pub tree: Tree,
    /// The committer's time, seconds since 1970.
    pub commit_time: i64,
    /// In path order.
    pub warnings: Vec<Warning>,
}

/// Fetches `commit` of the repository that `request` names, and hands each file to `sink`; a blob that occurs several
/// times is handed over once, under the first of its paths.
///
/// Only the commit is fetched, without history; from servers that do not give out single commits, all branches and tags
/// are. `scratch` is a directory for repositories that are needed on the way; nothing stays in it.
pub fn read(
    request: &GitRequest,
    commit: &ObjectId,
    terms: &Terms<'_>,
    scratch: &Path,
    sink: &mut Sink<'_>,
) -> Result<Read, GitError> {
    let mut reading = Reading { terms, scratch, submodules: request.submodules, count: 0, taken: Taken::new(sink) };
    let root = Part {
        url: request.url.clone(),
        rev: request.rev.as_deref(),
        commit: *commit,
        subdir: request.subdir.clone().unwrap_or_default(),
        at: ImagePath::root(),
        asker: Asker::Template,
        depth: 0,
    };
    let commit_time = reading.part(&root)?;
    let Taken { tree, mut warnings, .. } = reading.taken;
    warnings.sort();
    Ok(Read { tree, commit_time, warnings })
}

struct Reading<'r, 's, 'k> {
    terms: &'r Terms<'r>,
    scratch: &'r Path,
    submodules: Submodules,
    /// Submodules that were begun.
    count: usize,
    taken: Taken<'s, 'k>,
}

/// One repository's part of the tree.
struct Part<'r> {
    url: String,
    rev: Option<&'r str>,
    commit: ObjectId,
    subdir: ImagePath,
    /// Where it goes.
    at: ImagePath,
    asker: Asker,
    depth: usize,
}

/// What a repository leaves to others.
struct Left {
    time: i64,
    links: Vec<Link>,
    urls: Urls,
    transport: Transport,
    /// For a subdirectory in a submodule: what of it is in there.
    rest: ImagePath,
}

impl Reading<'_, '_, '_> {
    /// Takes a repository and its submodules; gives the time of its commit.
    fn part(&mut self, part: &Part<'_>) -> Result<i64, GitError> {
        let left = self.repository(part)?;
        let mut time = left.time;
        for link in &left.links {
            if self.submodules == Submodules::Skip {
                self.taken.warnings.push(Warning::SubmoduleSkipped { path: link.at.clone() });
                continue;
            }
            let below = self.submodule(part, &left, link);
            let below =
                below.map_err(|source| GitError::Submodule { path: link.inside.clone(), source: Box::new(source) })?;
            if link.at == part.at {
                // The wanted directory is the submodule's.
                time = below;
            }
        }
        Ok(time)
    }

    /// Takes what a repository itself holds. It is gone again before its submodules are fetched.
    fn repository(&mut self, part: &Part<'_>) -> Result<Left, GitError> {
        let wanted = Wanted { url: &part.url, commit: &part.commit, rev: part.rev, asker: part.asker };
        let repository = Repository::fetch(&wanted, self.terms, self.scratch)?;
        let mut objects = Objects::open(&repository, self.terms)?;
        let left = self.objects(part, &repository, &mut objects);
        objects.close();
        left
    }

    fn objects(
        &mut self,
        part: &Part<'_>,
        repository: &Repository,
        objects: &mut Objects<'_>,
    ) -> Result<Left, GitError> {
        let (commit, root) = walk::open(objects, &part.commit)?;
        let mut rest = ImagePath::root();
        let links = match walk::locate(objects, (&part.commit, &commit), &root, &part.subdir)? {
            Located::Tree(tree) => self.taken.take(objects, tree, commit.time, (&part.subdir, &part.at))?,
            Located::Submodule { inside, .. } if self.submodules == Submodules::Skip => {
                return Err(GitError::NotADirectory { commit: part.commit, at: inside, found: "submodule" });
            }
            Located::Submodule { inside, commit, rest: behind } => {
                rest = behind;
                vec![Link { inside, at: part.at.clone(), commit }]
            }
        };
        let urls = match self.submodules {
            Submodules::Take if !links.is_empty() => modules::read(objects, &root, repository, self.terms)?,
            _ => Urls::new(),
        };
        Ok(Left { time: commit.time, links, urls, transport: repository.transport, rest })
    }

    fn submodule(&mut self, parent: &Part<'_>, left: &Left, link: &Link) -> Result<i64, GitError> {
        self.count += 1;
        if parent.depth == DEEPEST || self.count > MOST {
            return Err(GitError::TooManySubmodules { path: link.at.clone() });
        }
        let no_url = || GitError::NoSubmoduleUrl { path: link.inside.clone() };
        let url = left.urls.get(&link.inside).ok_or_else(no_url)?;
        let url = address::of_submodule(&parent.url, url)
            .map_err(|source| GitError::Address { url: ShownUrl::of(url), source })?;
        self.part(&Part {
            url,
            rev: None,
            commit: link.commit,
            subdir: left.rest.clone(),
            at: link.at.clone(),
            asker: Asker::Parent(left.transport),
            depth: parent.depth + 1,
        })
    }
}
