//! What a server asks for: the `WWW-Authenticate` header (RFC 9110, section 11.6.1).
//!
//! ```text
//! Bearer realm="https://auth/token",service="x",scope="repository:a/b:pull,push", Basic realm="x"
//! ```
//! A comma separates challenges, parameters and parts of quoted values; only the grammar tells which.

use std::collections::BTreeMap;

/// One of the ways to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// In lower case: `bearer`, `basic`.
    pub scheme: String,
    /// By name in lower case.
    pub parameters: BTreeMap<String, String>,
}

/// All challenges of all headers, in order. What cannot be read is left out.
pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    headers.into_iter().flat_map(one).collect()
}

fn one(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return found;
        }
        let name = word.to_ascii_lowercase();
        let value = after.trim_start().strip_prefix('=').map(str::trim_start).and_then(value);
        match (value, found.last_mut()) {
            (Some((value, after)), Some(challenge)) => {
                challenge.parameters.insert(name, value);
                rest = after;
            }
            (Some((_, after)), None) => rest = after,
            (None, _) if after.starts_with([' ', '\t', ',']) || after.is_empty() => {
                found.push(Challenge { scheme: name, parameters: BTreeMap::new() });
                rest = after;
            }
            // Base64 as in `Negotiate ab==`, which says nothing to us.
            (None, _) => rest = after.trim_start_matches(|c| c != ','),
        }
    }
}

fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// A value, quoted or not, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (!value.is_empty() && !value.starts_with('=')).then(|| (value.to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<(String, Vec<(String, String)>)> {
        let flat = |challenge: Challenge| (challenge.scheme, challenge.parameters.into_iter().collect());
        parse([header]).into_iter().map(flat).collect()
    }

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        (scheme.to_owned(), owned.collect())
    }

    #[test]
    fn commas_in_quotes_do_not_separate() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="a, b",scope="repository:x/y:pull,push""#;
        let expected =
            [("realm", "https://auth.docker.io/token"), ("scope", "repository:x/y:pull,push"), ("service", "a, b")];
        assert_eq!(read(header), [challenge("bearer", &expected)]);
    }

    #[test]
    fn several_challenges_are_told_apart() {
        let header = r#"Negotiate, Basic Realm = "a \"b\", c" , charset=UTF-8,BEARER realm=https://x/t?a=1,scope=s, Digest ab=="#;
        assert_eq!(
            read(header),
            [
                challenge("negotiate", &[]),
                challenge("basic", &[("charset", "UTF-8"), ("realm", "a \"b\", c")]),
                challenge("bearer", &[("realm", "https://x/t?a=1"), ("scope", "s")]),
                challenge("digest", &[]),
            ]
        );
    }

    #[test]
    fn nonsense_ends() {
        for nonsense in
            ["", ",,,", "=", "\"", "Bearer realm=\"x", "Bearer realm=", "Bearer =x", "ü", "a=b", "Bearer a=\"\\"]
        {
            let _ = read(nonsense);
        }
        assert_eq!(parse(["Basic realm=a", "Bearer realm=b"]).len(), 2);
    }
}
