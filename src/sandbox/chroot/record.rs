//! What a filled directory is like: a stamp of each file, taken before the first command and kept beside the directory.
//!
//! Rationale: to read all of a system after every command would cost seconds. A file whose stamp is the same was not
//! touched: nobody can set the time of the last change, and the clock has gone on between the stamps and the command.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ImagePath;
use crate::base::path::{readable, unreadable};
use crate::sandbox::answer::{Doing, Failure};

/// What changes whenever a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Stamp {
    inode: u64,
    size_bytes: u64,
    /// Seconds and nanoseconds of the last change of any kind.
    changed: (i64, i64),
    /// The same of its content.
    modified: (i64, i64),
}

impl Stamp {
    /// Of a file.
    pub(in crate::sandbox) fn of(meta: &fs::Metadata) -> Self {
        Self {
            inode: meta.ino(),
            size_bytes: meta.size(),
            changed: (meta.ctime(), meta.ctime_nsec()),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }

    /// Of a file, as the kernel tells it.
    pub(in crate::sandbox) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        // No file is as long, and no second has as many parts, that the other type could not hold it.
        let nanoseconds = |value| i64::try_from(value).unwrap_or_default();
        Self {
            inode: stat.st_ino,
            size_bytes: u64::try_from(stat.st_size).unwrap_or_default(),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
        }
    }

    /// A file system that counts whole seconds may give two changes the same time.
    fn says_much(&self) -> bool {
        self.changed.1 != 0
    }
}

/// The stamps of a directory's files by path, and the directories that it was filled with.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Record {
    /// The lowest first.
    pub(super) lower: Vec<PathBuf>,
    stamps: BTreeMap<ImagePath, Stamp>,
}

/// What a record is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// To find what the commands of a session change.
    Session,
    /// To make the directory again what it was when it held trees alone that others have as well.
    Renewal,
}

impl For {
    /// Where the record of `root` is.
    pub(super) fn beside(self, root: &Path) -> PathBuf {
        root.with_extension(match self {
            Self::Session => "record",
            Self::Renewal => "renewal",
        })
    }
}

/// Waits until a change would give a file another stamp.
pub(super) fn wait_for_clock() {
    /// Two ticks of the slowest clock that Linux is built with (time(7), "The software clock").
    const TICKS: Duration = Duration::from_millis(20);
    std::thread::sleep(TICKS);
}

impl Record {
    /// Takes the stamps of all files in `root`, which was filled with `lower`.
    pub(super) fn take(root: &Path, lower: &[PathBuf]) -> Result<Self, Failure> {
        let mut record = Self { lower: lower.to_vec(), stamps: BTreeMap::new() };
        record.directory(root, &ImagePath::root()).doing("take stock of the copied layers")?;
        Ok(record)
    }

    fn directory(&mut self, at: &Path, path: &ImagePath) -> io::Result<()> {
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            let path = path.child(entry.file_name().as_bytes()).map_err(io::Error::other)?;
            let meta = entry.metadata()?;
            self.stamps.insert(path.clone(), Stamp::of(&meta));
            if meta.is_dir() {
                self.directory(&entry.path(), &path)?;
            }
        }
        Ok(())
    }

    /// The one of a session in the directory `root`; `None` if it has none, because it was not filled.
    pub(in crate::sandbox) fn beside(root: &Path) -> Result<Option<Self>, Failure> {
        Self::read(root, For::Session)
    }

    /// Whether `root` has one.
    pub(in crate::sandbox) fn is_beside(root: &Path) -> bool {
        For::Session.beside(root).exists()
    }

    /// The one of the directory `root` for a purpose.
    pub(super) fn read(root: &Path, purpose: For) -> Result<Option<Self>, Failure> {
        const DOING: &str = "read what the copied layers were like";
        let bytes = match fs::read(purpose.beside(root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.doing(DOING)?,
        };
        let (lower, stamps): (Vec<PathBuf>, Vec<(String, Stamp)>) =
            serde_json::from_slice(&bytes).map_err(|error| Failure::said(DOING, error.to_string()))?;
        let path = |text: &str| ImagePath::parse(&unreadable(text)?).ok();
        let stamps = stamps.into_iter().filter_map(|(text, stamp)| Some((path(&text)?, stamp))).collect();
        Ok(Some(Self { lower, stamps }))
    }

    /// Keeps it beside `root`.
    pub(super) fn keep(&self, root: &Path, purpose: For) -> Result<(), Failure> {
        const DOING: &str = "keep what the copied layers are like";
        let stamps: Vec<(String, Stamp)> =
            self.stamps.iter().map(|(path, stamp)| (readable(path.as_bytes()), *stamp)).collect();
        let bytes =
            serde_json::to_vec(&(&self.lower, stamps)).map_err(|error| Failure::said(DOING, error.to_string()))?;
        fs::write(purpose.beside(root), bytes).doing(DOING)
    }

    /// All paths in path order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &ImagePath> {
        self.stamps.keys()
    }

    /// Whether the file at `path` is as it was.
    pub(in crate::sandbox) fn has(&self, path: &ImagePath, stamp: Stamp) -> bool {
        stamp.says_much() && self.stamps.get(path) == Some(&stamp)
    }

    /// The files that are not there any more, where `is_there` tells of each: of a directory that is gone with all that was
    /// in it, the directory alone.
    pub(in crate::sandbox) fn gone(&self, is_there: impl Fn(&ImagePath) -> bool) -> Vec<ImagePath> {
        let mut gone: Vec<ImagePath> = Vec::new();
        for path in self.stamps.keys().filter(|path| !is_there(path)) {
            // A parent comes before what is in it, though not always right before.
            if path.parent().is_none_or(|parent| parent.is_root() || is_there(&parent)) {
                gone.push(path.clone());
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::path;

    #[test]
    fn a_change_is_seen_and_what_is_gone_is_named_once() {
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().join("upper");
        fs::create_dir_all(root.join("a/b")).expect("made");
        for name in ["a-b", "a/b/c", "same", "written", "mode"] {
            fs::write(root.join(name), "x").expect("written");
        }
        assert!(Record::beside(&root).expect("readable").is_none());
        Record::take(&root, &[]).and_then(|record| record.keep(&root, For::Session)).expect("kept");
        wait_for_clock();
        let record = Record::beside(&root).expect("readable").expect("it is there");
        fs::write(root.join("written"), "y").expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(root.join("mode"), mode).expect("set");
        let stamp = |name: &str| Stamp::of(&fs::symlink_metadata(root.join(name)).expect("it is there"));
        let has = |name: &str| record.has(&path(name), stamp(name));
        assert_eq!((has("same"), has("written"), has("mode")), (true, false, false));
        let stat = rustix::fs::lstat(root.join("same")).expect("it is there");
        assert_eq!(Stamp::of_stat(&stat), stamp("same"));
        fs::remove_dir_all(root.join("a")).expect("removed");
        let gone = record.gone(|path| root.join(std::ffi::OsStr::from_bytes(path.as_bytes())).exists());
        assert_eq!(gone, [path("a")]);
    }
}
