//! Commits: the files of each become one tar in the store, named by the digest that the lock holds.

use std::io::{self, Read};

use crate::base::{ContentDigest, ImagePath};
use crate::lock::{GitPin, GitRequest, Submodules};
use crate::source::git::{self, ObjectId};
use crate::store::StoreError;
use crate::store::spool::Spooler;

use super::{Arrival, InputError, Reach, Spool, kept};

/// Asks which commit a branch or tag is now, and reads it: its tree is part of the pin.
pub fn resolve(request: &GitRequest, reach: &Reach<'_>) -> Result<GitPin, InputError> {
    let commit = git::resolve(&asked(request)?, &reach.remote.git_terms())?;
    let tree = read(request, &commit, reach)?;
    Ok(GitPin { commit: commit.to_string(), tree })
}

/// Reads a commit that another entry of the same repository names already.
pub fn resolve_at(request: &GitRequest, commit: &str, reach: &Reach<'_>) -> Result<GitPin, InputError> {
    let id = commit_id(request, commit)?;
    Ok(GitPin { commit: commit.to_owned(), tree: read(request, &id, reach)? })
}

fn commit_id(request: &GitRequest, commit: &str) -> Result<ObjectId, InputError> {
    commit.parse().map_err(|source| InputError::Commit { url: request.url.clone(), source })
}

/// The files of a pinned commit.
pub fn bring(request: &GitRequest, pin: &GitPin, reach: &Reach<'_>) -> Result<Arrival, InputError> {
    if let Some(known) = kept::bring(&request.url, &pin.tree, reach)? {
        return Ok(known);
    }
    let found = read(request, &commit_id(request, &pin.commit)?, reach)?;
    if found != pin.tree {
        let input = format!("{} {}", request.url, pin.commit);
        return Err(InputError::Mismatch { input, expected: pin.tree.to_string(), found: found.to_string() });
    }
    let gone = || InputError::Gone { input: request.url.clone(), digest: found.to_string() };
    kept::bring(&request.url, &pin.tree, reach)?.ok_or_else(gone)
}

fn asked(request: &GitRequest) -> Result<git::GitRequest, InputError> {
    let bad = |subdir: &String| InputError::Subdir { subdir: subdir.clone() };
    let subdir = request.subdir.as_ref();
    let subdir = subdir.map(|subdir| ImagePath::parse(subdir.as_bytes()).map_err(|_| bad(subdir))).transpose()?;
    Ok(git::GitRequest {
        url: request.url.clone(),
        rev: request.rev.clone(),
        subdir,
        submodules: match request.submodules {
            Submodules::Skip => git::Submodules::Skip,
            Submodules::Take => git::Submodules::Take,
        },
    })
}

/// Fetches a commit and keeps its files; gives the digest of their tar.
fn read(request: &GitRequest, commit: &ObjectId, reach: &Reach<'_>) -> Result<ContentDigest, InputError> {
    let store = reach.store;
    let mut spooler = Spooler::new(io::BufWriter::new(store.scratch()?));
    let scratch = store.scratch_directory()?;
    let mut sink = |_: &ImagePath, _: u64, content: &mut dyn Read| spooler.put(content).map(drop);
    let read = git::read(&asked(request)?, commit, &reach.remote.git_terms(), scratch.path(), &mut sink)?;
    let full =
        |error: io::Error| InputError::Store(StoreError::Write { store: store.root().to_owned(), source: error });
    let (writer, places, _, _) = spooler.finish();
    let file = writer.into_inner().map_err(|error| full(error.into_error()))?;
    kept::keep(&read.tree, &Spool::new(file, places), store)
}
