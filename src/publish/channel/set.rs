//! Sets a channel to anything that is in its repository: back, too.

use crate::base::{BlobDigest, Epoch};
use crate::image::Links;
use crate::publish::record::{is_of_plan, names_a_plan};
use crate::publish::registry::RegistryPlace;

use super::entry::{Entry, Kept, is_line};
use super::error::ChannelError;
use super::moved::{At, Move, Outcome};
use super::name::ChannelName;
use super::record::{ROUNDS, Record, Sight};

/// Where a manifest says which version it is (image-spec, annotations.md).
const VERSION: &str = "org.opencontainers.image.version";

/// What somebody wants a channel to hold.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Of a manifest or index of the repository.
    pub digest: &'a BlobDigest,
    /// Its version, if it does not say it itself.
    pub version: Option<&'a str>,
    /// Why: one line.
    pub reason: &'a str,
    /// By the clock.
    pub when: Epoch,
}

/// Makes a channel hold something, whatever it held, and records it. A tag that has no record gets one, unless it is the
/// tag of a release.
pub fn set(place: &RegistryPlace<'_>, name: &ChannelName, setting: &Setting<'_>) -> Result<Move, ChannelError> {
    let record = Record { place, name };
    if !is_line(setting.reason) {
        return Err(ChannelError::Text { what: "reason" });
    }
    let wanted = At { version: version(place, setting)?, digest: *setting.digest };
    for _ in 0..ROUNDS {
        let sight = record.look()?;
        check(&record, &sight)?;
        let last = sight.last.as_ref();
        if sight.agrees() && last.is_some_and(|last| last.at() == wanted) {
            return Ok(Move { channel: name.to_string(), outcome: Outcome::Holds(wanted), mended: None });
        }
        let entry = Entry {
            channel: name.to_string(),
            number: record.next(last)?,
            from: last.map_or(sight.held, |last| Some(last.entry.to)),
            to: wanted.digest,
            version: wanted.version.clone(),
            when: setting.when,
            reason: setting.reason.to_owned(),
            previous: last.map(|last| last.digest),
        };
        let Some(mine) = record.append(entry)? else { continue };
        let newest = record.settle(&mine)?;
        if record.keeps(&mine, &newest)? {
            let (number, from) = (mine.entry.number, last.map(Kept::at));
            let outcome = Outcome::Moved { number, from, to: wanted };
            return Ok(Move { channel: name.to_string(), outcome, mended: None });
        }
    }
    Err(record.crowded())
}

/// The version of what is to be held, which has to be there.
fn version(place: &RegistryPlace<'_>, setting: &Setting<'_>) -> Result<String, ChannelError> {
    let digest = *setting.digest;
    let manifest = place.client.document_of(&place.repository, &digest)?;
    let says = Links::of(&manifest.bytes).ok().and_then(|mut links| links.annotations.remove(VERSION));
    let version = match (says, setting.version) {
        (Some(says), Some(given)) if says != given => {
            return Err(ChannelError::OtherVersion { digest, says, given: given.to_owned() });
        }
        (Some(says), _) => says,
        (None, Some(given)) => given.to_owned(),
        (None, None) => return Err(ChannelError::NoVersion { digest }),
    };
    if is_line(&version) { Ok(version) } else { Err(ChannelError::Text { what: "version" }) }
}

/// Refuses what would hide that a record is broken, or move a release.
fn check(record: &Record<'_>, sight: &Sight) -> Result<(), ChannelError> {
    match (&sight.last, sight.held) {
        (Some(last), _) if !sight.agrees() => record.check_end(last.entry.number),
        (None, Some(held)) => {
            let place = record.place;
            let manifest = place.client.document_of(&place.repository, &held)?;
            let says = Links::of(&manifest.bytes).ok().and_then(|mut links| links.annotations.remove(VERSION));
            let tag = record.name.tag().as_str();
            let is_release = says.as_deref() == Some(tag) || is_of_plan(tag);
            // What kiln published has a record of its plan, and every tag of it but a channel is a release's.
            if is_release || names_a_plan(&place.client.referrers(&place.repository, &held)?.entries) {
                let version = says.unwrap_or_else(|| "without a number".to_owned());
                return Err(ChannelError::ReleaseTag { channel: record.full_name(), version, held });
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
