//! Where else an image may be: registries.conf, as podman and skopeo read it (containers-registries.conf(5), version 2).
//!
//! ```text
//! docker.io/library/debian  --prefix docker.io, mirror mirror:5000/hub-->  mirror:5000/hub/library/debian, then itself
//! ```
//! The name of the image stays what it is: a mirror is a place, and where bytes came from enters nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::RegistryError;
use super::name::{ImageName, Repository};

/// The entries of all files, and what the user says beside them.
#[derive(Debug, Clone, Default)]
pub struct Mirrors {
    rules: Vec<(PathBuf, Rule)>,
    first: Firsts,
}

/// Places to ask before all others, by `HOST[:PORT][/PATH]` that the name of an image begins with.
pub type Firsts = BTreeMap<String, Vec<String>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    registry: Vec<Rule>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Rule {
    prefix: Option<String>,
    location: Option<String>,
    insecure: bool,
    blocked: bool,
    mirror: Vec<Mirror>,
    mirror_by_digest_only: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    pull_from_mirror: Use,
}

/// What a mirror is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Use {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl Rule {
    fn prefix(&self) -> &str {
        self.prefix.as_deref().or(self.location.as_deref()).unwrap_or_default()
    }

    /// What is behind the prefix in `full`, if the prefix fits.
    fn rest<'a>(&self, full: &'a str) -> Option<&'a str> {
        let prefix = self.prefix();
        if let Some(suffix) = prefix.strip_prefix('*') {
            // `*.example.org` means hosts only.
            let host = full.split('/').next().unwrap_or_default();
            return host.ends_with(suffix).then(|| &full[host.len()..]);
        }
        full.strip_prefix(prefix).filter(|rest| !prefix.is_empty() && (rest.is_empty() || rest.starts_with('/')))
    }
}

impl Mirrors {
    /// Reads files; one that is not there says nothing. Of two entries with the same prefix the later one counts.
    pub fn read(paths: &[PathBuf]) -> Result<Self, RegistryError> {
        let mut rules: Vec<(PathBuf, Rule)> = Vec::new();
        for path in paths {
            let text = match fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(RegistryError::File { path: path.clone(), source }),
            };
            let file: File = toml::from_str(&text).map_err(|error| {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.message().to_owned());
                RegistryError::File { path: path.clone(), source }
            })?;
            for rule in file.registry {
                rules.retain(|(_, known)| known.prefix() != rule.prefix());
                rules.push((path.clone(), rule));
            }
        }
        Ok(Self { rules, first: Firsts::new() })
    }

    /// With places to ask before those of the files. What the files block stays blocked.
    pub fn with_first(self, first: Firsts) -> Self {
        Self { first, ..self }
    }

    /// The hosts that may be spoken to without TLS, for [`crate::transport::Settings::insecure_hosts`].
    pub fn insecure_hosts(&self) -> Vec<String> {
        let host = |location: &str| location.split('/').next().unwrap_or_default().to_owned();
        let mut hosts = Vec::new();
        for (_, rule) in &self.rules {
            let own = rule.location.as_deref().unwrap_or(rule.prefix());
            hosts.extend(rule.insecure.then(|| host(own)));
            hosts.extend(rule.mirror.iter().filter(|mirror| mirror.insecure).map(|mirror| host(&mirror.location)));
        }
        hosts
    }

    /// Where to ask for an image: the mirrors in order, then its own place, which may have moved.
    pub(super) fn places(&self, image: &ImageName) -> Result<Vec<Repository>, RegistryError> {
        let own = &image.repository;
        let full = own.to_string();
        let fitting = self.rules.iter().filter_map(|(path, rule)| Some((path, rule, rule.rest(&full)?)));
        let mut places = self.first_places(&full);
        let Some((path, rule, rest)) = fitting.max_by_key(|(_, rule, _)| rule.prefix().len()) else {
            places.push(own.clone());
            return Ok(places);
        };
        if rule.blocked {
            return Err(RegistryError::Blocked { image: image.to_string(), path: path.clone() });
        }
        let by_digest = image.digest.is_some();
        let serves = |mirror: &&Mirror| match mirror.pull_from_mirror {
            Use::All => by_digest || !rule.mirror_by_digest_only,
            Use::DigestOnly => by_digest,
            Use::TagOnly => !by_digest,
        };
        places.extend(rule.mirror.iter().filter(serves).filter_map(|mirror| at(&mirror.location, rest)));
        let moved = rule.location.as_deref().and_then(|location| at(location, rest));
        places.push(moved.unwrap_or_else(|| own.clone()));
        Ok(places)
    }

    /// Of several prefixes that fit the longest one counts.
    fn first_places(&self, full: &str) -> Vec<Repository> {
        let rest = |prefix: &str| {
            full.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/')).map(str::to_owned)
        };
        let fitting = self.first.iter().filter_map(|(prefix, places)| Some((prefix, places, rest(prefix)?)));
        let Some((_, places, rest)) = fitting.max_by_key(|(prefix, ..)| prefix.len()) else { return Vec::new() };
        places.iter().filter_map(|place| at(place, &rest)).collect()
    }
}

