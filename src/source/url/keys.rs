//! Who we are to the servers of files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::transport::{Secret, Url};

use super::error::UrlError;

/// Where credentials for files may be.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// `~/.netrc`, or what `$NETRC` names.
    pub netrc: Option<PathBuf>,
    /// Bearer tokens by `HOST` or `HOST:PORT`.
    pub tokens: BTreeMap<String, Token>,
}

/// A bearer token, or where it should be. One that cannot be had is an error only for who asks that host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// The token.
    Known(Secret),
    /// Alone in a file, which is read when it is needed.
    File(PathBuf),
    /// In this variable, which is not set.
    Unset(String),
}

/// The longest token that is read: servers take no header that is longer.
const TOKEN_MAX_BYTES: u64 = 64 << 10;

impl Token {
    fn secret(&self, host: &str) -> Result<Secret, UrlError> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let mut text = String::new();
                fs::File::open(path)
                    .and_then(|file| file.take(TOKEN_MAX_BYTES).read_to_string(&mut text))
                    .map_err(|source| UrlError::Read { path: path.clone(), source })?;
                Ok(Secret::new(text.trim()))
            }
            Self::Unset(variable) => Err(UrlError::NoToken { host: host.to_owned(), variable: variable.clone() }),
        }
    }
}

impl Keys {
    /// The value of the `Authorization` header for an address; nothing if the address has a user of its own.
    pub(super) fn header(&self, url: &Url) -> Result<Option<Secret>, UrlError> {
        let full = format!("{}:{}", url.host(), url.port());
        if let Some(token) = self.tokens.get(&full).or_else(|| self.tokens.get(url.host())) {
            return Ok(Some(Secret::bearer(&token.secret(url.host())?)));
        }
        let Some(path) = self.netrc.as_ref().filter(|_| url.user().is_none()) else { return Ok(None) };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(UrlError::Read { path: path.clone(), source }),
        };
        Ok(of_netrc(&text, url.host()).map(|(user, password)| Secret::basic(&user, &password)))
    }
}

/// The first entry for a host, else the default one (ftp(1), "THE .netrc FILE"; quotes as curl reads them).
fn of_netrc(text: &str, host: &str) -> Option<(String, Secret)> {
    let mut words = words(text).into_iter();
    let mut found: Option<(String, Secret)> = None;
    let mut fits = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" | "default" => {
                if let Some(found) = found.filter(|(user, _)| !user.is_empty()) {
                    return Some(found);
                }
                found = None;
                fits = word == "default" || words.next()?.eq_ignore_ascii_case(host);
            }
            "login" if fits => found.get_or_insert_with(empty).0 = words.next()?,
            "password" if fits => found.get_or_insert_with(empty).1 = Secret::new(words.next()?),
            "login" | "password" | "account" => drop(words.next()),
            _ => {}
        }
    }
    found.filter(|(user, _)| !user.is_empty())
}

fn empty() -> (String, Secret) {
    (String::new(), Secret::new(""))
}

/// Without comments, and without macros, which end at an empty line.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            in_macro = false;
        }
        let mut rest = line.trim_start();
        while !in_macro && !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = word(rest);
            in_macro = word == "macdef";
            if !in_macro {
                found.push(word);
            }
            rest = after.trim_start();
        }
    }
    found
}

fn word(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, after) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
        return (word.to_owned(), after);
    };
    let mut word = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (word, &quoted[at + 1..]),
            '\\' => word.extend(chars.next().map(|(_, c)| c)),
            c => word.push(c),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETRC: &str = "# machine no login no password no\nmachine a.org login kim\n password \"hunter \\\"2\"\n\
                         macdef init\nmachine b.org login evil password evil\n\nmachine b.org account x login bo password b\n\
                         machine c.org password lonely\ndefault login any password any\n";

    #[test]
    fn netrc_is_read_as_ftp_and_curl_read_it() {
        let of = |host: &str| of_netrc(NETRC, host).map(|(user, password)| format!("{user}:{}", password.reveal()));
        assert_eq!(of("a.org").as_deref(), Some("kim:hunter \"2"));
        assert_eq!(of("B.org").as_deref(), Some("bo:b"));
        assert_eq!(of("other.org").as_deref(), Some("any:any"));
        assert_eq!(of_netrc("machine a.org login kim password x", "b.org"), None);
        assert_eq!(of_netrc("machine a.org login", "a.org"), None);
    }
}
