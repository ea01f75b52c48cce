//! Channels: tags that move, forward only, and never without a record.
//!
//! ```text
//! latest              the tag: what its last entry says
//! ch-latest-000001    entry 1: nothing     -> sha256:a.., 1.8.1, when, why
//! ch-latest-000002    entry 2: sha256:a..  -> sha256:b.., 1.8.2, when, why, digest of entry 1
//!
//! patterns + version --aim--> names --advance--> look: further on? --> entry created --> tag set, until both agree
//! digest + reason    --set---------------------> look              --> entry created --> tag set, until both agree
//! name               --log---------------------> all entries, held against each other and the tag
//! ```
//! - An entry is a tag that is created once ([`crate::registry::write::tag`]). So of several pushers one makes entry n; the
//!   others look again, and those that are not further on now leave the channel alone. Its digest is in the next entry:
//!   nothing can be taken out or changed in the middle without a trace.
//! - Numbers have no holes, because an entry is made only behind one that is there. So the last one is found by halving,
//!   without the list of all tags. A registry that lost an entry may look as if the record ended there; then the tag and the
//!   record disagree, and nothing moves a tag before it is known why.
//! - The entry comes first, then the tag. Who was killed between the two leaves a tag that is behind its record: the next
//!   push to the channel sets it, also one that does not move it, and so does `kiln channel set`. `kiln channel log` writes
//!   nothing, and says so.
//!
//! Why the tag ends at the last entry, whoever pushes at the same time and in whatever order their requests arrive: after
//! each write of the tag its writer reads the record and then the tag, and is done only if they agree; and whoever creates
//! an entry does the same afterwards. Let the last write of the tag put v there, and let E be the last entry. If E was there
//! when the writer read the record, v is what E says, or it would have written again. If E was not, whoever created E read
//! the tag after that, found v, and would have written if E said something else. Both would contradict that it was the last
//! write. Nobody reads an entry that is not there, and a tag is never set to anything but what an entry says.
//!
//! This needs a registry that orders what it is asked. One that does not honour `If-None-Match` may let two pushers create
//! the same entry in one round trip: the second one stays. The first one finds that the record does not go on from its
//! entry, and looks again ([`record::Record::keeps`]); what remains is the time between its last look and a write that was
//! on its way. Immutable tags close it, if the registry exempts the channels themselves.
//!
//! Architecture Invariant: nothing else moves a channel (`tests/tidy/moves.rs`), and nothing here writes a tag that is
//! neither a channel nor an entry.

pub mod advance;
pub mod aim;
pub mod entry;
pub mod error;
pub mod log;
pub mod moved;
pub mod name;
mod record;
pub mod set;

#[cfg(test)]
mod tests;

pub use advance::advance;
pub use aim::Aims;
pub use entry::{Entry, Kept};
pub use error::ChannelError;
pub use log::log;
pub use moved::{At, Move, Outcome};
pub use name::ChannelName;
pub use set::{Setting, set};
