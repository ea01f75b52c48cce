//! The values that must not land.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// A password, token or key with the name that people know it by. What is shown of it is the name; the memory of the value
/// is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    id: String,
    value: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// Takes a value of any bytes.
    pub fn new(id: impl Into<String>, value: Vec<u8>) -> Self {
        Self { id: id.into(), value: Zeroizing::new(value) }
    }

    /// The name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value, for the one place that hands it to a step.
    pub fn reveal(&self) -> &[u8] {
        &self.value
    }

    /// The value without the line ends behind it, which editors and `echo` leave and programs take away.
    pub(super) fn trimmed(&self) -> &[u8] {
        let end = self.value.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last + 1);
        &self.value[..end]
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ***", self.id)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// Several secrets, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one and gives the one that had its id before.
    pub fn insert(&mut self, secret: Secret) -> Option<Secret> {
        self.0.insert(secret.id.clone(), secret)
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Secret> {
        self.0.get(id)
    }

    /// All, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.values()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Secret> for Secrets {
    fn from_iter<I: IntoIterator<Item = Secret>>(secrets: I) -> Self {
        Self(secrets.into_iter().map(|secret| (secret.id.clone(), secret)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_the_value() {
        let secret = Secret::new("token", b"hunter2hunter2\r\n\n".to_vec());
        assert_eq!((format!("{secret:?}"), secret.to_string()), ("token: ***".to_owned(), "token".to_owned()));
        assert_eq!(secret.trimmed(), b"hunter2hunter2");
        let secrets: Secrets = [secret.clone()].into_iter().collect();
        assert!(!format!("{secrets:?}").contains("hunter2"));
        assert_eq!(secrets.get("token").map(Secret::reveal), Some(secret.reveal()));
        assert_eq!(Secret::new("empty", b"\n".to_vec()).trimmed(), b"");
    }
}
