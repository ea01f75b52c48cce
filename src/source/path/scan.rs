//! From a request to a tree.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::base::ImagePath;
use crate::tree::{Content, Kind, Node, Tree};

use super::attributes::Attributes;
use super::content::digest_all;
use super::error::ScanError;
use super::files::{Bytes, Digested, Files, Traits};
use super::known::KnownFiles;
use super::left_out::{LeftOut, Reason};
use super::open::Root;
use super::origins::Origins;
use super::probe::Probe;
use super::walk::{Found, FoundKind, Walk, walk};
use super::warning::Warning;
use super::xattrs::{self, Xattrs};

/// What to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRequest {
    /// A directory or a file.
    pub root: PathBuf,
    /// Which of its files.
    pub selection: Selection,
    /// Globs of what is taken, relative to the root; empty: everything. See the module `globs`.
    pub include: Vec<String>,
    /// Globs of what is not taken; they win over `include`.
    pub exclude: Vec<String>,
    /// Files and directories that kiln itself writes: outputs, locks, the store.
    pub never: Vec<PathBuf>,
}

/// Which files of a source are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// What git would commit.
    Committed,
    /// All but `.git` (`ignored = true` in a template).
    Everything,
}

/// What the source itself is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A directory; the tree is what it holds.
    Directory,
    /// One file; the tree holds it under this name.
    File(ImagePath),
}

/// What a scan gives.
#[derive(Debug)]
pub struct Scan {
    /// What is taken. All owners are 0:0 and all times zero: the caller sets them.
    pub tree: Tree,
    /// What the source itself is.
    pub form: Form,
    /// Reads the contents.
    pub origins: Origins,
    /// In path order.
    pub warnings: Vec<Warning>,
    /// What exists and is not taken, in path order; see [`Scan::why_left_out`] for what is not listed here.
    pub left_out: Vec<LeftOut>,
    /// What to remember for the next scan.
    pub known: KnownChange,
    /// How many files had to be read, because they were not known or not to be trusted.
    pub read_files: usize,
}

/// Whether there is anything new to remember.
#[derive(Debug)]
pub enum KnownChange {
    /// What was given still says all.
    Unchanged,
    /// To be kept instead.
    Changed(KnownFiles),
}

/// Scans a source, with what the last scan of it left behind. The result is the same for any `known` and any `jobs`.
pub fn scan(request: &ScanRequest, known: Option<KnownFiles>, jobs: usize) -> Result<Scan, ScanError> {
    let root = Root::open(&request.root)?;
    let start = Probe::make(&root);
    let mut walked = walk(&root, request, jobs)?;
    let files = regular_files(&walked);
    let mut digested = trusted(&files, known.as_ref(), start);
    // What it takes in memory is needed again below.
    let known_before = known.map(|known| known.len());
    let unknown: Vec<&Found> =
        files.iter().zip(&digested).filter(|(_, known)| known.is_none()).map(|(f, _)| *f).collect();
    // A file that is digested in the same tick in which it was changed could change once more without a trace.
    let end = start.map(|probe| probe.newer_than(unknown.iter().map(|found| &found.stat), &root));
    let mut fresh = digest_all(&root, &unknown, jobs)?.into_iter();
    let read_files = unknown.len();
    for known in digested.iter_mut().filter(|known| known.is_none()) {
        *known = fresh.next();
    }
    let mut digested: Vec<Bytes> = digested.into_iter().flatten().collect();
    let xattrs = match request.selection {
        Selection::Committed => Vec::new(),
        Selection::Everything => xattrs::of_files(&root, &files, &mut digested, jobs)?,
    };
    let known = known_change(&files, &digested, read_files, known_before, end);
    let contents = pack(files.len(), files.iter().copied().zip(&digested));
    let warnings = warnings(&root, request, &files, &digested);
    walked.warnings.extend(warnings);
    walked.warnings.sort();
    Ok(Scan {
        tree: tree(walked.found, &digested, xattrs),
        form: root.form.clone(),
        origins: Origins::new(root, contents),
        warnings: walked.warnings,
        left_out: walked.left_out,
        known,
        read_files,
    })
}

fn regular_files(walked: &Walk) -> Vec<&Found> {
    walked.found.iter().filter(|found| matches!(found.kind, FoundKind::File)).collect()
}

/// For each file what is known about it and can be trusted. Both lists are in path order.
fn trusted(files: &[&Found], known: Option<&KnownFiles>, start: Option<Probe>) -> Vec<Option<Bytes>> {
    let (Some(known), Some(start)) = (known, start) else { return vec![None; files.len()] };
    let mut known = known.files().iter().peekable();
    let look_up = |found: &&Found| {
        let path = found.path.as_bytes();
        while known.next_if(|(known_path, _)| *known_path < path).is_some() {}
        let (_, digested) = known.next_if(|(known_path, _)| *known_path == path)?;
        (digested.stat == found.stat && start.is_newer_than(&found.stat)).then_some(digested.bytes)
    };
    files.iter().map(look_up).collect()
}

