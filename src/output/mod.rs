//! Writing an image where the user wants it.
//!
//! ```text
//! Subject + Output --write--> Receipt { AlreadyThere | New | Replaced, the record to keep }
//!
//! layout      the files of an OCI image layout          oci:DIR, oci-archive:FILE
//! docker      the files of `docker save`                docker-archive:FILE, docker-archive:-, docker, podman
//! rootfs      the merged tree as files                  rootfs:DIR       (rootfs-tar:FILE: the caller writes the tar)
//! place       staging beside the target, then one rename
//! fingerprint whether what is there is what was written there last
//! ```
//! What is at a target and was not written by kiln, or was changed since, is never touched. A target changes in one
//! rename, from nothing or the old whole to the new whole; what a killed run leaves lies beside it under a name of its own
//! and is removed by the next run.
//!
//! Architecture Invariant: this module decides no byte of an image. Nothing outside of the target's directory is written.

mod copy;
pub mod docker;
pub mod engine;
pub mod error;
pub mod fingerprint;
pub mod layout;
pub mod place;
pub mod rootfs;
mod rootfs_meta;
pub mod tarball;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use error::OutputError;
pub use fingerprint::Fingerprint;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::reference::Output;
use crate::base::{BlobDigest, DiffId, LayerDigest, Platform};
use crate::image::{Image, Index};
use crate::tree::{Contents, Tree};

use place::{Form, Standing};

/// What is written: an image for one platform, or an index and its images.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// One, or those of the index.
    pub images: &'a [Image],
    /// For several platforms.
    pub index: Option<&'a Index>,
    /// What else the index leads to; none in kiln's own. A layout is whole only with them.
    pub others: &'a [Other],
    /// The template's `name`.
    pub name: Option<&'a str>,
    /// The template's `version`.
    pub version: Option<&'a str>,
    /// Where the bytes come from.
    pub supply: &'a dyn Supply,
}

/// A document that an index leads to and that is no image of it, such as BuildKit's attestations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub digest: BlobDigest,
    /// It.
    pub bytes: Vec<u8>,
    /// What it leads to: digest and length.
    pub blobs: Vec<(LayerDigest, u64)>,
}

/// Gives what an image is made of.
pub trait Supply {
    /// Makes the blob of a layer appear at `to`, which does not exist: linked, cloned or copied.
    fn place(&self, digest: &LayerDigest, to: &Path) -> io::Result<()>;
    /// The blob of a layer.
    fn open(&self, digest: &LayerDigest) -> io::Result<Box<dyn Read + '_>>;
    /// The tar of a layer, and its length.
    fn open_uncompressed(&self, diff_id: &DiffId) -> io::Result<(Box<dyn Read + '_>, u64)>;
    /// All layers of a platform put together. Asked for by `rootfs:` only.
    fn root(&self, platform: &Platform) -> io::Result<Root<'_>>;
    /// Writes that tree as one tar. Asked for by `rootfs-tar:` only.
    fn write_root_tar(&self, platform: &Platform, to: &mut dyn Write) -> io::Result<()>;
}

/// A merged tree and the bytes of its files.
pub struct Root<'a> {
    /// The tree.
    pub tree: Cow<'a, Tree>,
    /// The bytes.
    pub contents: &'a dyn Contents,
}

/// What was written to a path last. The caller keeps it and gives it to the next [`write`] there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Everything besides the image that decides what is written: transport, tag, names.
    pub form: String,
    /// Digest of the manifest or index.
    pub digest: String,
    /// How to recognise it.
    pub fingerprint: Fingerprint,
}

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It held this already.
    AlreadyThere,
    /// There was nothing before.
    New,
    /// It held kiln's last output.
    Replaced,
}

/// What [`write`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// To the target.
    pub written: Written,
    /// To be kept; `None` where there is no path.
    pub recorded: Option<Recorded>,
    /// What this user or file system could not have; only `rootfs:` loses anything.
    pub lost: rootfs::Lost,
    /// What an engine said.
    pub said: Option<String>,
}

