//! Putting a whole file or directory in place in one step.
//!
//! It is made beside its target as `.NAME.kiln-RANDOM`, under an exclusive lock on itself, and renamed. A run that finds
//! such a name without a lock knows that its maker is dead, and removes it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, RenameFlags, flock, openat, renameat_with};
use rustix::io::Errno;
use walkdir::WalkDir;

use super::error::OutputError;
use super::fingerprint::Fingerprint;

/// Letters and digits at the end of a staged name.
const RANDOM_LETTERS: usize = 12;

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A file.
    File,
    /// A directory whose blobs may be links.
    Layout,
    /// A directory of files of its own.
    Tree,
}

/// What is at a target before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Free,
    /// An empty directory, which a directory may take the place of.
    EmptyDirectory,
    /// What kiln wrote there last.
    Ours,
}

/// Something in the making beside its target.
pub struct Staged {
    path: PathBuf,
    file: File,
}

impl Staged {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It, opened and locked. A file can be written through this.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// A directory beside a target for what becomes the target, which goes when it is dropped.
pub struct Workspace {
    directory: tempfile::TempDir,
    /// Tells a living run from a dead one.
    _lock: File,
}

impl Workspace {
    /// Beside `path`, whose directory is made.
    pub fn beside(path: &Path) -> Result<Self, OutputError> {
        let parent = parent_of(path);
        fs::create_dir_all(parent).map_err(|source| OutputError::io("make", parent, source))?;
        sweep(path);
        let fail = |source| OutputError::io("write beside", path, source);
        loop {
            let mut builder = tempfile::Builder::new();
            let directory = builder.prefix(&prefix_of(path)).rand_bytes(RANDOM_LETTERS).tempdir_in(parent);
            let directory = directory.map_err(fail)?;
            if let Some(lock) = locked(directory.path()).map_err(fail)? {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// The turn of the one who makes what is not there yet: others wait for it. Its file beside the target is named
/// `.NAME.kiln-turn`, goes when this is dropped, and is taken over from a dead run.
pub struct Turn {
    /// Goes before the lock is given back.
    _path: tempfile::TempPath,
    _lock: File,
}

impl Turn {
    /// Waits until nobody else makes `path`, whose directory is made.
    pub fn beside(path: &Path) -> Result<Self, OutputError> {
        let parent = parent_of(path);
        fs::create_dir_all(parent).map_err(|source| OutputError::io("make", parent, source))?;
        let fail = |source: io::Error| OutputError::io("write beside", path, source);
        let mut name = prefix_of(path);
        name.push("turn");
        let beside = parent.join(name);
        loop {
            let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = openat(CWD, &beside, flags, Mode::from_raw_mode(0o666)).map_err(|error| fail(error.into()))?;
            let file = File::from(opened);
            // Where nothing can be locked, the last rename tells who was slower.
            let _ = flock(&file, FlockOperation::LockExclusive);
            let (ours, there) = (file.metadata().map_err(fail)?, fs::symlink_metadata(&beside));
            // The one whose turn it was has removed its file.
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                let path = tempfile::TempPath::try_from_path(beside).map_err(fail)?;
                return Ok(Self { _path: path, _lock: file });
            }
        }
    }
}

/// Locks something new, unless another run took it for a dead one's before.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let _ = flock(&file, FlockOperation::LockExclusive);
    let (ours, there) = (file.metadata()?, fs::symlink_metadata(path));
    Ok(there.is_ok_and(|there| there.ino() == ours.ino()).then_some(file))
}

/// A path without `.`, `..` and links in its parents, for comparing. What does not exist yet is taken as it is.
pub fn real_path(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut existing = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    loop {
        if let Ok(real) = existing.canonicalize() {
            return missing.iter().rev().fold(real, |real, name: &std::ffi::OsString| real.join(name));
        }
        match (existing.file_name(), existing.parent()) {
            (Some(name), Some(parent)) => {
                missing.push(name.to_owned());
                existing = parent.to_owned();
            }
            _ => return path.to_owned(),
        }
    }
}

/// What is written for a target: where a link leads that is there already, else the target itself.
pub fn behind_link(path: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    let real = if is_link { fs::canonicalize(path).ok() } else { None };
    real.unwrap_or_else(|| path.to_owned())
}

/// A target has a name of its own, which a rename can give to something else.
pub fn check_name(path: &Path) -> Result<(), OutputError> {
    match path.file_name() {
        Some(_) => Ok(()),
        None => Err(OutputError::NoFileName { path: path.to_owned() }),
    }
}

/// What `path` is before it is written, and which of `known` it holds. What is there and is none of them must not be
/// written.
pub fn standing(path: &Path, form: Form, known: &[&Fingerprint]) -> Result<(Standing, Option<usize>), OutputError> {
    let read = |source| OutputError::io("read", path, source);
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Standing::Free, None)),
        meta => meta.map_err(read)?,
    };
    for (at, one) in known.iter().enumerate() {
        if one.holds(path).map_err(read)? {
            return Ok((Standing::Ours, Some(at)));
        }
    }
    if meta.is_dir() && form != Form::File && fs::read_dir(path).map_err(read)?.next().is_none() {
        return Ok((Standing::EmptyDirectory, None));
    }
    match meta.is_symlink() {
        true => Err(OutputError::LinkToNothing { path: path.to_owned() }),
        false => Err(OutputError::NotOurs { path: path.to_owned() }),
    }
}

