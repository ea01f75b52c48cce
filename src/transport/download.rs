//! A body of any length into a sink: checked as it passes, taken up again where it was cut.
//!
//! ```text
//! Request --> 200 --> bytes --> sink + digest --> cut at N --> Range: bytes=N- --> 206 --> .. --> Received
//!                                                          \-> 200 (no ranges, or another content): restart
//! ```
//! Memory is one buffer. A [`Download`] keeps where it is, also when a run ends with an error: the next run, with another
//! token or at another address of the same content, continues there.

use std::io;

use crate::base::{ContentDigest, Hasher};

use super::Transport;
use super::answer::Answer;
use super::error::{Fault, TransportError};
use super::request::Request;
use super::retry::{News, Patience, Watch};
use super::url::Url;

/// Bytes read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// After this much that nobody had before, the attempts count from the start: a large blob over a bad line comes through,
/// and a server that never gets further does not keep us for ever.
const PROGRESS_BYTES: u64 = 1024 * 1024;

/// How often something with the wrong digest or length is fetched.
const MISMATCHES: u32 = 2;

/// Where the bytes go, in order.
pub trait Sink {
    /// Takes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Forgets all that was taken: the bytes come again from the first on.
    fn restart(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// What is known of the bytes before they come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// Of all of them.
    pub digest: Option<ContentDigest>,
    /// How many they are.
    pub size_bytes: Option<u64>,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Of all bytes.
    pub digest: ContentDigest,
    /// How many they are.
    pub size_bytes: u64,
}

/// A download and how far it got.
pub struct Download {
    expected: Expected,
    hasher: Hasher,
    /// Bytes in the sink.
    offset: u64,
    /// The most that ever were, when the attempts last counted from the start.
    mark: u64,
    /// The strong `ETag` of what the sink holds, if no digest tells whether parts belong together: the servers behind one
    /// name do not always agree about tags.
    tag: Option<String>,
    ranges: Ranges,
    mismatches: u32,
    /// Whether the user was told that bytes come.
    told: bool,
}

/// Whether to ask for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranges {
    Asked,
    /// The server gave something else.
    Refused,
}

impl Download {
    /// Nothing yet; the sink has to be empty.
    pub fn new(expected: Expected) -> Self {
        Self {
            expected,
            hasher: Hasher::new(),
            offset: 0,
            mark: 0,
            tag: None,
            ranges: Ranges::Asked,
            mismatches: 0,
            told: false,
        }
    }

    /// Bytes in the sink.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is known of the bytes.
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// Fetches what is missing. After an error other than [`TransportError::Sink`] another run continues.
    pub fn run(
        &mut self,
        transport: &Transport,
        request: &Request,
        sink: &mut dyn Sink,
        watch: Watch<'_>,
    ) -> Result<Received, TransportError> {
        let mut patience = transport.patience(watch);
        self.ranges = Ranges::Asked;
        let done = self.attempts(transport, request, sink, &mut patience);
        if std::mem::take(&mut self.told) {
            patience.tell(News::Ends);
        }
        done
    }

    fn attempts(
        &mut self,
        transport: &Transport,
        request: &Request,
        sink: &mut dyn Sink,
        patience: &mut Patience<'_>,
    ) -> Result<Received, TransportError> {
        loop {
            let error = match self.attempt(transport, request, sink, patience) {
                Ok(received) => return Ok(received),
                Err(error) => error,
            };
            if error.is_mismatch() {
                self.mismatches += 1;
                self.restart(&request.url, sink, patience)?;
                if self.mismatches >= MISMATCHES {
                    return Err(error);
                }
            } else if !error.is_passing() {
                return Err(error);
            }
            patience.wait(error, self.offset)?;
        }
    }

    fn attempt(
        &mut self,
        transport: &Transport,
        request: &Request,
        sink: &mut dyn Sink,
        patience: &mut Patience<'_>,
    ) -> Result<Received, TransportError> {
        if self.offset > 0 && !self.can_continue() {
            self.restart(&request.url, sink, patience)?;
        }
        if self.offset > 0 && self.expected.size_bytes == Some(self.offset) {
            return self.finish(&request.url);
        }
        let answer = transport.follow(&self.ranged(request))?;
        let total = match answer.status {
            206 if self.offset > 0 => match self.part_total(&answer) {
                Some(total) => total,
                None => return Err(self.without_ranges(&request.url, sink, patience)?),
            },
            206 | 416 => return Err(self.without_ranges(&request.url, sink, patience)?),
            200..=299 => {
                self.restart(&request.url, sink, patience)?;
                self.tag = strong_tag(&answer).filter(|_| self.expected.digest.is_none());
                answer.headers.number("content-length")
            }
            _ => return Err(answer.refusal()),
        };
        self.check_length(&answer.url, total)?;
        self.read(answer, total, sink, patience)
    }

