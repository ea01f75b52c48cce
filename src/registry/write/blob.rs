//! Blobs: mounted where the registry has them, else sent; taken up again where they were cut.
//!
//! ```text
//! POST ?mount&from --201--> Mounted                                               nothing is sent
//!   \--202--> PUT all --201--> Sent
//!               |  \--413--> PATCH, PATCH, .. PUT                                 in pieces
//!               \--cut, 5xx, hang--> HEAD blob? GET upload --at N--> PATCH from N, PUT
//!                                                \--404--> POST, from the first byte
//! ```
//! Rationale: what arrived of a request that failed only the registry knows. One that does not check offsets would append
//! what it has already, so nothing is sent twice before it was asked.

use std::cell::Cell;
use std::io::{self, Read};

use crate::base::BlobDigest;
use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::RegistryError;
use crate::registry::name::Repository;
use crate::transport::{Answer, Method, News, Outgoing, TransportError, Url};

pub use super::proven::Damaged;
use super::proven::Proven;
use super::session::{BYTES, Begun, Session, location, no_upload};

/// What is sent at once to a registry that does not take a whole blob: far more than the 5 MiB that stores behind
/// registries want at least, and less than the 100 MB that proxies before them allow.
const PIECE_BYTES: u64 = 16 * 1024 * 1024;

/// After this much that the registry did not have before, the attempts count from the start.
const PROGRESS_BYTES: u64 = 1024 * 1024;

/// How many repositories are asked for a blob that is to be mounted.
const MOUNTS_MAX: usize = 2;

/// How often a registry may say that what we sent is not what it got.
const MISMATCHES: u32 = 2;

/// Gives the bytes of a blob.
pub trait BlobSource: Sync {
    /// Those from the first on.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

/// Bytes that are at hand.
impl BlobSource for &[u8] {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(*self))
    }
}

/// A blob that is to be sent.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// What the registry is to have in the end.
    pub digest: BlobDigest,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Where they come from.
    pub source: &'a dyn BlobSource,
}

/// How a blob came to be in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// From another repository, without a byte sent.
    Mounted(Repository),
    /// From here.
    Sent,
}

/// An upload and how far it is.
struct Upload {
    session: Option<Session>,
    /// Whether the registry may have got something that we do not know of.
    unsure: bool,
    /// Most bytes of one request.
    piece_bytes: u64,
    /// The most that the registry had, when the attempts last counted from the start.
    mark: u64,
    mismatches: u32,
}

