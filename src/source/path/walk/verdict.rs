//! Whether an entry is taken.

use std::sync::Arc;

use super::super::error::ScanError;
use super::super::globs::Is;
use super::super::left_out::{Reason, Rule};
use super::super::rules::DockerLine;
use super::Walker;
use super::place::{Git, Inclusion, Place};

/// What becomes of an entry.
pub(super) enum Verdict {
    /// It is taken.
    Taken,
    /// A directory to be visited.
    Entered {
        /// git ignores the directory, but something in it is tracked.
        ignored: Option<Arc<Rule>>,
        inclusion: Inclusion,
    },
    /// It is not taken.
    LeftOut(Reason),
    /// It is not taken, and why is found out when somebody asks: there may be very many.
    Passed,
}

/// What git thinks of an entry.
enum GitVerdict {
    Taken,
    /// Ignored and tracked, or a directory with something that is.
    TakenThoughIgnored(Arc<Rule>),
    Ignored(Rule),
}

impl Walker<'_> {
    /// What becomes of the entry at `path`, which is in `place`.
    pub(super) fn verdict(
        &self,
        place: &Place,
        is: Is,
        docker: DockerLine,
        path: &[u8],
        git_path: &mut Vec<u8>,
    ) -> Result<Verdict, ScanError> {
        if path == b".git" || path.ends_with(b"/.git") {
            return Ok(Verdict::Passed);
        }
        if self.own.contains(path) {
            return Ok(Verdict::LeftOut(Reason::Own));
        }
        if let Some(glob) = self.exclude.matching(path, is) {
            return Ok(Verdict::LeftOut(Reason::Excluded { glob: glob.to_owned() }));
        }
        if let Some(rule) = self.docker_rule(is, docker) {
            return Ok(Verdict::LeftOut(Reason::DockerIgnored(rule)));
        }
        let git = place.git.as_ref().map(|git| git_verdict(git, is, path, git_path)).transpose()?;
        let ignored = match git {
            Some(GitVerdict::Ignored(rule)) => return Ok(Verdict::LeftOut(Reason::GitIgnored(rule))),
            Some(GitVerdict::TakenThoughIgnored(rule)) => Some(rule),
            Some(GitVerdict::Taken) | None => None,
        };
        let inclusion = match place.inclusion {
            Inclusion::Open if !self.include.is_empty() && self.include.matching(path, is).is_none() => Inclusion::Open,
            _ => Inclusion::Included,
        };
        Ok(match (is, inclusion) {
            (Is::Directory, inclusion) => Verdict::Entered { ignored, inclusion },
            (Is::Other, Inclusion::Included) => Verdict::Taken,
            (Is::Other, Inclusion::Open) => Verdict::Passed,
        })
    }

    /// The line of the `.dockerignore` that leaves an entry out. A directory from which something may be taken back is
    /// entered.
    fn docker_rule(&self, is: Is, line: DockerLine) -> Option<Rule> {
        let docker = self.docker.as_ref()?;
        let rule = docker.leaves_out(line)?;
        (is == Is::Other || !docker.may_take_back(line)).then(|| rule.clone())
    }
}

/// git ignores only what it does not track.
fn git_verdict(git: &Git, is: Is, path: &[u8], git_path: &mut Vec<u8>) -> Result<GitVerdict, ScanError> {
    let rule = match (&git.ignored, &git.rules) {
        (None, None) => return Ok(GitVerdict::Taken),
        (Some(rule), _) => Some(Arc::clone(rule)),
        (None, Some(rules)) => rules.ignores(git.repository.locate(path, git_path), is).map(Arc::new),
    };
    let Some(rule) = rule else { return Ok(GitVerdict::Taken) };
    let git_path = git.repository.locate(path, git_path);
    let is_tracked = match is {
        Is::Directory => git.repository.tracks_below(git_path)?,
        Is::Other => git.repository.tracks(git_path)?,
    };
    Ok(match is_tracked {
        true => GitVerdict::TakenThoughIgnored(rule),
        false => GitVerdict::Ignored((*rule).clone()),
    })
}
