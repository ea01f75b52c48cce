//! One request, as it came, and what became of it.

use std::fmt;

/// Bodies up to this many bytes are in the record; of longer ones there are length and digest.
pub(crate) const RECORDED_MAX_BYTES: usize = 64 * 1024;

/// How much of a digest a line shows, as hexadecimal digits.
const SHOWN_DIGITS: usize = 12;

/// One request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    /// From 1, in order of arrival, since the start or the last reset.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// All of it, unless it is longer than [`RECORDED_MAX_BYTES`].
    pub(crate) body: Vec<u8>,
    /// How many bytes of the body came.
    pub(crate) length: u64,
    /// Of what came of the body.
    pub(crate) digest: Option<String>,
    /// What was answered; nothing if the connection ended without an answer, or has none yet.
    pub(crate) status: Option<u16>,
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
        self.queries(name).into_iter().next()
    }

    /// A field of the query that may be there several times, decoded.
    pub(crate) fn queries(&self, name: &str) -> Vec<String> {
        fields(self.target.split_once('?').map_or("", |(_, query)| query), name)
    }

    /// A field of a form in the body, decoded.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        fields(&String::from_utf8_lossy(&self.body), name).into_iter().next()
    }

    /// Whether it changes nothing.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// `PUT /v2/r/manifests/1.0 -> 201`, with short digests and without the state of uploads.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> ", self.method, shown(&self.target))?;
        match self.status {
            Some(status) => write!(f, "{status}"),
            None => f.write_str("no answer"),
        }
    }
}

fn shown(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kept: Vec<&str> = query.split('&').filter(|field| !field.is_empty() && !field.starts_with("_state=")).collect();
    let whole = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let whole = whole.replace("%3A", ":").replace("%3a", ":");
    let mut parts = whole.split("sha256:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_hexdigit).count();
        out.push_str("sha256:");
        out.push_str(&part[..digits.min(SHOWN_DIGITS)]);
        out.push_str(&part[digits..]);
    }
    out
}

fn fields(text: &str, name: &str) -> Vec<String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| decode(value)).collect()
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(part[2..].replace('+', " ").as_bytes());
            }
            None => out.extend_from_slice(part.as_bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A value for a query.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
