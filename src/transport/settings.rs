//! What a user can say about the network, as plain data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::url::Url;

/// How to reach others. Nothing here is read from the environment: the command line fills it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether to use the network at all.
    pub network: Network,
    /// PEM files with certificates to trust beside those of the system (`--ca FILE`).
    pub authorities: Vec<PathBuf>,
    /// What this client shows to any server that asks for a certificate (`--client-cert FILE`).
    pub identity: Option<Identity>,
    /// What it shows to these, by `HOST` or `HOST:PORT`, where there is none for all.
    pub identities: BTreeMap<String, Identity>,
    /// Who stands between.
    pub proxies: Proxies,
    /// `HOST` or `HOST:PORT` that may be spoken to without TLS (`--insecure-registry HOST`). This machine always may.
    pub insecure_hosts: Vec<String>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to try.
    pub retries: Retries,
}

/// Whether to use the network at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Where the template or command needs it.
    #[default]
    Allowed,
    /// Never (`--offline`).
    Offline,
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// PEM: the certificate, then those that lead to its root.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// The values of the variables that curl and others know. They may hold passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// `HTTPS_PROXY`: for https addresses.
    pub https: Option<Secret>,
    /// `HTTP_PROXY`: for http addresses.
    pub http: Option<Secret>,
    /// `ALL_PROXY`: where the above is not set.
    pub all: Option<Secret>,
    /// `NO_PROXY`: hosts to speak to directly.
    pub none: Option<String>,
}

/// How long to wait. A body as a whole may take as long as it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection: name, TCP, proxy, TLS.
    pub connect: Duration,
    /// Without a byte in either direction.
    pub stall: Duration,
}

impl Default for Timeouts {
    /// A busy registry takes seconds for a first byte, rarely half a minute.
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30) }
    }
}

/// How often to try, and how long to wait in between: `base_delay`, doubled each time, up to `longest_delay`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// At least 1: how often a request is sent until it succeeds or something is gained.
    pub attempts: u32,
    /// Before the second attempt.
    pub base_delay: Duration,
    /// Before any attempt.
    pub longest_delay: Duration,
    /// Who is asked with `Retry-After` to wait longer gives up instead.
    pub longest_requested: Duration,
}

impl Default for Retries {
    /// Together about eight seconds: a restart of a load balancer passes, a registry that is down is told soon.
    fn default() -> Self {
        Self {
            attempts: 5,
            base_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(30),
            longest_requested: Duration::from_secs(120),
        }
    }
}

impl Settings {
    /// Whether this host may be spoken to without TLS.
    pub fn allows_plain(&self, url: &Url) -> bool {
        url.is_loopback() || self.is_insecure(url.host(), url.port())
    }

    fn is_insecure(&self, host: &str, port: u16) -> bool {
        let full = format!("{host}:{port}");
        self.insecure_hosts.iter().any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(&full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_named_hosts() {
        let settings = Settings {
            insecure_hosts: vec!["Registry.Example.org".to_owned(), "other:5000".to_owned()],
            ..Settings::default()
        };
        let allows = |text: &str| settings.allows_plain(&Url::parse(text).expect("an address"));
        assert!(allows("http://127.0.0.1:5000/") && allows("http://registry.example.org:81/"));
        assert!(allows("http://other:5000/") && !allows("http://other/") && !allows("http://example.org/"));
    }
}