impl Client<'_> {
    /// Brings a blob into a repository that does not have it. `from` are repositories that may; those of other registries
    /// are passed over.
    pub fn push_blob(
        &self,
        to: &Repository,
        parcel: &Parcel<'_>,
        from: &[Repository],
    ) -> Result<Arrived, RegistryError> {
        let name = shown(to, &parcel.digest.to_string());
        let subject = Subject::of_blob(&name);
        let mut upload = Upload { session: None, unsure: false, piece_bytes: u64::MAX, mark: 0, mismatches: 0 };
        let near = from.iter().filter(|from| from.registry == to.registry && *from != to);
        for from in near.take(MOUNTS_MAX) {
            match self.begin(to, subject, Some((&parcel.digest, from))) {
                Ok(Begun::Mounted) => return Ok(Arrived::Mounted(from.clone())),
                Ok(Begun::Session(session)) => upload.session = Some(session),
                // Who may not read there can still send.
                Err(RegistryError::Unauthorized { .. } | RegistryError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let told = Cell::new(false);
        let sent = self.send_blob(to, parcel, subject, &mut upload, &told);
        if told.get() {
            (self.watch)(News::Ends);
        }
        sent.map(|()| Arrived::Sent)
    }

    fn send_blob(
        &self,
        to: &Repository,
        parcel: &Parcel<'_>,
        subject: Subject<'_>,
        upload: &mut Upload,
        told: &Cell<bool>,
    ) -> Result<(), RegistryError> {
        let mut patience = self.transport.patience(self.watch);
        loop {
            let error = match self.attempt(to, parcel, subject, upload, told) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let has = upload.session.as_ref().map_or(0, |session| session.offset);
            if has >= upload.mark + PROGRESS_BYTES {
                upload.mark = has;
                patience.progress();
            }
            let RegistryError::Transport { source, registry, doing, what, image } = error else { return Err(error) };
            let fail = |source: TransportError| {
                let (registry, image) = (registry.clone(), image.clone());
                RegistryError::Transport { registry, doing, what, image, source: Box::new(source) }
            };
            match *source {
                TransportError::Refused { status: 413, .. } if upload.piece_bytes > PIECE_BYTES => {
                    upload.piece_bytes = PIECE_BYTES;
                    (upload.session, upload.unsure) = (None, false);
                }
                TransportError::Refused { status: 400, said, .. } if is_digest(said.as_deref()) => {
                    (upload.session, upload.unsure) = (None, false);
                    upload.mismatches += 1;
                    if upload.mismatches >= MISMATCHES {
                        let (registry, digest) = (registry.clone(), parcel.digest);
                        return Err(RegistryError::NotTheBlob { registry, digest, said });
                    }
                }
                source if source.is_passing() => patience.wait(source, 0).map_err(fail)?,
                // The upload is gone, or not at this offset: the registry says what it has.
                source if matches!(source.status(), Some(404 | 416)) && upload.session.is_some() => {
                    patience.wait(source, 0).map_err(fail)?;
                }
                source => return Err(fail(source)),
            }
        }
    }

    fn attempt(
        &self,
        to: &Repository,
        parcel: &Parcel<'_>,
        subject: Subject<'_>,
        upload: &mut Upload,
        told: &Cell<bool>,
    ) -> Result<(), RegistryError> {
        if upload.unsure {
            // The answer may have been lost, not the blob.
            if self.has_blob(to, &parcel.digest, parcel.size_bytes)? {
                return Ok(());
            }
            self.find_out(to, parcel, subject, upload, told)?;
        }
        let mut session = match upload.session.take() {
            Some(session) => session,
            None => match self.begin(to, subject, None)? {
                Begun::Session(session) => session,
                Begun::Mounted => return Err(no_upload(to)),
            },
        };
        upload.unsure = true;
        loop {
            let left = parcel.size_bytes - session.offset;
            let piece = upload.piece_bytes.max(session.chunk_min_bytes);
            let sent = self.send_part(to, parcel, subject, &session, left.min(piece), told);
            upload.session = Some(session.clone());
            let answer = sent?;
            if left <= piece {
                return check_kept(to, parcel, &answer);
            }
            session.location = location(&answer).ok_or_else(|| no_upload(to))?;
            session.offset += piece;
        }
    }

    /// Asks how far the upload got. One that the registry does not know begins anew.
    fn find_out(
        &self,
        to: &Repository,
        parcel: &Parcel<'_>,
        subject: Subject<'_>,
        upload: &mut Upload,
        told: &Cell<bool>,
    ) -> Result<(), RegistryError> {
        upload.unsure = false;
        let Some(session) = upload.session.take() else { return Ok(()) };
        let resumed = self.resume(to, subject, &session)?;
        upload.session = resumed.filter(|session| session.offset < parcel.size_bytes);
        let digest = parcel.digest.short();
        let text = match &upload.session {
            Some(session) => format!("`{}` has the blob {digest} up to byte {}", to.registry, session.offset),
            None => {
                format!("`{}` does not know the upload of the blob {digest} any more: it begins again", to.registry)
            }
        };
        if told.replace(false) {
            (self.watch)(News::Ends);
        }
        (self.watch)(News::Said(text));
        Ok(())
    }

    /// One request with bytes: the last one closes the upload.
    fn send_part(
        &self,
        to: &Repository,
        parcel: &Parcel<'_>,
        subject: Subject<'_>,
        session: &Session,
        length_bytes: u64,
        told: &Cell<bool>,
    ) -> Result<Answer, RegistryError> {
        let (from, end) = (session.offset, session.offset + length_bytes);
        let is_last = end == parcel.size_bytes;
        if !told.replace(true) {
            (self.watch)(News::Sends { host: to.registry.clone(), bytes: parcel.size_bytes - from });
        }
        let answer = self.authorized(to, subject, &|| 0, &mut |header| {
            let (method, location) = match is_last {
                true => (Method::Put, session.location.clone().with_query(&[("digest", &parcel.digest.to_string())])),
                false => (Method::Patch, session.location.clone()),
            };
            let mut request = self.at(to, method, &location, header)?.with("content-type", BYTES);
            if !(is_last && from == 0) {
                request = request.with("content-range", format!("{from}-{}", end.saturating_sub(1)));
            }
            let fail = |source| unreadable(&location, source);
            let source = parcel.source.open().map_err(fail)?;
            let mut reader = Proven::new(source, parcel.digest, parcel.size_bytes, from).map_err(fail)?;
            let mut sent = |bytes| (self.watch)(News::Bytes(bytes));
            let outgoing = Outgoing { length_bytes, reader: &mut reader, sent: &mut sent };
            let answer = self.transport.send_body(&request, outgoing)?;
            // Here it is the upload that is not found, which is no end.
            if answer.status == 404 { Ok(answer) } else { answer.success() }
        })?;
        answer.success().map_err(|source| failed(to, subject, source))
    }
}

fn failed(to: &Repository, subject: Subject<'_>, source: TransportError) -> RegistryError {
    let (registry, image) = (to.registry.clone(), subject.image.to_owned());
    RegistryError::Transport { registry, doing: subject.doing, what: subject.what, image, source: Box::new(source) }
}

fn unreadable(location: &Url, source: io::Error) -> TransportError {
    TransportError::Source { url: location.to_string(), source }
}

/// Whether a registry says that the digest does not fit (distribution-spec, "Error Codes").
fn is_digest(said: Option<&str>) -> bool {
    said.is_some_and(|said| said.contains("DIGEST_INVALID") || said.contains("SIZE_INVALID"))
}

fn check_kept(to: &Repository, parcel: &Parcel<'_>, answer: &Answer) -> Result<(), RegistryError> {
    match answer.headers.get("docker-content-digest") {
        Some(found) if found != parcel.digest.to_string() => Err(RegistryError::KeptOther {
            registry: to.registry.clone(),
            image: shown(to, &parcel.digest.to_string()),
            expected: parcel.digest,
            found: found.to_owned(),
        }),
        _ => Ok(()),
    }
}
