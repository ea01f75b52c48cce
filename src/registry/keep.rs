//! Where credentials are kept, and where they are forgotten.
//!
//! ```text
//! login    $REGISTRY_AUTH_FILE, else docker's config.json --credHelpers, credsStore?--> Keeper: the helper, or the file
//! logout   all files that are read, and the helpers that they name --> Kept ..
//! ```
//! What is written has to be what is read next: [`CredentialFiles::find`] takes the first file that has something, and in it
//! a helper for the registry, then its own entries, then the helper for all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::transport::Secret;

use super::auth_file::change;
use super::credentials::{Config, CredentialFiles, HUB_KEY, is_hub, plain, read};
use super::error::RegistryError;
use super::namespace::Namespace;

/// Who keeps credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// A file, where everybody who can read it can read them.
    File(PathBuf),
    /// The program `docker-credential-NAME`.
    Helper {
        /// `NAME`.
        name: String,
        /// The file that names it.
        path: PathBuf,
    },
}

/// Credentials that are kept somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Under what they are filed.
    pub key: String,
    /// Who keeps them.
    pub keeper: Keeper,
}

/// Whose credentials.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Those for a registry, or for a part of one.
    Of(&'a Namespace),
    /// All.
    All,
}

impl CredentialFiles {
    /// Who is to keep credentials for `namespace`. Nothing is asked and nothing written yet.
    pub fn keeper(&self, namespace: &Namespace) -> Result<Keeper, RegistryError> {
        let path = self.registry_auth_file.as_ref().or(self.docker_config.as_ref());
        let path = path.ok_or(RegistryError::NoAuthFile)?.clone();
        let config = read(&path)?.unwrap_or_default();
        let Some(name) = of_registry(&config, namespace).or(config.creds_store) else { return Ok(Keeper::File(path)) };
        if !namespace.is_whole() {
            let helper = format!("docker-credential-{name}");
            return Err(RegistryError::HelperNamespace { path, helper, namespace: namespace.to_string() });
        }
        self.helper(&name).check()?;
        Ok(Keeper::Helper { name, path })
    }

    /// Keeps credentials in place of those that are kept for `namespace` already.
    pub fn keep(
        &self,
        keeper: &Keeper,
        namespace: &Namespace,
        user: &str,
        password: &Secret,
    ) -> Result<(), RegistryError> {
        let key = namespace.key();
        match keeper {
            Keeper::File(path) => change(path, |auths| {
                auths.retain(|known, _| !namespace.is_meant_by(known));
                auths.insert(key, json!({ "auth": Secret::pair(user, password).reveal() }));
            }),
            Keeper::Helper { name, path } => {
                self.helper(name).store(&key, user, password)?;
                // What the file itself says would be found before what the helper for all registries says.
                change(path, |auths| {
                    auths.retain(|known, entry| !namespace.is_meant_by(known) || is_empty(entry));
                })
            }
        }
    }

    /// All that is kept, or what cannot be asked: the others are there all the same.
    pub fn kept(&self, whose: Whose<'_>) -> Vec<Result<Kept, RegistryError>> {
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for path in self.in_order().into_iter().filter(|path| seen.insert(path.clone())) {
            match read(&path) {
                Ok(None) => {}
                Ok(Some(config)) => {
                    self.kept_in(&path, &config, whose, &mut found);
                }
                Err(error) => found.push(Err(error)),
            }
        }
        found
    }

    fn kept_in(&self, path: &Path, config: &Config, whose: Whose<'_>, found: &mut Vec<Result<Kept, RegistryError>>) {
        for (key, entry) in &config.auths {
            if entry.is_filled() && whose.includes(key) {
                found.push(Ok(Kept { key: key.clone(), keeper: Keeper::File(path.to_owned()) }));
            }
        }
        let keys = |key: Result<Option<String>, RegistryError>| key.transpose().into_iter().collect::<Vec<_>>();
        let of_registries = config.cred_helpers.iter().filter(|(key, _)| match whose {
            Whose::Of(namespace) => namespace.is_whole() && namespace.is_meant_by(key),
            Whose::All => true,
        });
        let mut asked: Vec<(&str, Vec<Result<String, RegistryError>>)> =
            of_registries.map(|(key, name)| (name.as_str(), keys(self.known_to(name, &filed(key))))).collect();
        if let Some(name) = &config.creds_store {
            let known = match whose {
                Whose::Of(namespace) if namespace.is_whole() => keys(self.known_to(name, &namespace.key())),
                Whose::Of(_) => Vec::new(),
                Whose::All => match self.helper(name).list() {
                    Ok(keys) => keys.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                },
            };
            asked.push((name, known));
        }
        for (name, keys) in asked {
            for key in keys {
                let keeper = Keeper::Helper { name: name.to_owned(), path: path.to_owned() };
                let kept = key.map(|key| Kept { key, keeper });
                let again = found.iter().flatten().any(|known| kept.as_ref().is_ok_and(|kept| kept.is_as(known)));
                if !again {
                    found.push(kept);
                }
            }
        }
    }

    /// The key, if a helper has something for it.
    fn known_to(&self, name: &str, key: &str) -> Result<Option<String>, RegistryError> {
        Ok(self.helper(name).get(key)?.map(|_| key.to_owned()))
    }

    /// Forgets credentials. That somebody else was faster is no failure.
    pub fn forget(&self, kept: &Kept) -> Result<(), RegistryError> {
        let path = match &kept.keeper {
            Keeper::File(path) => path,
            Keeper::Helper { name, path } => {
                self.helper(name).erase(&kept.key)?;
                // There docker leaves an empty entry.
                path
            }
        };
        change(path, |auths| {
            auths.remove(&kept.key);
        })
    }
}

impl Whose<'_> {
    fn includes(self, key: &str) -> bool {
        match self {
            Self::Of(namespace) => namespace.is_meant_by(key),
            Self::All => true,
        }
    }
}

impl Kept {
    /// Whether both are the same thing of one helper, which two files may name.
    fn is_as(&self, other: &Self) -> bool {
        let name = |kept: &Self| match &kept.keeper {
            Keeper::Helper { name, .. } => Some(name.clone()),
            Keeper::File(_) => None,
        };
        self.key == other.key && name(self).is_some() && name(self) == name(other)
    }
}

/// The helper that a file names for this registry.
fn of_registry(config: &Config, namespace: &Namespace) -> Option<String> {
    let registry = namespace.whole();
    let named = config.cred_helpers.iter().find(|(key, _)| registry.is_meant_by(key));
    named.map(|(_, name)| name.clone())
}

/// What helpers know a registry as that a file knows as `key`.
fn filed(key: &str) -> String {
    let key = plain(key);
    if is_hub(&key) { HUB_KEY.to_owned() } else { key }
}

fn is_empty(entry: &Value) -> bool {
    entry.as_object().is_some_and(serde_json::Map::is_empty)
}
