//! Times of files that a command with a cache sees.
//!
//! Tools such as make and cargo compare the times of sources with those of what they kept from the last build. If all
//! sources had the epoch, a changed file would look older than its result, and the stale result would be taken. So beside
//! a cache a source's file keeps its time as long as its content stays, and gets the clock's when it changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::base::ContentDigest;
use crate::store::replace_file;
use crate::tree::{Change, Changeset, Kind};

/// Path to content and time.
type Times = BTreeMap<String, (ContentDigest, i64)>;

/// The same changes with the times that the cache at `cache` remembers; `now` for what is new to it.
pub(super) fn remembered(changes: Changeset, mount: &str, cache: &Path, now: i64) -> Changeset {
    let path = cache.with_extension("times");
    let mut known: Times =
        fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let timed = changes.iter().map(|(at, change)| {
        let mut change = change.clone();
        if let Change::Node(node) = &mut change {
            let digest = match &node.kind {
                Kind::File { content, .. } => content.digest,
                Kind::Symlink { target } => crate::base::hash::digest_of(target),
                _ => ContentDigest::from([0; 32]),
            };
            let name = format!("{mount}:{at}");
            let time = known.get(&name).filter(|(before, _)| *before == digest).map_or(now, |(_, time)| *time);
            known.insert(name, (digest, time));
            node.mtime = time;
        }
        (at.clone(), change)
    });
    let timed: Changeset = timed.collect();
    // A note that cannot be written makes tools do more, not less: everything is new to the cache then.
    let written =
        serde_json::to_vec(&known).map_err(std::io::Error::other).and_then(|bytes| replace_file(&path, &bytes));
    if written.is_err() {
        drop(fs::remove_file(&path));
    }
    timed
}
