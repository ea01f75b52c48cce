//! Urls and messages without the secrets in them.

use std::fmt;

/// What stands in place of a secret.
const MASK: &str = "***";

/// A url that may be shown: user info and query are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownUrl(String);

impl ShownUrl {
    /// The form of `url` that may be shown, on one line.
    pub fn of(url: &str) -> Self {
        Self(crate::base::path::readable(mask_urls(url).as_bytes()))
    }
}

impl fmt::Display for ShownUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message of git about `url`, without secrets: those in any url, and those of `url` wherever they occur.
pub(super) fn mask(message: &str, url: &str) -> String {
    let mut text = mask_urls(message);
    for secret in secrets(url) {
        text = text.replace(&secret, MASK);
    }
    text
}

/// The user info of a url, from which a secret could be read, and what comes behind it.
fn split_user(after_scheme: &str) -> Option<(&str, &str)> {
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        return Some((&after_scheme[..at], &after_scheme[at + 1..]));
    }
    // A password with a slash that should have been written as %2F.
    let is_port = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    let odd = authority.split_once(':').is_some_and(|(host, port)| !host.starts_with('[') && !is_port(port));
    after_scheme.rsplit_once('@').filter(|_| odd)
}

fn mask_urls(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let is_ssh = rest[..at].ends_with("ssh");
        let (scheme, after) = rest.split_at(at + "://".len());
        masked.push_str(scheme);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`')).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        let place = match split_user(url) {
            // The user name of ssh is no secret, and says who was refused.
            Some((user, _)) if is_ssh && !user.contains(':') => url,
            Some((_, place)) => {
                masked.push_str(MASK);
                masked.push('@');
                place
            }
            None => url,
        };
        match place.split_once('?') {
            Some((path, query)) if !query.is_empty() => masked.extend([path, "?", MASK]),
            _ => masked.push_str(place),
        }
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

/// The password of a url, or a user name that may be a token, as it is written and as it is meant.
fn secrets(url: &str) -> Vec<String> {
    /// Shorter ones would mask parts of words.
    const SHORTEST_BYTES: usize = 4;
    let Some((scheme, after)) = url.split_once("://") else { return Vec::new() };
    let Some((user, _)) = split_user(after) else { return Vec::new() };
    let secret = match user.split_once(':') {
        Some((name, "")) | Some((name, "x-oauth-basic")) => name,
        Some((_, password)) => password,
        None if scheme.ends_with("ssh") => return Vec::new(),
        None => user,
    };
    let mut all = vec![secret.to_owned(), decoded(secret)];
    all.retain(|secret| secret.len() >= SHORTEST_BYTES);
    all
}

/// Without percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_masked() {
        for (url, shown) in [
            ("https://user:token@example.org/x", "https://***@example.org/x"),
            ("https://token@example.org", "https://***@example.org"),
            ("https://u:p@ss@example.org/x", "https://***@example.org/x"),
            ("https://u:pa/ss@example.org/x", "https://***@example.org/x"),
            ("https://example.org:8443/a@b", "https://example.org:8443/a@b"),
            ("https://example.org/x?token=1", "https://example.org/x?***"),
            ("ssh://git@example.org/x", "ssh://git@example.org/x"),
            ("ssh://git:word@example.org/x", "ssh://***@example.org/x"),
            ("git@example.org:x", "git@example.org:x"),
            ("/srv/\u{1b}x", "/srv/\\x1bx"),
        ] {
            assert_eq!(ShownUrl::of(url).to_string(), shown);
        }
    }

    #[test]
    fn messages_lose_every_form_of_the_secret() {
        let url = "https://me:s%65cret@example.org/x";
        let message = "unable to access 'https://me:s%65cret@example.org/x': s%65cret, secret; see https://a:b@c/";
        let masked = "unable to access 'https://***@example.org/x': ***, ***; see https://***@c/";
        assert_eq!(mask(message, url), masked);
        assert_eq!(mask("ghp_12345 is wrong", "https://ghp_12345:x-oauth-basic@example.org/"), "*** is wrong");
    }
}
