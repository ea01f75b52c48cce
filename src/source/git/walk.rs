//! From a commit's objects to the nodes of a tree.

use std::collections::BTreeMap;
use std::io::Read;

use crate::base::ImagePath;
use crate::base::path::{PATH_MAX_BYTES, readable};
use crate::layer::read::Sink;
use crate::layer::read::content::deliver;
use crate::layer::read::limits::ENTRIES_MAX;
use crate::tree::{Content, Kind, Node, Tree};

use super::super::lfs;
use super::error::GitError;
use super::id::ObjectId;
use super::object::{self, COMMIT_MAX_BYTES, Commit, Entry, EntryKind, NameFlaw, TREE_MAX_BYTES, check_name};
use super::objects::Objects;
use super::resolve::nearest;
use super::warning::Warning;

/// What was taken so far, from all repositories.
pub(super) struct Taken<'s, 'k> {
    pub(super) tree: Tree,
    pub(super) warnings: Vec<Warning>,
    sink: &'s mut Sink<'k>,
    /// Blobs that the sink has: a file of which there are many copies is read once.
    known: BTreeMap<ObjectId, Known>,
}

/// What a blob is.
#[derive(Debug, Clone, Copy)]
struct Known {
    content: Content,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    LfsPointer,
}

/// A submodule that was come across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it is in its own repository, as `.gitmodules` calls it.
    pub(super) inside: ImagePath,
    /// Where it goes in the tree.
    pub(super) at: ImagePath,
    pub(super) commit: ObjectId,
}

/// What a commit and a subdirectory lead to.
pub(super) enum Located {
    /// A tree of this repository.
    Tree(ObjectId),
    /// A submodule, and what is left of the way.
    Submodule { inside: ImagePath, commit: ObjectId, rest: ImagePath },
}

/// Reads a commit and its root tree.
pub(super) fn open(objects: &mut Objects<'_>, id: &ObjectId) -> Result<(Commit, Vec<Entry>), GitError> {
    let bytes = objects.whole(id, "commit", COMMIT_MAX_BYTES)?;
    let commit = object::commit(&bytes, id.format()).map_err(|source| GitError::Object { id: *id, source })?;
    let root = entries(objects, &commit.tree)?;
    Ok((commit, root))
}

fn entries(objects: &mut Objects<'_>, id: &ObjectId) -> Result<Vec<Entry>, GitError> {
    let bytes = objects.whole(id, "tree", TREE_MAX_BYTES)?;
    object::tree(&bytes, id.format()).map_err(|source| GitError::Object { id: *id, source })
}

/// Goes down to `subdir`; `id` is the commit's, for messages.
pub(super) fn locate(
    objects: &mut Objects<'_>,
    (id, commit): (&ObjectId, &Commit),
    root: &[Entry],
    subdir: &ImagePath,
) -> Result<Located, GitError> {
    let mut tree = commit.tree;
    let mut here = root.to_vec();
    let mut at = ImagePath::root();
    for part in subdir.parts() {
        let Some(entry) = here.iter().find(|entry| entry.name == part) else {
            return Err(no_subdir(id, subdir, &at, part, &here));
        };
        at = at.child(part).map_err(|source| name_error(&tree, &at, part, source.into()))?;
        match entry.kind {
            EntryKind::Directory => {
                tree = entry.id;
                here = entries(objects, &tree)?;
            }
            EntryKind::Submodule => {
                let rest = subdir.below(&at).unwrap_or_default();
                return Ok(Located::Submodule { inside: at, commit: entry.id, rest });
            }
            kind => return Err(GitError::NotADirectory { commit: *id, at, found: kind.name() }),
        }
    }
    Ok(Located::Tree(tree))
}

fn no_subdir(id: &ObjectId, subdir: &ImagePath, at: &ImagePath, part: &[u8], here: &[Entry]) -> GitError {
    let directories = here.iter().filter(|entry| matches!(entry.kind, EntryKind::Directory | EntryKind::Submodule));
    let names: Vec<&str> = directories.filter_map(|entry| std::str::from_utf8(&entry.name).ok()).collect();
    let alike = nearest(&String::from_utf8_lossy(part), names);
    let nearest = alike.into_iter().filter_map(|name| at.child(name.as_bytes()).ok()).collect();
    GitError::NoSubdir { commit: *id, subdir: subdir.clone(), nearest }
}

fn name_error(tree: &ObjectId, directory: &ImagePath, name: &[u8], source: NameFlaw) -> GitError {
    /// Names have no limit in git.
    const SHOWN_BYTES: usize = 120;
    let path = [directory.as_bytes(), &name[..name.len().min(SHOWN_BYTES)]].join(&b'/');
    GitError::Name { tree: *tree, path: readable(&path), source }
}

