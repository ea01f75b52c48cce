//! Names of images in registries, as docker understands them.
//!
//! ```text
//! debian                      docker.io/library/debian:latest
//! acme/shop@sha256:..         docker.io/acme/shop@sha256:..
//! localhost/x:1               localhost/x:1
//! host:5000/a/b:1@sha256:..   host:5000/a/b:1@sha256:..        the digest decides, the tag is for people
//! [::1]:5000/x                [::1]:5000/x:latest
//! ```

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use oci_spec::distribution::Reference;

use crate::base::BlobDigest;

use super::error::RegistryError;

/// What Docker Hub is called in names, and where it answers.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";

/// A place in a registry that holds images of one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// `HOST` or `HOST:PORT`; `docker.io` for Docker Hub.
    pub registry: String,
    /// The path in it: `library/debian`.
    pub name: String,
}

impl Repository {
    /// The host to talk to.
    pub fn host(&self) -> &str {
        if self.registry == HUB { HUB_HOST } else { &self.registry }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

/// An image in a registry. `Display` is canonical: the registry and the tag are always there, unless a digest decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName {
    /// Where it is.
    pub repository: Repository,
    /// `latest` if neither tag nor digest was given.
    pub tag: Option<String>,
    /// Decides if it is there.
    pub digest: Option<BlobDigest>,
}

impl ImageName {
    /// What is asked for: the digest, else the tag.
    pub fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The same image by this digest.
    pub fn at(&self, digest: BlobDigest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for ImageName {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: String| RegistryError::Name { found: text.to_owned(), why };
        // The grammar's `\w` knows more letters than registries do.
        if !text.is_ascii() {
            return Err(fail("only ASCII letters and digits are allowed".to_owned()));
        }
        // The library's grammar is older than these hosts: it reads the rest with another in its place.
        let (host, rest) = bracketed(text)
            .map_err(|()| fail("expected `[ADDRESS]/NAME` or `[ADDRESS]:PORT/NAME` with an IPv6 address".to_owned()))?;
        let read: Reference = rest.parse().map_err(|error: oci_spec::distribution::ParseError| {
            fail(if text.contains(|c: char| c.is_ascii_uppercase()) {
                format!("{error} (a repository has lower-case letters only)")
            } else {
                error.to_string()
            })
        })?;
        let digest = read.digest().map(|digest| {
            digest.parse().map_err(|error: crate::base::digest::ParseDigestError| fail(error.to_string()))
        });
        Ok(Self {
            repository: Repository { registry: registry(host, read.registry()), name: read.repository().to_owned() },
            tag: read.tag().map(str::to_owned),
            digest: digest.transpose()?,
        })
    }
}

/// What stands for an address in brackets while a name is read. It is nobody's (RFC 6761).
const STAND_IN: &str = "bracketed.invalid";

/// The address in brackets that a name begins with, and the name with [`STAND_IN`] for it.
fn bracketed(text: &str) -> Result<(Option<&str>, String), ()> {
    let Some(end) = text.strip_prefix('[').map(|rest| rest.find(']').map(|at| at + 2)) else {
        return Ok((None, text.to_owned()));
    };
    let (host, rest) = text.split_at(end.ok_or(())?);
    host[1..host.len() - 1].parse::<Ipv6Addr>().map_err(|_| ())?;
    if !rest.starts_with([':', '/']) || !rest.contains('/') {
        return Err(());
    }
    Ok((Some(host), format!("{STAND_IN}{rest}")))
}

fn registry(host: Option<&str>, read: &str) -> String {
    match host {
        Some(host) => read.replacen(STAND_IN, &host.to_ascii_lowercase(), 1),
        None => read.to_owned(),
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_they_mean_to_docker() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for (text, canonical, host) in [
            ("debian", "docker.io/library/debian:latest", HUB_HOST),
            ("debian:12", "docker.io/library/debian:12", HUB_HOST),
            ("acme/shop", "docker.io/acme/shop:latest", HUB_HOST),
            ("docker.io/debian", "docker.io/library/debian:latest", HUB_HOST),
            ("index.docker.io/debian", "docker.io/library/debian:latest", HUB_HOST),
            ("localhost/x", "localhost/x:latest", "localhost"),
            ("127.0.0.1:5000/a/b_c--d.e:1", "127.0.0.1:5000/a/b_c--d.e:1", "127.0.0.1:5000"),
            ("host:5000/x", "host:5000/x:latest", "host:5000"),
            ("[::1]:5000/a/b:1", "[::1]:5000/a/b:1", "[::1]:5000"),
            ("[2001:DB8::1]/x", "[2001:db8::1]/x:latest", "[2001:db8::1]"),
        ] {
            let name: ImageName = text.parse().expect(text);
            assert_eq!((name.to_string().as_str(), name.repository.host()), (canonical, host));
            assert_eq!(canonical.parse::<ImageName>().expect("canonical"), name);
        }
        let both: ImageName = format!("r.example.org/x:1@{digest}").parse().expect("tag and digest");
        assert_eq!((both.to_string(), both.wanted()), (format!("r.example.org/x:1@{digest}"), digest.clone()));
        let alone: ImageName = format!("debian@{digest}").parse().expect("a digest");
        assert_eq!(alone.to_string(), format!("docker.io/library/debian@{digest}"));
        assert_eq!(alone.at(digest.parse().expect("a digest")), alone);
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_reason() {
        let sha512 = format!("debian@sha512:{}", "0".repeat(128));
        for wrong in [
            "",
            "Debian",
            "debian:",
            "debian:ü",
            "a b",
            "debian@sha256:12",
            &sha512,
            "-x",
            "https://debian",
            "a//b",
            "[::1]",
            "[::1]x/y",
            "[::g]/x",
            "[::1/x",
            "[::1]:/x",
            "[::1]:5000",
        ] {
            let error = wrong.parse::<ImageName>().expect_err(wrong);
            assert!(matches!(&error, RegistryError::Name { .. }), "{error:?}");
            assert!(error.hint().is_some());
        }
    }
}
