//! As much of HTTP/1.1 as clients of registries use.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use super::mischief::Mischief;
use super::{STEP, Shared};

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A field of the query, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        field(self.target.split_once('?')?.1, name)
    }

    /// A field of a form in the body, decoded.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        field(&String::from_utf8_lossy(&self.body), name)
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    text.split('&').find_map(|pair| pair.split_once('=').filter(|(known, _)| *known == name)).map(|(_, v)| decode(v))
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => out.extend_from_slice(part.as_bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// One answer, before anything goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("Content-Type", media_type)
    }

    /// An error as registries write it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        Self::new(status).body("application/json", body)
    }
}

/// The next request; nothing if the connection or the server ended.
pub(crate) fn read(stream: &mut impl BufRead, shared: &Shared) -> Option<Call> {
    let first = line(stream, shared)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(stream, shared)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut call = Call { method, target, headers, body: Vec::new() };
    let length = call.header("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    let mut read = 0;
    while read < length {
        match stream.read(&mut body[read..]) {
            Ok(0) => return None,
            Ok(found) => read += found,
            Err(error) if is_wait(&error) && !shared.is_stopped() => {}
            Err(_) => return None,
        }
    }
    call.body = body;
    Some(call)
}

fn line(stream: &mut impl BufRead, shared: &Shared) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        match stream.read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) if bytes.ends_with(b"\n") => return Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            Ok(_) => {}
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
    } else {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    if call.method == "HEAD" {
        body = &[];
    }
    match mischief {
        Some(Mischief::Hang) => {
            wait(shared, Duration::MAX);
            None
        }
        Some(Mischief::Vanish) => None,
        Some(Mischief::Garbage) => {
            stream.write_all(b"this is not HTTP\r\n\r\n").ok()?;
            None
        }
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

fn wait(shared: &Shared, silence: Duration) {
    let mut waited = Duration::ZERO;
    while waited < silence && !shared.is_stopped() {
        std::thread::sleep(STEP);
        waited += STEP;
    }
}