/// The repository at a location, with the rest of the name behind it.
fn at(location: &str, rest: &str) -> Option<Repository> {
    let full = format!("{}{rest}", location.trim_end_matches('/'));
    full.split_once('/').map(|(host, name)| Repository { registry: host.to_owned(), name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str, image: &str) -> Result<Vec<String>, RegistryError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registries.conf");
        fs::write(&path, text).expect("written");
        let mirrors = Mirrors::read(&[directory.path().join("none"), path])?;
        let places = mirrors.places(&image.parse().expect("a name"))?;
        Ok(places.iter().map(ToString::to_string).collect())
    }

    const CONF: &str = r#"
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        location = "docker.io"
        [[registry.mirror]]
        location = "one:5000/hub"
        insecure = true
        [[registry.mirror]]
        location = "two"
        pull-from-mirror = "digest-only"
        [[registry]]
        prefix = "docker.io/acme"
        location = "moved.example.org/a"
        [[registry]]
        prefix = "*.evil.example"
        blocked = true
    "#;

    #[test]
    fn the_longest_prefix_decides_and_mirrors_come_first() {
        let here = |image| places(CONF, image).expect("places");
        assert_eq!(here("debian"), ["one:5000/hub/library/debian", "docker.io/library/debian"]);
        let digest = format!("debian@sha256:{}", "0".repeat(64));
        assert_eq!(here(&digest), ["one:5000/hub/library/debian", "two/library/debian", "docker.io/library/debian"]);
        assert_eq!(here("acme/shop"), ["moved.example.org/a/shop"]);
        assert_eq!(here("docker.io/acmeshop/x")[0], "one:5000/hub/acmeshop/x");
        assert_eq!(here("quay.io/x/y"), ["quay.io/x/y"]);
        assert!(matches!(places(CONF, "a.evil.example/x"), Err(RegistryError::Blocked { .. })));
        assert!(matches!(places("[[registry]]\nblocked = 1", "x"), Err(RegistryError::File { .. })));
    }

    #[test]
    fn what_the_user_names_is_asked_before_the_files_places_and_unblocks_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registries.conf");
        fs::write(&path, CONF).expect("written");
        let mine = |places: &[&str]| places.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>();
        let first = Firsts::from([
            ("docker.io".to_owned(), mine(&["near:5000/cache", "far"])),
            ("docker.io/acme".to_owned(), mine(&["acme"])),
            ("a.evil.example".to_owned(), mine(&["kind.example"])),
        ]);
        let mirrors = Mirrors::read(&[path]).expect("read").with_first(first);
        let places = |image: &str| {
            let places = mirrors.places(&image.parse().expect("a name"));
            places.map(|places| places.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let hub = ["near:5000/cache/library/debian", "far/library/debian", "one:5000/hub/library/debian"];
        assert_eq!(places("debian").expect("places")[..3], hub);
        assert_eq!(places("acme/shop").expect("places"), ["acme/shop", "moved.example.org/a/shop"]);
        assert_eq!(places("quay.io/x/y").expect("places"), ["quay.io/x/y"]);
        assert!(matches!(places("a.evil.example/x"), Err(RegistryError::Blocked { .. })));
    }

    #[test]
    fn insecure_places_are_listed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registries.conf");
        fs::write(&path, CONF).expect("written");
        assert_eq!(Mirrors::read(&[path]).expect("read").insecure_hosts(), ["one:5000"]);
    }
}
