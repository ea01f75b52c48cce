//! What the name of an image in a template means.

use std::path::Path;

use crate::base::reference::{Located, Reference};
use crate::input::InputError;
use crate::registry::ImageName;
use crate::store::Name;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// In a registry; short names mean Docker Hub.
    Registry(ImageName),
    /// In a file or directory.
    File(Reference),
    /// In the local store.
    Store(Name),
}

/// The transports that are not registries.
const TRANSPORTS: [&str; 4] = ["oci:", "oci-archive:", "docker-archive:", "store:"];

impl Named {
    /// Reads a name as templates have it; relative paths are from `directory`.
    pub fn parse(image: &str, directory: &Path) -> Result<Self, InputError> {
        if !TRANSPORTS.iter().any(|transport| image.starts_with(transport)) {
            return Ok(Self::Registry(image.parse()?));
        }
        let below = |at: Located| Located { path: directory.join(&at.path), tag: at.tag };
        let fail = |source| InputError::Reference { image: image.to_owned(), source };
        Ok(match image.parse::<Reference>().map_err(fail)? {
            Reference::Store { name, version } => Self::Store(Name { name, version }),
            Reference::OciDirectory(at) => Self::File(Reference::OciDirectory(below(at))),
            Reference::OciArchive(at) => Self::File(Reference::OciArchive(below(at))),
            Reference::DockerArchive(at) => Self::File(Reference::DockerArchive(below(at))),
            other @ Reference::Registry(_) => Self::File(other),
        })
    }
}
