//! Uploads that go other ways than a push: in chunks, cut on purpose, mounted.

use std::io::{self, Read};
use std::time::Duration;

use crate::base::{BlobDigest, hash::digest_of};
use crate::registry::ask::shown;
use crate::registry::client::Subject;
use crate::registry::error::RegistryError;
use crate::registry::name::Repository;
use crate::registry::write::session::{BYTES, Begun, Session, location, no_upload};
use crate::transport::{Answer, Method, Outgoing, TransportError};

use super::{Prober, Told, Written, told};

/// How often a registry is asked how far a cut upload got, and how long it may take to notice the cut before each.
const POLLS: usize = 4;
const POLL: Duration = Duration::from_millis(300);

/// What became of a blob that was sent in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunks {
    /// It is there.
    Taken,
    /// One of the chunks was refused, or the end.
    Refused(Told),
}

/// What became of an upload that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumed {
    /// It went on, and the blob is there.
    From(u64),
    /// The registry said where to go on, and did not take the rest.
    Refused(u64, Told),
    /// The registry does not know it, or says that it has nothing of it.
    Forgotten,
}

/// What became of a blob that another repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounted {
    /// It is there.
    Yes,
    /// It would have to be sent.
    No,
}

impl Prober<'_> {
    /// The least that a chunk has, by the registry's own word (`OCI-Chunk-Min-Length`); 0 if it does not say.
    pub fn chunk_min_bytes(&self) -> Result<u64, RegistryError> {
        let session = self.begin()?;
        self.cancel(&session);
        Ok(session.chunk_min_bytes)
    }

    /// Sends a blob in chunks of this length; the last one is shorter.
    pub fn in_chunks(&mut self, bytes: &[u8], chunk_bytes: usize) -> Result<Chunks, RegistryError> {
        let digest: BlobDigest = digest_of(bytes);
        self.remember_blob(self.repository.clone(), digest, bytes);
        let mut session = self.begin()?;
        for chunk in bytes.chunks(chunk_bytes.max(1)) {
            let next = self.send(&session, Method::Patch, None, chunk)?;
            match next {
                Ok(Some(location)) => {
                    session = Session { location, offset: session.offset + chunk.len() as u64, ..session }
                }
                Ok(None) => return Err(no_upload(self.repository)),
                Err(refusal) => {
                    self.cancel(&session);
                    return Ok(Chunks::Refused(refusal));
                }
            }
        }
        match self.send(&session, Method::Put, Some(&digest), &[])? {
            Ok(_) => Ok(Chunks::Taken),
            Err(refusal) => Ok(Chunks::Refused(refusal)),
        }
    }

    /// Sends half of a blob as a push does it, cuts the connection, asks how far it got, and sends the rest.
    pub fn cut(&mut self, bytes: &[u8]) -> Result<Resumed, RegistryError> {
        let digest: BlobDigest = digest_of(bytes);
        self.remember_blob(self.repository.clone(), digest, bytes);
        let session = self.begin()?;
        self.send_half(&session, &digest, bytes)?;
        let Some(session) = self.settled(&session)? else { return Ok(Resumed::Forgotten) };
        let Some(rest) = usize::try_from(session.offset).ok().and_then(|offset| bytes.get(offset..)) else {
            return Ok(Resumed::Forgotten);
        };
        match self.send(&session, Method::Put, Some(&digest), rest)? {
            Ok(_) => Ok(Resumed::From(session.offset)),
            Err(refusal) => {
                self.cancel(&session);
                Ok(Resumed::Refused(session.offset, refusal))
            }
        }
    }

    /// Writes a blob into `from`, and has the registry take it from there.
    pub fn mount(&mut self, bytes: &[u8], from: &Repository) -> Result<Mounted, RegistryError> {
        let digest = self.blob_in(from, bytes)?;
        self.remember_blob(self.repository.clone(), digest, bytes);
        let name = shown(self.repository, &digest.to_string());
        match self.client.begin(self.repository, Subject::of_blob(&name), Some((&digest, from)))? {
            Begun::Mounted => Ok(Mounted::Yes),
            Begun::Session(session) => {
                self.cancel(&session);
                Ok(Mounted::No)
            }
        }
    }

    fn remember_blob(&mut self, repository: Repository, digest: BlobDigest, bytes: &[u8]) {
        self.remember(Written::Blob(repository, digest, bytes.len() as u64));
    }

    fn begin(&self) -> Result<Session, RegistryError> {
        let name = self.repository.to_string();
        match self.client.begin(self.repository, Subject::of_blob(&name), None)? {
            Begun::Session(session) => Ok(session),
            Begun::Mounted => Err(no_upload(self.repository)),
        }
    }

    /// One request of an upload: a piece, or the end. Gives where it goes on, or what the registry has against it.
    fn send(
        &self,
        session: &Session,
        method: Method,
        closes: Option<&BlobDigest>,
        piece: &[u8],
    ) -> Result<Result<Option<crate::transport::Url>, Told>, RegistryError> {
        let name = self.repository.to_string();
        self.client.authorized(self.repository, Subject::of_blob(&name), &|| 0, &mut |header| {
            let mut url = session.location.clone();
            if let Some(digest) = closes {
                url = url.with_query(&[("digest", &digest.to_string())]);
            }
            let mut request = self.client.at(self.repository, method, &url, header)?;
            if !piece.is_empty() {
                let end = session.offset + piece.len() as u64 - 1;
                request = request.with("content-range", format!("{}-{end}", session.offset));
            }
            let answer = self.client.transport.send_once(&request.with_body(BYTES, piece.to_vec()))?;
            match answer.status {
                200..=299 => Ok(Ok(location(&answer))),
                _ => told(answer).map(Err),
            }
        })
    }

    /// The connection ends in the middle of the body, because no more of it comes.
    fn send_half(&self, session: &Session, digest: &BlobDigest, bytes: &[u8]) -> Result<(), RegistryError> {
        let name = self.repository.to_string();
        let sent = self.client.authorized(self.repository, Subject::of_blob(&name), &|| 0, &mut |header| {
            let url = session.location.clone().with_query(&[("digest", &digest.to_string())]);
            let request = self.client.at(self.repository, Method::Put, &url, header)?.with("content-type", BYTES);
            let mut half = Half(bytes.get(..bytes.len() / 2).unwrap_or_default());
            let outgoing = Outgoing { length_bytes: bytes.len() as u64, reader: &mut half, sent: &mut |_| {} };
            self.client.transport.send_body(&request, outgoing).map(|_: Answer| ())
        });
        match sent {
            // As intended; or the registry was faster, because it wants no more.
            Err(RegistryError::Transport { source, .. })
                if matches!(*source, TransportError::Source { .. } | TransportError::Unreachable { .. }) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// How far an upload got once that does not change any more.
    fn settled(&self, session: &Session) -> Result<Option<Session>, RegistryError> {
        let name = self.repository.to_string();
        let mut last = session.clone();
        for _ in 0..POLLS {
            std::thread::sleep(POLL);
            let now = self.client.resume(self.repository, Subject::of_blob(&name), &last)?;
            let Some(now) = now else { return Ok(None) };
            if now.offset == last.offset {
                return Ok(Some(now));
            }
            last = now;
        }
        Ok(Some(last))
    }

    /// An upload that goes nowhere. Registries remove those that are left, so a refusal is nothing to tell.
    fn cancel(&self, session: &Session) {
        let name = self.repository.to_string();
        let _ = self.client.authorized(self.repository, Subject::of_blob(&name), &|| 0, &mut |header| {
            let request = self.client.at(self.repository, Method::Delete, &session.location, header)?;
            self.client.transport.send_once(&request).map(drop)
        });
    }
}

/// Gives what it has, and then fails.
struct Half<'a>(&'a [u8]);

impl Read for Half<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() && !buffer.is_empty() {
            return Err(io::Error::other("cut on purpose"));
        }
        self.0.read(buffer)
    }
}
