//! An archive of an OCI layout as a place.
//!
//! ```text
//! FILE --read--> what is there      push --> a layout beside it      finish --both, in the order of names--> FILE, one rename
//! ```
//! Nothing is seen of a push before it is done, so one that fails leaves what was there. The same images under the same
//! names give the same bytes, those of `kiln build -o oci-archive:`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::output::place::{Form, Staged, Standing, Turn, Workspace, behind_link, check_name, replace};
use crate::output::tarball::{self, Tarball};
use crate::output::{OutputError, to_file};
use crate::registry::Manifest;
use crate::source::image::ImageFileError;
use crate::source::image::files::Files;
use crate::source::image::select::check_version;

use super::error::PublishError;
use super::layout::{InLayout, Layout, failed};

/// `oci-archive:FILE`
pub struct ArchivePlace {
    /// As it was typed.
    named: PathBuf,
    /// Where that leads.
    path: PathBuf,
    /// The layout beside it, which goes when this is dropped.
    layout: Layout,
    _workspace: Workspace,
    /// The archive as it was, which nobody else extends until this is dropped.
    _held: Option<File>,
    /// Nobody else makes one that was not there.
    _turn: Option<Turn>,
}

impl ArchivePlace {
    /// An archive that is there, or is not there yet. Waits for who makes or extends it.
    pub fn open(named: &Path) -> Result<Self, PublishError> {
        check_name(named)?;
        let path = behind_link(named);
        let mut held = hold(&path)?;
        let mut turn = None;
        if held.is_none() {
            turn = Some(Turn::beside(&path)?);
            // Whose turn it was before may have made it.
            held = hold(&path)?;
        }
        let is_new = held.is_none();
        let below = if held.is_some() { Some(read(&path)?) } else { None };
        let workspace = Workspace::beside(&path)?;
        // Not the workspace itself, which is locked already.
        let layout = Layout::new(workspace.path().join("layout"), below);
        Ok(Self {
            named: named.to_owned(),
            path,
            layout,
            _workspace: workspace,
            _held: held,
            _turn: turn.filter(|_| is_new),
        })
    }

    fn write(&self) -> Result<(), PublishError> {
        let mut names: BTreeSet<String> = self.layout.blobs()?.into_iter().collect();
        names.extend(["index.json".to_owned(), "oci-layout".to_owned()]);
        if let Some(Files::Archive(below)) = self.layout.below() {
            names.extend(below.names());
        }
        let standing = if self.layout.below().is_some() { Standing::Ours } else { Standing::Free };
        let fill = |staged: &Staged| {
            to_file(staged.file(), &self.path, |out| {
                let mut tarball = Tarball::new(out);
                tarball.directory("blobs/")?;
                tarball.directory("blobs/sha256/")?;
                for name in &names {
                    self.append(name, &mut tarball)?;
                }
                tarball.finish()
            })
        };
        replace(&self.path, Form::File, standing, fill, |_| Ok::<_, PublishError>(())).map(drop)
    }

    fn append(&self, name: &str, tarball: &mut Tarball<'_>) -> Result<(), OutputError> {
        let fail = |source| OutputError::Blob { digest: name.to_owned(), source };
        let (mut reader, size_bytes) = self.file(name).map_err(fail)?;
        tarball.stream(name, size_bytes, &mut reader, &name)
    }

    /// What was there stays as it was, but for the list of what there is and for what was damaged.
    fn file(&self, name: &str) -> io::Result<(Box<dyn Read>, u64)> {
        let written = self.layout.written(name);
        match (self.layout.below(), written) {
            (Some(files @ Files::Archive(below)), written) if written.is_none() || name == "oci-layout" => {
                let opened = files.open(name).map_err(io::Error::other)?;
                Ok((opened, below.size_bytes(name).unwrap_or_default()))
            }
            (_, Some(path)) => {
                let file = File::open(path)?;
                let size_bytes = file.metadata()?.len();
                Ok((Box::new(file), size_bytes))
            }
            (_, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Opens and locks the archive, if it is there. Who waited may find another one under its name.
fn hold(path: &Path) -> Result<Option<File>, PublishError> {
    loop {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
            file => file.map_err(failed("read", path))?,
        };
        let meta = file.metadata().map_err(failed("read", path))?;
        if !meta.is_file() {
            return Err(not_an_archive(path, "something else than a file".to_owned()));
        }
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed("lock", path)(error.into()))?;
        if fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (meta.dev(), meta.ino())) {
            return Ok(Some(file));
        }
    }
}

fn read(path: &Path) -> Result<Files, PublishError> {
    let files = Files::archive(path).and_then(|files| check_version(&files).map(|()| files));
    let files = files.map_err(|error| match error {
        ImageFileError::Archive { source, .. } => not_an_archive(path, format!("no tar ({source})")),
        ImageFileError::NotALayout { found, .. } => not_an_archive(path, format!("a tar with {found}")),
        ImageFileError::Compressed { .. } => not_an_archive(path, "compressed".to_owned()),
        error => error.into(),
    })?;
    if let Files::Archive(archive) = &files
        && let Some(name) = archive.names().find(|name| !tarball::fits(name))
    {
        return Err(not_an_archive(path, format!("one with `{name}`, which no layout has")));
    }
    Ok(files)
}

fn not_an_archive(path: &Path, found: String) -> PublishError {
    PublishError::NotAPlace { path: path.to_owned(), expected: "a tar of an OCI layout", found }
}

impl InLayout for ArchivePlace {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn name(&self) -> String {
        format!("oci-archive:{}", self.named.display())
    }

    fn finish(&self, top: &Manifest) -> Result<(), PublishError> {
        self.layout.keep(top)?;
        // Nothing was added: what is there is what was to be there.
        if self.layout.written("index.json").is_none() { Ok(()) } else { self.write() }
    }
}
