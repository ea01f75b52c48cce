//! Operating system and processor of an image, in the words of the OCI image index (image-index.md, "platform").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `os/architecture[/variant]`, ordered by these three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// GOOS, such as `linux`.
    pub os: String,
    /// GOARCH, such as `amd64`.
    pub architecture: String,
    /// Such as `v7`; the default variant of arm64, `v8`, is left out.
    pub variant: Option<String>,
}

/// A text that should be a platform and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a platform like `linux/amd64` or `linux/arm/v7`, found `{found}`")]
pub struct ParsePlatformError {
    /// The text as it was given.
    pub found: String,
}

impl Platform {
    /// `linux` on the given Rust target architecture (`std::env::consts::ARCH`).
    pub fn linux_on(rust_arch: &str) -> Self {
        let architecture = match rust_arch {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Whether an image for this platform is what somebody means who asks for `wanted`: a variant that one of them does
    /// not name is the other's.
    pub fn runs_on(&self, wanted: &Self) -> bool {
        let same = self.os == wanted.os && self.architecture == wanted.architecture;
        same && (self.variant == wanted.variant || self.variant.is_none() || wanted.variant.is_none())
    }

    /// The name that `uname -m` gives there.
    pub fn machine(&self) -> &str {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("amd64", _) => "x86_64",
            ("386", _) => "i686",
            ("arm64", _) => "aarch64",
            ("arm", Some("v5")) => "armv5tel",
            ("arm", Some("v6")) => "armv6l",
            ("arm", _) => "armv7l",
            ("loong64", _) => "loongarch64",
            (other, _) => other,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParsePlatformError { found: text.to_owned() };
        let word = |part: &str| {
            let good = !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            good.then(|| part.to_owned()).ok_or_else(fail)
        };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(word(variant)?)),
            _ => return Err(fail()),
        };
        let architecture = match architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        // The default variants are left out, so that one platform has one spelling (containerd's normalisation).
        let variant = match (architecture, variant.as_deref()) {
            ("arm64", Some("v8")) | ("amd64", Some("v1")) => None,
            ("arm", None) => Some("v7".to_owned()),
            _ => variant,
        };
        Ok(Self { os: word(os)?, architecture: word(architecture)?, variant })
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_has_one_spelling() {
        for (text, expected) in
            [("linux/amd64", "linux/amd64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7")]
        {
            assert_eq!(text.parse::<Platform>().map(|p| p.to_string()), Ok(expected.to_owned()));
        }
        for wrong in ["linux", "linux/", "Linux/amd64", "linux/a/b/c", ""] {
            assert!(wrong.parse::<Platform>().is_err(), "{wrong}");
        }
    }
}
