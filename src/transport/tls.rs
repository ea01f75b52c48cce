//! Whom to trust, and what to show.

use std::fs;
use std::path::Path;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::error::TransportError;
use super::settings::{Identity, Settings};

/// The system's verifier; if the user adds authorities, theirs and those of the system's store. `shown` is what a server
/// gets that asks who we are.
pub(super) fn config(settings: &Settings, shown: Option<&Identity>) -> Result<TlsConfig, TransportError> {
    let identity = shown.map(identity).transpose()?;
    let mut trusted = Vec::new();
    for path in &settings.authorities {
        trusted.extend(certificates(path)?);
    }
    let roots = if trusted.is_empty() {
        RootCerts::PlatformVerifier
    } else {
        // What cannot be read of the system's store is missing there too for everybody else.
        let system = rustls_native_certs::load_native_certs().certs;
        trusted.extend(system.iter().map(|der| Certificate::from_der(der).to_owned()));
        RootCerts::from(trusted)
    };
    Ok(TlsConfig::builder().root_certs(roots).client_cert(identity).build())
}

fn identity(identity: &Identity) -> Result<ClientCert, TransportError> {
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKey::from_pem(&read(&identity.key)?).map_err(|source| bad(&identity.key, source))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

/// All certificates of a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, TransportError> {
    let bytes = read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(|source| bad(path, source))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(bad(path, "it holds no certificate in PEM format")) } else { Ok(found) }
}

fn read(path: &Path) -> Result<Vec<u8>, TransportError> {
    fs::read(path).map_err(|source| bad(path, source))
}

fn bad(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::Certificate { path: path.to_owned(), source: source.into() }
}
