//! SHA-256 digests, one type for each kind of thing that is digested, so that one never stands in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length of a SHA-256 digest in bytes.
pub const DIGEST_BYTES: usize = 32;

/// A text that should be a digest and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `sha256:` and 64 lower-case hexadecimal digits, found `{found}`")]
pub struct ParseDigestError {
    /// The text as it was given.
    pub found: String,
}

/// Parses `sha256:<64 lower-case hex>`, the only spelling that kiln writes or accepts (image-spec, descriptor.md).
fn parse(text: &str) -> Result<[u8; DIGEST_BYTES], ParseDigestError> {
    let fail = || ParseDigestError { found: text.to_owned() };
    let hex = text.strip_prefix("sha256:").ok_or_else(fail)?.as_bytes();
    if hex.len() != DIGEST_BYTES * 2 {
        return Err(fail());
    }
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        _ => Err(fail()),
    };
    let mut bytes = [0; DIGEST_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(bytes)
}

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

macro_rules! digest_types {
    ($($(#[$doc:meta])+ $name:ident,)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; DIGEST_BYTES]);

        impl $name {
            /// The 32 bytes of the digest.
            pub fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
                &self.0
            }

            /// The digest without its algorithm: 64 lower-case hexadecimal digits.
            pub fn hex(&self) -> String {
                hex(&self.0)
            }

            /// The first 12 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                hex(&self.0[..6])
            }
        }

        impl From<[u8; DIGEST_BYTES]> for $name {
            fn from(bytes: [u8; DIGEST_BYTES]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "sha256:{}", self.hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

digest_types! {
    /// Of the bytes of one regular file.
    ContentDigest,
    /// Of the readable dump of a file tree or changeset ([`crate::tree::dump`]).
    TreeDigest,
    /// Of the uncompressed tar of a layer (image-spec, config.md, "Layer DiffID").
    DiffId,
    /// Of the layer blob as it is stored and transferred.
    LayerDigest,
    /// Of an image config (image-spec calls it the ImageID).
    ConfigDigest,
    /// Of an image manifest.
    ManifestDigest,
    /// Of an image index.
    IndexDigest,
    /// Of a blob in the store, whatever kind of thing it is.
    BlobDigest,
    /// Of everything that can influence the bytes of one layer.
    LayerKey,
    /// Of a plan: template, lock and context as plain data.
    PlanDigest,
    /// Of a template's text with its includes.
    TemplateDigest,
}

macro_rules! blobs {
    ($($name:ident),+) => {$(
        impl From<$name> for BlobDigest {
            fn from(digest: $name) -> Self {
                Self(digest.0)
            }
        }
    )+};
}

blobs!(LayerDigest, ConfigDigest, ManifestDigest, IndexDigest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_parses() {
        let text = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(text.parse::<DiffId>().map(|d| d.to_string()), Ok(text.clone()));
        for wrong in [text.to_uppercase(), text[7..].to_owned(), format!("{text}0"), text.replace("sha256", "sha512")] {
            assert_eq!(wrong.parse::<DiffId>(), Err(ParseDigestError { found: wrong.clone() }));
        }
    }
}
