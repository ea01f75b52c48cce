//! A directory that is to be visited, and what the way to it decided already.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::super::error::ScanError;
use super::super::globs::Is;
use super::super::left_out::Rule;
use super::super::open::Root;
use super::super::repository::Repository;
use super::super::rules::{DockerLine, IgnoreFile};
use super::super::scan::{Form, Selection};
use super::super::warning::Warning;

/// A directory of the source.
pub(super) struct Place {
    /// Relative to the source; empty for its root.
    pub(super) path: Vec<u8>,
    /// The only entry that matters, if the source is one file.
    pub(super) only: Option<Vec<u8>>,
    /// git's view; `None` when everything is taken.
    pub(super) git: Option<Git>,
    /// The last line of the `.dockerignore` that matches this directory or one above it.
    pub(super) docker: DockerLine,
    /// Whether `include` has matched on the way here.
    pub(super) inclusion: Inclusion,
}

/// Whether a pattern of `include` matched a directory on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inclusion {
    /// Everything below is in.
    Included,
    /// Only what matches is.
    Open,
}

/// What git thinks of a directory.
#[derive(Clone)]
pub(super) struct Git {
    pub(super) repository: Arc<Repository>,
    pub(super) rules: Option<Arc<IgnoreFile>>,
    /// The directory is ignored: only what is tracked is taken, and no rule can take anything back (gitignore(5)).
    pub(super) ignored: Option<Arc<Rule>>,
}

impl Place {
    /// Where the walk starts.
    pub(super) fn top(root: &Root, selection: Selection, warnings: &mut Vec<Warning>) -> Result<Self, ScanError> {
        let git = match selection {
            Selection::Everything => None,
            Selection::Committed => Some(Git::around(root, warnings)?),
        };
        let only = match &root.form {
            Form::Directory => None,
            Form::File(name) => Some(name.as_bytes().to_vec()),
        };
        Ok(Self { path: Vec::new(), only, git, docker: None, inclusion: Inclusion::Open })
    }

    /// The rule by which git ignores this directory.
    pub(super) fn ignored_by(&self) -> Option<&Rule> {
        self.git.as_ref()?.ignored.as_deref()
    }
}

impl Git {
    /// The repository around the source, with the rules of the directories from its root down to the one above the source.
    fn around(root: &Root, warnings: &mut Vec<Warning>) -> Result<Self, ScanError> {
        let Some((repository, top)) = Repository::around(&root.directory) else {
            return Ok(Self::without_repository());
        };
        let mut git = Self { repository: Arc::new(repository), rules: None, ignored: None };
        let below = root.directory.strip_prefix(&top).unwrap_or(Path::new(""));
        let mut directory = std::path::PathBuf::new();
        for part in below {
            git.read_outer_rules(root, &top, &directory, warnings)?;
            directory.push(part);
            if git.ignored.is_none() {
                let rules = git.rules.as_ref();
                let rule = rules.and_then(|rules| rules.ignores(directory.as_os_str().as_bytes(), Is::Directory));
                git.ignored = rule.map(Arc::new);
            }
        }
        Ok(git)
    }

    fn without_repository() -> Self {
        Self { repository: Arc::new(Repository::default()), rules: None, ignored: None }
    }

    /// A repository's root inside the source.
    pub(super) fn nested(repository: Repository) -> Self {
        Self { repository: Arc::new(repository), rules: None, ignored: None }
    }

    fn read_outer_rules(
        &mut self,
        root: &Root,
        top: &Path,
        directory: &Path,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), ScanError> {
        let file = top.join(directory).join(".gitignore");
        // git follows no link here.
        if !std::fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(());
        }
        let text = std::fs::read(&file).map_err(|source| ScanError::Read {
            root: root.named.clone(),
            path: file.as_os_str().as_bytes().to_vec(),
            source,
        })?;
        self.add_rules(&text, directory.as_os_str().as_bytes(), warnings);
        Ok(())
    }

    /// Adds the `.gitignore` of `directory`, which is relative to the repository.
    pub(super) fn add_rules(&mut self, text: &[u8], directory: &[u8], warnings: &mut Vec<Warning>) {
        let (rules, bad) = IgnoreFile::parse(text, directory, self.rules.take());
        self.rules = rules;
        warnings.extend(bad.into_iter().map(|rule| Warning::BadPattern { rule }));
    }
}
