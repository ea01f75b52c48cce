//! What users type to name an image to read, or a place to write one to.
//!
//! ```text
//! store:NAME[:VERSION]   oci:DIR[:TAG]   oci-archive:FILE[:TAG]   docker-archive:FILE[:TAG]   HOST/REPO[:TAG][@DIGEST]
//! ```
//! A name without a registry host is the store's.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// An image that exists somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// In the local store; without a version, the one that was built last.
    Store {
        /// The template's `name`.
        name: String,
        /// The template's `version`.
        version: Option<String>,
    },
    /// A directory in the OCI image layout.
    OciDirectory(Located),
    /// A tar of such a directory.
    OciArchive(Located),
    /// What `docker save` writes.
    DockerArchive(Located),
    /// In a registry: `HOST/REPO[:TAG][@DIGEST]`, as it was typed.
    Registry(String),
}

/// A place to write an image to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A directory in the OCI image layout.
    OciDirectory(Located),
    /// A tar of such a directory.
    OciArchive(Located),
    /// What `docker load` reads.
    DockerArchive(Located),
    /// The same on standard output.
    DockerArchiveStdout,
    /// The root tree as files in a directory.
    RootfsDirectory(PathBuf),
    /// The root tree as one tar.
    RootfsTar(PathBuf),
    /// Loaded into the engine that runs here.
    Engine(Engine),
}

/// A container engine that can load an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `docker load`
    Docker,
    /// `podman load`
    Podman,
}

/// A file or directory and the name of the image in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Where, as it was typed.
    pub path: PathBuf,
    /// Which of the images there; not needed when there is one.
    pub tag: Option<String>,
}

/// A text that names no image and no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// Nothing, or nothing behind the transport.
    #[error("`{found}` names nothing; expected {FORMS}")]
    Empty {
        /// The text as it was given.
        found: String,
    },
    /// A transport that kiln does not have.
    #[error("`{found}` has an unknown transport; expected {FORMS}")]
    UnknownTransport {
        /// The text as it was given.
        found: String,
    },
    /// Not a place for an image.
    #[error("`{found}` is not an output; expected {OUTPUT_FORMS}")]
    NotAnOutput {
        /// The text as it was given.
        found: String,
    },
    /// In the grammar, but this kiln cannot do it.
    #[error("`{found}` is not built yet: this kiln writes {OUTPUT_FORMS}")]
    NotBuiltYet {
        /// The text as it was given.
        found: String,
    },
}

const FORMS: &str = "`store:NAME[:VERSION]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]` or \
                     `HOST/REPO[:TAG][@DIGEST]`";
const OUTPUT_FORMS: &str = "`oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, `docker-archive:-`, \
                            `rootfs:DIR`, `rootfs-tar:FILE`, `docker` or `podman`";

impl Located {
    /// Splits `PATH[:TAG]`: a tag holds no slash, a path may hold a colon.
    fn parse(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((path, tag)) if !path.is_empty() && !tag.is_empty() && !tag.contains('/') => {
                Self { path: PathBuf::from(path), tag: Some(tag.to_owned()) }
            }
            _ => Self { path: PathBuf::from(text), tag: None },
        }
    }

    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let empty = || ParseReferenceError::Empty { found: text.to_owned() };
        if text.is_empty() {
            return Err(empty());
        }
        let located = |rest: &str| (!rest.is_empty()).then(|| Located::parse(rest)).ok_or_else(empty);
        if let Some((transport, rest)) = text.split_once(':') {
            match transport {
                "store" => return store(rest).ok_or_else(empty),
                "oci" => return located(rest).map(Self::OciDirectory),
                "oci-archive" => return located(rest).map(Self::OciArchive),
                "docker-archive" => return located(rest).map(Self::DockerArchive),
                "docker" | "containers-storage" | "dir" | "docker-daemon" => {
                    return Err(ParseReferenceError::UnknownTransport { found: text.to_owned() });
                }
                _ => {}
            }
        }
        match text.split_once('/') {
            Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => Ok(Self::Registry(text.to_owned())),
            _ => store(text).ok_or_else(empty),
        }
    }
}