/// Fills something new with `fill` and puts it at `path` in one rename. `remember` is told how to recognise it before it is
/// there, so that a run that is killed in between does not leave something behind that the next one takes for somebody
/// else's. On an error nothing has changed at `path`.
pub fn replace<T, E: From<OutputError>>(
    path: &Path,
    form: Form,
    standing: Standing,
    fill: impl FnOnce(&Staged) -> Result<T, OutputError>,
    remember: impl FnOnce(&Fingerprint) -> Result<(), E>,
) -> Result<(Fingerprint, T), E> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(|source| OutputError::io("make", parent, source))?;
    sweep(path);
    let staged = stage(path, form)?;
    let of_target = |error: OutputError| E::from(error.of_target(&staged.path, path));
    let done = fill(&staged).map_err(of_target).and_then(|filled| {
        let inside = match form {
            Form::File => Fingerprint::of_staged(&staged.path),
            Form::Layout => Fingerprint::of_layout(&staged.path),
            Form::Tree => Fingerprint::of_tree(&staged.path),
        };
        let inside = inside.map_err(|source| of_target(OutputError::io("read", &staged.path, source)))?;
        remember(&inside)?;
        publish(&staged.path, path, standing).map_err(of_target)?;
        Ok((inside, filled))
    });
    match done {
        // The rename has changed the times of the file itself.
        Ok((Fingerprint::Staged { .. }, filled)) => {
            let fingerprint = Fingerprint::of_file(path).map_err(|source| OutputError::io("read", path, source))?;
            Ok((fingerprint, filled))
        }
        Ok((fingerprint, filled)) => Ok((fingerprint, filled)),
        Err(error) => {
            // The error says more than a failure to clean up; the next run tries again.
            let _ = remove(&staged.path);
            Err(error)
        }
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn prefix_of(path: &Path) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".kiln-");
    prefix
}

/// Makes and locks something new beside `path`. Between the two, another run may take it for a dead one's and remove it;
/// then there is another try.
fn stage(path: &Path, form: Form) -> Result<Staged, OutputError> {
    let fail = |source| OutputError::io("write beside", path, source);
    let (parent, prefix) = (parent_of(path), prefix_of(path));
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).rand_bytes(RANDOM_LETTERS);
        let (path, file) = if form == Form::File {
            let made = builder.permissions(fs::Permissions::from_mode(0o666)).tempfile_in(parent).map_err(fail)?;
            let (file, path) = made.keep().map_err(|error| fail(error.error))?;
            (path, file)
        } else {
            // A tree may hold files that others must not reach before their owners and modes are set.
            let mode = if form == Form::Tree { 0o700 } else { 0o777 };
            let made = builder.permissions(fs::Permissions::from_mode(mode)).tempdir_in(parent).map_err(fail)?;
            let path = made.keep();
            let file = File::open(&path).map_err(fail)?;
            (path, file)
        };
        // Some network file systems cannot lock; there, nothing tells a living run from a dead one, and none is removed.
        let _ = flock(&file, FlockOperation::LockExclusive);
        let (ours, there) = (file.metadata().map_err(fail)?, fs::symlink_metadata(&path));
        if there.is_ok_and(|there| there.ino() == ours.ino()) {
            return Ok(Staged { path, file });
        }
    }
}

/// Removes what dead runs left beside `path`. That this fails is no reason not to write.
fn sweep(path: &Path) {
    let prefix = prefix_of(path);
    let Ok(entries) = fs::read_dir(parent_of(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let is_staged =
            random.is_some_and(|random| random.len() == RANDOM_LETTERS && random.iter().all(u8::is_ascii_alphanumeric));
        if !is_staged {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(opened) = openat(CWD, entry.path(), flags, Mode::empty()) else { continue };
        if flock(&opened, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = remove(&entry.path());
        }
    }
}

/// Gives what is at `staged` the name `path`.
fn publish(staged: &Path, path: &Path, standing: Standing) -> Result<(), OutputError> {
    let renamed = match standing {
        Standing::Free => rename_new(staged, path),
        // Fails if the directory is not empty any more.
        Standing::EmptyDirectory => fs::rename(staged, path),
        Standing::Ours => rename_over(staged, path),
    };
    renamed.map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR | Errno::ISDIR) => {
            OutputError::NotOurs { path: path.to_owned() }
        }
        _ => OutputError::io("put in place", path, error),
    })?;
    let parent = parent_of(path);
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(|source| OutputError::io("sync", parent, source))
}

fn cannot(error: Errno) -> bool {
    // What file systems answer that do not have the flags of renameat2.
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

fn rename_new(staged: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, staged, CWD, path, RenameFlags::NOREPLACE) {
        Err(error) if cannot(error) && !staged.is_dir() => {
            fs::hard_link(staged, path)?;
            fs::remove_file(staged)
        }
        // A directory is renamed over nothing but an empty directory.
        Err(error) if cannot(error) => fs::rename(staged, path),
        renamed => Ok(renamed?),
    }
}

fn rename_over(staged: &Path, path: &Path) -> io::Result<()> {
    let is_directory = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    if !is_directory(staged) && !is_directory(path) {
        return fs::rename(staged, path);
    }
    match renameat_with(CWD, staged, CWD, path, RenameFlags::EXCHANGE) {
        // Without the flag there is an instant with nothing under the name, but never half of something.
        Err(error) if cannot(error) => {
            let mut builder = tempfile::Builder::new();
            let aside = builder.prefix(&prefix_of(path)).rand_bytes(RANDOM_LETTERS).tempdir_in(parent_of(path))?.keep();
            fs::rename(path, aside.join("old"))?;
            fs::rename(staged, path)?;
            let _ = remove(&aside);
            return Ok(());
        }
        renamed => renamed?,
    }
    // The old one now has the staged name, under which the next run would remove it too.
    let _ = remove(staged);
    Ok(())
}

/// Removes a file or a whole directory, even one that holds directories which this user may not write to.
fn remove(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // The walk gives a directory before it opens it.
            for entry in WalkDir::new(path).into_iter().flatten().filter(|entry| entry.file_type().is_dir()) {
                let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
            }
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}
