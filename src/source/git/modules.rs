//! What `.gitmodules` says: where each submodule comes from.

use std::collections::BTreeMap;

use crate::base::ImagePath;

use super::child::run;
use super::error::GitError;
use super::fetch::Repository;
use super::id::ObjectId;
use super::object::{Entry, EntryKind};
use super::objects::Objects;
use super::program::{Asker, git};
use super::request::Terms;

/// The file, in the root of a repository.
const FILE_NAME: &[u8] = b".gitmodules";
/// Bytes of it, which are held in memory: some thousand submodules.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The urls of submodules by their paths, as they are written.
pub(super) type Urls = BTreeMap<ImagePath, String>;

/// Reads the `.gitmodules` of a root tree. git parses it, from bytes that were checked; includes in it are not followed.
pub(super) fn read(
    objects: &mut Objects<'_>,
    root: &[Entry],
    repository: &Repository,
    terms: &Terms<'_>,
) -> Result<Urls, GitError> {
    // A symbolic link of this name is not followed, as in git.
    let is_file = |entry: &&Entry| entry.name == FILE_NAME && matches!(entry.kind, EntryKind::File(_));
    let Some(id) = root.iter().find(is_file).map(|entry| entry.id) else { return Ok(Urls::new()) };
    let text = objects.whole(&id, "blob", FILE_MAX_BYTES)?;
    list(&id, &text, repository, terms)
}

fn list(id: &ObjectId, text: &[u8], repository: &Repository, terms: &Terms<'_>) -> Result<Urls, GitError> {
    let path = repository.beside("gitmodules");
    std::fs::write(&path, text).map_err(|source| GitError::Scratch { path: path.clone(), source })?;
    let mut command = git(terms, Asker::Template);
    command.args(["config", "-z", "--no-includes", "--list", "-f"]).arg(&path);
    let subject = id.to_string();
    let finished = run(command, &subject, terms)?;
    if !finished.success {
        return Err(GitError::Git { doing: "read `.gitmodules`", said: finished.said(&subject) });
    }
    Ok(urls(&finished.out))
}

/// `KEY LF VALUE NUL`, over and over. Keys are `submodule.NAME.path` and `….url`, and a name can have dots in it.
fn urls(listed: &[u8]) -> Urls {
    let mut paths: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    let mut urls: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for setting in listed.split(|byte| *byte == 0) {
        let Some(end) = setting.iter().position(|byte| *byte == b'\n') else { continue };
        let (key, value) = (&setting[..end], &setting[end + 1..]);
        let Some(key) = key.strip_prefix(b"submodule.") else { continue };
        if let Some(name) = key.strip_suffix(b".path") {
            paths.insert(name, value);
        } else if let Some(name) = key.strip_suffix(b".url") {
            urls.insert(name, value);
        }
    }
    let with_url = |(name, path): (&[u8], &[u8])| {
        // A path that cannot be is no submodule's.
        let path = ImagePath::parse(path).ok()?;
        let url = std::str::from_utf8(urls.get(name)?).ok()?;
        Some((path, url.to_owned()))
    };
    paths.into_iter().filter_map(with_url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_put_together_by_name() {
        let listed = b"submodule.a.b.path\nlib/a\0submodule.a.b.url\n../a\0submodule.c.path\nc\0submodule.d.url\nx\0\
                       core.x\ny\0submodule.e.path\n../e\0submodule.e.url\nx\0flag\0";
        let found: Vec<(String, String)> =
            urls(listed).into_iter().map(|(path, url)| (path.to_string(), url)).collect();
        assert_eq!(found, [("/lib/a".to_owned(), "../a".to_owned())]);
    }
}
