//! The record of a channel in a registry, and the tag beside it.

use crate::base::BlobDigest;
use crate::base::hash::digest_of;
use crate::publish::place::Place;
use crate::publish::record::EMPTY;
use crate::publish::registry::RegistryPlace;
use crate::registry::{Channel, Created, Parcel, RegistryError};
use crate::transport::TransportError;

use super::entry::{Entry, Kept};
use super::error::ChannelError;
use super::moved::At;
use super::name::{ChannelName, NUMBER_MAX};

/// How often somebody else may be faster.
pub(super) const ROUNDS: usize = 32;

/// So many entries the tag may be behind the last one: more pushers than that are never between their entry and the tag.
const BEHIND_MAX: usize = 64;

/// How far behind the last entry others are looked for, in powers of two.
const HOLES: u32 = 10;

/// A channel of a repository.
pub(super) struct Record<'a> {
    pub(super) place: &'a RegistryPlace<'a>,
    pub(super) name: &'a ChannelName,
}

/// What was seen of a channel: first its tag, then its record. So whoever set the tag to this had written its entry before
/// the record was looked at.
pub(super) struct Sight {
    /// What the tag holds.
    pub(super) held: Option<BlobDigest>,
    /// The last entry.
    pub(super) last: Option<Kept>,
}

impl Sight {
    /// Whether the tag holds what the record says; also if there is neither.
    pub(super) fn agrees(&self) -> bool {
        self.last.as_ref().map(|last| last.entry.to) == self.held
    }
}

impl Kept {
    /// What it says that the channel holds.
    pub(super) fn at(&self) -> At {
        At { version: self.entry.version.clone(), digest: self.entry.to }
    }
}

