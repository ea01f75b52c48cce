//! What was found out.

use crate::registry::write::probe::Left;

/// What can be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Blobs are taken from another repository.
    Mount,
    /// Blobs come in chunks.
    Chunks,
    /// Uploads that were cut go on.
    Resume,
    /// What refers to an image is listed (distribution-spec 1.1).
    Referrers,
    /// Tags cannot be moved.
    ImmutableTags,
    /// `If-None-Match: *` is heard.
    ConditionalPut,
    /// How large manifests may be.
    ManifestSize,
    /// What was written can be removed.
    Deletion,
}

impl Ability {
    /// In a word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mount => "mount",
            Self::Chunks => "chunks",
            Self::Resume => "resume",
            Self::Referrers => "referrers",
            Self::ImmutableTags => "immutable_tags",
            Self::ConditionalPut => "conditional_put",
            Self::ManifestSize => "manifest_size",
            Self::Deletion => "deletion",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mount => "cross-repository mount",
            Self::Chunks => "chunked upload",
            Self::Resume => "resumable upload",
            Self::Referrers => "referrers API",
            Self::ImmutableTags => "immutable tags",
            Self::ConditionalPut => "conditional PUT of a tag",
            Self::ManifestSize => "manifests of 4 MiB",
            Self::Deletion => "deletion",
        }
    }
}

/// Whether a registry can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It can.
    Yes,
    /// It can, with a difference.
    Partly,
    /// It cannot.
    No,
    /// It was not tried, or what was seen means nothing.
    Untested,
}

impl Verdict {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
            Self::Untested => "untested",
        }
    }
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// About what.
    pub ability: Ability,
    /// Whether it can do it.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// The smallest chunk, or the largest manifest, that was taken.
    pub bytes: Option<u64>,
    /// What to do about it, where it matters.
    pub advice: Option<String>,
}

impl Finding {
    /// Without a number and advice.
    pub(super) fn new(ability: Ability, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { ability, verdict, detail: detail.into(), bytes: None, advice: None }
    }

    pub(super) fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes: Some(bytes as u64), ..self }
    }

    pub(super) fn advising(self, advice: &str) -> Self {
        Self { advice: Some(advice.to_owned()), ..self }
    }
}

/// All that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// One for each ability, in their order.
    pub all: Vec<Finding>,
    /// What was written and is there still.
    pub left: Vec<Left>,
}
