//! Uploads that a registry knows (distribution-spec, "Pushing blobs").

use crate::base::BlobDigest;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::name::Repository;
use crate::transport::{Answer, Method, Request, Secret, TransportError, Url};

/// An upload that was begun.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Where the next request goes: the last answer's `Location`, which holds what the registry needs to know it again.
    pub(super) location: Url,
    /// Bytes that the registry has.
    pub(super) offset: u64,
    /// The fewest bytes that a piece may have, unless it is the last.
    pub(super) chunk_min_bytes: u64,
}

/// What a registry answers to somebody who begins.
pub(super) enum Begun {
    /// It has the blob elsewhere, and now here.
    Mounted,
    /// It waits for bytes.
    Session(Session),
}

impl Client<'_> {
    /// Begins an upload, or has the registry take the blob from another of its repositories.
    pub(super) fn begin(
        &self,
        to: &Repository,
        subject: Subject<'_>,
        mount: Option<(&BlobDigest, &Repository)>,
    ) -> Result<Begun, RegistryError> {
        let answer = self.authorized(to, subject, &|| 0, &mut |header| {
            let mut url = self.url(to, "blobs/uploads/")?;
            if let Some((digest, from)) = mount {
                url = url.with_query(&[("mount", &digest.to_string()), ("from", &from.name)]);
            }
            // Beginning twice leaves an empty upload, which the registry removes.
            let request = Request::new(Method::Post, url).authorized(header).with_body(BYTES, Vec::new()).repeatable();
            self.transport.send(&request, self.watch)?.success()
        });
        let answer = answer.map_err(|error| match error {
            // Nothing but the repository was asked for.
            RegistryError::NotFound { registry, said, .. } => {
                RegistryError::NotFound { registry, what: "the repository", image: to.to_string(), said }
            }
            error => error,
        })?;
        if answer.status == 201 && mount.is_some() {
            return Ok(Begun::Mounted);
        }
        let location = location(&answer).ok_or_else(|| no_upload(to))?;
        let chunk_min_bytes = answer.headers.number("oci-chunk-min-length").unwrap_or(0);
        Ok(Begun::Session(Session { location, offset: 0, chunk_min_bytes }))
    }

    /// How far an upload got, by the registry's own word; nothing if it does not know it any more.
    pub(super) fn resume(
        &self,
        to: &Repository,
        subject: Subject<'_>,
        session: &Session,
    ) -> Result<Option<Session>, RegistryError> {
        let answer = self.authorized(to, subject, &|| 0, &mut |header| {
            let request = self.at(to, Method::Get, &session.location, header)?;
            self.transport.send(&request, self.watch)?.success()
        });
        let answer = match answer {
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            // Some do not answer this question at all; what they have is lost.
            Err(RegistryError::Transport { source, .. }) if source.status().is_some_and(|it| it < 500) => {
                return Ok(None);
            }
            answer => answer?,
        };
        // `0-0` stands for nothing as well as for one byte; who begins anew is right in both cases.
        let offset =
            answer.headers.get("range").and_then(range_end).filter(|end| *end > 0).and_then(|end| end.checked_add(1));
        let location = location(&answer).unwrap_or_else(|| session.location.clone());
        Ok(offset.map(|offset| Session { location, offset, ..session.clone() }))
    }

    /// A request to where an upload goes on. What authorises us goes to the registry alone.
    pub(super) fn at(
        &self,
        to: &Repository,
        method: Method,
        location: &Url,
        header: Option<Secret>,
    ) -> Result<Request, TransportError> {
        let own = self.url(to, "")?;
        Ok(Request::new(method, location.clone()).authorized(header.filter(|_| location.has_origin_of(&own))))
    }
}

/// The media type of bytes.
pub(super) const BYTES: &str = "application/octet-stream";

/// Where an answer says that the upload goes on.
pub(super) fn location(answer: &Answer) -> Option<Url> {
    answer.url.join(answer.headers.get("location")?).ok()
}

pub(super) fn no_upload(to: &Repository) -> RegistryError {
    RegistryError::NoUpload { repository: to.to_string() }
}

/// The last byte of `0-1023`, also as `bytes=0-1023`.
fn range_end(range: &str) -> Option<u64> {
    let range = range.trim().trim_start_matches("bytes").trim_start_matches(['=', ' ']);
    range.split_once('-')?.1.trim().parse().ok()
}

impl Subject<'_> {
    /// Of a blob that is written.
    pub(super) fn of_blob(image: &str) -> Subject<'_> {
        Subject { doing: Doing::Write, what: "the blob", image }
    }
}
