//! Which times and platforms a build gets: flags, template, lock, in this order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::base::{Epoch, Platform};

use super::file::{Lock, PROFILE};
use super::input::{PackagesPin, Pin, Request};
use crate::packages::PackagePin;

/// What the command line and the template say, each in this order; what neither says, the lock does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `--epoch`
    pub epoch_flag: Option<Epoch>,
    /// `--created`
    pub created_flag: Option<Epoch>,
    /// `image.epoch`
    pub epoch: Option<Epoch>,
    /// `image.created`
    pub created: Option<Epoch>,
    /// `image.platforms`
    pub platforms: Vec<Platform>,
    /// Whether anything comes from outside.
    pub inputs: Inputs,
}

/// Whether a template takes anything that a lock has to pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inputs {
    /// It does not.
    #[default]
    None,
    /// It does.
    Some,
}

/// What a build gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The format profile.
    pub profile: String,
    /// The time of files.
    pub epoch: Epoch,
    /// The time in config and annotations.
    pub created: Epoch,
    /// All platforms of the template, sorted.
    pub platforms: Vec<Platform>,
}

/// One entry of a lock that was written or moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub entry: String,
    /// What it was.
    pub old: Option<String>,
    /// What it is; empty if the entry was dropped.
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.old {
            None => write!(f, "{} = {}", self.entry, self.new),
            Some(old) if self.new.is_empty() => write!(f, "{}: dropped, was {old}", self.entry),
            Some(old) => write!(f, "{}: {} -> {}", self.entry, old, self.new),
        }
    }
}

/// Whether a template that says this needs a lock file at all.
fn needs_lock(asked: &Asked) -> bool {
    asked.epoch.is_none() || asked.platforms.is_empty() || asked.inputs == Inputs::Some
}

/// The settled values; `None` if a lock is needed and there is none, or it lacks the platforms.
pub fn settle(asked: &Asked, lock: Option<&Lock>) -> Option<Settled> {
    let epoch = asked.epoch_flag.or(asked.epoch).or(lock.map(|lock| lock.epoch))?;
    let created = asked.created_flag.or(asked.created).or(asked.epoch).or(lock.map(|lock| lock.created))?;
    let mut platforms = match (asked.platforms.as_slice(), lock) {
        ([], None) => return None,
        ([], Some(lock)) if lock.platforms.is_empty() => return None,
        ([], Some(lock)) => lock.platforms.clone(),
        (platforms, _) => platforms.to_vec(),
    };
    platforms.sort();
    platforms.dedup();
    let profile = lock.map_or(PROFILE.to_owned(), |lock| lock.profile.clone());
    Some(Settled { profile, epoch, created, platforms })
}

/// The lock that `old` has to become so that [`settle`] succeeds, and what changes in it; `None` if it is complete as it
/// is. `now` and `machine` are what entries get that nobody has chosen.
pub fn complete(asked: &Asked, old: Option<&Lock>, now: Epoch, machine: &Platform) -> Option<(Lock, Vec<Change>)> {
    let platforms = if asked.platforms.is_empty() { vec![machine.clone()] } else { Vec::new() };
    let mut changes = Vec::new();
    let mut entry = |entry: &str, new: String| changes.push(Change { entry: entry.to_owned(), old: None, new });
    let lock = match old {
        Some(old) if old.platforms.is_empty() && !platforms.is_empty() => Lock { platforms, ..old.clone() },
        Some(_) => return None,
        None if !needs_lock(asked) => return None,
        None => {
            let epoch = asked.epoch_flag.or(asked.epoch).unwrap_or(now);
            let created = asked.created_flag.or(asked.created).or(asked.epoch).unwrap_or(now);
            entry("profile", PROFILE.to_owned());
            entry("epoch", epoch.to_string());
            entry("created", created.to_string());
            Lock { profile: PROFILE.to_owned(), epoch, created, platforms, inputs: BTreeMap::new() }
        }
    };
    if !lock.platforms.is_empty() {
        entry("platforms", show(&lock.platforms));
    }
    Some((lock, changes))
}

