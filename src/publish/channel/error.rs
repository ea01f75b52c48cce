//! Why a channel cannot be moved, or its record not be believed.

use crate::base::{BlobDigest, Class};
use crate::publish::error::class_of;
use crate::publish::version::VersionError;
use crate::registry::{RegistryError, Tag};

use super::moved::At;

/// A channel that did not move, or cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// A registry.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// Not what a channel can be called.
    #[error("`{found}` cannot be a channel: {why}")]
    Name {
        /// As it was given.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// A version that cannot be compared with others.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A release was to get the name of a channel.
    #[error("`{tag}` is a channel of the template, which moves, and cannot be the name of a release")]
    Release {
        /// Which.
        tag: Tag,
    },
    /// A tag that nobody recorded.
    #[error("`{channel}` holds {} and has no record: it is no channel of kiln's, and is not moved{}", held.short(), offer(offered.as_ref()))]
    Foreign {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// What it holds.
        held: BlobDigest,
        /// What it was to hold.
        offered: Option<At>,
    },
    /// The tag of a release was to be made a channel.
    #[error("`{channel}` is the tag of a release: it holds the version {version}, {}", held.short())]
    ReleaseTag {
        /// `HOST/REPOSITORY:TAG`
        channel: String,
        /// By its own word.
        version: String,
        /// What it holds.
        held: BlobDigest,
    },
    /// There is neither a channel nor a record.
    #[error("there is no channel `{channel}`")]
    NoChannel {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
    },
    /// The tag holds something that the record does not know.
    #[error("`{channel}` holds {}, and by entry {number} of its record it should hold {says}", held.short())]
    Strayed {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// What it holds.
        held: BlobDigest,
        /// The last entry.
        number: u32,
        /// What that says.
        says: At,
    },
    /// The tag holds what an earlier entry says, or nothing.
    #[error("`{channel}` holds {}, which is behind entry {number} of its record: {says}", held.as_ref().map_or("nothing".to_owned(), BlobDigest::short))]
    Behind {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// What it holds.
        held: Option<BlobDigest>,
        /// The last entry.
        number: u32,
        /// What that says.
        says: At,
    },
    /// An entry is not there, and a later one is.
    #[error("the record of `{channel}` has a hole: entry {missing} is not there, entry {found} is")]
    Hole {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// Which is not there.
        missing: u32,
        /// Which is.
        found: u32,
    },
    /// Something else is where an entry should be.
    #[error("`{tag}` is not entry {number} of the record of a channel: {why}")]
    Entry {
        /// `HOST/REPOSITORY:TAG`
        tag: String,
        /// Which it should be.
        number: u32,
        /// What is wrong with it.
        why: String,
    },
    /// An entry does not continue the one before.
    #[error(
        "entry {number} of the record of `{channel}` does not follow the one before it: {what} is {found}, expected {expected}"
    )]
    Chain {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// Which.
        number: u32,
        /// `the digest of that one`, `what it held`
        what: &'static str,
        /// What the entry before says or is.
        expected: String,
        /// What this one says.
        found: String,
    },
    /// What the channel holds has no version in this order.
    #[error("what `{channel}` holds, {held}, cannot be compared with {offered}")]
    Incomparable {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// What it holds.
        held: Box<At>,
        /// What it was to hold.
        offered: Box<At>,
        /// Why.
        source: VersionError,
    },
    /// The registry lets nobody write over a tag.
    #[error("the registry does not let `{channel}` move to {to}: it answers {status}")]
    Immovable {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// What the record says that it holds.
        to: At,
        /// Its status.
        status: u16,
        /// All that is known.
        source: Box<RegistryError>,
    },
    /// Others move it all the time.
    #[error("`{channel}` was moved by somebody else {rounds} times while we moved it")]
    Crowded {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// How often we tried.
        rounds: usize,
    },
    /// No entry can be added.
    #[error("the record of `{channel}` is full: it has {entries} entries")]
    Full {
        /// `HOST/REPOSITORY:CHANNEL`
        channel: String,
        /// How many.
        entries: u32,
    },
    /// It is not known which version something is.
    #[error("{digest} does not say which version it is")]
    NoVersion {
        /// Which.
        digest: BlobDigest,
    },
    /// It says that it is another version.
    #[error("{digest} says that it is {says}, not {given}")]
    OtherVersion {
        /// Which.
        digest: BlobDigest,
        /// By its own word.
        says: String,
        /// By the user's.
        given: String,
    },
    /// A text that cannot stand in a record.
    #[error("the {what} of a move is one line that is not empty")]
    Text {
        /// `reason`, `version`
        what: &'static str,
    },
}

