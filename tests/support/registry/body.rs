//! Bodies of requests: read in large pieces, hashed on the way, and kept only if they are short.

use std::io::BufRead;

use sha2::{Digest, Sha256};

use super::Shared;
use super::call::Call;
use super::http::{is_wait, line};

/// Read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// How a body is read.
#[derive(Default)]
pub(crate) struct Reading {
    /// Longer ones are not kept.
    pub(crate) kept_max_bytes: u64,
    /// The connection is given up after so many bytes.
    pub(crate) stop_after: Option<u64>,
    /// How much came before, and the state of its digest.
    pub(crate) before: Option<(u64, Sha256)>,
}

/// What came.
pub(crate) struct Body {
    /// All of it; nothing if it is too long to be kept.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) length: u64,
    /// Of the body alone.
    pub(crate) hasher: Sha256,
    /// How much came before, and the state of the digest of that and the body.
    pub(crate) continued: Option<(u64, Sha256)>,
    pub(crate) end: End,
}

/// Whether all of it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// The connection broke, or is to break.
    Broken,
}

impl Body {
    /// `sha256:..`
    pub(crate) fn digest(&self) -> String {
        super::store::shown(&self.hasher)
    }

    fn take(&mut self, piece: &[u8], kept_max_bytes: u64) {
        self.length += piece.len() as u64;
        self.hasher.update(piece);
        if let Some((_, continued)) = &mut self.continued {
            continued.update(piece);
        }
        if self.length > kept_max_bytes {
            self.bytes = None;
        } else if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(piece);
        }
    }
}

/// Reads the body of a request (RFC 9112, sections 6 and 7).
pub(crate) fn read(stream: &mut impl BufRead, call: &Call, reading: Reading, shared: &Shared) -> Body {
    let Reading { kept_max_bytes, stop_after, before } = reading;
    let mut body =
        Body { bytes: Some(Vec::new()), length: 0, hasher: Sha256::new(), continued: before, end: End::Whole };
    let mut source = Source { stream, shared, kept_max_bytes, left: stop_after, piece: Vec::new() };
    let chunked = call.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let read = if chunked {
        source.chunks(&mut body)
    } else {
        let length = call.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if length > kept_max_bytes {
            body.bytes = None;
        }
        source.bytes(length, &mut body)
    };
    if read.is_none() {
        body.end = End::Broken;
    }
    body
}

struct Source<'a, S> {
    stream: &'a mut S,
    shared: &'a Shared,
    kept_max_bytes: u64,
    /// Before the connection is given up.
    left: Option<u64>,
    piece: Vec<u8>,
}

impl<S: BufRead> Source<'_, S> {
    fn chunks(&mut self, body: &mut Body) -> Option<()> {
        loop {
            let size = line(self.stream, self.shared)?;
            let size = u64::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
            if size == 0 {
                break;
            }
            self.bytes(size, body)?;
            line(self.stream, self.shared).filter(String::is_empty)?;
        }
        while !line(self.stream, self.shared)?.is_empty() {}
        Some(())
    }

    fn bytes(&mut self, mut length: u64, body: &mut Body) -> Option<()> {
        let room = usize::try_from(length).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        if self.piece.len() < room {
            self.piece.resize(room, 0);
        }
        while length > 0 {
            let most = self.left.unwrap_or(length).min(length);
            if most == 0 {
                return None;
            }
            let most = usize::try_from(most).unwrap_or(room).min(self.piece.len());
            match self.stream.read(&mut self.piece[..most]) {
                Ok(0) => return None,
                Ok(found) => {
                    body.take(&self.piece[..found], self.kept_max_bytes);
                    length -= found as u64;
                    self.left = self.left.map(|left| left - found as u64);
                }
                Err(error) if is_wait(&error) && !self.shared.is_stopped() => {}
                Err(_) => return None,
            }
        }
        // A request that is as long as that is cut as well.
        if self.left == Some(0) { None } else { Some(()) }
    }
}
