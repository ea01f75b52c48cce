//! What a machine or a project says about the way to inputs, about the store and about threads.
//!
//! ```text
//! the project's kiln.config.toml     --read--> Config --over--> Config       KILN_* and flags come on top, in cli
//! the user's kiln/config.toml        --read--> Config ----^
//! ```
//! Architecture Invariant: nothing in it can change a digest. Only `cli` knows this module, and hands on what the modules
//! that reach outside take as places and keys; no module that computes bytes sees any of it.

mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

pub use read::read;

/// Name of a project's configuration.
pub const PROJECT_FILE: &str = "kiln.config.toml";

/// What one file says, or several together. Paths are as they are to be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Places to ask before a registry, by `HOST[:PORT][/PATH]`.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Where the bearer tokens for downloads are, by `HOST[:PORT]`.
    pub tokens: BTreeMap<String, TokenPlace>,
    /// PEM files with certificates to trust beside those of the system.
    pub authorities: Vec<PathBuf>,
    /// What to show to servers that ask for a certificate, by `HOST[:PORT]`.
    pub identities: BTreeMap<String, ClientCertificate>,
    /// `HOST[:PORT]` that may be spoken to without TLS.
    pub insecure_registries: Vec<String>,
    /// Threads to use.
    pub jobs: Option<NonZeroUsize>,
    /// The local store.
    pub store: Option<PathBuf>,
}

/// Where a token is. It is never in a configuration itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// In this variable of the environment.
    Variable(String),
    /// In this file, alone.
    File(PathBuf),
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM: the certificate, then those that lead to its root.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

impl Config {
    /// Both together. What has a name or is one thing is this one's if both say it; lists add up, because trust in one
    /// authority takes nothing from another.
    pub fn over(mut self, below: Self) -> Self {
        for (registry, places) in below.mirrors {
            self.mirrors.entry(registry).or_insert(places);
        }
        for (host, place) in below.tokens {
            self.tokens.entry(host).or_insert(place);
        }
        for (host, identity) in below.identities {
            self.identities.entry(host).or_insert(identity);
        }
        Self {
            authorities: [below.authorities, self.authorities].concat(),
            insecure_registries: [below.insecure_registries, self.insecure_registries].concat(),
            jobs: self.jobs.or(below.jobs),
            store: self.store.or(below.store),
            ..self
        }
    }
}
