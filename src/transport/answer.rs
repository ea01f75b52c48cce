//! What a server answered.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::BodyReader;

use super::agents::failure;
use super::error::{Fault, TransportError};
use super::headers::Headers;
use super::said;
use super::secret::Secret;
use super::settings::Timeouts;
use super::url::Url;

/// Bytes of an error's body that are looked at for something to show.
const SAID_MAX_BYTES: usize = 16 * 1024;

/// Status, headers, and the body as it comes.
#[derive(Debug)]
pub struct Answer {
    /// `200` and the like.
    pub status: u16,
    /// What it says about the body.
    pub headers: Headers,
    /// Who answered: where the last redirect led.
    pub url: Url,
    /// Nothing of it has been read.
    pub body: Body,
    /// What the request held and nothing may show.
    pub(super) secrets: Vec<Secret>,
}

/// A body that is read as it comes.
pub struct Body {
    reader: BodyReader<'static>,
    url: Url,
    interrupted: Arc<AtomicBool>,
    timeouts: Timeouts,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Document {
    /// What it says about the bytes.
    pub headers: Headers,
    /// Who answered: where the last redirect led.
    pub url: Url,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Body {
    pub(super) fn new(reader: BodyReader<'static>, url: Url, interrupted: Arc<AtomicBool>, timeouts: Timeouts) -> Self {
        Self { reader, url, interrupted, timeouts }
    }

    /// Reads what is there, at least one byte; 0 at the end.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(TransportError::Interrupted);
            }
            match self.reader.read(buffer) {
                Ok(found) => return Ok(found),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(failure(&self.url, ureq::Error::from(error), &self.interrupted, &self.timeouts));
                }
            }
        }
    }

    /// The rest of it, which must not be longer than `limit_bytes`.
    pub fn rest(mut self, limit_bytes: usize) -> Result<Vec<u8>, TransportError> {
        let bytes = self.beginning(limit_bytes.saturating_add(1))?;
        if bytes.len() > limit_bytes {
            return Err(TransportError::TooLarge { url: self.url.to_string(), limit_bytes });
        }
        Ok(bytes)
    }

    fn beginning(&mut self, most: usize) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; most.min(64 * 1024)];
        while bytes.len() < most {
            let room = buffer.len().min(most - bytes.len());
            match self.next(&mut buffer[..room])? {
                0 => break,
                found => bytes.extend_from_slice(&buffer[..found]),
            }
        }
        Ok(bytes)
    }
}

/// The inner error of what this gives is a [`TransportError`].
impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.next(buffer).map_err(io::Error::other)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Answer {
    /// The answer if it has the status of a success, else an error that says what the server said.
    pub fn success(self) -> Result<Self, TransportError> {
        if matches!(self.status, 200..=299) { Ok(self) } else { Err(self.refusal()) }
    }

    /// The error that this answer is.
    pub fn refusal(mut self) -> TransportError {
        let bytes = self.body.beginning(SAID_MAX_BYTES).unwrap_or_default();
        let said = said::readable(&bytes, self.headers.get("content-type").unwrap_or_default(), &self.secrets);
        TransportError::Refused {
            url: self.url.to_string(),
            host: self.url.place(),
            status: self.status,
            said,
            challenges: self.headers.all("www-authenticate").map(str::to_owned).collect(),
            retry_after: self.retry_after(),
        }
    }

    /// How long the server asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        super::retry::retry_after(self.headers.get("retry-after")?, self.headers.get("date"))
    }

    /// The error of a body that ended before its end.
    pub fn cut(url: &Url) -> TransportError {
        TransportError::Unreachable { url: url.to_string(), host: url.place(), source: Fault::Cut }
    }
}
