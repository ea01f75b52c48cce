//! A body that is sent while it is read.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use super::Transport;
use super::answer::Answer;
use super::error::TransportError;
use super::request::Request;

/// Bodies from this length on are announced, and sent if the server wants them (RFC 9110, section 10.1.1): one that says no
/// and ends the connection is not heard by somebody who still sends. The length is curl's.
const ANNOUNCED_BYTES: u64 = 1024 * 1024;

/// The bytes of a body, and how many they are. Memory is one buffer.
pub struct Outgoing<'a> {
    /// Exactly so many are sent.
    pub length_bytes: u64,
    /// Gives them.
    pub reader: &'a mut dyn Read,
    /// Told how many went.
    pub sent: &'a mut dyn FnMut(u64),
}

/// Stands between the reader and the library, and remembers what the library would take for a failure of the network.
struct Watched<'a, 'b> {
    outgoing: Outgoing<'a>,
    left: u64,
    transport: &'b Transport,
    failed: Option<io::Error>,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.transport.agents.interrupted.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let read = self.outgoing.reader.read(&mut buffer[..room]).and_then(|found| match found {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} bytes are missing", self.left))),
            found => Ok(found),
        });
        match read {
            Ok(found) => {
                self.left -= found as u64;
                (self.outgoing.sent)(found as u64);
                Ok(found)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("the source failed"))
            }
        }
    }
}

impl Transport {
    /// Sends a request with a body once, and follows nowhere: who sends has to know whether it can be read again. An answer
    /// of any status is an answer. What the source cannot give is [`TransportError::Source`], and the server gets less than
    /// it was promised.
    pub fn send_body(&self, request: &Request, outgoing: Outgoing<'_>) -> Result<Answer, TransportError> {
        let left = outgoing.length_bytes;
        let mut request = request.clone().with("content-length", left.to_string());
        if left >= ANNOUNCED_BYTES {
            request = request.with("expect", "100-continue");
        }
        let mut watched = Watched { outgoing, left, transport: self, failed: None };
        let answer = self.once_with(&request, Some(&mut watched));
        match watched.failed {
            Some(source) => Err(TransportError::Source { url: request.url.to_string(), source }),
            None => answer,
        }
    }
}
