//! The walk: which files a source has, and which of them are taken.
//!
//! Threads take directories from a common stack. Each keeps what it finds to itself; everything is put in path order at
//! the end, so which thread was faster cannot be seen.

mod list;
mod place;
mod queue;
mod verdict;
mod visit;

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::ImagePath;
use crate::tree::Kind;

use super::error::ScanError;
use super::globs::{Globs, globs};
use super::left_out::LeftOut;
use super::open::Root;
use super::rules::DockerIgnore;
use super::scan::{Form, ScanRequest, Selection};
use super::stat::FileStat;
use super::warning::Warning;
use super::xattrs::Xattrs;
use place::Place;
use queue::Queue;
use visit::Worker;

/// A file that is taken.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: ImagePath,
    pub(super) stat: FileStat,
    pub(super) kind: FoundKind,
    /// Empty for regular files: see [`super::xattrs::of_files`].
    pub(super) xattrs: Xattrs,
}

/// What it is.
#[derive(Debug)]
pub(super) enum FoundKind {
    /// A regular file, whose digest is still to be made.
    File,
    /// Anything else, complete.
    Other(Kind),
}

/// What a walk finds, in path order.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) found: Vec<Found>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) warnings: Vec<Warning>,
    errors: Vec<(Vec<u8>, ScanError)>,
}

/// What decides what is taken, for the whole source.
struct Walker<'a> {
    root: &'a Root,
    selection: Selection,
    include: Globs,
    exclude: Globs,
    /// Paths below the source that kiln itself writes to.
    own: BTreeSet<Vec<u8>>,
    docker: Option<DockerIgnore>,
}

/// Walks the source.
pub(super) fn walk(root: &Root, request: &ScanRequest, jobs: usize) -> Result<Walk, ScanError> {
    let mut walk = Walk::default();
    let walker = Walker {
        root,
        selection: request.selection,
        include: globs(&request.include, &root.named)?,
        exclude: globs(&request.exclude, &root.named)?,
        own: own_paths(root, request),
        docker: docker_ignore(root, request.selection, &mut walk.warnings)?,
    };
    let top = Place::top(root, request.selection, &mut walk.warnings)?;
    let root_ignored = top.ignored_by().cloned();
    let threads = jobs.max(1);
    let queue = Queue::new(top, threads);
    let parts: Vec<Walk> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&walker, &queue))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    for part in parts {
        walk.found.extend(part.found);
        walk.left_out.extend(part.left_out);
        walk.warnings.extend(part.warnings);
        walk.errors.extend(part.errors);
    }
    // Of several errors the first in path order is told, whichever came first in time.
    if let Some((_, error)) = walk.errors.into_iter().min_by(|(a, _), (b, _)| a.cmp(b)) {
        return Err(error);
    }
    walk.errors = Vec::new();
    // Each part is sorted already, and this sort takes advantage of sorted stretches.
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    walk.left_out.sort();
    if let (true, Some(rule)) = (walk.found.is_empty(), root_ignored) {
        walk.warnings.push(Warning::RootIgnored { rule });
    }
    Ok(walk)
}

/// What one thread does.
fn work(walker: &Walker<'_>, queue: &Queue) -> Walk {
    let mut worker = Worker::default();
    while let Some(place) = queue.next(&mut worker.below) {
        let path = place.path.clone();
        if let Err(error) = walker.visit(place, &mut worker) {
            worker.walk.errors.push((path, error));
        }
    }
    worker.walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    worker.walk
}

/// The paths of the source that kiln itself writes to. One that *holds* the source is no reason to leave anything out.
fn own_paths(root: &Root, request: &ScanRequest) -> BTreeSet<Vec<u8>> {
    let below = |path: &PathBuf| {
        // An output that does not exist yet is found through its directory.
        let real =
            path.canonicalize().ok().or_else(|| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)));
        let real = real.as_ref().unwrap_or(path);
        let relative = real.strip_prefix(&root.directory).ok()?.as_os_str().as_bytes().to_vec();
        (!relative.is_empty()).then_some(relative)
    };
    request.never.iter().filter_map(below).collect()
}

fn docker_ignore(
    root: &Root,
    selection: Selection,
    warnings: &mut Vec<Warning>,
) -> Result<Option<DockerIgnore>, ScanError> {
    if selection == Selection::Everything || root.form != Form::Directory {
        return Ok(None);
    }
    let Some(text) = read_rules(root, b".dockerignore")? else { return Ok(None) };
    let (docker, bad) = DockerIgnore::parse(&text);
    warnings.extend(bad.into_iter().map(|rule| Warning::BadPattern { rule }));
    Ok(docker)
}

/// The text of an ignore file in the source; `None` if it is not there, or is not a file (git follows no link here).
fn read_rules(root: &Root, path: &[u8]) -> Result<Option<Vec<u8>>, ScanError> {
    let file = match root.open_below(path, OFlags::empty()) {
        Ok(file) => std::fs::File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(root.failed(path, error)),
    };
    let fail = |source| ScanError::Read { root: root.named.clone(), path: path.to_vec(), source };
    if !file.metadata().map_err(fail)?.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    (&file).read_to_end(&mut text).map_err(fail)?;
    Ok(Some(text))
}
