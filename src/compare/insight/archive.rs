//! Two archives of one format: which members they have, in which order, and what differs of each.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::compare::cause::line::explain;
use crate::compare::cause::{Facts, Known, Reasons, order};
use crate::compare::difference::Both;

use super::members::{Member, Members, read};
use super::{Insight, Place, Seen, short};

/// Members of one side that are named.
const NAMES_MAX: usize = 5;
/// Members that are looked into, of an archive that is a file; of one inside another it is one.
const INNER_MAX: usize = 3;

/// What differs between two archives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// `ar`, `tar` or `zip`.
    pub archive: &'static str,
    /// Members that only one of them has.
    pub only: Both<Names>,
    /// Whether those that both have stand in another order.
    pub order: bool,
    /// Times, seconds since 1970.
    pub time: Option<Differing<i64>>,
    /// User and group, with a colon between.
    pub owner: Option<Differing<String>>,
    /// Modes in octal digits.
    pub mode: Option<Differing<String>>,
    /// Types, and targets of links.
    pub target: Option<Differing<String>>,
    /// Contents that differ.
    pub members: Vec<Inner>,
    /// How many more contents differ.
    pub members_left_out: usize,
    /// Whether a part of an archive was not looked at.
    pub cut: bool,
}

/// Names, made readable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The first ones.
    pub first: Vec<String>,
    /// How many more there are.
    pub others: usize,
}

/// A value that differs at some members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Differing<T> {
    /// Name of the first one, made readable.
    pub name: String,
    /// Its values.
    pub value: Both<T>,
    /// How many other members have two values.
    pub others: usize,
}

/// A member whose content differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inner {
    /// Its name, made readable.
    pub name: String,
    /// What differs.
    pub insight: Insight,
}

/// Members of one name on both sides.
type Pair<'m, 'a> = (&'m Member<'a>, &'m Member<'a>);

/// What differs, if both are archives of one format.
pub(super) fn look(a: &[u8], b: &[u8], place: &Place<'_>, facts: &Facts<'_>) -> Seen {
    let (a, b) = (read(a)?, read(b)?);
    if a.format != b.format {
        return None;
    }
    let (pairs, only) = pair(&a, &b);
    let mut reasons = Reasons::default();
    explain_only(&only, &mut reasons, facts);
    let order = explain_order(&pairs, &b, &mut reasons, facts);
    let time = differing(&pairs, |member| Some(member.mtime));
    if time.is_some() {
        reasons.put(Known::ArchiveTime);
    }
    let owner = differing(&pairs, |member| member.owner.map(|(user, group)| format!("{user}:{group}")));
    if owner.is_some() {
        let is_user = pairs.iter().all(|pair| is_of_user(pair, facts));
        reasons.put_all(if is_user { &[Known::User] } else { &[] });
    }
    let mode = differing(&pairs, |member| member.mode.map(|mode| format!("{mode:04o}")));
    if mode.is_some() {
        reasons.put_rest();
    }
    for (one, other) in pairs.iter().filter(|(one, other)| one.target != other.target) {
        reasons.put_all(&explain(&one.target, &other.target, facts));
    }
    let target = differing(&pairs, |member| Some(short(&member.target)));
    let (members, members_left_out) = contents(&pairs, place, &mut reasons, facts);
    let names = |list: &[&Member<'_>]| Names {
        first: list.iter().take(NAMES_MAX).map(|member| short(&member.name)).collect(),
        others: list.len().saturating_sub(NAMES_MAX),
    };
    let cut = !(a.is_whole && b.is_whole);
    let archive = Archive {
        archive: a.format,
        only: Both::new(names(&only.a), names(&only.b)),
        order,
        time,
        owner,
        mode,
        target,
        members,
        members_left_out,
        cut,
    };
    // Then it is padding, comments, or how members are compressed.
    if cut || reasons == Reasons::default() {
        reasons.put_rest();
    }
    Some((Insight::Archive(Box::new(archive)), reasons))
}

