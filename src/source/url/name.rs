//! What a fetched file is called.

use crate::base::path::NAME_MAX_BYTES;
use crate::transport::url::{decode, shown};

use super::error::UrlError;

/// The last part of an address' path, decoded: one name, which leads nowhere else.
pub fn file_name(url: &str) -> Result<String, UrlError> {
    let fail = || UrlError::FileName { url: shown(url) };
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    // The host of `https://host` is no name.
    let path = path.strip_prefix("//").map_or(Some(path), |rest| rest.split_once('/').map(|(_, path)| path));
    let last = path.and_then(|path| path.rsplit('/').next()).ok_or_else(fail)?;
    let name = decode(last).ok_or_else(fail)?;
    let good = !matches!(name.as_str(), "" | "." | "..")
        && name.len() <= NAME_MAX_BYTES
        && !name.chars().any(|c| c == '/' || c.is_control());
    if good { Ok(name) } else { Err(fail()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_and_safe() {
        for (url, name) in [
            ("https://h/a/tool-1.tar.gz?sig=x#y", "tool-1.tar.gz"),
            ("https://h/a%20b", "a b"),
            ("file:///srv/x.deb", "x.deb"),
            ("https://h/%C3%BC", "ü"),
        ] {
            assert_eq!(file_name(url).expect(url), name);
        }
        let long = format!("https://h/{}", "x".repeat(256));
        for wrong in [
            "https://h",
            "https://h/",
            "https://h/a/..",
            "https://h/%2e%2e",
            "https://h/a%2fb",
            "https://h/%00",
            &long,
            "https://h/%ff",
        ] {
            let error = file_name(wrong).expect_err(wrong);
            assert!(matches!(error, UrlError::FileName { .. }) && error.hint().is_some());
        }
    }
}
