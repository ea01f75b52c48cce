//! What became of a channel.

use crate::base::BlobDigest;

/// A channel, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Its name; the pattern where that names none.
    pub channel: String,
    /// What was done.
    pub outcome: Outcome,
    /// What it was set to because its record said so, before anything else was done.
    pub mended: Option<At>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It moved.
    Moved {
        /// The number of the entry that says so.
        number: u32,
        /// What it held.
        from: Option<At>,
        /// What it holds.
        to: At,
    },
    /// It holds it already.
    Holds(At),
    /// What it holds is as far on or further.
    Ahead {
        /// That.
        held: At,
        /// What it was to hold.
        offered: At,
        /// Whether the two are equal.
        how: How,
    },
    /// A pre-release does not move it.
    PreRelease {
        /// Which.
        version: String,
    },
    /// The version lacks a part that its name has.
    NoPart {
        /// Such as `minor`.
        part: &'static str,
        /// Which.
        version: String,
    },
}

/// How far on one version is beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As far.
    Equal,
    /// Further.
    Further,
    /// Less far, because somebody took the other one out of the channel.
    SetBack,
}

/// A version and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// As it was spelled.
    pub version: String,
    /// Of the manifest or index.
    pub digest: BlobDigest,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.version, self.digest.short())
    }
}

impl Outcome {
    /// In a word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Moved { .. } => "moved",
            Self::Holds(_) => "there",
            Self::Ahead { .. } => "ahead",
            Self::PreRelease { .. } => "prerelease",
            Self::NoPart { .. } => "unnamed",
        }
    }

    /// What the channel holds now, as far as it was looked at.
    pub fn holds(&self) -> Option<&At> {
        match self {
            Self::Moved { to, .. } => Some(to),
            Self::Holds(at) | Self::Ahead { held: at, .. } => Some(at),
            Self::PreRelease { .. } | Self::NoPart { .. } => None,
        }
    }
}

impl Move {
    /// What people are told, line by line.
    pub fn lines(&self) -> Vec<String> {
        let channel = &self.channel;
        let mended = self.mended.as_ref().map(|at| format!("`{channel}` was behind its record and is set to {at}"));
        let line = match &self.outcome {
            Outcome::Moved { from: Some(from), to, .. } => format!("`{channel}` moved from {from} to {to}"),
            Outcome::Moved { from: None, to, .. } => format!("`{channel}` is new and holds {to}"),
            Outcome::Holds(at) => format!("`{channel}` holds {at} already"),
            Outcome::Ahead { held, offered, how: How::Further } => {
                format!("`{channel}` holds {held}, which is further on than {offered}: not moved")
            }
            Outcome::Ahead { held, offered, how: How::Equal } => {
                format!("`{channel}` holds {held}, which is as far on as {offered}: not moved")
            }
            Outcome::Ahead { held, offered, how: How::SetBack } => {
                format!("`{channel}` holds {held}, because it was set back from {offered}: not moved")
            }
            Outcome::PreRelease { version } => format!("`{channel}` stays: {version} is a pre-release"),
            Outcome::NoPart { part, version } => format!("`{channel}` names no channel: {version} has no {part}"),
        };
        mended.into_iter().chain([line]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;

    #[test]
    fn lines_name_the_channel_both_versions_and_both_digests() {
        let at = |version: &str| At { version: version.to_owned(), digest: digest_of(version.as_bytes()) };
        let ahead = |how| Outcome::Ahead { held: at("1.9.0"), offered: at("1.8.2"), how };
        for (outcome, words) in [
            (ahead(How::Further), "which is further on than"),
            (ahead(How::Equal), "which is as far on as"),
            (ahead(How::SetBack), "because it was set back from"),
            (Outcome::Moved { number: 2, from: Some(at("1.8.2")), to: at("1.9.0") }, "moved from"),
        ] {
            let moved = Move { channel: "latest".to_owned(), outcome, mended: None };
            let lines = moved.lines();
            for word in [words, "`latest`", "1.9.0", "1.8.2", &at("1.9.0").digest.short(), &at("1.8.2").digest.short()]
            {
                assert!(lines.len() == 1 && lines[0].contains(word), "{word}: {lines:?}");
            }
            assert_eq!(moved.outcome.holds(), Some(&at("1.9.0")));
        }
        let mended = Move { channel: "x".to_owned(), outcome: Outcome::Holds(at("1")), mended: Some(at("1")) };
        assert!(mended.lines()[0].contains("behind its record") && mended.lines().len() == 2);
    }
}
