//! Who an image runs as.

use crate::step::accounts::{Accounts, PASSWD};
use crate::step::{Reader, StepError, Who, who};
use crate::template::{Id, Owner};
use crate::tree::Tree;

/// The meaning of `config.User`, as engines have it: names are those of the image's accounts, and a number that has an
/// account gets that account's group, one without an account root's.
pub(super) fn of_image(user: Option<&str>, root: &Tree, reader: &Reader<'_>) -> Result<Who, StepError> {
    let Some(user) = user else { return who(None, root, reader) };
    let (user, group) = match user.split_once(':') {
        Some((user, group)) => (id(user), Some(id(group))),
        None => (id(user), None),
    };
    let group = match (&user, group) {
        (Id::Number(uid), None) => Some(Id::Number(group_of(*uid, root, reader)?)),
        (_, group) => group,
    };
    who(Some(&Owner { user, group }), root, reader)
}

fn id(text: &str) -> Id {
    text.parse().map_or_else(|_| Id::Name(text.to_owned()), Id::Number)
}

fn group_of(uid: u32, root: &Tree, reader: &Reader<'_>) -> Result<u32, StepError> {
    let accounts = Accounts::read(PASSWD, root, reader)?;
    match accounts.holder(uid).and_then(|name| accounts.find(name)) {
        Some(entry) => accounts.number(entry, 3),
        None => Ok(0),
    }
}