fn offer(offered: Option<&At>) -> String {
    offered.map_or_else(String::new, |at| format!(" to {at}"))
}

impl From<RegistryError> for ChannelError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}

impl ChannelError {
    /// What it means to whoever called kiln.
    pub fn class(&self) -> Class {
        match self {
            Self::Registry(error) => class_of(error),
            Self::Release { .. } | Self::Foreign { .. } | Self::ReleaseTag { .. } | Self::Immovable { .. } => {
                Class::Refused
            }
            Self::Strayed { .. } | Self::Behind { .. } | Self::Hole { .. } => Class::Mismatch,
            Self::Entry { .. } | Self::Chain { .. } | Self::OtherVersion { .. } => Class::Mismatch,
            Self::Crowded { .. } => Class::Unavailable,
            Self::Name { .. } | Self::Version(_) | Self::NoChannel { .. } | Self::Incomparable { .. } => Class::Failed,
            Self::Full { .. } | Self::NoVersion { .. } | Self::Text { .. } => Class::Failed,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let set = |channel: &str| format!("`kiln channel set {channel} DIGEST --reason TEXT`");
        Some(match self {
            Self::Registry(error) => return error.hint(),
            Self::Name { .. } => "call it otherwise, such as `latest` or `{major}.{minor}`".to_owned(),
            Self::Version(error) => format!(
                "give the image another version, or choose the `order` of `[publish]`: it is `{}`",
                error.order
            ),
            Self::Release { .. } => "call the channel or the release otherwise".to_owned(),
            Self::Foreign { channel, .. } => {
                format!("find out who moves it; {} makes it a channel and says why", set(channel))
            }
            Self::ReleaseTag { .. } => "what is published stays: name a tag that is to move".to_owned(),
            Self::NoChannel { .. } => {
                "check the name; a push of a template with `[publish] channels` makes channels".to_owned()
            }
            Self::Strayed { channel, .. } => {
                format!("somebody moved it without kiln; {} decides what it holds, and records it", set(channel))
            }
            Self::Behind { .. } => {
                "a push is under way or was ended before its time: look again; the next push to this channel, or \
                 `kiln channel set`, sets it to what the record says"
                    .to_owned()
            }
            Self::Hole { .. } | Self::Entry { .. } | Self::Chain { .. } => {
                "somebody changed the record, or the registry lost a part of it: ask whoever runs it; another channel \
                 begins a new record"
                    .to_owned()
            }
            Self::Incomparable { channel, .. } => format!(
                "choose another `order` in `[publish]`, or say which version it is: {} with `--version V`",
                set(channel)
            ),
            Self::Immovable { .. } => {
                "let the registry make an exception for channels where its tags are immutable, and push again; or leave \
                 `channels` out of `[publish]`"
                    .to_owned()
            }
            Self::Crowded { .. } => "try again".to_owned(),
            Self::Full { .. } => "begin another channel".to_owned(),
            Self::NoVersion { .. } => "say it: `--version V`".to_owned(),
            Self::OtherVersion { .. } => "leave `--version` away".to_owned(),
            Self::Text { .. } => "say it in one line".to_owned(),
        })
    }
}
