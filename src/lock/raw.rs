//! The entries of inputs as tables of the lock file.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::base::{ContentDigest, ManifestDigest, Platform};

use super::input::{GitPin, GitRequest, ImagePin, ImageRequest, Pin, Request, Submodules, UrlPin};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawImage {
    image: String,
    platform: Platform,
    digest: ManifestDigest,
    manifest: ManifestDigest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUrl {
    url: String,
    sha256: ContentDigest,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGit {
    git: String,
    rev: Option<String>,
    subdir: Option<String>,
    #[serde(default)]
    submodules: bool,
    commit: String,
    tree: ContentDigest,
}

impl RawImage {
    pub(super) fn entry(self) -> (Request, Pin) {
        let request = ImageRequest { image: self.image, platform: self.platform };
        (Request::Image(request), Pin::Image(ImagePin { digest: self.digest.to_string(), manifest: self.manifest }))
    }
}

impl RawUrl {
    pub(super) fn entry(self) -> (Request, Pin) {
        (Request::Url(self.url), Pin::Url(UrlPin { sha256: self.sha256, size_bytes: self.size }))
    }
}

impl RawGit {
    pub(super) fn entry(self) -> (Request, Pin) {
        let submodules = if self.submodules { Submodules::Take } else { Submodules::Skip };
        let request = GitRequest { url: self.git, rev: self.rev, subdir: self.subdir, submodules };
        (Request::Git(request), Pin::Git(GitPin { commit: self.commit, tree: self.tree }))
    }
}

/// Appends the table of one entry.
pub(super) fn write(request: &Request, pin: &Pin, text: &mut String) {
    let quoted = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let lines = match (request, pin) {
        (Request::Image(request), Pin::Image(pin)) => vec![
            ("image", quoted(&request.image)),
            ("platform", quoted(&request.platform.to_string())),
            ("digest", quoted(&pin.digest)),
            ("manifest", quoted(&pin.manifest.to_string())),
        ],
        (Request::Url(url), Pin::Url(pin)) => vec![
            ("url", quoted(url)),
            ("sha256", quoted(&pin.sha256.to_string())),
            ("size", pin.size_bytes.to_string()),
        ],
        (Request::Git(request), Pin::Git(pin)) => {
            let mut lines = vec![("git", quoted(&request.url))];
            lines.extend(request.rev.as_ref().map(|rev| ("rev", quoted(rev))));
            lines.extend(request.subdir.as_ref().map(|subdir| ("subdir", quoted(subdir))));
            lines.extend((request.submodules == Submodules::Take).then(|| ("submodules", "true".to_owned())));
            lines.extend([("commit", quoted(&pin.commit)), ("tree", quoted(&pin.tree.to_string()))]);
            lines
        }
        // A request only ever gets a pin of its own kind.
        _ => return,
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n[[{}]]", request.kind());
    for (key, value) in lines {
        let _ = writeln!(text, "{key} = {value}");
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! One entry of each kind.

    use std::collections::BTreeMap;

    use super::*;

    pub(crate) fn inputs() -> BTreeMap<Request, Pin> {
        let image =
            ImageRequest { image: "debian:bookworm".to_owned(), platform: "linux/amd64".parse().expect("a platform") };
        let git = GitRequest {
            url: "https://example.org/lib".to_owned(),
            rev: Some("v1\"2".to_owned()),
            subdir: Some("src".to_owned()),
            submodules: Submodules::Take,
        };
        let manifest: ManifestDigest = [1; 32].into();
        let image_pin = ImagePin { digest: manifest.to_string(), manifest: [2; 32].into() };
        BTreeMap::from([
            (Request::Image(image), Pin::Image(image_pin)),
            (
                Request::Url("https://example.org/x.tar".to_owned()),
                Pin::Url(UrlPin { sha256: [3; 32].into(), size_bytes: 4 }),
            ),
            (Request::Git(git), Pin::Git(GitPin { commit: "c0ffee".to_owned(), tree: [5; 32].into() })),
        ])
    }
}
