//! Why an output is not written.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{ImagePath, Platform};
use crate::tree::ContentError;

/// An output that could not be written, or must not be.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Somebody else's, or changed since kiln wrote it.
    #[error("`{path}` exists and is not what kiln wrote there last")]
    NotOurs {
        /// The target.
        path: PathBuf,
    },
    /// A link that leads nowhere: following it would write to a place that nobody named.
    #[error("`{path}` is a symbolic link to nothing")]
    LinkToNothing {
        /// The target.
        path: PathBuf,
    },
    /// Two outputs of one call that both want standard output.
    #[error("`{output}` is named as an output twice")]
    SameStream {
        /// The output as it was typed.
        output: String,
    },
    /// Two outputs of one call.
    #[error("`{path}` is named as an output twice")]
    SamePath {
        /// The target.
        path: PathBuf,
    },
    /// One output of a call inside another.
    #[error("the outputs `{path}` and `{other}` lie inside each other")]
    Nested {
        /// One target.
        path: PathBuf,
        /// The other one.
        other: PathBuf,
    },
    /// Such as `.` or `/`, which no rename can replace.
    #[error("`{path}` has no name of its own that could be replaced")]
    NoFileName {
        /// The target.
        path: PathBuf,
    },
    /// A form that holds one image, and an index.
    #[error("`{output}` holds the image of one platform, found {found}")]
    NeedsOnePlatform {
        /// The output as it was typed.
        output: String,
        /// The platforms.
        found: String,
    },
    /// A tag of a docker archive without a name before it.
    #[error("tag `{tag}` needs an image name, and the template has none")]
    NoName {
        /// The tag.
        tag: String,
    },
    /// The machine could not.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is written to failed; [`OutputError::at`] knows where it is.
    #[error("cannot write the archive")]
    Write {
        /// Why.
        source: io::Error,
    },
    /// A layer could not be had.
    #[error("cannot read layer {digest}")]
    Blob {
        /// Its digest or diff ID.
        digest: String,
        /// Why.
        source: io::Error,
    },
    /// A layer of another length.
    #[error("layer {digest} should have {expected} bytes, found {found}")]
    BlobSize {
        /// Its digest or diff ID.
        digest: String,
        /// As the manifest or its owner says.
        expected: u64,
        /// What was there, or one more than expected.
        found: u64,
    },
    /// The merged tree could not be had.
    #[error("cannot put the layers for `{platform}` together")]
    Root {
        /// Which.
        platform: Platform,
        /// Why.
        source: io::Error,
    },
    /// A file's bytes could not be had.
    #[error("cannot read the content of `{path}`")]
    Content {
        /// The file in the image.
        path: ImagePath,
        /// Why.
        source: ContentError,
    },
    /// A file of the root could not be made.
    #[error("cannot {action} `{path}` of the image")]
    Entry {
        /// What was to be done.
        action: &'static str,
        /// The file in the image.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// No such program.
    #[error("cannot start `{program}`")]
    EngineMissing {
        /// `docker` or `podman`.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It did not take the image.
    #[error("`{program} load` failed with {status}: {stderr}")]
    EngineFailed {
        /// `docker` or `podman`.
        program: String,
        /// Its exit status.
        status: String,
        /// What it said, at most the last part of it.
        stderr: String,
    },
}

impl OutputError {
    /// Whether it was refused because it would rewrite what is there.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotOurs { .. } | Self::LinkToNothing { .. })
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Names the file that could not be written.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Write { source } => Self::io("write", path, source),
            other => other,
        }
    }

    /// Names the target in place of what stands in for it until it is whole.
    pub(super) fn of_target(self, staged: &Path, target: &Path) -> Self {
        match self.at(target) {
            Self::Io { action, path, source } if path.starts_with(staged) => Self::io(action, target, source),
            // Which file of the image met the end of the disk says nothing.
            Self::Entry { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Self::io("write", target, source)
            }
            other => other,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotOurs { path } => format!("remove `{}` yourself, or name another output", path.display()),
            Self::LinkToNothing { path } => {
                format!("remove `{}`, or name the place that is meant", path.display())
            }
            Self::SameStream { .. } => "name it once".to_owned(),
            Self::SamePath { .. } | Self::Nested { .. } => "give each output a path of its own".to_owned(),
            Self::NoFileName { .. } => "name a file or directory that kiln may make and replace".to_owned(),
            Self::NeedsOnePlatform { .. } => "choose one with `--platform`, or write `oci:DIR`".to_owned(),
            Self::NoName { .. } => "set `image.name` in the template".to_owned(),
            Self::Io { source, .. } | Self::Write { source } | Self::Entry { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => "make room there, or name another output".to_owned(),
                io::ErrorKind::PermissionDenied => "name an output that you may write to".to_owned(),
                _ => return None,
            },
            Self::Blob { .. } | Self::BlobSize { .. } | Self::Content { source: ContentError::Read { .. }, .. } => {
                "run `kiln store check`, which sets damaged blobs aside, and build again".to_owned()
            }
            Self::Root { .. } | Self::Content { .. } => return None,
            Self::EngineMissing { program, .. } => {
                format!("install `{program}`, or write `docker-archive:FILE` and load that where it runs")
            }
            Self::EngineFailed { program, .. } => format!("see whether `{program} info` works for this user"),
        })
    }
}
