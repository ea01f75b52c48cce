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

/// Who a command runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Its numbers.
    pub ids: Ids,
    /// Its name; the number if it has none.
    pub name: String,
    /// Its home directory; the root if it has none.
    pub home: String,
    /// All its groups.
    pub groups: Vec<u32>,
}

/// The whole of `owner` as the account files of the tree know it; without one, root.
pub fn who(owner: Option<&Owner>, root: &Tree, reader: &Reader<'_>) -> Result<Who, StepError> {
    let ids = resolve(owner, root, reader)?;
    let passwd = Accounts::read(PASSWD, root, reader)?;
    let name = passwd.holder(ids.uid).map(str::to_owned);
    let entry = name.as_deref().and_then(|name| passwd.find(name));
    let home = entry.and_then(|entry| passwd.field(entry, 5)).filter(|home| home.starts_with('/'));
    let home = home.unwrap_or(if ids.uid == 0 { "/root" } else { "/" }).to_owned();
    // As initgroups(3) does: its own first.
    let mut groups = vec![ids.gid];
    if let Some(name) = &name {
        groups.extend(Accounts::read(GROUP, root, reader)?.groups_of(name).into_iter().filter(|gid| *gid != ids.gid));
    }
    let name = name.unwrap_or_else(|| if ids.uid == 0 { "root".to_owned() } else { ids.uid.to_string() });
    Ok(Who { ids, name, home, groups })
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
