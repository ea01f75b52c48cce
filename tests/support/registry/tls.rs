//! The registry over TLS, with the certificate of `fixtures/tls`, which is for this and nothing else.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// The certificate of the authority, for those who shall trust it.
pub(crate) fn authority() -> PathBuf {
    fixture("authority.pem")
}

/// The server's certificate and key; they do for a client as well.
pub(crate) fn identity() -> (PathBuf, PathBuf) {
    (fixture("server.pem"), fixture("server.key"))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// Whether clients have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    Anybody,
    /// Those with one of the same authority.
    Known,
}

pub(crate) fn config(clients: Clients) -> Arc<ServerConfig> {
    let (certificate, key) = identity();
    let certificate = CertificateDer::from_pem_file(certificate).expect("the certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("the key");
    let config = match clients {
        Clients::Anybody => ServerConfig::builder().with_no_client_auth(),
        Clients::Known => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(authority()).expect("the authority")).expect("it is one");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    Arc::new(config.with_single_cert(vec![certificate], key).expect("they fit"))
}

pub(crate) fn accept<'a>(
    config: &Arc<ServerConfig>,
    stream: &'a TcpStream,
) -> Option<StreamOwned<ServerConnection, &'a TcpStream>> {
    Some(StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, stream))
}
