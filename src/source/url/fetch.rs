//! One file from its address or a mirror.

use std::error::Error;

use crate::base::ContentDigest;
use crate::transport::url::Scheme;
use crate::transport::url::shown;
use crate::transport::{self, Download, Expected, Proof, Received, Sink, Transport, Url, Watch};

use super::error::UrlError;
use super::keys::Keys;
use super::local;

/// What the template asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `https:`, `http:` or `file:`.
    pub url: String,
    /// Where the same file is as well.
    pub mirrors: Vec<String>,
    /// The template's `sha256`.
    pub sha256: Option<ContentDigest>,
    /// What proves that it is what was wanted.
    pub proof: Proof,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// Of all bytes.
    pub sha256: ContentDigest,
    /// How many they are.
    pub size_bytes: u64,
}

/// What fetching needs.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    /// How to reach others.
    pub transport: &'a Transport,
    /// Who we are.
    pub keys: &'a Keys,
    /// Who is told of retries.
    pub watch: Watch<'a>,
}

impl Fetcher<'_> {
    /// Fetches into a sink that is empty. `locked` is the digest and the length that the lock has.
    pub fn fetch(
        &self,
        request: &Request,
        locked: Option<(ContentDigest, u64)>,
        sink: &mut dyn Sink,
    ) -> Result<Fetched, UrlError> {
        let url = shown(&request.url);
        if let (Some(written), Some((locked, _))) = (request.sha256, locked)
            && written != locked
        {
            return Err(UrlError::Disagree { url, written, locked });
        }
        let expected = Expected {
            digest: locked.map(|(digest, _)| digest).or(request.sha256),
            size_bytes: locked.map(|(_, size_bytes)| size_bytes),
        };
        let mut download = Download::new(expected);
        let first = match self.from(&request.url, request.proof, &mut download, sink) {
            Err(error) if !error.is_final() && !request.mirrors.is_empty() => error,
            other => return other,
        };
        let mut tried = Vec::new();
        for mirror in &request.mirrors {
            if expected.digest.is_none() {
                restart(&url, &mut download, sink)?;
            }
            match self.from(mirror, request.proof, &mut download, sink) {
                Err(error) if !error.is_final() => {
                    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                    tried.push(format!("{error}{source}"));
                }
                other => return other,
            }
        }
        Err(UrlError::NoMirror { url, tried, source: Box::new(first) })
    }

    fn from(
        &self,
        address: &str,
        proof: Proof,
        download: &mut Download,
        sink: &mut dyn Sink,
    ) -> Result<Fetched, UrlError> {
        if let Some(path) = local::path(address)? {
            restart(address, download, sink)?;
            let copied = local::copy(address, path, download.expected().digest, sink);
            if copied.is_err() {
                sink.restart().map_err(|source| UrlError::Sink { url: address.to_owned(), source })?;
            }
            return copied;
        }
        let remote = |error| UrlError::Transport(Box::new(error));
        let url = Url::parse(address).map_err(remote)?;
        // What may not be sent in the clear is not looked for.
        let is_clear = url.scheme() == Scheme::Http && !self.transport.settings().allows_plain(&url);
        let key = if is_clear { None } else { self.keys.header(&url)? };
        let request = transport::Request::get(url).authorized(key).proven(proof);
        let Received { digest, size_bytes } =
            download.run(self.transport, &request, sink, self.watch).map_err(remote)?;
        Ok(Fetched { sha256: digest, size_bytes })
    }
}

/// Forgets what came from another place.
fn restart(url: &str, download: &mut Download, sink: &mut dyn Sink) -> Result<(), UrlError> {
    if download.offset() > 0 {
        sink.restart().map_err(|source| UrlError::Sink { url: shown(url), source })?;
    }
    *download = Download::new(download.expected());
    Ok(())
}
