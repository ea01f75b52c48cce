//! A blob that is read as it comes, taken up again where it was cut.
//!
//! Unlike [`crate::transport::Download`], which gives to whoever takes, this is asked: it can stand at the beginning of
//! something that is sent while it arrives. It does not digest: whoever sends or keeps a blob does.

use std::io::{self, Read};

use crate::base::BlobDigest;
use crate::transport::{Answer, Patience, Request, TransportError};

use super::ask::shown;
use super::client::{Client, Subject};
use super::error::{Doing, RegistryError};
use super::name::{ImageName, Repository};
use super::write::blob::BlobSource;

/// After this much that nobody had before, the attempts count from the start.
const PROGRESS_BYTES: u64 = 1024 * 1024;

/// Bytes that are read at once where a beginning is not wanted.
const PIECE_BYTES: usize = 64 * 1024;

/// A blob of a repository, of which nothing was asked yet.
pub struct RemoteBlob<'a> {
    /// Asks.
    pub client: &'a Client<'a>,
    /// Where it is.
    pub repository: Repository,
    /// Which.
    pub digest: BlobDigest,
    /// How many bytes it has.
    pub size_bytes: u64,
}

impl BlobSource for RemoteBlob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let patience = self.client.transport.patience(self.client.watch);
        Ok(Box::new(Stream { remote: self, answer: None, patience, offset: 0, mark: 0 }))
    }
}

/// A blob and how far it was read. What [`Read`] gives as an error is a [`RegistryError`].
struct Stream<'a> {
    remote: &'a RemoteBlob<'a>,
    answer: Option<Answer>,
    patience: Patience<'a>,
    offset: u64,
    /// What was the offset when the attempts last counted from the start.
    mark: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.offset >= self.remote.size_bytes {
            return Ok(0);
        }
        loop {
            let error = match self.attempt(buffer) {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            self.answer = None;
            self.wait(error).map_err(io::Error::other)?;
        }
    }
}

impl Stream<'_> {
    fn attempt(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        let remote = self.remote;
        let name = shown(&remote.repository, &remote.digest.to_string());
        let failed = |source| remote.failed(&name, source);
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => remote.ask(&name, self.offset)?,
        };
        let left = remote.size_bytes - self.offset;
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let found = answer.body.next(&mut buffer[..room]).map_err(failed)?;
        if found == 0 {
            return Err(failed(Answer::cut(&answer.url)));
        }
        self.offset += found as u64;
        if self.offset >= self.mark + PROGRESS_BYTES {
            self.mark = self.offset;
            self.patience.progress();
        }
        self.answer = Some(answer);
        Ok(found)
    }

    /// Waits for the next attempt, if there is one after this error.
    fn wait(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        match error {
            RegistryError::Transport { source, registry, doing, what, image } if source.is_passing() => {
                let back = |source| RegistryError::Transport { registry, doing, what, image, source: Box::new(source) };
                self.patience.wait(*source, self.offset).map_err(back)
            }
            error => Err(error),
        }
    }
}

impl RemoteBlob<'_> {
    /// The answer from `offset` on. One that begins at the beginning all the same is read to there.
    fn ask(&self, name: &str, offset: u64) -> Result<Answer, RegistryError> {
        let image = ImageName { repository: self.repository.clone(), tag: None, digest: Some(self.digest) };
        let subject = Subject { doing: Doing::Read, what: "the blob", image: name };
        let path = format!("blobs/{}", self.digest);
        self.client.at_each_place(&image, |place| {
            self.client.authorized(place, subject, &|| offset, &mut |header| {
                let mut request = Request::get(self.client.url(place, &path)?).authorized(header);
                if offset > 0 {
                    request = request.with("range", format!("bytes={offset}-"));
                }
                let mut answer = self.client.transport.send_once(&request)?.success()?;
                match answer.status {
                    206 if begins_at(&answer) == Some(offset) => {}
                    206 => return Err(Answer::cut(&answer.url)),
                    _ => skip(&mut answer, offset)?,
                }
                Ok(answer)
            })
        })
    }

    fn failed(&self, name: &str, source: TransportError) -> RegistryError {
        RegistryError::Transport {
            registry: self.repository.registry.clone(),
            doing: Doing::Read,
            what: "the blob",
            image: name.to_owned(),
            source: Box::new(source),
        }
    }
}

/// The first byte of a part (RFC 9110, section 14.4).
fn begins_at(answer: &Answer) -> Option<u64> {
    let range = answer.headers.get("content-range")?.trim().strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}

fn skip(answer: &mut Answer, bytes: u64) -> Result<(), TransportError> {
    let mut left = bytes;
    let mut piece = vec![0; if bytes > 0 { PIECE_BYTES } else { 0 }];
    while left > 0 {
        let room = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match answer.body.next(&mut piece[..room])? {
            0 => return Err(Answer::cut(&answer.url)),
            found => left -= found as u64,
        }
    }
    Ok(())
}
