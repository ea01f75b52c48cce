//! What all exchanges with registries share, and what comes from them (distribution-spec, "Pull").
//!
//! ```text
//! ImageName --places--> mirror, .., its own --scheme--> GET /v2/NAME/manifests/WANTED --401? renew--> Manifest, verified
//!                                                       GET /v2/NAME/blobs/DIGEST --cut? 401? at the offset--> sink
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::base::{BlobDigest, ContentDigest};
use crate::image::checks::DOCUMENT_MAX_BYTES;
use crate::transport::{
    Document, Download, Expected, Fault, Received, Request, Scheme, Secret, Sink, Transport, TransportError, Url, Watch,
};

use super::credentials::CredentialFiles;
use super::error::{Doing, Given, RegistryError};
use super::manifest::{self, Manifest};
use super::mirrors::{Firsts, Mirrors};
use super::name::{ImageName, Repository};
use super::tokens::{Asking, Renewed, Tokens};

/// Where the user keeps what registries need to know.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Who we are.
    pub credentials: CredentialFiles,
    /// Where else to look: registries.conf and those of registries.conf.d, in their order.
    pub registries_conf: Vec<PathBuf>,
    /// Places to ask before those.
    pub mirrors: Firsts,
}

/// A client for all registries. Several threads may use it at once.
pub struct Client<'a> {
    pub(super) transport: &'a Transport,
    credentials: CredentialFiles,
    mirrors: Mirrors,
    pub(super) watch: Watch<'a>,
    tokens: Tokens,
    schemes: Mutex<BTreeMap<String, Scheme>>,
}

/// What an exchange is about, for messages.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) doing: Doing,
    pub(super) what: &'static str,
    pub(super) image: &'a str,
}

impl<'a> Client<'a> {
    /// Reads the files about mirrors; those with credentials are read when a registry asks.
    pub fn new(transport: &'a Transport, files: &Files, watch: Watch<'a>) -> Result<Self, RegistryError> {
        Ok(Self {
            transport,
            credentials: files.credentials.clone(),
            mirrors: Mirrors::read(&files.registries_conf)?.with_first(files.mirrors.clone()),
            watch,
            tokens: Tokens::default(),
            schemes: Mutex::default(),
        })
    }

    /// The manifest or index that a name means now. Its bytes are what their digest says, and what the name's digest says.
    pub fn resolve(&self, image: &ImageName) -> Result<Manifest, RegistryError> {
        let shown = image.to_string();
        let subject = Subject { doing: Doing::Read, what: "the image", image: &shown };
        self.at_each_place(image, |place| {
            let path = format!("manifests/{}", image.wanted());
            let document = self.authorized(place, subject, &|| 0, &mut |header| {
                let request = Request::get(self.url(place, &path)?).authorized(header);
                let request = request.with("accept", manifest::ACCEPT);
                self.transport.document(&request, DOCUMENT_MAX_BYTES, self.watch)
            })?;
            let Document { headers, bytes, .. } = document;
            manifest::check(&place.registry, &shown, image.digest, &headers, bytes)
        })
    }

    /// The manifest or index of a repository that has this digest.
    pub fn manifest(&self, repository: &Repository, digest: BlobDigest) -> Result<Manifest, RegistryError> {
        self.resolve(&ImageName { repository: repository.clone(), tag: None, digest: Some(digest) })
    }

    /// Fetches a blob into a sink that is empty. What was fetched from one place is not fetched again from the next.
    pub fn blob(
        &self,
        repository: &Repository,
        digest: &BlobDigest,
        size_bytes: u64,
        sink: &mut dyn Sink,
    ) -> Result<Received, RegistryError> {
        let image = ImageName { repository: repository.clone(), tag: None, digest: Some(*digest) };
        let shown = image.to_string();
        let subject = Subject { doing: Doing::Read, what: "the blob", image: &shown };
        let expected = Expected { digest: Some(ContentDigest::from(*digest.as_bytes())), size_bytes: Some(size_bytes) };
        let (download, sink) = (Mutex::new(Download::new(expected)), Mutex::new(sink));
        let path = format!("blobs/{digest}");
        self.at_each_place(&image, |place| {
            let offset = || download.lock().unwrap_or_else(PoisonError::into_inner).offset();
            self.authorized(place, subject, &offset, &mut |header| {
                let request = Request::get(self.url(place, &path)?).authorized(header);
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let mut download = download.lock().unwrap_or_else(PoisonError::into_inner);
                download.run(self.transport, &request, &mut **sink, self.watch)
            })
        })
    }