/// What to remember: everything that was last changed before `end`, which was before anything was digested.
fn known_change(
    files: &[&Found],
    digested: &[Bytes],
    read_files: usize,
    known_before: Option<usize>,
    end: Option<Probe>,
) -> KnownChange {
    let Some(end) = end else { return KnownChange::Unchanged };
    if read_files == 0 && known_before == Some(files.len()) {
        return KnownChange::Unchanged;
    }
    let old = files.iter().copied().zip(digested).filter(|(found, _)| end.is_newer_than(&found.stat));
    KnownChange::Changed(KnownFiles::new(pack(files.len(), old)))
}

fn pack<'a>(at_most: usize, files: impl Iterator<Item = (&'a Found, &'a Bytes)>) -> Files {
    let mut packed = Files::with_capacity(at_most);
    for (found, bytes) in files {
        // Only paths of more than 4 GiB together do not fit; what is missing then is digested again, or is said to be
        // unknown, but never wrong.
        let _ = packed.push(found.path.as_bytes(), Digested { stat: found.stat, bytes: *bytes });
    }
    packed
}

fn warnings(root: &Root, request: &ScanRequest, files: &[&Found], digested: &[Bytes]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let with_crlf = digested.iter().any(|digested| digested.traits.has(Traits::CRLF));
    let mut attributes = match request.selection {
        Selection::Committed if with_crlf => Attributes::around(&root.directory),
        _ => None,
    };
    for (found, digested) in files.iter().zip(digested) {
        if digested.traits.has(Traits::LFS_POINTER) {
            warnings.push(Warning::LfsPointer { path: found.path.clone() });
        }
        if digested.traits.has(Traits::CRLF)
            && let Some(rule) = attributes.as_mut().and_then(|attributes| attributes.converts(found.path.as_bytes()))
        {
            warnings.push(Warning::LineEndings { path: found.path.clone(), rule });
        }
    }
    warnings
}

/// The tree: what was found, and the directories that hold it.
fn tree(found: Vec<Found>, digested: &[Bytes], xattrs: Vec<Xattrs>) -> Tree {
    let mut digested = digested.iter();
    let mut of_files = xattrs.into_iter();
    let mut nodes: Vec<(ImagePath, Node)> = Vec::with_capacity(found.len() + found.len() / 8);
    let directories = parents(&found);
    for found in found {
        let mut xattrs = found.xattrs;
        let mut node = match found.kind {
            FoundKind::File => match digested.next() {
                Some(Bytes { digest, .. }) => {
                    xattrs = of_files.next().unwrap_or_default();
                    let content = Content { digest: *digest, size_bytes: found.stat.size_bytes };
                    Node::new(Kind::File { content, links: None }, found.stat.normal_mode())
                }
                None => continue,
            },
            FoundKind::Other(kind) => {
                let mode = match &kind {
                    Kind::Directory => 0o755,
                    Kind::Symlink { .. } => 0o777,
                    _ => 0o644,
                };
                Node::new(kind, mode)
            }
        };
        node.xattrs = xattrs;
        nodes.push((found.path, node));
    }
    nodes.extend(directories.into_iter().map(|path| (path, Node::parent_directory(0))));
    // A directory that was found itself, with its attributes, comes before the one that was added for what it holds.
    nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
    nodes.dedup_by(|(later, _), (earlier, _)| later == earlier);
    nodes.into_iter().collect()
}

/// The directories that hold what was found.
fn parents(found: &[Found]) -> BTreeSet<ImagePath> {
    let mut directories = BTreeSet::new();
    let mut last: &[u8] = &[];
    for found in found {
        let path = found.path.as_bytes();
        // With the slash at its end. Neighbours mostly share it, and then there is nothing to do.
        let parent = &path[..path.len() - found.path.name().len()];
        if parent == last {
            continue;
        }
        last = parent;
        let mut missing = found.path.parent();
        while let Some(directory) = missing.filter(|directory| !directory.is_root()) {
            let above = directory.parent();
            missing = if directories.insert(directory) { above } else { None };
        }
    }
    directories
}

impl Scan {
    /// Why the file or directory at `path` is not in the tree although it exists in the source; `None`: it is in the
    /// tree, or it does not exist.
    pub fn why_left_out(&self, path: &ImagePath) -> Option<Reason> {
        if path.is_root() || self.tree.get(path).is_some() {
            return None;
        }
        let real = self.origins.root().directory.join(OsStr::from_bytes(path.as_bytes()));
        let metadata = std::fs::symlink_metadata(&real).ok()?;
        if path.parts().any(|part| part == b".git") {
            return Some(Reason::GitDirectory);
        }
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if let Ok(place) = self.left_out.binary_search_by(|left_out| left_out.path.cmp(&path)) {
                return Some(self.left_out[place].reason.clone());
            }
            at = path.parent();
        }
        Some(if metadata.is_dir() { Reason::EmptyDirectory } else { Reason::NotIncluded })
    }
}
