//! Why something could not be fetched or sent.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::ContentDigest;

/// An exchange that failed. No text of it holds a credential: addresses are shown without user name and query.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Not an address of `http` or `https`.
    #[error("`{found}` is not an address that can be fetched: {why}")]
    Url {
        /// Without what may be secret.
        found: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The network is not to be used.
    #[error("cannot reach `{url}`: the network is switched off")]
    Offline {
        /// What was wanted.
        url: String,
    },
    /// The host may not be spoken to without TLS.
    #[error("`{url}` is plain HTTP, which anybody on the way can change")]
    PlainHttp {
        /// What was wanted.
        url: String,
        /// `HOST` or `HOST:PORT`.
        host: String,
    },
    /// The proxy is not one.
    #[error("the proxy for `{url}` is not one that can be used")]
    BadProxy {
        /// What was wanted.
        url: String,
    },
    /// Nobody there, nobody there any more, or nobody who answers.
    #[error("cannot reach `{url}`")]
    Unreachable {
        /// What was wanted.
        url: String,
        /// Whom was spoken to.
        host: String,
        /// How it failed.
        source: Fault,
    },
    /// No TLS connection that can be trusted.
    #[error("cannot make a secure connection to `{host}` for `{url}`")]
    Tls {
        /// What was wanted.
        url: String,
        /// Whom was spoken to.
        host: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answered, and not with what was wanted.
    #[error("`{url}` answered {status}{}", says(said))]
    Refused {
        /// What was wanted.
        url: String,
        /// Whom was spoken to.
        host: String,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: Option<String>,
        /// What it asks for (`WWW-Authenticate`).
        challenges: Vec<String>,
        /// How long to wait, by its own word.
        retry_after: Option<Duration>,
    },
    /// Sent around in a circle, it seems.
    #[error("`{url}` redirects more than {limit} times")]
    TooManyRedirects {
        /// What was wanted.
        url: String,
        /// How many were followed.
        limit: usize,
    },
    /// Sent to nowhere.
    #[error("`{url}` redirects to no address")]
    BadRedirect {
        /// Who redirects.
        url: String,
    },
    /// Sent from TLS to plain HTTP.
    #[error("`{from}` redirects to `{to}`, which is plain HTTP")]
    Downgrade {
        /// Who redirects.
        from: String,
        /// To where.
        to: String,
    },
    /// Not the bytes that were expected.
    #[error("`{url}` has other content than expected: expected {expected}, found {found}")]
    Digest {
        /// What was fetched.
        url: String,
        /// Of what it should be.
        expected: ContentDigest,
        /// Of what it is.
        found: ContentDigest,
    },
    /// Not as many bytes as were expected.
    #[error("`{url}` has another length than expected: expected {expected} bytes, found {found}")]
    Length {
        /// What was fetched.
        url: String,
        /// What it should have.
        expected: u64,
        /// What it has, or will have by its own word, at least.
        found: u64,
    },
    /// A document that is longer than such documents are.
    #[error("`{url}` is longer than {limit_bytes} bytes")]
    TooLarge {
        /// What was fetched.
        url: String,
        /// How much would have been read.
        limit_bytes: usize,
    },
    /// What is sent cannot be read.
    #[error("cannot read what is sent to `{url}`")]
    Source {
        /// Where it was going.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// What was fetched cannot be kept.
    #[error("cannot write what `{url}` holds")]
    Sink {
        /// What was fetched.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key that the user named.
    #[error("cannot use the certificate or key `{path}`", path = path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The user wanted to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The name means nothing.
    #[error("no such host")]
    NoSuchHost,
    /// The machine could not connect or speak.
    #[error("{0}")]
    Io(io::Error),
    /// No connection in time.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// No byte in time.
    #[error("nothing came or went for {0:?}")]
    Stall(Duration),
    /// The connection ended before the answer did.
    #[error("the connection was cut")]
    Cut,
    /// The proxy would not.
    #[error("the proxy refused: {0}")]
    Proxy(String),
    /// Not the answer of a server.
    #[error("the answer is not HTTP: {0}")]
    Protocol(String),
}

fn says(said: &Option<String>) -> String {
    said.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
}

impl TransportError {
    /// Whether trying again can help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !matches!(source, Fault::Proxy(_)),
            Self::Refused { status, .. } => is_passing(*status),
            _ => false,
        }
    }

    /// Whether the server surely did not see the request, or said that it did nothing.
    pub(super) fn is_harmless(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => match source {
                Fault::NoSuchHost | Fault::ConnectTimeout(_) | Fault::Proxy(_) => true,
                Fault::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
                _ => false,
            },
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 503),
            _ => false,
        }
    }

    /// The status with which the server refused.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the network or the server is to blame, so that another address may have it (exit code 5).
    pub fn is_unavailable(&self) -> bool {
        use TransportError as E;
        matches!(self, E::Offline { .. } | E::Unreachable { .. } | E::Tls { .. } | E::Refused { .. })
            || matches!(self, E::TooManyRedirects { .. } | E::BadRedirect { .. })
    }

    /// Whether it is not what it should be (exit code 4).
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Digest { .. } | Self::Length { .. })
    }

    /// Whether it comes from a server that does speak TLS: rustls calls everything else corrupt.
    pub fn is_of_tls(&self) -> bool {
        matches!(self, Self::Tls { source, .. } if !source.to_string().contains("corrupt message"))
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Url { .. } => "write it as `https://HOST/PATH`".to_owned(),
            Self::Offline { .. } => "leave `--offline` away, or fetch it once while there is a network".to_owned(),
            Self::PlainHttp { host, .. } => {
                format!("use https, or allow it for this host with `--insecure-registry {host}`")
            }
            Self::BadProxy { .. } => {
                "write the proxy variables as `http://HOST:PORT`, `https://HOST:PORT` or `socks5h://HOST:PORT`"
                    .to_owned()
            }
            Self::Unreachable { host, source, .. } => match source {
                Fault::NoSuchHost => format!("check the spelling of `{host}` and the network"),
                Fault::Proxy(_) => {
                    format!("check that the proxy lets kiln through to `{host}` with CONNECT, or name it in NO_PROXY")
                }
                _ => format!("check that `{host}` is up and the network reaches it, then try again"),
            },
            // rustls has no error of its own for this: it is what the server says.
            Self::Tls { source, .. } if source.to_string().contains("CertificateRequired") => {
                "the server wants to know who you are: name a certificate and its key with `--client-cert FILE` and \
                 `--client-key FILE`, or in `[client-certificate]` of the configuration"
                    .to_owned()
            }
            Self::Tls { .. } => {
                "if the server's certificate is from your own authority, name its PEM file with `--ca FILE`".to_owned()
            }
            Self::Refused { status: 401 | 403, host, .. } => format!("check the credentials for `{host}`"),
            Self::Refused { status: 404 | 410, .. } => "check the address: the server has nothing there".to_owned(),
            Self::Refused { retry_after: Some(wait), .. } => {
                format!("the server asks to try again in {} s", wait.as_secs())
            }
            Self::Refused { status: 408 | 429 | 500.., .. } => "try again later".to_owned(),
            Self::Refused { .. } => return None,
            Self::TooManyRedirects { .. } | Self::BadRedirect { .. } | Self::Downgrade { .. } => {
                "use the address that it should lead to, or tell whoever runs the server".to_owned()
            }
            Self::Digest { .. } | Self::Length { .. } => {
                "somebody changed it, or it was damaged on the way: find out which before you accept the new one"
                    .to_owned()
            }
            Self::TooLarge { .. } => return None,
            Self::Sink { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space, or use another disk".to_owned()
            }
            Self::Sink { .. } | Self::Source { .. } | Self::Interrupted => return None,
            Self::Certificate { .. } => "name a file in PEM format that you can read".to_owned(),
        })
    }
}

/// Statuses that say: not now (RFC 9110; 429 is of RFC 6585).
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}
