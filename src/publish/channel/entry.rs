//! One entry of a channel's record: an artifact manifest that says all in its annotations.
//!
//! ```text
//! artifactType  application/vnd.kiln.channel.v1        config and layer: the empty blob, no subject
//! annotations   dev.kiln.channel            its name
//!               dev.kiln.channel.number     from 1
//!               dev.kiln.channel.from       what the channel held; not there if nothing
//!               dev.kiln.channel.to         what it holds since
//!               dev.kiln.channel.version    of that
//!               dev.kiln.channel.when       RFC 3339
//!               dev.kiln.channel.reason
//!               dev.kiln.channel.previous   digest of the manifest of the entry before; not there in the first
//! ```

use std::collections::BTreeMap;

use serde_json::json;

use crate::base::hash::digest_of;
use crate::base::json::bytes_of;
use crate::base::{BlobDigest, Epoch};
use crate::image::{Links, MediaType};
use crate::publish::record::empty;
use crate::registry::Manifest;

use super::name::ChannelName;

/// What kind of artifact it is.
pub const CHANNEL_TYPE: &str = "application/vnd.kiln.channel.v1";

const NAME: &str = "dev.kiln.channel";
const NUMBER: &str = "dev.kiln.channel.number";
const FROM: &str = "dev.kiln.channel.from";
const TO: &str = "dev.kiln.channel.to";
const VERSION: &str = "dev.kiln.channel.version";
const WHEN: &str = "dev.kiln.channel.when";
const REASON: &str = "dev.kiln.channel.reason";
const PREVIOUS: &str = "dev.kiln.channel.previous";

/// A move of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of which.
    pub channel: String,
    /// From 1.
    pub number: u32,
    /// What it held, if anything.
    pub from: Option<BlobDigest>,
    /// What it holds since.
    pub to: BlobDigest,
    /// The version of that.
    pub version: String,
    /// By the clock of who moved it.
    pub when: Epoch,
    /// Why: one line.
    pub reason: String,
    /// The entry before.
    pub previous: Option<BlobDigest>,
}

/// An entry that is in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it says.
    pub entry: Entry,
    /// Of its manifest.
    pub digest: BlobDigest,
}

/// Whether a text can stand in an entry, and on a terminal.
pub fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

impl Entry {
    /// Its manifest: the same bytes for the same entry.
    pub fn manifest(&self) -> Manifest {
        let mut annotations = BTreeMap::from([
            (NAME, self.channel.clone()),
            (NUMBER, self.number.to_string()),
            (TO, self.to.to_string()),
            (VERSION, self.version.clone()),
            (WHEN, self.when.to_string()),
            (REASON, self.reason.clone()),
        ]);
        annotations.extend(self.from.map(|from| (FROM, from.to_string())));
        annotations.extend(self.previous.map(|previous| (PREVIOUS, previous.to_string())));
        let bytes = bytes_of(&json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.as_ref(),
            "artifactType": CHANNEL_TYPE,
            "config": empty(),
            "layers": [empty()],
            "annotations": annotations,
        }));
        Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes }
    }

    /// Reads the entry of a channel with this number. The error says what is wrong with it.
    pub fn read(manifest: &Manifest, channel: &ChannelName, number: u32) -> Result<Self, String> {
        let mut links = Links::of(&manifest.bytes).map_err(|error| error.to_string())?;
        if links.artifact_type.as_deref() != Some(CHANNEL_TYPE) {
            return Err("it is something else".to_owned());
        }
        let mut take = |key: &str| links.annotations.remove(key);
        let known = |key: &'static str, found: Option<String>| found.ok_or_else(|| format!("it has no `{key}`"));
        let digest = |key: &str, text: String| text.parse().map_err(|_| format!("its `{key}` is no digest"));
        let entry = Self {
            channel: known(NAME, take(NAME))?,
            number: known(NUMBER, take(NUMBER))?.parse().map_err(|_| "its number is none".to_owned())?,
            from: take(FROM).map(|text| digest(FROM, text)).transpose()?,
            to: digest(TO, known(TO, take(TO))?)?,
            version: known(VERSION, take(VERSION))?,
            when: known(WHEN, take(WHEN))?.parse().map_err(|_| "its time is none".to_owned())?,
            reason: known(REASON, take(REASON))?,
            previous: take(PREVIOUS).map(|text| digest(PREVIOUS, text)).transpose()?,
        };
        if entry.channel != channel.tag().as_str() || entry.number != number {
            return Err("it says that it is another entry".to_owned());
        }
        if (number == 1) != entry.previous.is_none() {
            return Err("only the first entry has none before it".to_owned());
        }
        if !is_line(&entry.version) || !is_line(&entry.reason) {
            return Err("its version and its reason are not one line each".to_owned());
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            channel: "latest".to_owned(),
            number: 2,
            from: Some(digest_of(b"old")),
            to: digest_of(b"new"),
            version: "1.8.2".to_owned(),
            when: Epoch::from_seconds(1_767_225_600).expect("a time"),
            reason: "push".to_owned(),
            previous: Some(digest_of(b"entry")),
        }
    }

    fn latest() -> ChannelName {
        ChannelName::new("latest".parse().expect("a tag")).expect("a name")
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let first = Entry { number: 1, from: None, previous: None, ..entry() };
        for entry in [entry(), first] {
            let manifest = entry.manifest();
            assert_eq!(manifest, entry.manifest());
            assert_eq!(Entry::read(&manifest, &latest(), entry.number), Ok(entry));
        }
        let text = String::from_utf8(entry().manifest().bytes).expect("text");
        assert!(text.contains(r#""dev.kiln.channel.when":"2026-01-01T00:00:00Z""#), "{text}");
        assert!(!text.contains("subject"), "{text}");
    }

    #[test]
    fn what_is_no_entry_is_told() {
        let spoiled = |from: &str, to: &str| {
            let text = String::from_utf8(entry().manifest().bytes).expect("text");
            assert!(text.contains(from), "{from}: {text}");
            let bytes = text.replacen(from, to, 1).into_bytes();
            let manifest = Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes };
            Entry::read(&manifest, &latest(), 2).expect_err(to)
        };
        for (from, to, said) in [
            ("vnd.kiln.channel", "vnd.other", "something else"),
            ("channel\":\"latest", "channel\":\"edge", "another entry"),
            ("number\":\"2", "number\":\"3", "another entry"),
            ("number\":\"2", "number\":\"two", "number"),
            ("channel.to", "channel.two", "dev.kiln.channel.to"),
            ("channel.from\":\"sha256", "channel.from\":\"sha512", "dev.kiln.channel.from"),
            ("channel.previous", "channel.other", "first"),
            ("2026-01-01T", "someday", "time"),
            ("\"push\"", "\"\\u001b[2J\"", "one line"),
            ("\"1.8.2\"", "\" \"", "one line"),
        ] {
            let why = spoiled(from, to);
            assert!(why.contains(said), "{to}: {why}");
        }
        assert!(Entry::read(&entry().manifest(), &latest(), 1).is_err());
    }
}
