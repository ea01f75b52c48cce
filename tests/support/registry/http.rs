//! As much of HTTP/1.1 as clients of registries use: the head of a request, and answers.

use std::io::{self, BufRead, Write};
use std::time::Duration;

pub(crate) use super::call::Call;
use super::mischief::Mischief;
use super::{STEP, Shared};

/// How long a request hangs at most, so that a client that never gives up fails its test.
const HANG_MAX: Duration = Duration::from_secs(120);

/// One answer, before anything goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How long the body is said to be, where only that is known: for HEAD.
    pub(crate) length: Option<u64>,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), length: None }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("Content-Type", media_type)
    }

    /// An error as registries write it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        Self::new(status).body("application/json", body.to_string())
    }
}

/// The head of the next request; nothing if the connection or the server ended.
pub(crate) fn head(stream: &mut impl BufRead, shared: &Shared) -> Option<Call> {
    let first = line(stream, shared)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(stream, shared)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some(Call { method, target, headers, ..Call::default() })
}

pub(super) fn line(stream: &mut impl BufRead, shared: &Shared) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        match stream.read_until(b'\n', &mut bytes) {
            Ok(_) if bytes.ends_with(b"\n") => return Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            Ok(_) => return None,
            Err(error) if is_wait(&error) && !shared.is_stopped() => {}
            Err(_) => return None,
        }
    }
}

pub(super) fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Sends an answer, as `mischief` will have it; nothing if the connection has to end.
pub(crate) fn write(
    stream: &mut impl Write,
    call: &Call,
    reply: &Reply,
    mischief: Option<&Mischief>,
    shared: &Shared,
) -> Option<()> {
    let mut body: &[u8] = &reply.body;
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let no_length = matches!(mischief, Some(Mischief::NoLength { .. }));
    if no_length {
        head.push_str("Connection: close\r\n");
    } else if reply.status != 204 {
        let length = reply.length.unwrap_or(body.len() as u64);
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    head.push_str("\r\n");
    if call.method == "HEAD" {
        body = &[];
    }
    match mischief {
        Some(Mischief::Slow { after, silence }) => {
            let at = (*after).min(body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..at])).ok()?;
            wait(shared, *silence);
            stream.write_all(&body[at..]).ok()
        }
        Some(Mischief::Cut { after }) | Some(Mischief::NoLength { after }) => {
            let at = (*after).min(body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..at])).ok()?;
            None
        }
        _ => stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok(),
    }
}

/// Says nothing until the server stops, or for very long.
pub(super) fn hang(shared: &Shared) {
    wait(shared, HANG_MAX);
}

fn wait(shared: &Shared, silence: Duration) {
    let mut waited = Duration::ZERO;
    while waited < silence && !shared.is_stopped() {
        std::thread::sleep(STEP);
        waited += STEP;
    }
}
