//! Files that have no name before they are whole and on the disk.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};
use rustix::io::Errno;

use crate::publish::error::PublishError;

/// A failure of the machine.
pub(in crate::publish) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    move |source| PublishError::File { doing, path, source }
}

/// Gives what `fill` writes the name `path`, unless something has it already. The file has no name until then where the
/// file system can do that, so that a killed process leaves nothing.
pub(super) fn put(path: &Path, fill: impl FnOnce(&mut File) -> Result<(), PublishError>) -> Result<(), PublishError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => {
            let mut file = File::from(file);
            fill(&mut file)?;
            file.sync_all().map_err(failed("write", path))?;
            let held = format!("/proc/self/fd/{}", file.as_raw_fd());
            match linkat(CWD, held, CWD, path, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(error) => Err(failed("put in place", path)(error.into())),
            }
        }
        // What file systems answer that have no such files.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => put_named(directory, path, fill),
        Err(error) => Err(failed("write", path)(error.into())),
    }
}

/// The same with a name of its own until it is whole.
fn put_named(
    directory: &Path,
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), PublishError>,
) -> Result<(), PublishError> {
    let mut builder = tempfile::Builder::new();
    let made = builder.prefix(BESIDE).permissions(Permissions::from_mode(0o666)).tempfile_in(directory);
    let mut made = made.map_err(failed("write", path))?;
    fill(made.as_file_mut())?;
    made.as_file().sync_all().map_err(failed("write", path))?;
    match made.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("put in place", path)(error.error))
        }
        _ => Ok(()),
    }
}

/// How the name of what is not whole begins.
pub(super) const BESIDE: &str = ".kiln-";

/// Puts `bytes` in the place of a file. Only for who is alone: what a killed one left goes first. It is never written
/// through, because whoever made the layout may have made a link of that name.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!("{BESIDE}{name}"));
    let write = || {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    let written = write().map_err(failed("write", path));
    if written.is_err() {
        // The error says more than a failure to clean up.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Brings the names in a directory to the disk.
pub(super) fn sync(directory: &Path) -> Result<(), PublishError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed("write", directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(bytes: &'static [u8]) -> impl FnOnce(&mut File) -> Result<(), PublishError> {
        move |file| file.write_all(bytes).map_err(failed("write", Path::new("x")))
    }

    #[test]
    fn nothing_is_written_over_and_nothing_stays_beside() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        put(&one, write(b"first")).expect("it is free");
        put(&one, write(b"second")).expect("somebody else was faster");
        put_named(directory.path(), &two, write(b"first")).expect("it is free");
        put_named(directory.path(), &two, write(b"second")).expect("somebody else was faster");
        let fail = |_: &mut File| Err(PublishError::Interrupted);
        assert!(put(&directory.path().join("three"), fail).is_err());
        assert!(put_named(directory.path(), &directory.path().join("three"), fail).is_err());
        for path in [&one, &two] {
            assert_eq!(fs::read(path).expect("it is there"), b"first");
        }
        replace(&one, b"third").expect("replaced");
        assert_eq!(fs::read(&one).expect("it is there"), b"third");
        assert_eq!(fs::read_dir(directory.path()).expect("ours").count(), 2);
        assert!(matches!(replace(Path::new("/dev/null/x"), b""), Err(PublishError::File { .. })));
    }

    #[test]
    fn a_link_where_the_file_beside_goes_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (victim, path) = (directory.path().join("victim"), directory.path().join("index.json"));
        fs::write(&victim, "mine").expect("written");
        std::os::unix::fs::symlink(&victim, directory.path().join(".kiln-index.json")).expect("made");
        replace(&path, b"new").expect("replaced");
        assert_eq!(fs::read(&victim).expect("it is there"), b"mine");
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        assert!(!path.is_symlink());
    }
}
