//! The addresses of `http` and `https`, which show no secret when they are printed.
//!
//! ```text
//! https://user:password@host:port/path?query        --Display-->  https://host:port/path
//! ```
//! User names, passwords and queries carry tokens (a storage's signed addresses do), so they are only in what is sent.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::TransportError;
use super::secret::Secret;

/// How the connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An absolute address. `Display` and `Debug` show it without user name, password and query.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    user: Option<(String, Secret)>,
    host: String,
    port: Option<u16>,
    path: String,
    query: Option<String>,
}

impl Url {
    /// Parses an absolute address; a fragment is dropped.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        let fail = |why| TransportError::Url { found: shown(text), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| fail("it has no scheme"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(fail("its scheme is not `http` or `https`")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = place_of(place).ok_or_else(|| fail("its host or port is not one"))?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        if target.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(fail("it holds a control character"));
        }
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (decode_lossy(name), Secret::new(decode_lossy(password)))
        });
        Ok(Self {
            scheme,
            user,
            host,
            port,
            path: if path.is_empty() { "/".to_owned() } else { sendable(path) },
            query: query.map(sendable),
        })
    }

    /// What a `Location` of an answer from here means (RFC 3986, section 5.2).
    pub fn join(&self, location: &str) -> Result<Self, TransportError> {
        let starts_with_scheme = location.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        });
        if starts_with_scheme {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme.name()));
        }
        let mut joined = self.clone();
        let location = location.split('#').next().unwrap_or_default();
        if location.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(TransportError::Url { found: shown(location), why: "it holds a control character" });
        }
        let (path, query) = match location.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (location, None),
        };
        if path.starts_with('/') {
            joined.path = without_dots(&sendable(path));
        } else if !path.is_empty() {
            let folder = &self.path[..self.path.rfind('/').map_or(0, |at| at + 1)];
            joined.path = without_dots(&format!("{folder}{}", sendable(path)));
        }
        if query.is_some() || !path.is_empty() {
            joined.query = query.map(sendable);
        }
        Ok(joined)
    }

    /// The same address with more fields in its query.
    pub fn with_query(mut self, fields: &[(&str, &str)]) -> Self {
        for (name, value) in fields {
            let query = self.query.get_or_insert_default();
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&format!("{}={}", encode(name), encode(value)));
        }
        self
    }

    /// How the connection is made.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Lower case, IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The written port, or the scheme's.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// `HOST` or `HOST:PORT`, as it was written.
    pub fn place(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// With its leading slash, still percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The user name and password that were written into it.
    pub fn user(&self) -> Option<(&str, &Secret)> {
        self.user.as_ref().map(|(name, password)| (name.as_str(), password))
    }

    /// Whether scheme, host and port are the same: what is secret for one is for the other.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.port() == other.port()
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or ::1.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// What is sent: all but the user name and password.
    pub(super) fn sent(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{self}{query}")
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.name(), self.place(), self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// Whether a host without a port is this machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// What may be shown of a text that is perhaps an address.
pub fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let start = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}{}", &rest[start..]).chars().filter(|c| !c.is_control()).collect()
}

/// The host in lower case and the port.
fn place_of(text: &str) -> Option<(String, Option<u16>)> {
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, port) = text.split_at(end);
    let port = match port.strip_prefix(':') {
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
        None if port.is_empty() => None,
        None => return None,
    };
    let named = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && named(host),
    };
    (good && port != Some(0)).then(|| (host.to_ascii_lowercase(), port))
}

/// Percent-encodes what may not be sent as it is; what is encoded already stays.
fn sendable(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    escaped(text, keep)
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
pub fn encode(text: &str) -> String {
    escaped(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn escaped(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Undoes percent-encoding; nothing if it does not give UTF-8.
pub fn decode(text: &str) -> Option<String> {
    String::from_utf8(decoded(text)).ok()
}

fn decode_lossy(text: &str) -> String {
    String::from_utf8_lossy(&decoded(text)).into_owned()
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).filter(|pair| *byte == b'%' && pair.iter().all(u8::is_ascii_hexdigit));
        let value = pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        out.push(value.unwrap_or(*byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    out
}

/// Resolves `.` and `..` of an absolute path (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            segment => parts.push(segment),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let it = url("https://kim:hunter2@Example.org:8443/a b/ü?sig=hunter2#part");
        assert_eq!(it.to_string(), "https://example.org:8443/a%20b/%C3%BC");
        assert_eq!(it.sent(), "https://example.org:8443/a%20b/%C3%BC?sig=hunter2");
        assert_eq!(it.user().map(|(name, password)| (name, password.reveal())), Some(("kim", "hunter2")));
        assert!(!format!("{it:?}").contains("hunter2"));
        for wrong in ["ftp://kim:hunter2@h/x", "https://kim:hunter2@h:x/?hunter2", "kim:hunter2@h?hunter2", "https://"]
        {
            let error = Url::parse(wrong).expect_err("not an address");
            assert!(matches!(error, TransportError::Url { .. }));
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn hosts_and_ports_are_checked() {
        assert_eq!(url("http://[::1]:5000").place(), "[::1]:5000");
        assert_eq!((url("http://h").port(), url("https://h:").port()), (80, 443));
        for wrong in ["http://h:99999/", "http://h:0", "http://a b/", "http://[::g]/", "http://h:+1/", "http://a\nb/"] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Url::parse("http://h/a\r\nX: y").is_err());
        for local in ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"] {
            assert!(url(&format!("http://{local}:1/")).is_loopback(), "{local}");
        }
        for other in ["localhost.example.org", "128.0.0.1", "127.0.0.1.example.org", "[::2]"] {
            assert!(!url(&format!("http://{other}/")).is_loopback(), "{other}");
        }
    }

    #[test]
    fn locations_are_joined() {
        let from = url("https://user:pw@h:1/a/b?q=1");
        for (location, expected) in [
            ("http://x/y?z", "http://x/y?z"),
            ("//x/y", "https://x/y"),
            ("/y?z#f", "https://h:1/y?z"),
            ("c", "https://h:1/a/c"),
            ("../c/./d/..", "https://h:1/c/"),
            ("?q=2", "https://h:1/a/b?q=2"),
            ("/v2/x?u=http://y/", "https://h:1/v2/x?u=http://y/"),
            ("", "https://h:1/a/b?q=1"),
        ] {
            assert_eq!(from.join(location).expect("joined").sent(), expected, "{location}");
        }
        assert!(from.join("x:\n").is_err() && from.join("ftp://x").is_err());
        assert!(from.has_origin_of(&url("https://h:1/")) && !from.has_origin_of(&url("https://h/")));
        assert!(!from.has_origin_of(&url("http://h:1/")) && !from.has_origin_of(&url("https://i:1/")));
    }

    #[test]
    fn queries_are_encoded() {
        let with = url("http://h/t?a=1").with_query(&[("scope", "repository:a/b:pull")]);
        assert_eq!(with.sent(), "http://h/t?a=1&scope=repository%3Aa%2Fb%3Apull");
        assert_eq!(decode("a%2fb%zz%C3%BC").as_deref(), Some("a/b%zzü"));
        assert_eq!(decode("%ff"), None);
    }
}