fn show(platforms: &[Platform]) -> String {
    platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ")
}

/// The requests that have no entry.
pub fn missing(requests: &BTreeSet<Request>, lock: Option<&Lock>) -> Vec<Request> {
    let known = |request: &&Request| lock.is_some_and(|lock| lock.inputs.contains_key(request));
    requests.iter().filter(|request| !known(request)).cloned().collect()
}

/// Drops the entries that nobody asks for any more.
pub fn drop_stale(lock: &mut Lock, requests: &BTreeSet<Request>) -> Vec<Change> {
    let stale: Vec<Request> = lock.inputs.keys().filter(|request| !requests.contains(request)).cloned().collect();
    let drop = |request: &Request| {
        let old = lock.inputs.remove(request).map(|pin| pin.to_string());
        Change { entry: request.to_string(), old, new: String::new() }
    };
    stale.iter().map(drop).collect()
}

/// Gives a request its pin; nothing if it has it already. Of a set of packages each that moved is told.
pub fn put(lock: &mut Lock, request: &Request, pin: Pin) -> Vec<Change> {
    let old = lock.inputs.insert(request.clone(), pin.clone());
    if old.as_ref() == Some(&pin) {
        return Vec::new();
    }
    if let (Some(Pin::Packages(old)), Pin::Packages(new)) = (&old, &pin) {
        let moved = moved(request, old, new);
        if !moved.is_empty() {
            return moved;
        }
    }
    vec![Change { entry: request.to_string(), old: old.as_ref().map(Pin::to_string), new: pin.to_string() }]
}

fn moved(request: &Request, old: &PackagesPin, new: &PackagesPin) -> Vec<Change> {
    let key = |pin: &PackagePin| (pin.name.clone(), pin.architecture.clone());
    let before: BTreeMap<_, &PackagePin> = old.set.iter().map(|pin| (key(pin), pin)).collect();
    let after: BTreeMap<_, &PackagePin> = new.set.iter().map(|pin| (key(pin), pin)).collect();
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &(String, String)| {
        let version = |set: &BTreeMap<_, &PackagePin>| set.get(key).map(|pin| pin.version.clone());
        let (old, new) = (version(&before), version(&after));
        let entry = format!("{request}: {}", key.0);
        (old != new).then(|| Change { entry, old, new: new.unwrap_or_default() })
    };
    keys.into_iter().filter_map(change).collect()
}

/// Moves one entry; `None` if it holds that already.
pub fn move_entry(lock: &mut Lock, to: &Move) -> Option<Change> {
    let (entry, old, new) = match to {
        Move::Epoch(epoch) => ("epoch", std::mem::replace(&mut lock.epoch, *epoch).to_string(), epoch.to_string()),
        Move::Created(created) => {
            ("created", std::mem::replace(&mut lock.created, *created).to_string(), created.to_string())
        }
        Move::Profile => ("profile", std::mem::replace(&mut lock.profile, PROFILE.to_owned()), PROFILE.to_owned()),
        Move::Platforms(platforms) => {
            ("platforms", show(&std::mem::replace(&mut lock.platforms, platforms.clone())), show(platforms))
        }
    };
    (old != new).then(|| Change { entry: entry.to_owned(), old: Some(old), new })
}

