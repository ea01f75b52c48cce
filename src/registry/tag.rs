//! The name of something in a repository.

use std::fmt;
use std::str::FromStr;

use crate::base::BlobDigest;
use crate::base::repository::is_tag;

use super::error::RegistryError;

/// Letters, digits, `_`, `.` and `-`, at most 128, and neither of the last two first (distribution-spec, "Pulling
/// manifests").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Under which registries without the referrers API keep what refers to something (distribution-spec, "Referrers Tag
    /// Schema").
    pub fn fallback(subject: &BlobDigest) -> Self {
        Self(format!("sha256-{}", subject.hex()))
    }

    /// Under which cosign keeps what it knows of something (cosign, SIGNATURE_SPEC.md, "Tag-based Discovery").
    pub fn companion(subject: &BlobDigest, kind: Kind) -> Self {
        Self(format!("sha256-{}.{}", subject.hex(), kind.ending()))
    }
}

/// What cosign keeps of an image beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Signatures.
    Signature,
    /// Attestations.
    Attestation,
    /// A bill of materials.
    Sbom,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Signature, Self::Attestation, Self::Sbom];

    fn ending(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Attestation => "att",
            Self::Sbom => "sbom",
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match is_tag(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(RegistryError::Tag { found: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_registries_take() {
        for good in ["1", "v1.2.3-rc.1", "_x", &"a".repeat(128)] {
            assert_eq!(good.parse::<Tag>().expect(good).to_string(), good);
        }
        for bad in ["", ".x", "-x", "1.0+2", "a/b", "ü", "a b", &"a".repeat(129)] {
            let error = bad.parse::<Tag>().expect_err(bad);
            assert!(matches!(&error, RegistryError::Tag { .. }) && error.hint().is_some());
        }
        assert_eq!(Tag::fallback(&[0xab; 32].into()).as_str(), format!("sha256-{}", "ab".repeat(32)));
        let companions = Kind::ALL.map(|kind| Tag::companion(&[0xab; 32].into(), kind).to_string());
        assert_eq!(companions, ["sig", "att", "sbom"].map(|ending| format!("sha256-{}.{ending}", "ab".repeat(32))));
    }
}
