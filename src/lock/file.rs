//! The text of a lock file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::base::{Epoch, Platform};

use super::input::{Pin, Request};
use super::packages::RawPackages;
use super::raw::{RawFetch, RawGit, RawImage, RawUrl};

/// The format profile that this kiln makes: tar rules, codecs and their versions, default modes. A digest never changes
/// within a profile.
pub const PROFILE: &str = "1";

/// The version of the lock file's own format.
const VERSION: i64 = 1;

const HEADER: &str = "\
# Written by kiln: what this template was resolved to. Keep it in git and review its changes.
# `kiln update` moves an entry; nothing else does.
";

/// What a template was resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The format profile.
    pub profile: String,
    /// The time of files.
    pub epoch: Epoch,
    /// The time in config and annotations.
    pub created: Epoch,
    /// Set only if the template names none.
    pub platforms: Vec<Platform>,
    /// What comes from outside.
    pub inputs: BTreeMap<Request, Pin>,
}

/// A lock file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Two branches changed it and git could not merge them.
    #[error("line {line} of the lock file is a merge conflict")]
    Conflict {
        /// Counted from 1.
        line: usize,
    },
    /// Not TOML, or not the fields of a lock.
    #[error("line {line} of the lock file cannot be read: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Two entries for one request: a merge that went wrong without a conflict.
    #[error("the lock file has two entries for {request}")]
    Twice {
        /// Which.
        request: String,
    },
    /// A newer kiln wrote it.
    #[error("the lock file has the version {found}; expected {VERSION}")]
    Version {
        /// What it says.
        found: i64,
    },
    /// A profile that this kiln cannot reproduce.
    #[error("the lock file asks for the format profile `{found}`; this kiln has `{PROFILE}`")]
    Profile {
        /// What it asks for.
        found: String,
    },
}

impl LockError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Conflict { .. } => "choose a side, or delete the lock file and run `kiln lock`".to_owned(),
            Self::Syntax { .. } => "restore it from git, or delete it and run `kiln lock`".to_owned(),
            Self::Twice { .. } => "delete the entry that is wrong".to_owned(),
            Self::Version { .. } => "use a newer kiln".to_owned(),
            Self::Profile { .. } => {
                "use the kiln that has it, or move to this one's with `kiln update profile` (digests of blobs may change)"
                    .to_owned()
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: i64,
    profile: String,
    epoch: Epoch,
    created: Epoch,
    #[serde(default)]
    platforms: Vec<Platform>,
    #[serde(default)]
    image: Vec<RawImage>,
    #[serde(default)]
    url: Vec<RawUrl>,
    #[serde(default)]
    git: Vec<RawGit>,
    #[serde(default)]
    fetch: Vec<RawFetch>,
    #[serde(default)]
    packages: Vec<RawPackages>,
}

impl Raw {
    fn inputs(self, text: &str) -> Result<BTreeMap<Request, Pin>, LockError> {
        let images = self.image.into_iter().map(RawImage::entry);
        let urls = self.url.into_iter().map(RawUrl::entry);
        let gits = self.git.into_iter().map(RawGit::entry);
        let fetches = self.fetch.into_iter().map(RawFetch::entry);
        let mut inputs = BTreeMap::new();
        let packages: Result<Vec<_>, LockError> = self
            .packages
            .into_iter()
            .map(|raw| raw.entry().map_err(|(at, reason)| LockError::Syntax { line: line(text, at), reason }))
            .collect();
        for (request, pin) in images.chain(urls).chain(gits).chain(fetches).chain(packages?) {
            if let Some((request, _)) = inputs.get_key_value(&request) {
                let request: &Request = request;
                return Err(LockError::Twice { request: request.to_string() });
            }
            inputs.insert(request, pin);
        }
        Ok(inputs)
    }
}

/// The number of the line that a byte is in, from 1.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

#[derive(Deserialize)]
struct VersionOnly {
    version: Option<i64>,
}

/// Which profiles a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// The one that this kiln makes.
    OwnProfile,
    /// Any: the entry is about to be moved.
    AnyProfile,
}