    /// Tries the mirrors in order and then the image's own place, whose error it is in the end.
    pub(super) fn at_each_place<T>(
        &self,
        image: &ImageName,
        mut ask: impl FnMut(&Repository) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let places = self.mirrors.places(image)?;
        let (own, mirrors) = places.split_last().map_or((&image.repository, &places[..]), |(own, rest)| (own, rest));
        let mut tried = Vec::new();
        for mirror in mirrors {
            match ask(mirror) {
                Err(error) if !error.is_final() => {
                    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
                    tried.push(format!("{error}{}", source.unwrap_or_default()));
                }
                other => return other,
            }
        }
        ask(own).map_err(|source| match tried.is_empty() || source.is_final() {
            true => source,
            false => RegistryError::NoMirror { image: image.to_string(), tried, source: Box::new(source) },
        })
    }

    /// Does `act` with what authorises us, which is renewed when the registry refuses it: once, and again after there was
    /// progress, because a token can expire more than once while a large blob comes. What another host wants to know, to
    /// which the registry only led, it is not told.
    pub(super) fn authorized<T>(
        &self,
        place: &Repository,
        subject: Subject<'_>,
        progress: &dyn Fn() -> u64,
        act: &mut dyn FnMut(Option<Secret>) -> Result<T, TransportError>,
    ) -> Result<T, RegistryError> {
        let asking = Asking { transport: self.transport, files: &self.credentials, watch: self.watch, subject };
        let mut renewed_at = None;
        loop {
            let header = self.tokens.get(place);
            let error = match act(header.clone()) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let is_own = |url: &str| {
                Url::parse(url).is_ok_and(|url| self.url(place, "").is_ok_and(|own| url.has_origin_of(&own)))
            };
            match error {
                TransportError::Refused { status: 401, challenges, url, .. }
                    if is_own(&url) && renewed_at != Some(progress()) =>
                {
                    if self.tokens.renew(place, header.as_ref(), &challenges, &asking)? == Renewed::Here {
                        renewed_at = Some(progress());
                    }
                }
                TransportError::Refused { status: status @ (401 | 403), said, url, .. } if is_own(&url) => {
                    let has = self.credentials.find(place)?.map_or(Given::No, |_| Given::Yes);
                    return Err(asking.unauthorized(place, (status, said), has));
                }
                TransportError::Refused { status: 404, said, .. } => {
                    let (registry, image) = (place.registry.clone(), subject.image.to_owned());
                    return Err(RegistryError::NotFound { registry, what: subject.what, image, said });
                }
                source => {
                    let (registry, image) = (place.registry.clone(), subject.image.to_owned());
                    let Subject { doing, what, .. } = subject;
                    return Err(RegistryError::Transport { registry, doing, what, image, source: Box::new(source) });
                }
            }
        }
    }

    pub(super) fn url(&self, place: &Repository, path: &str) -> Result<Url, TransportError> {
        let host = place.host();
        Url::parse(&format!("{}://{host}/v2/{}/{path}", self.scheme(host)?.name(), place.name))
    }

    /// https, except for hosts that may be spoken to without: there, what they speak.
    pub(super) fn scheme(&self, host: &str) -> Result<Scheme, TransportError> {
        let plain = Url::parse(&format!("http://{host}/v2/"))?;
        if !self.transport.settings().allows_plain(&plain) {
            return Ok(Scheme::Https);
        }
        let known = |schemes: &Mutex<BTreeMap<String, Scheme>>| {
            schemes.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied()
        };
        if let Some(scheme) = known(&self.schemes) {
            return Ok(scheme);
        }
        let https = || Ok::<_, TransportError>(Request::get(Url::parse(&format!("https://{host}/v2/"))?));
        let scheme = match self.transport.send_once(&Request::get(plain)).map(|answer| answer.status) {
            // What servers that expect TLS do: they say 400, or nothing that is HTTP.
            Ok(400) => Scheme::Https,
            Ok(_) => Scheme::Http,
            // One that wants a certificate, or has one that we do not trust, speaks TLS all the same.
            Err(TransportError::Unreachable { source: Fault::Protocol(_) | Fault::Cut, .. })
                if self.transport.send_once(&https()?).map_or_else(|error| error.is_of_tls(), |_| true) =>
            {
                Scheme::Https
            }
            // Whatever it is, the request itself will find out, and try more than once.
            Err(_) => return Ok(Scheme::Http),
        };
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), scheme);
        Ok(scheme)
    }
}

impl RegistryError {
    /// Whether no other place can help.
    fn is_final(&self) -> bool {
        use TransportError as E;
        match self {
            Self::Transport { source, .. } => {
                matches!(**source, E::Interrupted | E::Sink { .. } | E::Offline { .. })
            }
            _ => false,
        }
    }
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
