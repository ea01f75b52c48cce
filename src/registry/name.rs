//! Names of images in registries, as docker understands them.
//!
//! ```text
//! debian                      docker.io/library/debian:latest
//! acme/shop@sha256:..         docker.io/acme/shop@sha256:..
//! localhost/x:1               localhost/x:1
//! host:5000/a/b:1@sha256:..   host:5000/a/b:1@sha256:..        the digest decides, the tag is for people
//! [::1]:5000/x                [::1]:5000/x:latest
//! ```
//! oci-spec has a parser too. It compiles a regular expression of Unicode's word characters first, which takes 40 ms: more
//! than a push that finds everything in its place.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::base::BlobDigest;
use crate::base::digest::ParseDigestError;
use crate::base::repository::{is_host, is_port, is_repository, is_tag, looks_like_host};

use super::error::RegistryError;

/// What Docker Hub is called in names, and where it answers.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";

/// What docker calls it in its files.
const HUB_INDEX: &str = "index.docker.io";

/// The most that registries take of a repository's name.
const NAME_MAX_BYTES: usize = 255;

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
        if !text.is_ascii() {
            return Err(fail("only ASCII letters and digits are allowed".to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|error: ParseDigestError| fail(error.to_string()))?))
            }
            None => (text, None),
        };
        let (registry, rest) = split_host(rest).map_err(|why| fail(why.to_owned()))?;
        // A tag holds no slash.
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(fail("its tag is not one: letters, digits, `_`, `.` and `-`, at most 128".to_owned()));
        }
        let name = if registry == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        if !is_repository(&name) || name.len() > NAME_MAX_BYTES {
            return Err(fail(match path.contains(|c: char| c.is_ascii_uppercase()) {
                true => "a repository has lower-case letters only".to_owned(),
                false => "its repository is not one: lower-case letters, digits, and `.`, `_`, `__` or `-` between"
                    .to_owned(),
            }));
        }
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { repository: Repository { registry, name }, tag, digest })
    }
}

/// The registry that a name begins with, else Docker Hub; and the rest.
fn split_host(text: &str) -> Result<(String, &str), &'static str> {
    if text.starts_with('[') {
        let bracketed = || {
            let (address, rest) = text.strip_prefix('[')?.split_once(']')?;
            let (port, rest) = rest.split_once('/')?;
            let good = port.is_empty() || port.strip_prefix(':').is_some_and(|port| !port.is_empty() && is_port(port));
            let address = address.parse::<Ipv6Addr>().ok().filter(|_| good)?;
            Some((format!("[{address}]{port}"), rest))
        };
        return bracketed().ok_or("expected `[ADDRESS]/NAME` or `[ADDRESS]:PORT/NAME` with an IPv6 address");
    }
    let Some((host, rest)) = text.split_once('/').filter(|(host, _)| looks_like_host(host)) else {
        return Ok((HUB.to_owned(), text));
    };
    match (is_host(host), host) {
        (false, _) => Err("its host or port is not one"),
        (true, HUB_INDEX) => Ok((HUB.to_owned(), rest)),
        (true, host) => Ok((host.to_owned(), rest)),
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