fn store(text: &str) -> Option<Reference> {
    // What was pulled has its registry in its name, perhaps with a port.
    let (name, version) = match text.rsplit_once(':') {
        Some((name, version)) if !version.contains('/') => (name, Some(version)),
        _ => (text, None),
    };
    let good = !name.is_empty() && version.is_none_or(|version| !version.is_empty());
    good.then(|| Reference::Store { name: name.to_owned(), version: version.map(str::to_owned) })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let located = |f: &mut fmt::Formatter<'_>, transport: &str, located: &Located| {
            write!(f, "{transport}:")?;
            located.fmt(f)
        };
        match self {
            Self::Store { name, version: Some(version) } => write!(f, "store:{name}:{version}"),
            Self::Store { name, version: None } => write!(f, "store:{name}"),
            Self::OciDirectory(at) => located(f, "oci", at),
            Self::OciArchive(at) => located(f, "oci-archive", at),
            Self::DockerArchive(at) => located(f, "docker-archive", at),
            Self::Registry(text) => f.write_str(text),
        }
    }
}

impl FromStr for Output {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let engine = match text {
            "docker" => Some(Engine::Docker),
            "podman" => Some(Engine::Podman),
            _ => None,
        };
        if let Some(engine) = engine {
            return Ok(Self::Engine(engine));
        }
        if text == "docker-archive:-" {
            return Ok(Self::DockerArchiveStdout);
        }
        let (transport, rest) =
            text.split_once(':').ok_or_else(|| ParseReferenceError::NotAnOutput { found: text.to_owned() })?;
        if rest.is_empty() {
            return Err(ParseReferenceError::Empty { found: text.to_owned() });
        }
        match transport {
            "oci" => Ok(Self::OciDirectory(Located::parse(rest))),
            "oci-archive" => Ok(Self::OciArchive(Located::parse(rest))),
            "docker-archive" => Ok(Self::DockerArchive(Located::parse(rest))),
            "rootfs" => Ok(Self::RootfsDirectory(PathBuf::from(rest))),
            "rootfs-tar" => Ok(Self::RootfsTar(PathBuf::from(rest))),
            "raw" | "qcow2" | "vmdk" | "vhd" | "gce" | "disk" => {
                Err(ParseReferenceError::NotBuiltYet { found: text.to_owned() })
            }
            _ => Err(ParseReferenceError::NotAnOutput { found: text.to_owned() }),
        }
    }
}

impl Output {
    /// The file or directory that is written, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::OciDirectory(at) | Self::OciArchive(at) | Self::DockerArchive(at) => Some(&at.path),
            Self::RootfsDirectory(path) | Self::RootfsTar(path) => Some(path),
            Self::DockerArchiveStdout | Self::Engine(_) => None,
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let located = |f: &mut fmt::Formatter<'_>, transport: &str, located: &Located| {
            write!(f, "{transport}:")?;
            located.fmt(f)
        };
        match self {
            Self::OciDirectory(at) => located(f, "oci", at),
            Self::OciArchive(at) => located(f, "oci-archive", at),
            Self::DockerArchive(at) => located(f, "docker-archive", at),
            Self::DockerArchiveStdout => f.write_str("docker-archive:-"),
            Self::RootfsDirectory(path) => write!(f, "rootfs:{}", path.display()),
            Self::RootfsTar(path) => write!(f, "rootfs-tar:{}", path.display()),
            Self::Engine(Engine::Docker) => f.write_str("docker"),
            Self::Engine(Engine::Podman) => f.write_str("podman"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_shown_alike() {
        for text in [
            "store:shop/api:1.8.2",
            "store:shop/api",
            "store:localhost:5000/shop/api",
            "store:localhost:5000/shop/api:1.8.2",
            "oci:out",
            "oci:a:b/c:1.0",
            "oci-archive:x.tar:v1",
            "docker-archive:x.tar",
            "registry.example.org/shop/api:1.8.2",
            "localhost:5000/x",
            "[::1]:5000/x",
            "[::1]/x:1",
        ] {
            assert_eq!(text.parse::<Reference>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("shop/api:1".parse::<Reference>().map(|r| r.to_string()), Ok("store:shop/api:1".to_owned()));
        assert!(matches!("store:".parse::<Reference>(), Err(ParseReferenceError::Empty { .. })));
        assert!(matches!("docker://x/y".parse::<Reference>(), Err(ParseReferenceError::UnknownTransport { .. })));
    }

    #[test]
    fn outputs_are_read_and_shown_alike() {
        for text in ["oci:out:1", "docker-archive:-", "rootfs:tree", "rootfs-tar:x.tar", "podman"] {
            assert_eq!(text.parse::<Output>().map(|o| o.to_string()), Ok(text.to_owned()));
        }
        assert!(matches!("raw:disk.img".parse::<Output>(), Err(ParseReferenceError::NotBuiltYet { .. })));
        assert!(matches!("ocii:x".parse::<Output>(), Err(ParseReferenceError::NotAnOutput { .. })));
    }
}
