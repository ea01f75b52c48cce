//! Where to push, as it is typed.

use std::fmt;
use std::str::FromStr;

use crate::base::reference::{Located, Output};
use crate::registry::{Client, ImageName, RegistryError, Repository, Tag};
use crate::transport::url;

use super::archive::ArchivePlace;
use super::error::PublishError;
use super::layout::LayoutPlace;
use super::place::Place;
use super::registry::RegistryPlace;

/// `HOST/REPOSITORY[:TAG]`, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A repository of a registry.
    Registry(Repository, Option<Tag>),
    /// A directory in the OCI image layout.
    Layout(Located),
    /// A tar of such a directory.
    Archive(Located),
}

/// A text that is no destination.
#[derive(Debug, thiserror::Error)]
pub enum ParseDestinationError {
    /// Neither a registry's nor a file's.
    #[error(
        "`{found}` is not a destination; expected `HOST/REPOSITORY[:TAG]`, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`"
    )]
    Form {
        /// As it was given, without a password.
        found: String,
    },
    /// What is pushed decides the digest.
    #[error("`{found}` names a digest, which is not chosen but made: leave it away")]
    Digest {
        /// As it was given, without a password.
        found: String,
    },
    /// A name that registries do not take.
    #[error(transparent)]
    Name(#[from] RegistryError),
}

impl Destination {
    /// The tag in it.
    pub fn tag(&self) -> Result<Option<Tag>, RegistryError> {
        match self {
            Self::Registry(_, tag) => Ok(tag.clone()),
            Self::Layout(at) | Self::Archive(at) => at.tag.as_deref().map(str::parse).transpose(),
        }
    }
}

impl Destination {
    /// The place, if it is one or can become one.
    pub fn open<'a>(&self, client: &'a Client<'a>) -> Result<Box<dyn Place + 'a>, PublishError> {
        Ok(match self {
            Self::Registry(repository, _) => Box::new(RegistryPlace { client, repository: repository.clone() }),
            Self::Layout(at) => Box::new(LayoutPlace::open(&at.path)?),
            Self::Archive(at) => Box::new(ArchivePlace::open(&at.path)?),
        })
    }
}

impl FromStr for Destination {
    type Err = ParseDestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<Output>() {
            Ok(Output::OciDirectory(at)) => return Ok(Self::Layout(at)),
            Ok(Output::OciArchive(at)) => return Ok(Self::Archive(at)),
            _ => {}
        }
        let Some((host, rest)) = text.split_once('/') else {
            return Err(ParseDestinationError::Form { found: shown(text) });
        };
        // Without a dot or a port it would be a name on Docker Hub, which nobody pushes to by accident.
        if host != "localhost" && !host.contains(['.', ':']) {
            return Err(ParseDestinationError::Form { found: shown(text) });
        }
        if let Some((before, after)) = text.rsplit_once('@') {
            let found = shown(text);
            return Err(match is_of_address(before, after) {
                true => ParseDestinationError::Form { found },
                false => ParseDestinationError::Digest { found },
            });
        }
        let name: ImageName = text.parse()?;
        let tag = name.tag.filter(|_| rest.contains(':'));
        Ok(Self::Registry(name.repository, tag.as_deref().map(str::parse).transpose()?))
    }
}

/// Whether what stands before an `@` is a user, and perhaps a password: after a digest comes nothing.
fn is_of_address(before: &str, after: &str) -> bool {
    before.contains("://") || after.contains('/')
}

/// What may be shown of it.
pub fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) if is_of_address(before, after) => url::shown(after),
        _ => url::shown(text),
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let located = |f: &mut fmt::Formatter<'_>, transport: &str, at: &Located| {
            write!(f, "{transport}:{}", at.path.display())?;
            at.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
        };
        match self {
            Self::Registry(repository, None) => write!(f, "{repository}"),
            Self::Registry(repository, Some(tag)) => write!(f, "{repository}:{tag}"),
            Self::Layout(at) => located(f, "oci", at),
            Self::Archive(at) => located(f, "oci-archive", at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_and_shown_alike() {
        for text in [
            "registry.example.org/shop/api",
            "registry.example.org/shop/api:1.8.2",
            "localhost/x:1",
            "127.0.0.1:5000/x",
            "[::1]:5000/x:1",
            "oci:out:1",
            "oci-archive:x.tar",
        ] {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_destination_says_so() {
        use ParseDestinationError as E;
        for text in ["shop/api:1", "rootfs:x", "docker", "x"] {
            assert!(matches!(text.parse::<Destination>(), Err(E::Form { .. })), "{text}");
        }
        let digest = format!("r.example.org/x@sha256:{}", "0".repeat(64));
        assert!(matches!(digest.parse::<Destination>(), Err(E::Digest { .. })));
        for text in [
            "https://kim:hunter2@r.example.org/x",
            "kim:hunter2@r.example.org/x:1",
            "https://kim:hunter2/@r.example.org/x",
            "kim:hunter2@x",
        ] {
            let error = text.parse::<Destination>().expect_err(text);
            assert!(matches!(error, E::Form { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        for text in ["r.example.org/X:1", "r.example.org/x:-"] {
            assert!(matches!(text.parse::<Destination>(), Err(E::Name(_))), "{text}");
        }
    }
}