impl Record<'_> {
    /// `HOST/REPOSITORY:CHANNEL`
    pub(super) fn full_name(&self) -> String {
        self.place.full_name(self.name.tag())
    }

    pub(super) fn look(&self) -> Result<Sight, ChannelError> {
        let held = self.held()?;
        let last = match self.last_after(0)? {
            0 => None,
            number => Some(self.entry(number, number)?),
        };
        Ok(Sight { held, last })
    }

    fn held(&self) -> Result<Option<BlobDigest>, ChannelError> {
        Ok(self.place.client.standing(&self.place.repository, self.name.tag().as_str())?)
    }

    /// The last entry, where this one is known to be there: 0 for none. Entries are made one after the other and never
    /// taken away, so one that is not there ends them, and halving finds the end.
    fn last_after(&self, known: u32) -> Result<u32, ChannelError> {
        let (mut low, mut step) = (known, 1);
        let mut high = loop {
            let probe = low.saturating_add(step);
            if probe > NUMBER_MAX {
                break NUMBER_MAX + 1;
            }
            if !self.has(probe)? {
                break probe;
            }
            (low, step) = (probe, step.saturating_mul(2));
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.has(middle)? { low = middle } else { high = middle }
        }
        Ok(low)
    }

    fn has(&self, number: u32) -> Result<bool, ChannelError> {
        Ok(self.digest(number)?.is_some())
    }

    fn digest(&self, number: u32) -> Result<Option<BlobDigest>, ChannelError> {
        Ok(self.place.client.standing(&self.place.repository, self.name.entry_tag(number)?.as_str())?)
    }

    /// The entry with this number, which was there a moment ago, or has to be because a later one is.
    pub(super) fn entry(&self, number: u32, last: u32) -> Result<Kept, ChannelError> {
        let tag = self.name.entry_tag(number)?;
        let manifest = self.place.client.held(&self.place.repository, tag.as_str())?;
        let hole = || ChannelError::Hole { channel: self.full_name(), missing: number, found: last };
        let manifest = manifest.ok_or_else(hole)?;
        let wrong = |why| ChannelError::Entry { tag: self.place.full_name(&tag), number, why };
        let entry = Entry::read(&manifest, self.name, number).map_err(wrong)?;
        Ok(Kept { entry, digest: manifest.digest })
    }

    /// The entry that another one follows, whatever its tag holds now.
    fn before(&self, kept: &Kept) -> Result<Option<Kept>, ChannelError> {
        let Some(previous) = kept.entry.previous else { return Ok(None) };
        let number = kept.entry.number - 1;
        let manifest = self.place.client.document_of(&self.place.repository, &previous)?;
        let tag = || Ok::<_, ChannelError>(self.place.full_name(&self.name.entry_tag(number)?));
        match Entry::read(&manifest, self.name, number) {
            Ok(entry) => Ok(Some(Kept { entry, digest: previous })),
            Err(why) => Err(ChannelError::Entry { tag: tag()?, number, why }),
        }
    }

    /// The number that the next entry has.
    pub(super) fn next(&self, last: Option<&Kept>) -> Result<u32, ChannelError> {
        match last.map_or(0, |last| last.entry.number) {
            NUMBER_MAX => Err(ChannelError::Full { channel: self.full_name(), entries: NUMBER_MAX }),
            number => Ok(number + 1),
        }
    }

    /// Adds an entry; nothing if somebody else made the one with this number.
    pub(super) fn append(&self, entry: Entry) -> Result<Option<Kept>, ChannelError> {
        let (client, repository) = (self.place.client, &self.place.repository);
        let empty = digest_of(EMPTY);
        if !client.has_blob(repository, &empty, EMPTY.len() as u64)? {
            let parcel = Parcel { digest: empty, size_bytes: EMPTY.len() as u64, source: &EMPTY };
            client.push_blob(repository, &parcel, &[])?;
        }
        let (tag, manifest) = (self.name.entry_tag(entry.number)?, entry.manifest());
        match client.create_tag(repository, &tag, &manifest) {
            Ok(Created::Now | Created::AlreadyThere) => Ok(Some(Kept { entry, digest: manifest.digest })),
            Err(RegistryError::TagHeld { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the tag to what the last entry says, until both agree; gives that entry. `known` is an entry of the record.
    pub(super) fn settle(&self, known: &Kept) -> Result<Kept, ChannelError> {
        let mut newest = known.clone();
        for _ in 0..ROUNDS {
            // The record is read after each write of the tag, and the tag after each read of the record.
            newest = self.newest(newest)?;
            if self.held()? == Some(newest.entry.to) {
                return Ok(newest);
            }
            self.set_tag(&newest)?;
        }
        Err(self.crowded())
    }

    /// The last entry now, if it was this one.
    fn newest(&self, known: Kept) -> Result<Kept, ChannelError> {
        let number = self.last_after(known.entry.number)?;
        if number == known.entry.number && self.digest(number)? == Some(known.digest) {
            return Ok(known);
        }
        self.entry(number, number)
    }

    fn set_tag(&self, to: &Kept) -> Result<(), ChannelError> {
        let (client, repository) = (self.place.client, &self.place.repository);
        let manifest = client.document_of(repository, &to.entry.to)?;
        let channel = Channel::declared(self.name.tag().clone());
        client.move_channel(repository, &channel, &manifest).map_err(|error| match refusal(&error) {
            Some(status) => {
                ChannelError::Immovable { channel: self.full_name(), to: to.at(), status, source: Box::new(error) }
            }
            None => error.into(),
        })
    }

    /// Whether an entry is the one that the record goes on from. Where a registry does not order who creates a tag, another
    /// one may have taken its place.
    pub(super) fn keeps(&self, mine: &Kept, newest: &Kept) -> Result<bool, ChannelError> {
        let mut at = newest.clone();
        while at.entry.number > mine.entry.number {
            match self.before(&at)? {
                Some(before) => at = before,
                None => return Ok(false),
            }
        }
        Ok(at.digest == mine.digest)
    }

    /// Fails unless the tag is only behind the record: then it may be set to what that says.
    pub(super) fn check_behind(&self, sight: &Sight, last: &Kept) -> Result<(), ChannelError> {
        self.check_end(last.entry.number)?;
        let Some(held) = sight.held else { return Ok(()) };
        let mut at = last.clone();
        for _ in 0..BEHIND_MAX {
            if at.entry.from == Some(held) {
                return Ok(());
            }
            match self.before(&at)? {
                Some(before) => at = before,
                None => break,
            }
        }
        let number = last.entry.number;
        Err(ChannelError::Strayed { channel: self.full_name(), held, number, says: last.at() })
    }

    /// Fails if there are entries beyond the last one, which the registry lost then, as far as a few questions tell.
    pub(super) fn check_end(&self, last: u32) -> Result<(), ChannelError> {
        for distance in (0..HOLES).map(|power| 1 + (1 << power)) {
            let found = last + distance;
            // Somebody may have made the next one meanwhile.
            if found <= NUMBER_MAX && self.has(found)? && !self.has(last + 1)? {
                return Err(ChannelError::Hole { channel: self.full_name(), missing: last + 1, found });
            }
        }
        Ok(())
    }

    pub(super) fn crowded(&self) -> ChannelError {
        ChannelError::Crowded { channel: self.full_name(), rounds: ROUNDS }
    }
}

/// The status with which registries refuse to write over a tag. Mostly an entry was written a moment ago, so that a 403 is
/// not about who we are.
fn refusal(error: &RegistryError) -> Option<u16> {
    match error {
        RegistryError::Unauthorized { status: 403, .. } => Some(403),
        RegistryError::Transport { source, .. } => match **source {
            TransportError::Refused { status: status @ (400 | 409 | 412), .. } => Some(status),
            _ => None,
        },
        _ => None,
    }
}
