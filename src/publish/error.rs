//! Why something cannot be published.

use std::io;
use std::path::PathBuf;

use crate::base::{BlobDigest, Class};
use crate::image::{CheckError, Descriptor, Links};
use crate::output::OutputError;
use crate::registry::{Damaged, Manifest, Race, RegistryError, Tag};
use crate::source::image::ImageFileError;
use crate::store::StoreError;
use crate::transport::TransportError;

use super::channel::ChannelError;
use super::place::Place;

/// A push, pull or copy that failed. Whatever was written is whole, and has no name.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A name that was published holds something else.
    #[error("`{name}` is published already and holds something else{}", race(*lost))]
    Held {
        /// With its tag.
        name: String,
        /// Whether it was absent when we looked first.
        lost: Race,
        /// What it holds, and what it was to hold.
        source: Box<Difference>,
    },
    /// A registry.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A layout or an archive that is read.
    #[error(transparent)]
    ImageFile(#[from] ImageFileError),
    /// A layout or an archive that is written.
    #[error("cannot {doing} `{path}`", path = path.display())]
    File {
        /// Such as `write`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An archive that cannot be put in its place.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file or directory that is something else than what is to be added to.
    #[error("`{path}` is {found}, not {expected}", path = path.display())]
    NotAPlace {
        /// Which.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A manifest that says nothing sensible.
    #[error("the manifest cannot be read")]
    Manifest(#[from] CheckError),
    /// A blob is nowhere.
    #[error("the blob {digest} ({size_bytes} bytes) is not here")]
    NoBlob {
        /// Which.
        digest: BlobDigest,
        /// Its length.
        size_bytes: u64,
    },
    /// A blob cannot be read.
    #[error("cannot read the blob {digest}")]
    Read {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: io::Error,
    },
    /// Documents that lead to others without end.
    #[error("too much belongs to {digest}: more than {documents} documents, or {depth} below or on each other")]
    Endless {
        /// Where it begins.
        digest: BlobDigest,
        /// How deep kiln follows.
        depth: usize,
        /// How many it takes.
        documents: usize,
    },
    /// Documents that are more than anybody's.
    #[error("too much belongs to {digest}: its manifests are more than {max_bytes} bytes")]
    TooMuch {
        /// Where it begins.
        digest: BlobDigest,
        /// How many kiln takes.
        max_bytes: u64,
    },
    /// A blob is not what its digest says.
    #[error("the blob {digest} is damaged")]
    Damaged {
        /// Which.
        digest: BlobDigest,
        /// What it is.
        source: Damaged,
    },
    /// A repository that takes no image without any use.
    #[error("`{repository}` takes no throw-away image: {told}")]
    NotTaken {
        /// Where it was to go.
        repository: String,
        /// What the registry answered.
        told: String,
    },
    /// A probe ended early, and could not remove all that it wrote.
    #[error("the probe ended early, and left {}", left.join(", "))]
    Abandoned {
        /// What is there still.
        left: Vec<String>,
        /// Why it ended.
        source: Box<PublishError>,
    },
    /// A channel cannot be moved.
    #[error(transparent)]
    Channel(Box<ChannelError>),
    /// There is nothing to push.
    #[error("there is nothing to push")]
    Nothing,
    /// The user wanted to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What a name holds and what it was to hold.
#[derive(Debug, thiserror::Error)]
#[error("it holds {}, and {} was to be pushed", made(held), made(wanted))]
pub struct Difference {
    /// What the name holds, and when that was made if it says so.
    pub held: (BlobDigest, Option<String>),
    /// What it was to hold, and when that was made.
    pub wanted: (BlobDigest, Option<String>),
}

fn made((digest, created): &(BlobDigest, Option<String>)) -> String {
    created.as_ref().map_or_else(|| digest.to_string(), |created| format!("{digest} (made {created})"))
}

fn race(lost: Race) -> &'static str {
    match lost {
        Race::None => "",
        Race::Lost => ": somebody else pushed it a moment ago",
    }
}

impl From<RegistryError> for PublishError {
    fn from(error: RegistryError) -> Self {
        // What was being done then is of no interest.
        if error.is_interrupt() { Self::Interrupted } else { Self::Registry(Box::new(error)) }
    }
}

impl From<ChannelError> for PublishError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(Box::new(error))
    }
}

/// What a registry's error means to whoever called kiln.
pub(super) fn class_of(error: &RegistryError) -> Class {
    match error {
        error if error.is_interrupt() => Class::Interrupted,
        error if error.is_refusal() => Class::Refused,
        error if error.is_mismatch() => Class::Mismatch,
        error if error.is_unavailable() => Class::Unavailable,
        _ => Class::Failed,
    }
}

impl PublishError {
    /// Of a name that holds something else. What is known of both is looked up; that it cannot be is no other error.
    pub(super) fn held(place: &dyn Place, tag: &Tag, held: BlobDigest, wanted: &Manifest, lost: Race) -> Self {
        let of_held = place.manifest(&held).ok().flatten();
        let held = (held, of_held.and_then(|manifest| created(&manifest, place)));
        let wanted = (wanted.digest, annotated(wanted));
        Self::Held { name: place.full_name(tag), lost, source: Box::new(Difference { held, wanted }) }
    }

    /// Of a blob that could not be sent: its own fault is told as that.
    pub(super) fn sending(error: RegistryError, blob: &Descriptor) -> Self {
        let RegistryError::Transport { source, registry, doing, what, image } = error else { return error.into() };
        let back = |source: TransportError| {
            RegistryError::Transport { registry, doing, what, image, source: Box::new(source) }.into()
        };
        match *source {
            TransportError::Source { url, source } => match source.downcast::<Damaged>() {
                Ok(source) => Self::Damaged { digest: blob.digest, source },
                // It came from a registry while it was sent.
                Err(source) => match source.downcast::<RegistryError>() {
                    Ok(source) => source.into(),
                    Err(source) => back(TransportError::Source { url, source }),
                },
            },
            source => back(source),
        }
    }

    /// Of a blob that could not be read.
    pub(super) fn reading(error: io::Error, blob: &Descriptor) -> Self {
        match error.downcast::<RegistryError>() {
            Ok(source) => source.into(),
            Err(source) => Self::Read { digest: blob.digest, source },
        }
    }

    /// What it means to whoever called kiln.
    pub fn class(&self) -> Class {
        match self {
            Self::Held { .. } => Class::Refused,
            Self::Registry(error) => class_of(error),
            Self::Channel(error) => error.class(),
            Self::Damaged { .. } | Self::Store(StoreError::Damaged { .. }) => Class::Mismatch,
            Self::Output(error) if error.is_refusal() => Class::Refused,
            Self::Interrupted => Class::Interrupted,
            Self::NotTaken { .. } => Class::Unavailable,
            Self::Abandoned { source, .. } => source.class(),
            _ => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { name, source, .. } => {
                let digest = &source.wanted.0;
                format!(
                    "what is published stays: raise the version in the template, or give `--version`; `kiln diff {name} STORE-REF` \
                     shows how it differs from {digest}"
                )
            }
            Self::Registry(error) => return error.hint(),
            Self::Channel(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::ImageFile(error) => return error.hint(),
            Self::Output(error) => return error.hint(),
            Self::NotTaken { .. } => "check that you may push there, or name another repository".to_owned(),
            Self::Abandoned { source, .. } => return source.hint(),
            Self::NotAPlace { .. } => "name another file or directory".to_owned(),
            Self::NoBlob { .. } | Self::Damaged { .. } => {
                "build or pull the image again: what is missing is made anew".to_owned()
            }
            Self::File { .. } | Self::Read { .. } | Self::Manifest(_) | Self::Endless { .. } => return None,
            Self::TooMuch { .. } | Self::Nothing | Self::Interrupted => return None,
        })
    }
}

/// When a manifest says that it was made (image-spec, annotations.md).
const CREATED: &str = "org.opencontainers.image.created";

fn annotated(manifest: &Manifest) -> Option<String> {
    Links::of(&manifest.bytes).ok()?.annotations.remove(CREATED)
}

/// When something was made: by its annotation, else by its config, or that of its first image.
fn created(manifest: &Manifest, place: &dyn Place) -> Option<String> {
    let links = Links::of(&manifest.bytes).ok()?;
    if let Some(created) = links.annotations.get(CREATED) {
        return Some(created.clone());
    }
    let config = match (links.config, links.manifests.first()) {
        (Some(config), _) => config,
        (None, Some(first)) => Links::of(&place.manifest(&first.digest).ok()??.bytes).ok()?.config?,
        (None, None) => return None,
    };
    if config.size > crate::image::checks::DOCUMENT_MAX_BYTES as u64 {
        return None;
    }
    let config: serde_json::Value = serde_json::from_slice(&place.document(&config).ok()?).ok()?;
    config["created"].as_str().map(str::to_owned)
}
