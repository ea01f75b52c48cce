//! Places in a root for what is mounted or put there: made where they are missing, and taken away again after the command.
//!
//! Rationale: what a place is like afterwards tells whether the command wanted it. So each is made in one form, whatever the
//! directory above hands down, and after each command those go that still have it. Commands that follow in the same layer
//! find none of them, and what they make there is theirs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, open};
use std::os::fd::AsFd;

use super::answer::{Doing, Failure};
use super::capture::attributes;

/// Modes of a directory and of a file that is only a place.
const DIRECTORY_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// Makes what `to` needs to be mounted on. `made` gets what had to be, without links, the outermost first.
pub(super) fn make(to: &Path, is_directory: bool, made: &mut Vec<String>) -> Result<(), Failure> {
    let doing = || format!("make a place for `{}`", to.display());
    if rustix::fs::statat(CWD, to, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut at = to;
    while !at.exists() {
        missing.push(at);
        let Some(parent) = at.parent() else { break };
        at = parent;
    }
    for path in missing.into_iter().rev() {
        if let Ok(target) = fs::read_link(path) {
            let reason =
                format!("in the image `{}` is a link to `{}`, which is not there", path.display(), target.display());
            return Err(Failure::said(doing(), reason));
        }
        let mode = if path == to && !is_directory {
            fs::write(path, b"").doing(doing())?;
            FILE_MODE
        } else {
            fs::create_dir(path).doing(doing())?;
            DIRECTORY_MODE
        };
        // A directory may hand down its group.
        chown(path, Some(0), Some(0)).doing(doing())?;
        fs::set_permissions(path, Permissions::from_mode(mode)).doing(doing())?;
        let path = fs::canonicalize(path).doing(doing())?;
        made.extend(path.to_str().map(str::to_owned));
    }
    Ok(())
}

/// Takes away those of `made`, the last first, that are as they were made. What a command changed is its work, and stays.
pub(super) fn take_away(made: &[String]) -> Result<(), Failure> {
    for path in made.iter().rev().map(Path::new) {
        if is_unchanged(path) {
            let removed = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
            removed.doing(format!("take away the place `{}`", path.display()))?;
        }
    }
    Ok(())
}

fn is_unchanged(path: &Path) -> bool {
    // The command may have put a link in its way, and then this is another place.
    if path.parent().is_none_or(|parent| fs::canonicalize(parent).ok().as_deref() != Some(parent)) {
        return false;
    }
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    let form = (found.mode() & 0o7777, found.uid(), found.gid());
    let is_empty = match () {
        () if found.is_dir() => {
            form == (DIRECTORY_MODE, 0, 0) && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
        }
        () if found.is_file() => form == (FILE_MODE, 0, 0) && found.len() == 0 && found.nlink() == 1,
        () => false,
    };
    is_empty && has_no_attributes(path)
}

fn has_no_attributes(path: &Path) -> bool {
    let opened = open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    opened.and_then(|file| attributes(file.as_fd())).is_ok_and(|(attributes, _)| attributes.is_empty())
}
