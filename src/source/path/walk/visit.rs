//! One directory: what git says about it as a whole, and its entries one by one.

use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, OFlags, Stat};

use crate::base::ImagePath;
use crate::base::path::PATH_MAX_BYTES;
use crate::tree::Kind;

use super::super::error::ScanError;
use super::super::globs::Is;
use super::super::left_out::{LeftOut, Reason, Rule, Special};
use super::super::repository::Repository;
use super::super::rules::DockerLine;
use super::super::scan::Selection;
use super::super::stat::FileStat;
use super::super::warning::Warning;
use super::super::xattrs::{self, Xattrs};
use super::list::List;
use super::place::{Git, Inclusion, Place};
use super::verdict::Verdict;
use super::{Found, FoundKind, Walk, Walker, read_rules};

/// What a thread uses again for each directory, and what it has found so far.
#[derive(Default)]
pub(super) struct Worker {
    pub(super) walk: Walk,
    /// Directories that this thread has found and not yet visited.
    pub(super) below: Vec<Place>,
    list: List,
    /// The path of an entry, in the source and in the repository.
    path: Vec<u8>,
    git_path: Vec<u8>,
}

/// A directory that is being visited.
struct Here<'a> {
    place: &'a Place,
    directory: &'a OwnedFd,
}

impl Walker<'_> {
    /// Visits one directory: what it holds goes into `worker`.
    pub(super) fn visit(&self, mut place: Place, worker: &mut Worker) -> Result<(), ScanError> {
        let fail = |path: &[u8], error| self.root.failed(path, error);
        let directory = self.root.open_below(&place.path, OFlags::DIRECTORY).map_err(|e| fail(&place.path, e))?;
        match &place.only {
            Some(name) => worker.list.set_only(name),
            None => worker.list.read(&directory).map_err(|e| fail(&place.path, e))?,
        }
        if self.leaves_out_nested(&mut place, worker)? {
            return Ok(());
        }
        self.read_gitignore(&mut place, worker)?;
        let here = Here { place: &place, directory: &directory };
        let list = std::mem::take(&mut worker.list);
        for (name, file_type) in list.iter() {
            self.look_at(&here, name, file_type, worker)?;
        }
        worker.list = list;
        Ok(())
    }

    /// Whether the directory is a repository that git would leave out. A submodule is taken as its own repository would
    /// commit it; so is any repository in a source that is in none itself.
    fn leaves_out_nested(&self, place: &mut Place, worker: &mut Worker) -> Result<bool, ScanError> {
        let Some(git) = &mut place.git else { return Ok(false) };
        let has_dot_git = worker.list.has(b".git");
        if place.path.is_empty() || !(has_dot_git || worker.list.is_empty()) {
            return Ok(false);
        }
        let is_submodule = git.repository.tracks_submodule(git.repository.locate(&place.path, &mut worker.git_path))?;
        if is_submodule && worker.list.is_empty() {
            worker.walk.warnings.push(Warning::SubmoduleMissing { path: self.image_path(&place.path)? });
        }
        let Some(nested) = has_dot_git.then(|| Repository::at(&self.root.directory, &place.path)).flatten() else {
            return Ok(false);
        };
        if is_submodule || git.repository.is_none() {
            *git = Git::nested(nested);
            return Ok(false);
        }
        let path = self.image_path(&place.path)?;
        worker.walk.warnings.push(Warning::NestedRepository { path: path.clone() });
        worker.walk.left_out.push(LeftOut { path, reason: Reason::NestedRepository });
        Ok(true)
    }

    fn read_gitignore(&self, place: &mut Place, worker: &mut Worker) -> Result<(), ScanError> {
        let Some(git) = &mut place.git else { return Ok(()) };
        // Below an ignored directory no rule can take anything back.
        if git.ignored.is_some() || !(place.only.is_some() || worker.list.has(b".gitignore")) {
            return Ok(());
        }
        set_joined(&mut worker.path, &place.path, b".gitignore");
        if let Some(text) = read_rules(self.root, &worker.path)? {
            let directory = git.repository.locate(&place.path, &mut worker.git_path).to_vec();
            let directory = directory.strip_suffix(b"/").unwrap_or(&directory);
            git.add_rules(&text, directory, &mut worker.walk.warnings);
        }
        Ok(())
    }

    fn look_at(
        &self,
        here: &Here<'_>,
        name: &CStr,
        listed_type: FileType,
        worker: &mut Worker,
    ) -> Result<(), ScanError> {
        set_joined(&mut worker.path, &here.place.path, name.to_bytes());
        // Some file systems do not say what an entry is.
        let file_type = match listed_type {
            FileType::Unknown => FileStat::of(&self.stat(here, name, worker)?).file_type(),
            known => known,
        };
        let is = if file_type == FileType::Directory { Is::Directory } else { Is::Other };
        let docker = self.docker.as_ref().and_then(|docker| docker.last_line(&worker.path, here.place.docker));
        match self.verdict(here.place, is, docker, &worker.path, &mut worker.git_path)? {
            Verdict::Taken => self.take(here, name, worker),
            Verdict::Entered { ignored, inclusion } => {
                if worker.path.len() > PATH_MAX_BYTES {
                    self.image_path(&worker.path)?;
                }
                if self.selection == Selection::Everything && inclusion == Inclusion::Included {
                    let stat = FileStat::of(&self.stat(here, name, worker)?);
                    let found = self.found(&worker.path, stat, FoundKind::Other(Kind::Directory))?;
                    worker.walk.found.push(found);
                }
                worker.below.push(child(here.place, &worker.path, ignored, docker, inclusion));
                Ok(())
            }
            Verdict::LeftOut(reason) => {
                worker.walk.left_out.push(LeftOut { path: self.image_path(&worker.path)?, reason });
                Ok(())
            }
            Verdict::Passed => Ok(()),
        }
    }

    fn take(&self, here: &Here<'_>, name: &CStr, worker: &mut Worker) -> Result<(), ScanError> {
        let raw = self.stat(here, name, worker)?;
        let stat = FileStat::of(&raw);
        let kind = match stat.file_type() {
            FileType::RegularFile => FoundKind::File,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(here.directory, name, Vec::new())
                    .map_err(|error| self.root.failed(&worker.path, error))?;
                FoundKind::Other(Kind::Symlink { target: target.as_bytes().into() })
            }
            other => match special(other, &raw) {
                Some((_, Some(kind))) if self.selection == Selection::Everything => FoundKind::Other(kind),
                Some((special, _)) => {
                    let path = self.image_path(&worker.path)?;
                    worker.walk.warnings.push(Warning::SpecialSkipped { path: path.clone(), special });
                    worker.walk.left_out.push(LeftOut { path, reason: Reason::Special(special) });
                    return Ok(());
                }
                // It became a directory since it was listed.
                None => return Err(self.root.changed(&worker.path)),
            },
        };
        worker.walk.found.push(self.found(&worker.path, stat, kind)?);
        Ok(())
    }

    fn stat(&self, here: &Here<'_>, name: &CStr, worker: &Worker) -> Result<Stat, ScanError> {
        rustix::fs::statat(here.directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.root.failed(&worker.path, error))
    }

    fn found(&self, path: &[u8], stat: FileStat, kind: FoundKind) -> Result<Found, ScanError> {
        let xattrs = match (self.selection, &kind) {
            // Those of files are asked for only where they are not known.
            (Selection::Committed, _) | (_, FoundKind::File) => Xattrs::new(),
            (Selection::Everything, _) => xattrs::read(&self.root.directory.join(OsStr::from_bytes(path)))
                .map_err(|error| self.root.failed(path, error))?,
        };
        Ok(Found { path: self.image_path(path)?, stat, kind, xattrs })
    }

    fn image_path(&self, path: &[u8]) -> Result<ImagePath, ScanError> {
        ImagePath::parse(path).map_err(|source| ScanError::Path { root: self.root.named.clone(), source })
    }
}

/// The place of a directory inside another.
fn child(place: &Place, path: &[u8], ignored: Option<Arc<Rule>>, docker: DockerLine, inclusion: Inclusion) -> Place {
    let git = place.git.clone().map(|git| Git { ignored, ..git });
    Place { path: path.to_vec(), only: None, git, docker, inclusion }
}

/// What a file without content is, and what it would be in an image.
fn special(file_type: FileType, stat: &Stat) -> Option<(Special, Option<Kind>)> {
    let (major, minor) = (rustix::fs::major(stat.st_rdev as _), rustix::fs::minor(stat.st_rdev as _));
    Some(match file_type {
        FileType::Fifo => (Special::Fifo, Some(Kind::Fifo)),
        FileType::CharacterDevice => (Special::Device, Some(Kind::CharDevice { major, minor })),
        FileType::BlockDevice => (Special::Device, Some(Kind::BlockDevice { major, minor })),
        FileType::Socket => (Special::Socket, None),
        _ => return None,
    })
}

fn set_joined(buffer: &mut Vec<u8>, directory: &[u8], name: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(directory);
    if !directory.is_empty() {
        buffer.push(b'/');
    }
    buffer.extend_from_slice(name);
}
