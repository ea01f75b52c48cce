//! Values that nobody may read by accident.

use std::fmt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

/// A password, token or key. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hidden text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `Basic ..` (RFC 7617), as the value of an `Authorization` header.
    pub fn basic(user: &str, password: &Secret) -> Self {
        Self(format!("Basic {}", Self::pair(user, password).0))
    }

    /// Base64 of `USER:PASSWORD`, which hides nothing, as docker's files and [`Secret::basic`] have it.
    pub fn pair(user: &str, password: &Secret) -> Self {
        Self(BASE64_STANDARD.encode(format!("{user}:{}", password.0)))
    }

    /// `Bearer ..` (RFC 6750), as the value of an `Authorization` header.
    pub fn bearer(token: &Secret) -> Self {
        Self(format!("Bearer {}", token.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The text behind base64, with or without padding.
pub fn decode_base64(text: &str) -> Option<String> {
    let bytes = BASE64_STANDARD_NO_PAD.decode(text.trim().trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::basic("kim", &Secret::new("hunter2"));
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.reveal(), "Basic a2ltOmh1bnRlcjI=");
        assert_eq!(Secret::bearer(&Secret::new("t")).reveal(), "Bearer t");
    }
}
