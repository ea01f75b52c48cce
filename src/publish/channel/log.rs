//! The record of a channel, held against itself and the tag.

use crate::input::each;
use crate::publish::registry::RegistryPlace;

use super::entry::Kept;
use super::error::ChannelError;
use super::name::ChannelName;
use super::record::{Record, Sight};

/// Entries that are read at once.
const AT_ONCE: usize = 8;

/// How often the tag may be behind: somebody may be between their entry and the tag.
const LOOKS: usize = 3;

/// All moves of a channel, the first one first. Fails if they do not follow each other, or the tag is not where the last
/// one says.
pub fn log(place: &RegistryPlace<'_>, name: &ChannelName) -> Result<Vec<Kept>, ChannelError> {
    let record = Record { place, name };
    let mut sight = record.look()?;
    for _ in 1..LOOKS {
        if sight.agrees() {
            break;
        }
        sight = record.look()?;
    }
    let Some(last) = &sight.last else {
        let channel = record.full_name();
        return Err(match sight.held {
            Some(held) => ChannelError::Foreign { channel, held, offered: None },
            None => ChannelError::NoChannel { channel },
        });
    };
    let numbers: Vec<u32> = (1..=last.entry.number).collect();
    let entries = each(&numbers, AT_ONCE, |number| record.entry(*number, last.entry.number))?;
    check_chain(&record, &entries)?;
    record.check_end(last.entry.number)?;
    check_tag(&record, &sight, last)?;
    Ok(entries)
}

fn check_chain(record: &Record<'_>, entries: &[Kept]) -> Result<(), ChannelError> {
    for pair in entries.windows(2) {
        let [before, entry] = pair else { continue };
        let number = entry.entry.number;
        let shown = |digest: Option<crate::base::BlobDigest>| digest.map_or("nothing".to_owned(), |it| it.to_string());
        for (what, expected, found) in [
            ("the digest of that one", before.digest, entry.entry.previous),
            ("what it moved from", before.entry.to, entry.entry.from),
        ] {
            if found != Some(expected) {
                let (channel, expected, found) = (record.full_name(), expected.to_string(), shown(found));
                return Err(ChannelError::Chain { channel, number, what, expected, found });
            }
        }
    }
    Ok(())
}

fn check_tag(record: &Record<'_>, sight: &Sight, last: &Kept) -> Result<(), ChannelError> {
    if sight.agrees() {
        return Ok(());
    }
    record.check_behind(sight, last)?;
    let (channel, held, number) = (record.full_name(), sight.held, last.entry.number);
    Err(ChannelError::Behind { channel, held, number, says: last.at() })
}
