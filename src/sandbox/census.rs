//! Which files an upper directory has, and a stamp of each that changes whenever the file does: two of them tell what a
//! command has touched, without a look at any content.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::base::ImagePath;

/// Inode, and the time of the last change of any kind in nanoseconds.
pub type Stamp = (u64, i64);

/// Every file in `upper` by its path in the image, as people read it. What cannot be listed is left out: this is for
/// people, and no layer depends on it.
pub(super) fn census(upper: &Path) -> Vec<(String, Stamp)> {
    let mut found = Vec::new();
    directory(upper, &ImagePath::root(), &mut found);
    found
}

fn directory(at: &Path, path: &ImagePath, found: &mut Vec<(String, Stamp)>) {
    for entry in fs::read_dir(at).into_iter().flatten().flatten() {
        let (Ok(path), Ok(meta)) = (path.child(entry.file_name().as_bytes()), entry.metadata()) else { continue };
        let changed_ns = meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec());
        found.push((path.to_string(), (meta.ino(), changed_ns)));
        if meta.is_dir() {
            directory(&entry.path(), &path, found);
        }
    }
}
