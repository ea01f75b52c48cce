//! `adduser` and `addgroup`: what Debian's adduser would write, without a program in the image.

use crate::base::Epoch;
use crate::template::{Account, Adduser, GroupName, Id, Span};
use crate::tree::{Kind, Node};

use super::accounts::{AccountFile, Accounts, GROUP, GSHADOW, PASSWD, SHADOW};
use super::draft::{Draft, Overwrite};
use super::error::StepError;
use super::evaluate::{Reader, When};
use super::owner;

/// Numbers for people, from the bottom up (Debian policy, 9.2.2).
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=59_999;
/// Numbers for programs, from the top down.
const SYSTEM: std::ops::RangeInclusive<u32> = 100..=999;
/// A password that nobody can type.
const LOCKED: &str = "!";
/// Seconds of a day: shadow counts in days.
const DAY_SECONDS: i64 = 86_400;

/// `adduser`
pub fn add_user(
    step: &Adduser,
    draft: &mut Draft<'_>,
    reader: &mut Reader<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let name = &step.account.name;
    let mut passwd = Accounts::read(PASSWD, draft.root(), reader)?;
    if passwd.find(name).is_some() {
        return Err(StepError::AccountExists { what: "user", name: name.clone() });
    }
    let mut group = Accounts::read(GROUP, draft.root(), reader)?;
    let mut gshadow = Accounts::read(GSHADOW, draft.root(), reader)?;
    let own_group = step.group.is_none();
    let uid = choose(&step.account, &passwd, own_group.then_some(&group))?;
    let gid = match &step.group {
        None => {
            new_group(name, uid, &mut group, &mut gshadow)?;
            uid
        }
        Some(GroupName(Id::Number(gid))) => *gid,
        Some(GroupName(Id::Name(group))) => owner::group(group, draft.root(), reader)?,
    };
    for further in &step.groups {
        join(name, further, &mut group, &mut gshadow)?;
    }
    let default_home = if step.account.system { "/nonexistent".to_owned() } else { format!("/home/{name}") };
    let home = step.home.as_deref().unwrap_or(&default_home);
    let shell = step.shell.as_deref().unwrap_or("/usr/sbin/nologin");
    passwd.add(&[name, "x", &uid.to_string(), &gid.to_string(), &step.comment, home, shell])?;
    let mut shadow = Accounts::read(SHADOW, draft.root(), reader)?;
    shadow.add(&[name, LOCKED, &days(when.epoch), "0", "99999", "7", "", "", ""])?;
    for (file, accounts) in [(PASSWD, passwd), (SHADOW, shadow), (GROUP, group), (GSHADOW, gshadow)] {
        save(file, &accounts, draft, reader, when, span)?;
    }
    Ok(())
}

/// `addgroup`
pub fn add_group(
    step: &Account,
    draft: &mut Draft<'_>,
    reader: &mut Reader<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let mut group = Accounts::read(GROUP, draft.root(), reader)?;
    let mut gshadow = Accounts::read(GSHADOW, draft.root(), reader)?;
    let gid = choose(step, &group, None)?;
    new_group(&step.name, gid, &mut group, &mut gshadow)?;
    save(GROUP, &group, draft, reader, when, span)?;
    save(GSHADOW, &gshadow, draft, reader, when, span)
}

/// The number of a new account: the one that was asked for, or the first that is free in both files.
fn choose(account: &Account, accounts: &Accounts, also: Option<&Accounts>) -> Result<u32, StepError> {
    let holder = |id: u32| {
        let of_user = accounts.holder(id).map(|holder| ("account", holder));
        of_user.or_else(|| also.and_then(|groups| groups.holder(id)).map(|holder| ("group", holder)))
    };
    if let Some(id) = account.id {
        return match holder(id) {
            None => Ok(id),
            Some((what, holder)) => {
                Err(StepError::IdTaken { name: account.name.clone(), id, what, holder: holder.to_owned() })
            }
        };
    }
    let free = |id: &u32| holder(*id).is_none();
    let found = if account.system { SYSTEM.rev().find(free) } else { PEOPLE.clone().find(free) };
    found.ok_or_else(|| StepError::NoFreeId { name: account.name.clone() })
}

fn new_group(name: &str, gid: u32, group: &mut Accounts, gshadow: &mut Accounts) -> Result<(), StepError> {
    if group.find(name).is_some() {
        return Err(StepError::AccountExists { what: "group", name: name.to_owned() });
    }
    group.add(&[name, "x", &gid.to_string(), ""])?;
    gshadow.add(&[name, LOCKED, "", ""])
}

/// Makes `user` a member of a further group.
fn join(user: &str, group_name: &GroupName, group: &mut Accounts, gshadow: &mut Accounts) -> Result<(), StepError> {
    let name = match &group_name.0 {
        Id::Name(name) => name.clone(),
        Id::Number(id) => group.holder(*id).map(str::to_owned).unwrap_or_else(|| id.to_string()),
    };
    let entry = group
        .find(&name)
        .ok_or_else(|| StepError::UnknownGroup { name: name.clone(), nearest: group.nearest(&name) })?;
    group.add_member(entry, user);
    if let Some(entry) = gshadow.find(&name) {
        gshadow.add_member(entry, user);
    }
    Ok(())
}

fn days(epoch: Epoch) -> String {
    (epoch.seconds() / DAY_SECONDS).to_string()
}

fn save(
    file: AccountFile,
    accounts: &Accounts,
    draft: &mut Draft<'_>,
    reader: &mut Reader<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let content = reader.keep(accounts.to_bytes());
    let kind = Kind::File { content, links: None };
    let mtime = when.of(&kind);
    let node = match &accounts.node {
        Some(node) => Node { kind, mtime, ..node.clone() },
        None => Node { mtime, ..Node::new(kind, file.mode) },
    };
    let place = crate::tree::resolve::resolve_fully(draft.root(), &file.path())?;
    draft.put(&place, node, span, Overwrite::Edit)
}
