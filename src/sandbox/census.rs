//! Which files an upper directory has, and a stamp of each that changes whenever the file does: two of them tell what a
//! command has touched, without a look at any content.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::base::ImagePath;

use super::chroot::record::{self, Record};

/// Inode, and the time of the last change of any kind in nanoseconds.
pub type Stamp = (u64, i64);

/// Every file in `upper` by its path in the image, as people read it. What cannot be listed is left out: this is for
/// people, and no layer depends on it.
pub(super) fn census(upper: &Path) -> Vec<(String, Stamp)> {
    let mut census = Census { record: Record::beside(upper).ok().flatten(), seen: BTreeSet::new(), found: Vec::new() };
    census.directory(upper, &ImagePath::root());
    let gone = census.record.iter().flat_map(|record| record.gone(|path| census.seen.contains(path)));
    let gone: Vec<(String, Stamp)> = gone.map(|path| (path.to_string(), (0, 0))).collect();
    census.found.extend(gone);
    census.found
}

struct Census {
    /// What the directory was filled with, if it was: that is left out.
    record: Option<Record>,
    seen: BTreeSet<ImagePath>,
    found: Vec<(String, Stamp)>,
}

impl Census {
    fn directory(&mut self, at: &Path, path: &ImagePath) {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            let (Ok(path), Ok(meta)) = (path.child(entry.file_name().as_bytes()), entry.metadata()) else { continue };
            if !self.record.as_ref().is_some_and(|record| record.has(&path, record::Stamp::of(&meta))) {
                let changed_ns = meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec());
                self.found.push((path.to_string(), (meta.ino(), changed_ns)));
            }
            self.seen.insert(path.clone());
            if meta.is_dir() {
                self.directory(&entry.path(), &path);
            }
        }
    }
}
