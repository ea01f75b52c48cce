//! Moves channels forward.

use crate::base::{BlobDigest, Epoch};
use crate::input::each;
use crate::publish::registry::RegistryPlace;
use crate::publish::version::Version;

use super::aim::Aims;
use super::entry::{Entry, Kept};
use super::error::ChannelError;
use super::moved::{At, How, Move, Outcome};
use super::name::ChannelName;
use super::record::{ROUNDS, Record};

/// Channels that are moved at once.
const AT_ONCE: usize = 4;

/// What a record says of a move that nobody gave a reason for.
const REASON: &str = "push";

/// Moves each channel to what has just been published, if that is further on than what it holds. One that cannot be moved
/// does not keep the others back.
pub fn advance(
    place: &RegistryPlace<'_>,
    aims: &Aims,
    digest: &BlobDigest,
    when: Epoch,
) -> Vec<(String, Result<Move, ChannelError>)> {
    let one = |name: &ChannelName| {
        let record = Record { place, name };
        Ok::<_, std::convert::Infallible>((name.to_string(), advance_one(&record, aims, digest, when)))
    };
    let Ok(moved) = each(&aims.moving, AT_ONCE, one);
    let staying = aims.staying.iter().map(|staying| (staying.channel.clone(), Ok(staying.clone())));
    moved.into_iter().chain(staying).collect()
}

fn advance_one(record: &Record<'_>, aims: &Aims, digest: &BlobDigest, when: Epoch) -> Result<Move, ChannelError> {
    let offered = At { version: aims.version.to_string(), digest: *digest };
    let mut mended = None;
    for _ in 0..ROUNDS {
        let sight = record.look()?;
        if let (Some(held), None) = (sight.held, &sight.last) {
            return Err(ChannelError::Foreign { channel: record.full_name(), held, offered: Some(offered) });
        }
        if let (false, Some(last)) = (sight.agrees(), &sight.last) {
            record.check_behind(&sight, last)?;
            mended = Some(record.settle(last)?.at());
            continue;
        }
        let done = |outcome, mended| Ok(Move { channel: record.name.to_string(), outcome, mended });
        if let Some(outcome) = stays(record, aims, sight.last.as_ref(), &offered)? {
            return done(outcome, mended);
        }
        let entry = Entry {
            channel: record.name.to_string(),
            number: record.next(sight.last.as_ref())?,
            from: sight.held,
            to: *digest,
            version: offered.version.clone(),
            when,
            reason: REASON.to_owned(),
            previous: sight.last.as_ref().map(|last| last.digest),
        };
        let Some(mine) = record.append(entry)? else { continue };
        let newest = record.settle(&mine)?;
        if record.keeps(&mine, &newest)? {
            let (number, from) = (mine.entry.number, sight.last.as_ref().map(Kept::at));
            return done(Outcome::Moved { number, from, to: offered }, mended);
        }
    }
    Err(record.crowded())
}

/// Why the channel stays where it is; nothing if it is to move.
fn stays(record: &Record<'_>, aims: &Aims, last: Option<&Kept>, offered: &At) -> Result<Option<Outcome>, ChannelError> {
    let Some(last) = last else { return Ok(None) };
    let held = last.at();
    if held.digest == offered.digest {
        return Ok(Some(Outcome::Holds(held)));
    }
    let version = match Version::parse(&held.version, aims.order) {
        Ok(version) => version,
        Err(source) => {
            let (channel, held, offered) = (record.full_name(), Box::new(held), Box::new(offered.clone()));
            return Err(ChannelError::Incomparable { channel, held, offered, source });
        }
    };
    let offered = offered.clone();
    Ok(match version.cmp(&aims.version) {
        // Who went back from it does not want it again because the same pipeline runs once more.
        std::cmp::Ordering::Less if last.entry.from == Some(offered.digest) && last.entry.reason != REASON => {
            Some(Outcome::Ahead { held, offered, how: How::SetBack })
        }
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(Outcome::Ahead { held, offered, how: How::Equal }),
        std::cmp::Ordering::Greater => Some(Outcome::Ahead { held, offered, how: How::Further }),
    })
}
