//! Makes a root that was used what it was when it was filled.
//!
//! Rationale: a copy of a whole system for each layer costs a second, and far more on a file system that does not give the
//! numbers of deleted files away at once. Between two layers little is changed, and the stamps tell what.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, statat};

use crate::base::ImagePath;
use crate::sandbox::answer::{Doing, Failure};

use super::copy::{self, Which};
use super::record::{Record, Stamp};

/// Takes away what is not in `record`, and copies again what is not as it says.
pub(super) fn renew(root: &Path, record: &Record) -> Result<(), Failure> {
    let to = copy::opened(root)?;
    let mut changed: BTreeSet<ImagePath> = record.paths().cloned().collect();
    let known: BTreeSet<ImagePath> = changed.clone();
    strip(&to, &ImagePath::root(), record, &known, &mut changed)?;
    let again = |lower| copy::directory(&copy::opened(lower)?, &to, Which::These(&changed));
    record.lower.iter().map(std::path::PathBuf::as_path).try_for_each(again)
}

/// Leaves in `changed` what has to be copied again.
fn strip(
    directory: &OwnedFd,
    path: &ImagePath,
    record: &Record,
    known: &BTreeSet<ImagePath>,
    changed: &mut BTreeSet<ImagePath>,
) -> Result<(), Failure> {
    const DOING: &str = "use a root once more";
    for name in copy::names(directory).doing(DOING)? {
        let path = path.child(&name).map_err(|error| Failure::said(DOING, error.to_string()))?;
        let name = OsStr::from_bytes(&name);
        if !known.contains(&path) {
            copy::remove(directory, name).doing(DOING)?;
            continue;
        }
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).doing(DOING)?;
        if record.has(&path, Stamp::of_stat(&stat)) {
            changed.remove(&path);
        }
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            strip(&copy::opened_in(directory, name)?, &path, record, known, changed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;
    use crate::sandbox::chroot::record::wait_for_clock;

    /// Mode, time, length, links and content of every file.
    fn list(root: &Path) -> BTreeMap<PathBuf, (u32, i64, u64, String)> {
        let entries = walkdir::WalkDir::new(root).into_iter().flatten();
        let described = entries.map(|entry| {
            let (meta, path) = (entry.metadata().expect("it is there"), entry.path());
            let text = match meta.file_type() {
                kind if kind.is_symlink() => fs::read_link(path).expect("a link").display().to_string(),
                kind if kind.is_file() => fs::read_to_string(path).expect("a file"),
                _ => String::new(),
            };
            let path = path.strip_prefix(root).expect("below").to_owned();
            (path, (meta.mode(), meta.mtime(), if meta.is_dir() { 0 } else { meta.nlink() }, text))
        });
        described.collect()
    }

    #[test]
    fn a_used_root_becomes_what_it_was() {
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        for name in ["one/a/deep", "one/over", "one/x", "two/a", "two/a-b", "root"] {
            fs::create_dir_all(at(name)).expect("made");
        }
        for name in
            ["one/a/deep/f", "one/a/g", "one/over/h", "one/kept", "two/a/g", "two/over", "two/a-b/i", "one/link"]
        {
            fs::write(at(name), name).expect("written");
        }
        fs::remove_file(at("two/over")).expect("removed");
        fs::hard_link(at("one/kept"), at("one/x/same")).expect("a link");
        symlink("kept", at("two/soft")).expect("a link");
        let lower = [at("one"), at("two")];
        let to = copy::opened(&at("root")).expect("open");
        for one in &lower {
            copy::directory(&copy::opened(one).expect("open"), &to, Which::Layer).expect("copied");
        }
        let (record, before) = (Record::take(&at("root"), &lower).expect("taken"), list(&at("root")));
        wait_for_clock();
        fs::write(at("root/kept"), "other").expect("written");
        fs::remove_dir_all(at("root/a")).expect("removed");
        fs::write(at("root/a"), "a file").expect("written");
        fs::remove_file(at("root/over/h")).expect("removed");
        fs::create_dir_all(at("root/link2/new")).expect("made");
        fs::remove_file(at("root/link")).expect("removed");
        fs::create_dir_all(at("root/link/inside")).expect("made");
        fs::set_permissions(at("root/a-b"), fs::Permissions::from_mode(0o700)).expect("set");
        fs::set_permissions(at("root"), fs::Permissions::from_mode(0o700)).expect("set");
        assert_ne!(list(&at("root")), before);
        renew(&at("root"), &record).expect("renewed");
        assert_eq!(list(&at("root")), before);
    }
}
