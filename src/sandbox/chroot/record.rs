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

/// The stamps of a directory's files by path.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Record(BTreeMap<ImagePath, Stamp>);

impl Record {
    /// Takes the stamps of all files in `root`, and waits until a change would give another one.
    pub(super) fn take(root: &Path) -> Result<Self, Failure> {
        /// Two ticks of the slowest clock that Linux is built with (time(7), "The software clock").
        const TICKS: Duration = Duration::from_millis(20);
        let mut record = Self::default();
        record.directory(root, &ImagePath::root()).doing("take stock of the copied layers")?;
        std::thread::sleep(TICKS);
        Ok(record)
    }

    fn directory(&mut self, at: &Path, path: &ImagePath) -> io::Result<()> {
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            let path = path.child(entry.file_name().as_bytes()).map_err(io::Error::other)?;
            let meta = entry.metadata()?;
            self.0.insert(path.clone(), Stamp::of(&meta));
            if meta.is_dir() {
                self.directory(&entry.path(), &path)?;
            }
        }
        Ok(())
    }

    /// The one of the directory `root`; `None` if it has none, because it was not filled.
    pub(in crate::sandbox) fn beside(root: &Path) -> Result<Option<Self>, Failure> {
        const DOING: &str = "read what the copied layers were like";
        let bytes = match fs::read(place(root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.doing(DOING)?,
        };
        let stamps: Vec<(String, Stamp)> =
            serde_json::from_slice(&bytes).map_err(|error| Failure::said(DOING, error.to_string()))?;
        let path = |text: &str| ImagePath::parse(&unreadable(text)?).ok();
        Ok(Some(Self(stamps.into_iter().filter_map(|(text, stamp)| Some((path(&text)?, stamp))).collect())))
    }

    /// Whether `root` has one.
    pub(in crate::sandbox) fn is_beside(root: &Path) -> bool {
        place(root).exists()
    }

    /// Keeps it beside `root`.
    pub(super) fn keep(&self, root: &Path) -> Result<(), Failure> {
        const DOING: &str = "keep what the copied layers are like";
        let stamps: Vec<(String, Stamp)> =
            self.0.iter().map(|(path, stamp)| (readable(path.as_bytes()), *stamp)).collect();
        let bytes = serde_json::to_vec(&stamps).map_err(|error| Failure::said(DOING, error.to_string()))?;
        fs::write(place(root), bytes).doing(DOING)
    }

    /// Whether the file at `path` is as it was.
    pub(in crate::sandbox) fn has(&self, path: &ImagePath, stamp: Stamp) -> bool {
        stamp.says_much() && self.0.get(path) == Some(&stamp)
    }

    /// The files that are not there any more, where `is_there` tells of each: of a directory that is gone with all that was
    /// in it, the directory alone.
    pub(in crate::sandbox) fn gone(&self, is_there: impl Fn(&ImagePath) -> bool) -> Vec<ImagePath> {
        let mut gone: Vec<ImagePath> = Vec::new();
        for path in self.0.keys().filter(|path| !is_there(path)) {
            // A parent comes before what is in it, though not always right before.
            if path.parent().is_none_or(|parent| parent.is_root() || is_there(&parent)) {
                gone.push(path.clone());
            }
        }
        gone
    }
}

/// Where the record of `root` is.
fn place(root: &Path) -> PathBuf {
    root.with_extension("record")
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
        Record::take(&root).and_then(|record| record.keep(&root)).expect("kept");
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
