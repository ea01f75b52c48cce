//! The fields of a request or an answer.

use std::fmt;

use super::secret::{Secret, decode_base64};

/// Names that carry credentials, whoever set them.
const SENSITIVE: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate"];

/// Names in lower case and their values, in the order in which they are sent or came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Value)>);

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Plain(String),
    Secret(Secret),
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.reveal(),
        }
    }
}

impl Headers {
    /// Replaces a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Value::Plain(value.into()));
    }

    /// Replaces a field by one that is not shown and not sent to another host.
    pub fn set_secret(&mut self, name: &str, value: Secret) {
        self.put(name, Value::Secret(value));
    }

    fn put(&mut self, name: &str, value: Value) {
        self.remove(name);
        self.0.push((name.to_ascii_lowercase(), value));
    }

    /// Adds a field, also if there is one of its name.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_ascii_lowercase(), Value::Plain(value.into())));
    }

    /// Removes all fields of a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The first value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All values of a name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first value, if it is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.text()))
    }

    /// Drops what another host must not see.
    pub(super) fn drop_credentials(&mut self) {
        self.0.retain(|(name, value)| matches!(value, Value::Plain(_)) && !SENSITIVE.contains(&name.as_str()));
    }

    /// The values that must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let hidden = self.0.iter().filter(|(name, value)| is_hidden(name, value));
        hidden.flat_map(|(_, value)| parts(value.text())).collect()
    }
}

/// Of `Bearer TOKEN` the token alone is the secret; of `Basic ..` also the password, which whoever got it can read.
fn parts(value: &str) -> Vec<Secret> {
    let Some((scheme, token)) = value.split_once(' ') else { return vec![Secret::new(value)] };
    let pair = decode_base64(token).filter(|_| scheme.eq_ignore_ascii_case("basic"));
    let password = pair.as_deref().and_then(|pair| pair.split_once(':')).map(|(_, password)| Secret::new(password));
    std::iter::once(Secret::new(token)).chain(password).collect()
}

fn is_hidden(name: &str, value: &Value) -> bool {
    matches!(value, Value::Secret(_)) || SENSITIVE.contains(&name)
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(String, Value)| match is_hidden(name, value) || name == "location" {
            true => (name.clone(), "***".to_owned()),
            false => (name.clone(), value.text().to_owned()),
        };
        f.debug_map().entries(self.0.iter().map(shown)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_neither_shown_nor_kept_for_others() {
        let mut headers = Headers::default();
        headers.set_secret("Private-Token", Secret::new("hunter2"));
        headers.set("Authorization", "Bearer hunter2");
        headers.set("Accept", "text/plain");
        headers.add("accept", "text/html");
        assert!(!format!("{headers:?}").contains("hunter2"), "{headers:?}");
        assert_eq!(headers.secrets(), [Secret::new("hunter2"), Secret::new("hunter2")]);
        headers.set_secret("Authorization", Secret::basic("kim", &Secret::new("a:b")));
        assert_eq!(headers.secrets()[1..], [Secret::new("a2ltOmE6Yg=="), Secret::new("a:b")]);
        headers.drop_credentials();
        let left: Vec<_> = headers.iter().collect();
        assert_eq!(left, [("accept", "text/plain"), ("accept", "text/html")]);
    }
}
