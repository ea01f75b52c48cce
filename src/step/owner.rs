//! Owner names to numbers.

use crate::template::{Id, Owner};
use crate::tree::Tree;

use super::accounts::{Accounts, GROUP, PASSWD};
use super::error::StepError;
use super::evaluate::Reader;

/// User and group numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ids {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// The numbers of `owner` in the tree as it is now; without one, root's.
pub fn resolve(owner: Option<&Owner>, root: &Tree, reader: &Reader<'_>) -> Result<Ids, StepError> {
    let Some(owner) = owner else { return Ok(Ids::default()) };
    let (uid, own_gid) = match &owner.user {
        Id::Number(uid) => (*uid, *uid),
        Id::Name(name) => user(name, root, reader)?,
    };
    let gid = match &owner.group {
        None => own_gid,
        Some(Id::Number(gid)) => *gid,
        Some(Id::Name(name)) => group(name, root, reader)?,
    };
    Ok(Ids { uid, gid })
}

fn user(name: &str, root: &Tree, reader: &Reader<'_>) -> Result<(u32, u32), StepError> {
    if let ("root", None) = (name, root.get(&PASSWD.path())) {
        // An image without accounts still has its superuser.
        return Ok((0, 0));
    }
    let accounts = Accounts::read(PASSWD, root, reader)?;
    match accounts.find(name) {
        Some(entry) => Ok((accounts.number(entry, 2)?, accounts.number(entry, 3)?)),
        None => Err(StepError::UnknownUser { name: name.to_owned(), nearest: accounts.nearest(name) }),
    }
}

/// The number of the group `name`.
pub fn group(name: &str, root: &Tree, reader: &Reader<'_>) -> Result<u32, StepError> {
    if let ("root", None) = (name, root.get(&GROUP.path())) {
        return Ok(0);
    }
    let accounts = Accounts::read(GROUP, root, reader)?;
    match accounts.find(name) {
        Some(entry) => accounts.number(entry, 2),
        None => Err(StepError::UnknownGroup { name: name.to_owned(), nearest: accounts.nearest(name) }),
    }
}
