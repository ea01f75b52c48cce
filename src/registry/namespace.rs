//! What one logs in to: a registry, or a part of one.
//!
//! ```text
//! quay.io                       filed as quay.io
//! quay.io/acme                  filed as quay.io/acme, which podman invented
//! docker.io, index.docker.io    filed as https://index.docker.io/v1/, which docker looks for
//! docker.io/acme                filed as docker.io/acme
//! ```

use std::fmt;
use std::str::FromStr;

use super::credentials::{HUB_KEY, aliases, is_hub, plain};
use super::error::RegistryError;
use super::name::{ImageName, Repository};

/// A registry, or the repositories in it whose names begin with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    registry: String,
    path: Option<String>,
}

impl Namespace {
    /// `HOST` or `HOST:PORT`; `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host to talk to.
    pub fn host(&self) -> String {
        let name = self.path.clone().unwrap_or_default();
        Repository { registry: self.registry.clone(), name }.host().to_owned()
    }

    /// Whether it is all of the registry.
    pub fn is_whole(&self) -> bool {
        self.path.is_none()
    }

    /// The registry that it is in.
    pub(super) fn whole(&self) -> Self {
        Self { registry: self.registry.clone(), path: None }
    }

    /// Under what its credentials are filed.
    pub fn key(&self) -> String {
        if is_hub(&self.registry) && self.is_whole() { HUB_KEY.to_owned() } else { self.to_string() }
    }

    /// Whether this key of a file means it: there are several spellings.
    pub(super) fn is_meant_by(&self, key: &str) -> bool {
        let key = plain(key);
        let with_path = |host: String| Self { registry: host, path: self.path.clone() }.to_string();
        aliases(&self.registry).into_iter().map(with_path).any(|known| known == key)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, "/{path}"))
    }
}

impl FromStr for Namespace {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |found: &str, why: String| RegistryError::Namespace { found: found.to_owned(), why };
        if let Some((_, host)) = text.rsplit_once('@') {
            return Err(fail(host, "what stood before its `@` may be a password and belongs elsewhere".to_owned()));
        }
        // As docker takes it: with a scheme, and with the version that follows the host in docker's own file.
        let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let bare = plain(bare);
        let image: ImageName = format!("{bare}/x").parse().map_err(|error| match error {
            RegistryError::Name { why, .. } => fail(text, why),
            other => other,
        })?;
        let (host, path) = match bare.split_once('/') {
            Some((host, path)) => (host, Some(path.to_owned())),
            None => (bare.as_str(), None),
        };
        let registry = image.repository.registry;
        // A word without a dot and a port is a user of Docker Hub to the grammar of images.
        if is_hub(&registry) && !is_hub(host) {
            return Err(fail(text, "a host has a dot or a port, or is `localhost`".to_owned()));
        }
        Ok(Self { registry, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(text: &str) -> Namespace {
        text.parse().expect(text)
    }

    #[test]
    fn each_has_a_key_and_several_spellings() {
        for (text, key, host, spellings) in [
            ("quay.io", "quay.io", "quay.io", &["https://quay.io", "quay.io/v2/", "http://quay.io/v1/"][..]),
            ("https://quay.io/", "quay.io", "quay.io", &["quay.io"]),
            ("quay.io/acme", "quay.io/acme", "quay.io", &["quay.io/acme/"]),
            ("localhost", "localhost", "localhost", &[]),
            ("127.0.0.1:5000", "127.0.0.1:5000", "127.0.0.1:5000", &[]),
            ("[::1]:5000/a/b", "[::1]:5000/a/b", "[::1]:5000", &[]),
            ("docker.io", HUB_KEY, "registry-1.docker.io", &["docker.io", "index.docker.io", "registry-1.docker.io"]),
            ("https://index.docker.io/v1/", HUB_KEY, "registry-1.docker.io", &["docker.io"]),
            ("docker.io/acme", "docker.io/acme", "registry-1.docker.io", &["index.docker.io/acme"]),
        ] {
            let namespace = namespace(text);
            assert_eq!((namespace.key().as_str(), namespace.host().as_str()), (key, host), "{text}");
            for spelling in spellings.iter().chain([&key]) {
                assert!(namespace.is_meant_by(spelling), "{text}: {spelling}");
            }
        }
        assert!(!namespace("quay.io").is_meant_by("quay.io/acme"));
        assert!(!namespace("quay.io/acme").is_meant_by("quay.io"));
        assert!(namespace("quay.io").is_whole() && !namespace("quay.io/acme").is_whole());
    }

    #[test]
    fn what_is_no_registry_is_refused_and_no_password_repeated() {
        for wrong in ["", "acme", "acme/shop", "quay.io/acme:1", "quay.io//x", "quay.io/Acme", "ftp://quay.io", "a b.c"]
        {
            let error = wrong.parse::<Namespace>().expect_err(wrong);
            assert!(matches!(&error, RegistryError::Namespace { found, .. } if found == wrong), "{error:?}");
            assert!(error.hint().is_some());
        }
        let error = "https://kim:hunter2@quay.io".parse::<Namespace>().expect_err("a password");
        assert!(error.to_string().contains("`quay.io`") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