impl<'s, 'k> Taken<'s, 'k> {
    pub(super) fn new(sink: &'s mut Sink<'k>) -> Self {
        Self { tree: Tree::new(), warnings: Vec::new(), sink, known: BTreeMap::new() }
    }

    /// Takes the files of `tree`, all with the same `time`. `inside` is its directory in the repository, `at` where it
    /// goes. Submodules become empty directories and are given back.
    pub(super) fn take(
        &mut self,
        objects: &mut Objects<'_>,
        tree: ObjectId,
        time: i64,
        (inside, at): (&ImagePath, &ImagePath),
    ) -> Result<Vec<Link>, GitError> {
        let mut links = Vec::new();
        let mut open = vec![(ImagePath::root(), tree)];
        while let Some((directory, id)) = open.pop() {
            for entry in entries(objects, &id)? {
                let fail = |source| name_error(&id, &directory, &entry.name, source);
                check_name(&entry.name).map_err(fail)?;
                let below = directory.child(&entry.name).map_err(|source| fail(source.into()))?;
                // The parts of the path are valid; together they may be too long.
                let path = ImagePath::parse(at.join(&below).as_bytes()).map_err(|source| fail(source.into()))?;
                let node = match entry.kind {
                    EntryKind::Directory => {
                        open.push((below, entry.id));
                        Node::parent_directory(time)
                    }
                    EntryKind::Submodule => {
                        links.push(Link { inside: inside.join(&below), at: path.clone(), commit: entry.id });
                        Node::parent_directory(time)
                    }
                    EntryKind::Symlink => {
                        let target = objects.whole(&entry.id, "blob", PATH_MAX_BYTES as u64)?;
                        if target.is_empty() || target.contains(&0) {
                            let source = object::ObjectFlaw::Form("it is not the target of a symbolic link");
                            return Err(GitError::Object { id: entry.id, source });
                        }
                        Node { mtime: time, ..Node::new(Kind::Symlink { target: target.into() }, 0o777) }
                    }
                    EntryKind::File(mode) => {
                        let content = self.file(objects, &entry.id, &path)?;
                        Node { mtime: time, ..Node::new(Kind::File { content, links: None }, mode) }
                    }
                };
                if self.tree.insert(path, node).is_some() {
                    return Err(name_error(&id, &directory, &entry.name, NameFlaw::Twice));
                }
                check_count(self.tree.len())?;
            }
        }
        Ok(links)
    }

    /// Hands a file to the sink, unless it has the same already.
    fn file(&mut self, objects: &mut Objects<'_>, id: &ObjectId, path: &ImagePath) -> Result<Content, GitError> {
        let known = match self.known.get(id) {
            Some(known) => *known,
            None => {
                let known = hand_over(objects, id, path, self.sink)?;
                self.known.insert(*id, known);
                known
            }
        };
        if known.form == Form::LfsPointer {
            self.warnings.push(Warning::LfsPointer { path: path.clone() });
        }
        Ok(known.content)
    }
}

/// Trees that name one directory many times over have many files without being large.
fn check_count(entries: usize) -> Result<(), GitError> {
    if entries > ENTRIES_MAX { Err(GitError::TooManyEntries) } else { Ok(()) }
}

fn hand_over(
    objects: &mut Objects<'_>,
    id: &ObjectId,
    path: &ImagePath,
    sink: &mut Sink<'_>,
) -> Result<Known, GitError> {
    let (size_bytes, mut blob) = objects.blob(id)?;
    if size_bytes < lfs::POINTER_MAX_BYTES {
        let mut bytes = Vec::new();
        let read = blob.read_to_end(&mut bytes);
        blob.settle(read.map(drop))?;
        let form = if lfs::is_pointer(&bytes, size_bytes) { Form::LfsPointer } else { Form::Plain };
        let content = deliver(path, size_bytes, &mut bytes.as_slice(), sink).map_err(GitError::Content)?;
        return Ok(Known { content, form });
    }
    match deliver(path, size_bytes, &mut blob, sink) {
        Ok(content) => Ok(Known { content, form: Form::Plain }),
        Err(error) => Err(blob.failure().unwrap_or(GitError::Content(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_files_has_a_bound() {
        assert!(check_count(ENTRIES_MAX).is_ok());
        assert!(matches!(check_count(ENTRIES_MAX + 1), Err(GitError::TooManyEntries)));
    }
}