impl Lock {
    /// Reads a lock file; line ends, comments and the order of entries mean nothing.
    pub fn parse(text: &str, accept: Accept) -> Result<Self, LockError> {
        let markers = ["<<<<<<< ", "=======", ">>>>>>> "];
        let conflict = |line: &str| markers.iter().any(|marker| line.starts_with(marker));
        if let Some(line) = text.lines().position(conflict) {
            return Err(LockError::Conflict { line: line + 1 });
        }
        let syntax = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            LockError::Syntax { line: line(text, at), reason: error.message().to_owned() }
        };
        let version = toml::from_str::<VersionOnly>(text).map_err(syntax)?.version;
        if let Some(found) = version.filter(|version| *version != VERSION) {
            return Err(LockError::Version { found });
        }
        let raw: Raw = toml::from_str(text).map_err(syntax)?;
        debug_assert_eq!(raw.version, VERSION);
        if accept == Accept::OwnProfile && raw.profile != PROFILE {
            return Err(LockError::Profile { found: raw.profile });
        }
        Ok(Self {
            profile: raw.profile.clone(),
            epoch: raw.epoch,
            created: raw.created,
            platforms: raw.platforms.clone(),
            inputs: raw.inputs(text)?,
        })
    }

    /// The text to keep: the same for the same lock.
    pub fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "version = {VERSION}");
        let _ = writeln!(text, "profile = \"{}\"", self.profile);
        let _ = writeln!(text, "epoch = \"{}\"", self.epoch);
        let _ = writeln!(text, "created = \"{}\"", self.created);
        if !self.platforms.is_empty() {
            let platforms: Vec<String> = self.platforms.iter().map(|platform| format!("\"{platform}\"")).collect();
            let _ = writeln!(text, "platforms = [{}]", platforms.join(", "));
        }
        for (request, pin) in &self.inputs {
            super::raw::write(request, pin, &mut text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock {
            profile: PROFILE.to_owned(),
            epoch: "2026-01-01T00:00:00Z".parse().expect("a time"),
            created: "2026-11-01T00:00:00Z".parse().expect("a time"),
            platforms: vec!["linux/amd64".parse().expect("a platform")],
            inputs: super::super::raw::testing::inputs(),
        }
    }

    fn parse(text: &str) -> Result<Lock, LockError> {
        Lock::parse(text, Accept::OwnProfile)
    }

    #[test]
    fn a_lock_is_read_back_whatever_an_editor_does_to_its_lines() {
        let text = lock().to_text();
        assert_eq!(parse(&text), Ok(lock()));
        assert_eq!(parse(&text.replace('\n', "\r\n")), Ok(lock()));
        let (head, entries) = text.split_once("\n[[").expect("it has entries");
        let reversed: Vec<&str> = head.lines().rev().collect();
        let entries: Vec<&str> = entries.split("\n[[").collect();
        let entries: String = entries.iter().rev().map(|entry| format!("\n[[{entry}")).collect();
        assert_eq!(parse(&format!("# mine\n{}\n{entries}", reversed.join("\n"))), Ok(lock()));
    }

    #[test]
    fn the_first_format_is_still_the_one_that_is_written() {
        let text = include_str!("../../fixtures/locks/1/kiln.lock");
        let read = parse(text).expect("a lock");
        assert_eq!((read.inputs.len(), read.platforms.len()), (7, 2));
        assert_eq!(read.to_text(), text);
    }

    #[test]
    fn an_entry_that_is_there_twice_is_named() {
        let text = lock().to_text();
        let (_, last) = text.rsplit_once("\n[[").expect("it has entries");
        let twice = parse(&format!("{text}\n[[{last}"));
        assert!(matches!(&twice, Err(LockError::Twice { request }) if request.starts_with("packages ")), "{twice:?}");
    }

    #[test]
    fn locks_that_cannot_be_used_are_named() {
        let text = lock().to_text();
        assert_eq!(
            parse(&format!("{text}<<<<<<< ours\n")),
            Err(LockError::Conflict { line: text.lines().count() + 1 })
        );
        assert_eq!(parse(&text.replace("version = 1", "version = 2")), Err(LockError::Version { found: 2 }));
        let profile = text.replace("profile = \"1\"", "profile = \"7\"");
        assert_eq!(parse(&profile), Err(LockError::Profile { found: "7".to_owned() }));
        assert!(Lock::parse(&profile, Accept::AnyProfile).is_ok());
        assert!(matches!(parse("version = 1\nprofile"), Err(LockError::Syntax { line: 2, .. })));
        assert!(matches!(parse("version = 1\n"), Err(LockError::Syntax { .. })));
    }
}