/// An entry and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// The time of files.
    Epoch(Epoch),
    /// The time in config and annotations.
    Created(Epoch),
    /// The newest profile.
    Profile,
    /// These platforms.
    Platforms(Vec<Platform>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Epoch {
        text.parse().expect("a time")
    }

    fn machine() -> Platform {
        "linux/amd64".parse().expect("a platform")
    }

    #[test]
    fn flags_win_over_the_template_and_the_template_over_the_lock() {
        let now = time("2026-11-23T00:00:00Z");
        let mut asked = Asked::default();
        assert_eq!(settle(&asked, None), None);
        let (lock, changes) = complete(&asked, None, now, &machine()).expect("a new lock");
        let text: Vec<String> = changes.iter().map(Change::to_string).collect();
        assert_eq!(
            text,
            [
                "profile = 1",
                "epoch = 2026-11-23T00:00:00Z",
                "created = 2026-11-23T00:00:00Z",
                "platforms = linux/amd64"
            ]
        );
        assert_eq!(settle(&asked, Some(&lock)).map(|settled| settled.created), Some(now));
        asked.epoch = Some(time("2020-01-01T00:00:00Z"));
        let settled = settle(&asked, Some(&lock)).expect("settled");
        assert_eq!((settled.epoch, settled.created), (time("2020-01-01T00:00:00Z"), time("2020-01-01T00:00:00Z")));
        asked.epoch_flag = Some(time("2021-01-01T00:00:00Z"));
        assert_eq!(settle(&asked, Some(&lock)).map(|settled| settled.epoch), asked.epoch_flag);
    }

    #[test]
    fn a_template_that_says_everything_needs_no_lock() {
        let asked = Asked { epoch: Some(time("2020-01-01T00:00:00Z")), platforms: vec![machine()], ..Asked::default() };
        assert_eq!(complete(&asked, None, time("2026-01-01T00:00:00Z"), &machine()), None);
        assert!(settle(&asked, None).is_some());
        let with_inputs = Asked { inputs: Inputs::Some, ..asked };
        assert!(complete(&with_inputs, None, time("2026-01-01T00:00:00Z"), &machine()).is_some());
    }

    #[test]
    fn requests_get_entries_and_lose_them() {
        let now = time("2026-11-23T00:00:00Z");
        let (mut lock, _) = complete(&Asked::default(), None, now, &machine()).expect("a new lock");
        let inputs = crate::lock::raw::testing::inputs();
        let requests: BTreeSet<Request> = inputs.keys().cloned().collect();
        assert_eq!(missing(&requests, Some(&lock)).len(), inputs.len());
        for (request, pin) in &inputs {
            assert!(!put(&mut lock, request, pin.clone()).is_empty());
            assert_eq!(put(&mut lock, request, pin.clone()), [], "it is there");
        }
        assert!(missing(&requests, Some(&lock)).is_empty());
        let dropped = drop_stale(&mut lock, &requests.iter().skip(1).cloned().collect());
        let text = dropped.iter().map(Change::to_string).collect::<Vec<_>>();
        assert!(text.len() == 1 && text[0].starts_with("image debian:bookworm (linux/amd64): dropped, was sha256:"));
    }

    #[test]
    fn of_a_set_each_package_that_moved_is_told() {
        let now = time("2026-11-23T00:00:00Z");
        let (mut lock, _) = complete(&Asked::default(), None, now, &machine()).expect("a new lock");
        let inputs = crate::lock::raw::testing::inputs();
        let packages = inputs.iter().find_map(|(request, pin)| match pin {
            Pin::Packages(pin) => Some((request, pin)),
            _ => None,
        });
        let (request, pin) = packages.expect("a set");
        drop(put(&mut lock, request, Pin::Packages(pin.clone())));
        let mut newer = pin.clone();
        let gone = newer.set.pop().expect("a package");
        newer.set[0].version = "99".to_owned();
        let changed = &pin.set[0];
        let told: Vec<String> = put(&mut lock, request, Pin::Packages(newer)).iter().map(Change::to_string).collect();
        let expected = [
            format!("{request}: {}: {} -> 99", changed.name, changed.version),
            format!("{request}: {}: dropped, was {}", gone.name, gone.version),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_entry_that_moves_says_from_what_to_what() {
        let now = time("2026-11-23T00:00:00Z");
        let (mut lock, _) = complete(&Asked::default(), None, now, &machine()).expect("a new lock");
        let change = move_entry(&mut lock, &Move::Epoch(time("2020-01-01T00:00:00Z")));
        assert_eq!(
            change.map(|change| change.to_string()).as_deref(),
            Some("epoch: 2026-11-23T00:00:00Z -> 2020-01-01T00:00:00Z")
        );
        assert_eq!(move_entry(&mut lock, &Move::Profile), None);
    }
}
