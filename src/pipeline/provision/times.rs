//! Times of files that a command with a cache sees.
//!
//! Tools such as make and cargo compare the times of sources with those of what they kept from the last build. If all
//! sources had the epoch, a changed file would look older than its result, and the stale result would be taken. So beside
//! a cache a source's file keeps its time as long as its content stays, and gets a later one than all that the cache holds
//! when it changes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::base::ContentDigest;
use crate::store::replace_file;
use crate::tree::{Change, Changeset, Kind};

/// Path to content and time.
type Times = BTreeMap<String, (ContentDigest, i64)>;

/// What files get that are new to `cache`: `now`, unless the cache was used since. Another build may have used it after
/// this one began, or it ended within this second: then it is the second after.
pub(super) fn of_new(cache: &Path, now: i64) -> i64 {
    let used = fs::metadata(note(cache)).ok().map(|note| note.mtime());
    used.map_or(now, |used| now.max(used.saturating_add(1)))
}

/// Says that `cache` was used until now.
pub(super) fn used(cache: &Path) {
    let path = note(cache);
    // What cannot be said makes a stale result possible within one second.
    let _ = fs::read(&path).and_then(|bytes| replace_file(&path, &bytes));
}

/// Where the times of a cache are. When it was written says when the cache was used.
fn note(cache: &Path) -> PathBuf {
    cache.with_extension("times")
}

/// The same changes with the times that the cache at `cache` remembers; `new` for what is new to it.
pub(super) fn remembered(changes: Changeset, mount: &str, cache: &Path, new: i64) -> Changeset {
    let path = note(cache);
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
            let time = known.get(&name).filter(|(before, _)| *before == digest).map_or(new, |(_, time)| *time);
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn what_is_new_is_newer_than_all_that_a_cache_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = directory.path().join("cache");
        assert_eq!(of_new(&cache, 1000), 1000, "nobody used it");
        fs::write(note(&cache), "{}").expect("a note");
        let note = fs::File::options().write(true).open(note(&cache)).expect("the note");
        note.set_modified(UNIX_EPOCH + Duration::from_millis(1_000_500)).expect("a time");
        assert_eq!((of_new(&cache, 1002), of_new(&cache, 1000), of_new(&cache, 900)), (1002, 1001, 1001));
        used(&cache);
        assert!(of_new(&cache, 1000) > 1_700_000_000, "it was used just now");
    }
}
