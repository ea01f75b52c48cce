//! The entries of inputs as tables of the lock file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::base::{ContentDigest, ManifestDigest, Platform};

use super::input::{
    FetchMount, FetchPin, FetchRequest, GitPin, GitRequest, ImagePin, ImageRequest, Pin, Request, Submodules, UrlPin,
};
use super::packages;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFetch {
    fetch: Vec<String>,
    r#in: Option<String>,
    #[serde(default)]
    mounts: Vec<RawMount>,
    platform: Platform,
    given: ContentDigest,
    tree: ContentDigest,
    #[serde(default)]
    files: BTreeMap<String, ContentDigest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMount {
    from: String,
    to: String,
    #[serde(default)]
    writable: bool,
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

impl RawFetch {
    pub(super) fn entry(self) -> (Request, Pin) {
        let mount = |mount: RawMount| FetchMount { from: mount.from, to: mount.to, writable: mount.writable };
        let mounts = self.mounts.into_iter().map(mount).collect();
        let request = FetchRequest { command: self.fetch, stage: self.r#in, mounts, platform: self.platform };
        let pin = FetchPin { given: self.given, tree: self.tree, files: self.files };
        (Request::Fetch(request), Pin::Fetch(pin))
    }
}

/// A string on one line: a line break inside could look like the mark of a conflict, and no key may have one.
pub(super) fn quoted(value: &str) -> String {
    let plain = toml::Value::String(value.to_owned()).to_string();
    if !plain.starts_with("\"\"\"") && !plain.starts_with("'''") {
        return plain;
    }
    let mut text = "\"".to_owned();
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}

pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn fetch_lines(request: &FetchRequest, pin: &FetchPin) -> Vec<(&'static str, String)> {
    let mount = |mount: &FetchMount| {
        let writable = if mount.writable { ", writable = true" } else { "" };
        format!("{{ from = {}, to = {}{writable} }}", quoted(&mount.from), quoted(&mount.to))
    };
    let mut lines = vec![("fetch", list(request.command.iter().map(|word| quoted(word))))];
    lines.extend(request.stage.as_ref().map(|stage| ("in", quoted(stage))));
    lines.extend((!request.mounts.is_empty()).then(|| ("mounts", list(request.mounts.iter().map(mount)))));
    lines.push(("platform", quoted(&request.platform.to_string())));
    lines.extend([("given", quoted(&pin.given.to_string())), ("tree", quoted(&pin.tree.to_string()))]);
    lines
}

/// Appends the table of one entry.
pub(super) fn write(request: &Request, pin: &Pin, text: &mut String) {
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
        (Request::Fetch(request), Pin::Fetch(pin)) => fetch_lines(request, pin),
        (Request::Packages(request), Pin::Packages(pin)) => packages::lines(request, pin),
        // A request only ever gets a pin of its own kind.
        _ => return,
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n[[{}]]", request.kind());
    for (key, value) in lines {
        let _ = writeln!(text, "{key} = {value}");
    }
    if let Pin::Fetch(pin) = pin
        && !pin.files.is_empty()
    {
        let _ = writeln!(text, "[{}.files]", request.kind());
        for (path, digest) in &pin.files {
            let _ = writeln!(text, "{} = \"{digest}\"", quoted(path));
        }
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
        let fetch = FetchRequest {
            command: vec!["sh".to_owned(), "-c".to_owned(), "a 'b' \"c\"\n<<<<<<< d".to_owned()],
            stage: Some("build".to_owned()),
            mounts: vec![
                FetchMount { from: "app:/r.txt".to_owned(), to: "/in/r.txt".to_owned(), writable: false },
                FetchMount { from: "tools".to_owned(), to: "/t".to_owned(), writable: true },
            ],
            platform: "linux/amd64".parse().expect("a platform"),
        };
        let files = BTreeMap::from([("/a \"b\" 'c'".to_owned(), [8; 32].into())]);
        let manifest: ManifestDigest = [1; 32].into();
        let image_pin = ImagePin { digest: manifest.to_string(), manifest: [2; 32].into() };
        let (packages, set) = packages::testing::entry();
        BTreeMap::from([
            (Request::Packages(packages), Pin::Packages(set)),
            (Request::Image(image), Pin::Image(image_pin)),
            (
                Request::Url("https://example.org/x.tar".to_owned()),
                Pin::Url(UrlPin { sha256: [3; 32].into(), size_bytes: 4 }),
            ),
            (Request::Git(git), Pin::Git(GitPin { commit: "c0ffee".to_owned(), tree: [5; 32].into() })),
            (Request::Fetch(fetch), Pin::Fetch(FetchPin { given: [6; 32].into(), tree: [7; 32].into(), files })),
        ])
    }
}
