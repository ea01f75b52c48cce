//! What the lock says of a set of packages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::ContentDigest;

use super::request::is_word;

/// One package of a set: all that is needed to get the same file again, from any mirror that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackagePin {
    /// Its name.
    #[serde(deserialize_with = "word")]
    pub name: String,
    /// Its version, as the distribution spells it.
    pub version: String,
    /// Its architecture, as the distribution calls it.
    #[serde(deserialize_with = "word")]
    pub architecture: String,
    /// Where it is in a repository, from the repository's root. Never outside.
    #[serde(deserialize_with = "inside")]
    pub file: String,
    /// Bytes of its file.
    pub size: u64,
    /// Of its file.
    pub sha256: ContentDigest,
    /// The source package that it is built from: packages of one source change together.
    pub source: String,
    /// The repository of the template that offers it.
    pub repository: String,
    /// Why it is there.
    pub reason: Reason,
}

/// Whether a file is inside of its repository: its path becomes part of an address, and of the lock.
pub(super) fn is_inside(file: &str) -> bool {
    file.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\\"".contains(&b))
        && !file.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = "a word as distributions call packages and architectures";
    if is_word(&text) { Ok(text) } else { Err(unexpected(expected, &text)) }
}

fn inside<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_inside(&text) { Ok(text) } else { Err(unexpected("a path inside the repository", &text)) }
}

fn unexpected<E: serde::de::Error>(expected: &str, found: &str) -> E {
    E::custom(format_args!("expected {expected}, found `{found}`"))
}

/// Why a package is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The template names it.
    Asked,
    /// Every system has it.
    Foundation,
    /// The base has it, in another version.
    Base,
    /// This package needs it.
    Needed(String),
    /// This package recommends it.
    Recommended(String),
}

/// A text that gives no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `asked for`, `in every system`, `in the base`, `needed by NAME` or `recommended by NAME`, found `{found}`"
)]
pub struct ParseReasonError {
    /// The text as it was given.
    pub found: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked for"),
            Self::Foundation => f.write_str("in every system"),
            Self::Base => f.write_str("in the base"),
            Self::Needed(by) => write!(f, "needed by {by}"),
            Self::Recommended(by) => write!(f, "recommended by {by}"),
        }
    }
}

impl FromStr for Reason {
    type Err = ParseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let by = |start: &str| text.strip_prefix(start).filter(|by| !by.is_empty()).map(str::to_owned);
        match text {
            "asked for" => Ok(Self::Asked),
            "in every system" => Ok(Self::Foundation),
            "in the base" => Ok(Self::Base),
            _ => by("needed by ")
                .map(Self::Needed)
                .or_else(|| by("recommended by ").map(Self::Recommended))
                .ok_or_else(|| ParseReasonError { found: text.to_owned() }),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(reason: Reason) -> PackagePin {
        PackagePin {
            name: "libc6".to_owned(),
            version: "2.36-9+deb12u10".to_owned(),
            architecture: "amd64".to_owned(),
            file: "pool/main/g/glibc/libc6_2.36-9+deb12u10_amd64.deb".to_owned(),
            size: 12,
            sha256: ContentDigest::from([7; 32]),
            source: "glibc".to_owned(),
            repository: "debian".to_owned(),
            reason,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let by = || "nginx-light".to_owned();
        for reason in [Reason::Asked, Reason::Foundation, Reason::Base, Reason::Needed(by()), Reason::Recommended(by())]
        {
            let text = serde_json::to_string(&pin(reason.clone())).expect("it can be written");
            assert_eq!(serde_json::from_str::<PackagePin>(&text).ok(), Some(pin(reason)), "{text}");
        }
    }

    #[test]
    fn what_leads_out_of_the_repository_is_refused() {
        let text = serde_json::to_string(&pin(Reason::Asked)).expect("it can be written");
        let read = |old: &str, new: &str| serde_json::from_str::<PackagePin>(&text.replacen(old, new, 1)).is_ok();
        for file in ["/etc/passwd", "../a.deb", "a/../../b", "a//b", "./a", "", "a?b", "a#b", "a b"] {
            assert!(!read("pool/main/g/glibc/libc6_2.36-9+deb12u10_amd64.deb", file), "{file}");
        }
        assert!(read("pool/main/g", "pool/other") && read("\"libc6\"", "\"libc7\""));
        for name in ["../x", "", "a b"] {
            assert!(!read("\"libc6\"", &format!("\"{name}\"")), "{name}");
        }
        assert!(!read("\"amd64\"", "\"a/b\""));
    }

    #[test]
    fn what_gives_no_reason_is_refused() {
        for text in ["", "needed by ", "wanted"] {
            assert_eq!(text.parse::<Reason>(), Err(ParseReasonError { found: text.to_owned() }));
        }
    }
}
