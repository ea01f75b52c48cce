//! The names that git gives to objects.

use std::fmt;
use std::str::FromStr;

use gix_index::hash as git_hash;

use crate::base::Hasher;
use crate::base::digest::hex;

/// The full id of a commit, tree or blob: SHA-1, or SHA-256 in repositories of that format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectId {
    /// 40 hexadecimal digits.
    Sha1([u8; 20]),
    /// 64 hexadecimal digits.
    Sha256([u8; 32]),
}

/// A text that is no full object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a full git object id of 40 or 64 hexadecimal digits, found `{found}`")]
pub struct ParseObjectIdError {
    /// The text as it was given.
    pub found: String,
}

/// Which function names the objects of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Sha1,
    Sha256,
}

impl ObjectId {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Sha1(_) => Format::Sha1,
            Self::Sha256(_) => Format::Sha256,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }
}

impl Format {
    /// Length of an id as it stands in a tree.
    pub(super) fn id_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The id with these bytes; `None` if they are not as many as they should be.
    pub(super) fn id(self, bytes: &[u8]) -> Option<ObjectId> {
        match self {
            Self::Sha1 => bytes.try_into().map(ObjectId::Sha1).ok(),
            Self::Sha256 => bytes.try_into().map(ObjectId::Sha256).ok(),
        }
    }
}

impl FromStr for ObjectId {
    type Err = ParseObjectIdError;

    /// Takes digits of either case, as git does.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let all_hex = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            std::str::from_utf8(pair).ok().filter(|_| all_hex).and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        let bytes: Option<Vec<u8>> = digits.map(byte).collect();
        bytes
            .and_then(|bytes| Format::Sha1.id(&bytes).or_else(|| Format::Sha256.id(&bytes)))
            .ok_or_else(|| ParseObjectIdError { found: text.to_owned() })
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Computes the id of an object from its kind, its size and its bytes.
pub(super) enum IdHasher {
    Sha1(git_hash::Hasher),
    Sha256(Hasher),
}

impl IdHasher {
    pub(super) fn new(format: Format, kind: &str, size_bytes: u64) -> Self {
        let mut hasher = match format {
            Format::Sha1 => Self::Sha1(git_hash::hasher(git_hash::Kind::Sha1)),
            Format::Sha256 => Self::Sha256(Hasher::new()),
        };
        hasher.update(format!("{kind} {size_bytes}\0").as_bytes());
        hasher
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The id; `None` if the bytes were made to collide with others.
    pub(super) fn finish(self) -> Option<ObjectId> {
        match self {
            Self::Sha1(hasher) => Format::Sha1.id(hasher.try_finalize().ok()?.as_slice()),
            Self::Sha256(hasher) => {
                Some(ObjectId::Sha256(hasher.finish::<crate::base::ContentDigest>().as_bytes().to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_ids_parse() {
        let text = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(text.parse::<ObjectId>().map(|id| id.to_string()), Ok(text.to_owned()));
        assert_eq!(text.to_uppercase().parse::<ObjectId>(), text.parse());
        assert_eq!("0f".repeat(32).parse::<ObjectId>().map(|id| id.format()), Ok(Format::Sha256));
        for wrong in ["", "0123456", &text[1..], &text.replace('0', "g"), &text.replace("01", "+1"), "é"] {
            assert_eq!(wrong.parse::<ObjectId>(), Err(ParseObjectIdError { found: wrong.to_owned() }));
        }
    }

    /// `git hash-object -t blob /dev/null`, in both formats.
    #[test]
    fn ids_are_those_of_git() {
        let empty = |format| IdHasher::new(format, "blob", 0).finish().map(|id| id.to_string());
        assert_eq!(empty(Format::Sha1).as_deref(), Some("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
        let sha256 = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813";
        assert_eq!(empty(Format::Sha256).as_deref(), Some(sha256));
    }
}
