//! Changes the file of docker's or podman's that holds credentials: some entries of `auths` move, everything else stays.
//!
//! ```text
//! lock the directory --> read --> edit `auths` --> .NAME.kiln-RANDOM beside it, 0600, synced --rename--> the file
//! ```
//! The lock is flock(2) on the directory: the file itself is another one after each rename, and a lock file would stay
//! behind in a directory that is not ours. Docker and podman take no lock.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use super::credentials::bad;
use super::error::RegistryError;

/// Links that are followed, as the kernel does (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// How long another login may hold the directory: each takes some milliseconds.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// How often we look whether it is free.
const STEP: Duration = Duration::from_millis(10);

/// Docker indents with tabs, which keeps the difference small for who has the file under version control.
const INDENT: &[u8] = b"\t";

/// Changes the entries of a file, which is made if it is not there. Where `edit` changes nothing, nothing is written, and
/// on an error nothing has changed.
pub(super) fn change(path: &Path, edit: impl FnOnce(&mut Map<String, Value>)) -> Result<(), RegistryError> {
    let target = behind_links(path);
    let write = |source| RegistryError::Write { path: path.to_owned(), source };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(write)?;
    let lock = File::open(directory).map_err(write)?;
    wait_for(&lock).map_err(write)?;
    let mut document = read(path, &target)?;
    let auths = document.remove("auths").unwrap_or_else(|| Value::Object(Map::new()));
    let Value::Object(before) = auths else { return Err(bad(path, "its `auths` is no object")) };
    let mut after = before.clone();
    edit(&mut after);
    if after == before {
        return Ok(());
    }
    document.insert("auths".to_owned(), Value::Object(after));
    let text = written(&Value::Object(document)).map_err(|error| write(error.into()))?;
    replace(&target, directory, &text).and_then(|()| lock.sync_all()).map_err(write)
}

fn read(path: &Path, target: &Path) -> Result<Map<String, Value>, RegistryError> {
    let bytes = match fs::read(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        read => read.map_err(|source| RegistryError::File { path: path.to_owned(), source })?,
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    // The parser's own text would show a value that it cannot read.
    let document =
        serde_json::from_slice(&bytes).map_err(|error| bad(path, &format!("no JSON at line {}", error.line())));
    match document? {
        Value::Object(document) => Ok(document),
        _ => Err(bad(path, "no JSON object")),
    }
}

fn written(document: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    document.serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(INDENT)))?;
    Ok(text)
}

/// Puts a new file in place of what is there, in one step.
fn replace(target: &Path, directory: &Path, text: &[u8]) -> io::Result<()> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?);
    prefix.push(".kiln-");
    // Only its owner may read it, from the first byte on.
    let mut staged = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory)?;
    if let Ok(old) = fs::metadata(target) {
        // Under sudo, the file of a user stays the user's. Who may not give it away is its owner already.
        let _ = fchown(staged.as_file(), Some(old.uid()), Some(old.gid()));
    }
    staged.write_all(text)?;
    staged.as_file().sync_all()?;
    staged.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// Where a link leads, also if nothing is there yet. People keep this file elsewhere, and link to it.
fn behind_links(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&target) else { break };
        target = target.parent().map(|parent| parent.join(&next)).unwrap_or(next);
    }
    target
}

/// Until nobody else has it. The lock goes with the file.
fn wait_for(directory: &File) -> io::Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match flock(directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if waited < LOCK_LIMIT => {}
            Err(Errno::WOULDBLOCK) => return Err(io::ErrorKind::ResourceBusy.into()),
            // Some network file systems cannot lock: there, the rename alone keeps the file whole.
            _ => return Ok(()),
        }
        std::thread::sleep(STEP);
        waited += STEP;
    }
}
