//! Who we are to a registry: the files that `docker login`, `podman login` and `kiln login` write.
//!
//! ```text
//! $REGISTRY_AUTH_FILE, docker's config.json, podman's auth.json  --credHelpers, auths, credsStore-->  Credential
//! ```
//! The crate `docker_credential` was looked at. It reads the environment itself, knows docker's file only, matches hosts but
//! not the namespaces that podman writes, waits for a helper without limit, and shows passwords in its `Debug`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::transport::Secret;
use crate::transport::secret::decode_base64;

use super::error::RegistryError;
use super::helper::Helper;
use super::name::Repository;

/// Under what docker keeps the credentials of Docker Hub.
pub(super) const HUB_KEY: &str = "https://index.docker.io/v1/";

/// How long a helper may take: some ask a password manager, which asks a person.
const HELPER_LIMIT: Duration = Duration::from_secs(60);

/// Where credentials may be. The first file that has some for the registry wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFiles {
    /// `$REGISTRY_AUTH_FILE`.
    pub registry_auth_file: Option<PathBuf>,
    /// `$DOCKER_CONFIG/config.json`, or that of `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `${XDG_RUNTIME_DIR}/containers/auth.json`.
    pub runtime_auth: Option<PathBuf>,
    /// `~/.config/containers/auth.json`.
    pub config_auth: Option<PathBuf>,
    /// The directories of `$PATH`, where credential helpers are.
    pub helper_directories: Vec<PathBuf>,
    /// How long a helper may take.
    pub helper_limit: Duration,
}

impl Default for CredentialFiles {
    fn default() -> Self {
        Self {
            registry_auth_file: None,
            docker_config: None,
            runtime_auth: None,
            config_auth: None,
            helper_directories: Vec::new(),
            helper_limit: HELPER_LIMIT,
        }
    }
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user name and a password.
    Password(String, Secret),
    /// A token that gives others (what docker calls an identity token).
    Refresh(Secret),
}

/// A file of docker's or podman's. What else it holds is not ours.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Config {
    pub(super) auths: BTreeMap<String, Entry>,
    pub(super) cred_helpers: BTreeMap<String, String>,
    pub(super) creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl CredentialFiles {
    /// The files that were named, in the order in which they are asked.
    pub fn in_order(&self) -> Vec<PathBuf> {
        let all = [&self.registry_auth_file, &self.docker_config, &self.runtime_auth, &self.config_auth];
        all.into_iter().flatten().cloned().collect()
    }

    /// The credential for a repository, if there is one.
    pub fn find(&self, repository: &Repository) -> Result<Option<Credential>, RegistryError> {
        for path in self.in_order() {
            let Some(config) = read(&path)? else { continue };
            if let Some(found) = self.of_config(&path, &config, repository)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn of_config(
        &self,
        path: &Path,
        config: &Config,
        repository: &Repository,
    ) -> Result<Option<Credential>, RegistryError> {
        let aliases = aliases(&repository.registry);
        let named = config.cred_helpers.iter().find(|(key, _)| aliases.iter().any(|alias| *alias == plain(key)));
        if let Some((_, helper)) = named
            && let Some(found) = self.of_helper(helper, repository)?
        {
            return Ok(Some(found));
        }
        for wanted in wanted_keys(repository) {
            let entry = config.auths.iter().find(|(key, _)| plain(key) == wanted);
            if let Some((key, entry)) = entry
                && let Some(found) = entry.credential().map_err(|why| bad(path, &format!("`{key}`: {why}")))?
            {
                return Ok(Some(found));
            }
        }
        config.creds_store.as_ref().map_or(Ok(None), |helper| self.of_helper(helper, repository))
    }

    fn of_helper(&self, helper: &str, repository: &Repository) -> Result<Option<Credential>, RegistryError> {
        let key = if is_hub(&repository.registry) { HUB_KEY } else { &repository.registry };
        self.helper(helper).get(key)
    }

    /// The helper of this name, whether it is there or not.
    pub(super) fn helper<'a>(&'a self, name: &str) -> Helper<'a> {
        Helper::new(name, &self.helper_directories, self.helper_limit)
    }
}

impl Entry {
    /// Whether there is something in it that may be secret. Docker leaves an empty one where a helper has it.
    pub(super) fn is_filled(&self) -> bool {
        [&self.auth, &self.password, &self.identitytoken].into_iter().flatten().any(|text| !text.is_empty())
    }

    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.identitytoken) {
            return Ok(Some(Credential::Refresh(Secret::new(token))));
        }
        if let Some(auth) = filled(&self.auth) {
            let text = decode_base64(&auth).ok_or("its `auth` is not base64 of text")?;
            let (user, password) = text.split_once(':').ok_or("its `auth` holds no colon")?;
            // Docker pads old entries with zero bytes.
            return Ok(Some(Credential::Password(user.to_owned(), Secret::new(password.trim_end_matches('\0')))));
        }
        let password = |user| Some(Credential::Password(user, Secret::new(filled(&self.password)?)));
        Ok(filled(&self.username).and_then(password))
    }
}

/// A file that is not there says nothing.
pub(super) fn read(path: &Path) -> Result<Option<Config>, RegistryError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(RegistryError::File { path: path.to_owned(), source }),
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    // The parser's own text would show a value that has the wrong type.
    let place = |error: serde_json::Error| bad(path, &format!("no JSON of docker's at line {}", error.line()));
    let mut config: Config = serde_json::from_slice(&bytes).map_err(place)?;
    // To docker, no name is no helper.
    config.cred_helpers.retain(|_, name| !name.is_empty());
    config.creds_store = config.creds_store.filter(|name| !name.is_empty());
    Ok(Some(config))
}

pub(super) fn bad(path: &Path, why: &str) -> RegistryError {
    let source = io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    RegistryError::File { path: path.to_owned(), source }
}

pub(super) fn is_hub(registry: &str) -> bool {
    matches!(registry, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

/// The hosts under which a registry may be filed.
pub(super) fn aliases(registry: &str) -> Vec<String> {
    if is_hub(registry) {
        ["docker.io", "index.docker.io", "registry-1.docker.io"].map(str::to_owned).to_vec()
    } else {
        vec![registry.to_owned()]
    }
}

/// The keys that mean a repository, the most special first: podman files also namespaces.
fn wanted_keys(repository: &Repository) -> Vec<String> {
    let mut keys = Vec::new();
    for host in aliases(&repository.registry) {
        let mut path = format!("{host}/{}", repository.name);
        while let Some((shorter, _)) = path.rsplit_once('/') {
            let shorter = shorter.to_owned();
            keys.push(std::mem::replace(&mut path, shorter));
        }
    }
    keys.extend(aliases(&repository.registry));
    keys.sort_by_key(|key| std::cmp::Reverse(key.matches('/').count()));
    keys
}

/// `https://index.docker.io/v1/` is a host; `quay.io/acme` is a namespace.
pub(super) fn plain(key: &str) -> String {
    let host_of = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    match key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) {
        Some(rest) => host_of(rest),
        None => {
            let key = key.trim_end_matches('/');
            key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key).to_owned()
        }
    }
}