/// Members of one name, the first with the first and so on, in the order of the first archive; and those left over.
fn pair<'m, 'a>(a: &'m Members<'a>, b: &'m Members<'a>) -> (Vec<Pair<'m, 'a>>, Both<Vec<&'m Member<'a>>>) {
    let mut of_b: BTreeMap<&[u8], Vec<&Member<'a>>> = BTreeMap::new();
    for member in b.list.iter().rev() {
        of_b.entry(&member.name).or_default().push(member);
    }
    let mut pairs = Vec::new();
    let mut only = Both::new(Vec::new(), Vec::new());
    for member in &a.list {
        match of_b.get_mut(member.name.as_slice()).and_then(Vec::pop) {
            Some(other) => pairs.push((member, other)),
            None => only.a.push(member),
        }
    }
    let mut left: BTreeMap<&[u8], usize> = of_b.iter().map(|(name, list)| (*name, list.len())).collect();
    for member in b.list.iter().rev() {
        if let Some(number) = left.get_mut(member.name.as_slice()).filter(|number| **number > 0) {
            *number -= 1;
            only.b.push(member);
        }
    }
    only.b.reverse();
    (pairs, only)
}

fn explain_only(only: &Both<Vec<&Member<'_>>>, reasons: &mut Reasons, facts: &Facts<'_>) {
    if only.a.len() != only.b.len() {
        reasons.put_rest();
        return;
    }
    for (one, other) in only.a.iter().zip(&only.b) {
        reasons.put_all(&explain(&one.name, &other.name, facts));
    }
}

/// Whether the members that both have stand in another order.
fn explain_order(pairs: &[Pair<'_, '_>], b: &Members<'_>, reasons: &mut Reasons, facts: &Facts<'_>) -> bool {
    let of_a: Vec<&[u8]> = pairs.iter().map(|(one, _)| one.name.as_slice()).collect();
    let mut common: BTreeMap<&[u8], usize> = BTreeMap::new();
    of_a.iter().for_each(|name| *common.entry(name).or_default() += 1);
    let mut of_b: Vec<&[u8]> = Vec::new();
    for member in &b.list {
        if let Some(number) = common.get_mut(member.name.as_slice()).filter(|number| **number > 0) {
            *number -= 1;
            of_b.push(&member.name);
        }
    }
    if of_a != of_b {
        reasons.put(order::of_members(&of_a, &of_b, facts));
    }
    of_a != of_b
}

fn differing<T: PartialEq>(pairs: &[Pair<'_, '_>], value: impl Fn(&Member<'_>) -> Option<T>) -> Option<Differing<T>> {
    let mut differ = pairs
        .iter()
        .filter_map(|(one, other)| Both::unequal(value(one)?, value(other)?).map(|value| (short(&one.name), value)));
    let (name, value) = differ.next()?;
    Some(Differing { name, value, others: differ.count() })
}

/// Whether the owners are the same, or those who ran the steps.
fn is_of_user((one, other): &Pair<'_, '_>, facts: &Facts<'_>) -> bool {
    let (Some((user_a, _)), Some((user_b, _))) = (one.owner, other.owner) else { return true };
    let (first, second) = facts.varied.uid;
    one.owner == other.owner || (user_a, user_b) == (u64::from(first), u64::from(second))
}

fn contents(
    pairs: &[Pair<'_, '_>],
    place: &Place<'_>,
    reasons: &mut Reasons,
    facts: &Facts<'_>,
) -> (Vec<Inner>, usize) {
    let most = if place.depth == 0 { INNER_MAX } else { 1 };
    let mut inner = Vec::new();
    let mut left_out = 0;
    for (one, other) in pairs {
        let (Some(first), Some(second)) = (&one.content, &other.content) else {
            reasons.put_rest();
            continue;
        };
        if first == second {
            continue;
        }
        if inner.len() == most {
            left_out += 1;
            continue;
        }
        let (insight, of_inner) = super::look(first, second, &place.inside(&one.name), facts);
        reasons.merge(of_inner);
        inner.push(Inner { name: short(&one.name), insight });
    }
    // What was not looked into may have any cause, but most often has the same.
    if left_out > 0 {
        reasons.put_rest();
    }
    (inner, left_out)
}
