//! The git repository around a source, or around a submodule in it, as far as a scan needs it.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::ScanError;

/// Where the paths of a source are in the repository that holds them.
#[derive(Debug, Default)]
pub(super) struct Repository {
    /// git's index; `None`: there is no repository, and nothing is tracked.
    index: Option<PathBuf>,
    /// What comes before a path of the source to make it one of the repository (`sub/`).
    above: Vec<u8>,
    /// How many bytes at the start of a path of the source lead to the repository (`vendor/lib/`).
    below_bytes: usize,
    /// Read when something is ignored, which is the only time when it matters; on many sources that is never.
    tracked: OnceLock<Result<gix_index::File, String>>,
}

impl Repository {
    /// The repository that `directory` is in, and its root.
    pub(super) fn around(directory: &Path) -> Option<(Self, PathBuf)> {
        directory.ancestors().find_map(|root| {
            let index = git_directory(root)?.join("index");
            let mut above = directory.strip_prefix(root).ok()?.as_os_str().to_owned().into_vec();
            if !above.is_empty() {
                above.push(b'/');
            }
            Some((Self { index: Some(index), above, ..Self::default() }, root.to_owned()))
        })
    }

    /// The repository whose root is `path` of the source in `root`, if there is one.
    pub(super) fn at(root: &Path, path: &[u8]) -> Option<Self> {
        let index = git_directory(&root.join(OsStr::from_bytes(path)))?.join("index");
        Some(Self { index: Some(index), below_bytes: path.len() + 1, ..Self::default() })
    }

    /// Whether this stands for "no repository".
    pub(super) fn is_none(&self) -> bool {
        self.index.is_none()
    }

    /// Writes the path in the repository of `path` of the source into `buffer`.
    pub(super) fn locate<'b>(&self, path: &[u8], buffer: &'b mut Vec<u8>) -> &'b [u8] {
        buffer.clear();
        buffer.extend_from_slice(&self.above);
        buffer.extend_from_slice(path.get(self.below_bytes..).unwrap_or_default());
        buffer
    }

    /// Whether the file at `path` (in the repository) is tracked.
    pub(super) fn tracks(&self, path: &[u8]) -> Result<bool, ScanError> {
        Ok(self.entry(path)?.is_some())
    }

    /// Whether a submodule is tracked at `path`.
    pub(super) fn tracks_submodule(&self, path: &[u8]) -> Result<bool, ScanError> {
        Ok(self.entry(path)?.is_some_and(|entry| entry.mode.is_submodule()))
    }

    /// Whether anything below the directory `path`, or a submodule there, is tracked.
    pub(super) fn tracks_below(&self, path: &[u8]) -> Result<bool, ScanError> {
        let Some(index) = self.tracked()? else { return Ok(false) };
        let prefix = [path, b"/"].concat();
        let first = index.entries().partition_point(|entry| <[u8]>::lt(entry.path(index), prefix.as_slice()));
        let below = index.entries().get(first).is_some_and(|entry| entry.path(index).starts_with(&prefix));
        Ok(below || self.tracks_submodule(path)?)
    }

    fn entry(&self, path: &[u8]) -> Result<Option<&gix_index::Entry>, ScanError> {
        let Some(index) = self.tracked()? else { return Ok(None) };
        let entries = index.entries();
        // A path in conflict has several entries; any of them will do.
        Ok(entries.binary_search_by(|entry| <[u8]>::cmp(entry.path(index), path)).ok().map(|i| &entries[i]))
    }

    fn tracked(&self) -> Result<Option<&gix_index::File>, ScanError> {
        let Some(path) = &self.index else { return Ok(None) };
        let read = || {
            // The checksum is skipped, which halves the time; git itself would soon complain about a damaged index.
            gix_index::File::at_or_default(
                path,
                gix_index::hash::Kind::Sha1,
                true,
                gix_index::decode::Options::default(),
            )
            .map_err(|error| error.to_string())
        };
        match self.tracked.get_or_init(read) {
            Ok(index) => Ok(Some(index)),
            Err(reason) => Err(ScanError::Index { index: path.clone(), reason: reason.clone() }),
        }
    }
}

/// The directory that `root/.git` is or, for worktrees and submodules, points to; `None` if it is neither. Like git, this
/// takes a `.git` without `HEAD` for something else.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    let directory = match std::fs::read(&dot_git) {
        Ok(text) => {
            let target = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
            root.join(OsStr::from_bytes(target))
        }
        Err(_) => dot_git,
    };
    std::fs::symlink_metadata(directory.join("HEAD")).is_ok().then_some(directory)
}
