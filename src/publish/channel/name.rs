//! What a channel is called, and its entries.

use std::fmt;

use crate::publish::tags::is_of_tools;
use crate::registry::Tag;

use super::error::ChannelError;

/// Digits of an entry's number in its tag, so that lists of tags are in the right order.
const NUMBER_DIGITS: usize = 6;

/// The last entry that a record can have.
pub const NUMBER_MAX: u32 = 999_999;

/// Between the name and the number of an entry.
const BEFORE: &str = "ch-";

/// The longest name whose entries have tags: registries take 128 bytes (distribution-spec, "Pulling manifests").
const NAME_MAX_BYTES: usize = 128 - BEFORE.len() - 1 - NUMBER_DIGITS;

/// The tag of a channel. It is none that kiln writes for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelName(Tag);

impl ChannelName {
    /// Takes a tag as the name of a channel.
    pub fn new(tag: Tag) -> Result<Self, ChannelError> {
        let why = match tag.as_str() {
            text if text.len() > NAME_MAX_BYTES => format!("it is longer than {NAME_MAX_BYTES} bytes"),
            text if is_of_tools(text) => "tools keep something of their own under such tags".to_owned(),
            _ => return Ok(Self(tag)),
        };
        Err(ChannelError::Name { found: tag.to_string(), why })
    }

    /// As a tag.
    pub fn tag(&self) -> &Tag {
        &self.0
    }

    /// The tag of an entry of its record, `ch-CHANNEL-000001`.
    pub fn entry_tag(&self, number: u32) -> Result<Tag, ChannelError> {
        let text = format!("{BEFORE}{}-{number:0NUMBER_DIGITS$}", self.0);
        text.parse().map_err(ChannelError::from)
    }
}

/// Whether a tag looks like that of an entry.
pub fn is_entry(text: &str) -> bool {
    let Some((name, number)) = text.strip_prefix(BEFORE).and_then(|rest| rest.rsplit_once('-')) else { return false };
    !name.is_empty() && number.len() == NUMBER_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<ChannelName, ChannelError> {
        ChannelName::new(text.parse().expect("a tag"))
    }

    #[test]
    fn every_entry_of_every_channel_has_a_tag_of_its_own() {
        let longest = "x".repeat(NAME_MAX_BYTES);
        for text in ["latest", "1.8", "ch-latest", "a-000001", &longest] {
            let name = name(text).expect(text);
            let tags = [1, 42, NUMBER_MAX].map(|number| name.entry_tag(number).expect("a tag").to_string());
            assert!(tags.iter().all(|tag| is_entry(tag) && tag.len() <= 128), "{tags:?}");
            assert_eq!(tags[1], format!("ch-{text}-000042"));
        }
        for text in ["ch-latest-000001", "ch-a-b-123456", "part-0123456789ab", &"x".repeat(NAME_MAX_BYTES + 1)] {
            let error = name(text).expect_err(text);
            assert!(matches!(&error, ChannelError::Name { .. }) && error.hint().is_some(), "{error}");
        }
    }
}