    /// Whether what the sink holds is surely the beginning of what comes.
    fn can_continue(&self) -> bool {
        self.ranges == Ranges::Asked && (self.expected.digest.is_some() || self.tag.is_some())
    }

    fn ranged(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if self.offset > 0 {
            request.headers.set("range", format!("bytes={}-", self.offset));
            if let Some(tag) = &self.tag {
                request.headers.set("if-range", tag.clone());
            }
        }
        request
    }

    /// The length of the whole, if the answer is the part that was asked for.
    fn part_total(&self, answer: &Answer) -> Option<Option<u64>> {
        let range = answer.headers.get("content-range")?.trim().strip_prefix("bytes ")?;
        let (part, total) = range.split_once('/')?;
        let (first, _) = part.split_once('-')?;
        let same = first.trim().parse() == Ok(self.offset);
        let other_tag = self.tag.is_some() && answer.headers.get("etag").is_some() && strong_tag(answer) != self.tag;
        (same && !other_tag).then(|| total.trim().parse().ok())
    }

    fn without_ranges(
        &mut self,
        url: &Url,
        sink: &mut dyn Sink,
        patience: &Patience<'_>,
    ) -> Result<TransportError, TransportError> {
        self.ranges = Ranges::Refused;
        self.restart(url, sink, patience)?;
        let fault = Fault::Protocol("it is not the part that was asked for".to_owned());
        Ok(TransportError::Unreachable { url: url.to_string(), host: url.place(), source: fault })
    }

    fn restart(&mut self, url: &Url, sink: &mut dyn Sink, patience: &Patience<'_>) -> Result<(), TransportError> {
        if self.offset > 0 {
            if self.told {
                patience.tell(News::Lost(self.offset));
            }
            sink.restart().map_err(|source| TransportError::Sink { url: url.to_string(), source })?;
        }
        self.offset = 0;
        self.hasher = Hasher::new();
        self.tag = None;
        Ok(())
    }

    fn check_length(&self, url: &Url, found: Option<u64>) -> Result<(), TransportError> {
        match (self.expected.size_bytes, found) {
            (Some(expected), Some(found)) if expected != found => {
                Err(TransportError::Length { url: url.to_string(), expected, found })
            }
            _ => Ok(()),
        }
    }

    fn read(
        &mut self,
        mut answer: Answer,
        total: Option<u64>,
        sink: &mut dyn Sink,
        patience: &mut Patience<'_>,
    ) -> Result<Received, TransportError> {
        let url = answer.url;
        let total = self.expected.size_bytes.or(total);
        if !std::mem::replace(&mut self.told, true) {
            let bytes = total.map(|total| total.saturating_sub(self.offset));
            patience.tell(News::Begins { host: url.place(), bytes });
        }
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let found = answer.body.next(&mut piece)?;
            if found == 0 {
                break;
            }
            let offset = self.offset + found as u64;
            if let Some(expected) = total.filter(|total| offset > *total) {
                return Err(TransportError::Length { url: url.to_string(), expected, found: offset });
            }
            let bytes = &piece[..found];
            sink.write(bytes).map_err(|source| TransportError::Sink { url: url.to_string(), source })?;
            self.hasher.update(bytes);
            self.offset = offset;
            patience.tell(News::Bytes(found as u64));
            if self.offset >= self.mark + PROGRESS_BYTES {
                self.mark = self.offset;
                patience.progress();
            }
        }
        // A server that closes the connection to say that this was all may have closed it for another reason.
        if total.is_some_and(|total| self.offset < total) {
            return Err(Answer::cut(&url));
        }
        self.finish(&url)
    }

    fn finish(&self, url: &Url) -> Result<Received, TransportError> {
        let received = Received { digest: self.hasher.clone().finish(), size_bytes: self.offset };
        match self.expected.digest {
            Some(expected) if expected != received.digest => {
                Err(TransportError::Digest { url: url.to_string(), expected, found: received.digest })
            }
            _ => Ok(received),
        }
    }
}

/// The `ETag`, if it promises the same bytes (RFC 9110, section 8.8.1).
fn strong_tag(answer: &Answer) -> Option<String> {
    answer.headers.get("etag").filter(|tag| tag.starts_with('"')).map(str::to_owned)
}