impl Subject<'_> {
    /// Digest of the index, or of the one manifest.
    pub fn digest(&self) -> String {
        match (self.index, self.images.first()) {
            (Some(index), _) => index.digest.to_string(),
            (None, Some(image)) => image.manifest.digest.to_string(),
            (None, None) => String::new(),
        }
    }

    fn one_platform(&self, output: &Output) -> Result<&Image, OutputError> {
        match self.images {
            [image] => Ok(image),
            images => Err(OutputError::NeedsOnePlatform {
                output: output.to_string(),
                found: images.iter().map(|image| image.platform.to_string()).collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

/// Checks what can be known of the outputs of one call before anything is built: they do not overwrite each other (no path
/// twice, none inside another), each can be replaced by a rename, and what holds one image gets one.
pub fn check_outputs(outputs: &[Output], platforms: &[Platform]) -> Result<(), OutputError> {
    for output in outputs {
        needs_one(output, platforms)?;
    }
    let streams = outputs.iter().filter(|output| matches!(output, Output::DockerArchiveStdout));
    if let Some(output) = streams.skip(1).map(Output::to_string).next() {
        return Err(OutputError::SameStream { output });
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in outputs.iter().filter_map(Output::path) {
        place::check_name(path)?;
        let real = place::real_path(path);
        for other in &seen {
            if *other == real {
                return Err(OutputError::SamePath { path: path.to_owned() });
            }
            if real.starts_with(other) || other.starts_with(&real) {
                return Err(OutputError::Nested { path: path.to_owned(), other: other.clone() });
            }
        }
        seen.push(real);
    }
    Ok(())
}

/// Only an OCI layout has room for the images of several platforms.
fn needs_one(output: &Output, platforms: &[Platform]) -> Result<(), OutputError> {
    match output {
        Output::OciDirectory(_) | Output::OciArchive(_) => Ok(()),
        _ if platforms.len() <= 1 => Ok(()),
        _ => Err(OutputError::NeedsOnePlatform {
            output: output.to_string(),
            found: platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Writes `subject` to `output`. `known` is what earlier runs may have left at this path; `remember` is told what will be
/// there just before it is, and what is there until then.
pub fn write<E: From<OutputError>>(
    subject: &Subject<'_>,
    output: &Output,
    known: &[&Recorded],
    remember: impl FnOnce(&Recorded, Option<&Recorded>) -> Result<(), E>,
) -> Result<Receipt, E> {
    let form = match output {
        Output::OciDirectory(_) => Form::Layout,
        Output::RootfsDirectory(_) => Form::Tree,
        _ => Form::File,
    };
    match output.path() {
        Some(path) => write_path(subject, output, path, form, known, remember),
        None => Ok(write_stream(subject, output)?),
    }
}

/// Writes to what has no path.
fn write_stream(subject: &Subject<'_>, output: &Output) -> Result<Receipt, OutputError> {
    let image = subject.one_platform(output)?;
    let said = match output {
        Output::Engine(engine) => Some(engine::load(subject, image, *engine)?),
        _ => {
            let mut stdout = io::stdout().lock();
            docker::write(subject, image, None, &mut stdout).map_err(|error| error.at(Path::new("standard output")))?;
            None
        }
    };
    Ok(Receipt { said, ..receipt(Written::New, None, rootfs::Lost::default()) })
}

fn receipt(written: Written, recorded: Option<Recorded>, lost: rootfs::Lost) -> Receipt {
    Receipt { written, recorded, lost, said: None }
}

fn write_path<E: From<OutputError>>(
    subject: &Subject<'_>,
    output: &Output,
    path: &Path,
    form: Form,
    known: &[&Recorded],
    remember: impl FnOnce(&Recorded, Option<&Recorded>) -> Result<(), E>,
) -> Result<Receipt, E> {
    let (digest, form_text) = (subject.digest(), form_text(subject, output)?);
    place::check_name(path)?;
    let (named, path) = (path, &place::behind_link(path));
    let fingerprints: Vec<&Fingerprint> = known.iter().map(|one| &one.fingerprint).collect();
    let (standing, held) = place::standing(path, form, &fingerprints).map_err(|error| match error {
        // What the user named can be removed or not be named, wherever it leads.
        OutputError::NotOurs { .. } => OutputError::NotOurs { path: named.to_owned() },
        error => error,
    })?;
    let held = held.and_then(|at| known.get(at)).copied();
    if let Some(held) = held
        && (&held.digest, &held.form) == (&digest, &form_text)
    {
        return Ok(receipt(Written::AlreadyThere, Some(held.clone()), rootfs::Lost::default()));
    }
    let record = |fingerprint| Recorded { form: form_text.clone(), digest: digest.clone(), fingerprint };
    let fill = |staged: &place::Staged| fill(subject, output, staged);
    let remember = |fingerprint: &Fingerprint| remember(&record(fingerprint.clone()), held);
    let (fingerprint, lost) = place::replace(path, form, standing, fill, remember)?;
    let written = if standing == Standing::Ours { Written::Replaced } else { Written::New };
    Ok(receipt(written, Some(record(fingerprint)), lost))
}

/// What else than the image decides the bytes; it also refuses what cannot be written before anything is.
fn form_text(subject: &Subject<'_>, output: &Output) -> Result<String, OutputError> {
    Ok(match output {
        Output::OciDirectory(at) => format!("oci {}", layout::ref_name(subject, at).unwrap_or_default()),
        Output::OciArchive(at) => format!("oci-archive {}", layout::ref_name(subject, at).unwrap_or_default()),
        Output::DockerArchive(at) => {
            subject.one_platform(output)?;
            let tag = docker::repo_tag(subject, at.tag.as_deref())?;
            format!("docker-archive {}", tag.unwrap_or_default())
        }
        Output::RootfsDirectory(_) => {
            subject.one_platform(output)?;
            // Owners are lost without privileges, so the same image gives another tree then.
            format!("rootfs {:?}", rootfs::Privilege::of_this_process())
        }
        _ => {
            subject.one_platform(output)?;
            output.to_string().split(':').next().unwrap_or_default().to_owned()
        }
    })
}

fn fill(subject: &Subject<'_>, output: &Output, staged: &place::Staged) -> Result<rootfs::Lost, OutputError> {
    let path = staged.path();
    match output {
        Output::OciDirectory(at) => layout::write_directory(subject, layout::ref_name(subject, at), path)?,
        Output::RootfsDirectory(_) => {
            let image = subject.one_platform(output)?;
            let root = subject.supply.root(&image.platform);
            let root = root.map_err(|source| OutputError::Root { platform: image.platform.clone(), source })?;
            return rootfs::write(&root.tree, root.contents, path);
        }
        _ => to_file(staged.file(), path, |out| match output {
            Output::OciArchive(at) => layout::write_archive(subject, layout::ref_name(subject, at), out),
            Output::DockerArchive(at) => docker::write(subject, subject.one_platform(output)?, at.tag.as_deref(), out),
            _ => {
                let platform = &subject.one_platform(output)?.platform;
                let written = subject.supply.write_root_tar(platform, out);
                written.map_err(|source| OutputError::Root { platform: platform.clone(), source })
            }
        })?,
    }
    Ok(rootfs::Lost::default())
}

/// Writes through a buffer and to the disk.
pub fn to_file(
    file: &File,
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    /// Large enough that headers and small blobs are written together.
    const BUFFER_BYTES: usize = 256 * 1024;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    fill(&mut out).map_err(|error| error.at(path))?;
    out.flush().and_then(|()| file.sync_all()).map_err(|source| OutputError::io("write", path, source))
}
