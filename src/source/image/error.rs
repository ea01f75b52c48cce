//! Why an image in a file is not read.

use std::io;
use std::path::PathBuf;

use crate::base::Platform;
use crate::image::CheckError;
use crate::layer::read::ReadError;

/// An image that cannot be found, chosen or believed.
#[derive(Debug, thiserror::Error)]
pub enum ImageFileError {
    /// In the store or a registry.
    #[error("`{reference}` is not an image in a file")]
    NotAFile {
        /// As it was typed.
        reference: String,
    },
    /// The machine could not open it.
    #[error("cannot open `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The machine could not read it, or it is not what its digest says ([`super::VerifyError`]).
    #[error("cannot read `{name}` of `{path}`")]
    Read {
        /// The directory or archive.
        path: PathBuf,
        /// The file in it, or the blob's digest.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A blob or file that something else names.
    #[error("`{path}` does not hold `{name}`")]
    Missing {
        /// The directory or archive.
        path: PathBuf,
        /// The file in it.
        name: String,
    },
    /// An archive that has no places to read from.
    #[error("`{path}` is compressed")]
    Compressed {
        /// The archive.
        path: PathBuf,
    },
    /// Not a tar that can be.
    #[error("cannot read the archive `{path}`")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// Not in the OCI image layout.
    #[error("expected an OCI image layout 1.0.0 in `{path}`, found {found}")]
    NotALayout {
        /// The directory or archive.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// Not what docker writes.
    #[error("the `manifest.json` of `{path}` is not one of `docker save`")]
    DockerManifest {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// No image of that name.
    #[error("`{path}` has no image `{tag}`, it has {found}")]
    NoSuchTag {
        /// The directory or archive.
        path: PathBuf,
        /// As it was typed.
        tag: String,
        /// Those that it has.
        found: String,
    },
    /// Several images, and no name.
    #[error("`{path}` has several images: {found}")]
    Ambiguous {
        /// The directory or archive.
        path: PathBuf,
        /// Their names.
        found: String,
    },
    /// No image for that platform.
    #[error("there is no image for `{wanted}`, only for {found}")]
    NoSuchPlatform {
        /// As it was asked for.
        wanted: Platform,
        /// Those that there are.
        found: String,
    },
    /// Several platforms, and no wish.
    #[error("the image is for several platforms: {found}")]
    NeedsPlatform {
        /// Those that there are.
        found: String,
    },
    /// A manifest, config or index that cannot be.
    #[error("the image in `{path}` is not one that can be")]
    Check {
        /// The directory or archive.
        path: PathBuf,
        /// Why.
        source: CheckError,
    },
}

impl ImageFileError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAFile { .. } => "copy it to `oci:DIR` first".to_owned(),
            Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "the path after `oci:` is a directory with an image layout, after the others an archive".to_owned()
            }
            Self::Open { .. } => return None,
            Self::Read { .. } | Self::Missing { .. } => "the image is damaged: copy it again".to_owned(),
            Self::Compressed { path } => format!("decompress it first: `gunzip {0}` or `unzstd {0}`", path.display()),
            Self::Archive { source, .. } => return source.hint(),
            Self::NotALayout { .. } | Self::DockerManifest { .. } => {
                "`oci:` is a directory, `oci-archive:` a tar of one, `docker-archive:` what `docker save` writes"
                    .to_owned()
            }
            Self::NoSuchTag { .. } | Self::Ambiguous { .. } => "put the name behind a colon: `oci:DIR:NAME`".to_owned(),
            Self::NoSuchPlatform { .. } | Self::NeedsPlatform { .. } => "choose one with `--platform`".to_owned(),
            Self::Check { source, .. } => return source.hint(),
        })
    }
}
