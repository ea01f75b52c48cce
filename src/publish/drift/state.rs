//! What became of a pin.

use crate::base::BlobDigest;

use super::pin::{Basis, Pin};

/// What the registry says of a pin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The tag holds the digest; without a tag, the digest is there.
    AsPinned,
    /// The tag holds this one now; the pinned one is there still.
    Moved(BlobDigest),
    /// The tag is gone; the digest is there still.
    TagGone,
    /// The digest is gone. This is what the tag holds, if there is one.
    Gone(Option<BlobDigest>),
    /// It could not be asked.
    Unknown {
        /// Why, in one line.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// Whether a tag may move that nobody relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It may.
    Usual,
    /// It may not.
    Strict,
}

/// What a state means to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing to say.
    Fine,
    /// Something to say; nothing is wrong.
    News,
    /// It is not what was pinned.
    Broken,
    /// Nobody knows.
    Unknown,
}

impl State {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AsPinned => "pinned",
            Self::Moved(_) => "moved",
            Self::TagGone | Self::Gone(_) => "vanished",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What it means for a pin that goes by this.
    pub fn grade(&self, basis: Basis, strictness: Strictness) -> Grade {
        match self {
            Self::AsPinned => Grade::Fine,
            Self::Moved(_) | Self::TagGone if basis == Basis::Digest && strictness == Strictness::Usual => Grade::News,
            Self::Moved(_) | Self::TagGone | Self::Gone(_) => Grade::Broken,
            Self::Unknown { .. } => Grade::Unknown,
        }
    }

    /// In a line: what became of which.
    pub fn told(&self, pin: &Pin) -> String {
        let (name, digest, word) = (pin.name(), pin.digest, self.word());
        match self {
            Self::AsPinned => format!("{name} is as pinned"),
            Self::Moved(now) => format!("{name} {word}: {digest} -> {now}"),
            Self::TagGone => format!("{name} {word}: the tag is gone; {digest} is there still"),
            Self::Gone(Some(now)) => format!("{name} {word}: {digest} is gone; the tag holds {now}"),
            Self::Gone(None) if pin.tag.is_some() => format!("{name} {word}: the tag is gone, and {digest}"),
            Self::Gone(None) => format!("{name} {word}"),
            Self::Unknown { why, .. } => format!("{name} is {word}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_goes_by_the_digest_unless_it_is_to_be_strict() {
        let moved = State::Moved(BlobDigest::from([1; 32]));
        let unknown = State::Unknown { why: String::new(), hint: None };
        for (state, tag, digest) in [
            (State::AsPinned, Grade::Fine, Grade::Fine),
            (moved, Grade::Broken, Grade::News),
            (State::TagGone, Grade::Broken, Grade::News),
            (State::Gone(None), Grade::Broken, Grade::Broken),
            (unknown, Grade::Unknown, Grade::Unknown),
        ] {
            assert_eq!(state.grade(Basis::Tag, Strictness::Usual), tag, "{state:?}");
            assert_eq!(state.grade(Basis::Digest, Strictness::Usual), digest, "{state:?}");
            assert_eq!(state.grade(Basis::Digest, Strictness::Strict), tag, "{state:?}");
        }
    }
}
