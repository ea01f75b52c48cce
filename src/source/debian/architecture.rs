//! What Debian calls the processors that platforms name (dpkg-architecture(1), `dpkg-architecture -L`).

use crate::base::Platform;

use super::error::DebianError;

/// Debian's name of a platform's architecture.
pub fn architecture(platform: &Platform) -> Result<&'static str, DebianError> {
    let unknown = || DebianError::Platform { platform: platform.clone() };
    if platform.os != "linux" {
        return Err(unknown());
    }
    Ok(match (platform.architecture.as_str(), platform.variant.as_deref()) {
        // Higher variants of these run on the same packages.
        ("amd64", _) => "amd64",
        ("arm64", _) => "arm64",
        ("386", _) => "i386",
        ("arm", Some("v7") | None) => "armhf",
        ("arm", Some("v5" | "v6")) => "armel",
        ("ppc64le", None) => "ppc64el",
        ("mips64le", None) => "mips64el",
        ("s390x", None) => "s390x",
        ("riscv64", None) => "riscv64",
        ("loong64", None) => "loong64",
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_names_in_debian() {
        let named = |text: &str| architecture(&text.parse().expect("a platform"));
        for (platform, expected) in [
            ("linux/amd64", "amd64"),
            ("linux/amd64/v3", "amd64"),
            ("linux/arm64", "arm64"),
            ("linux/arm/v7", "armhf"),
            ("linux/arm/v6", "armel"),
            ("linux/arm/v5", "armel"),
            ("linux/386", "i386"),
            ("linux/ppc64le", "ppc64el"),
            ("linux/s390x", "s390x"),
            ("linux/riscv64", "riscv64"),
            ("linux/mips64le", "mips64el"),
        ] {
            assert_eq!(named(platform).ok(), Some(expected), "{platform}");
        }
        for unknown in ["windows/amd64", "linux/arm/v4", "linux/wasm"] {
            let error = named(unknown).expect_err(unknown);
            assert!(matches!(error, DebianError::Platform { .. }) && error.hint().is_some());
        }
    }
}
