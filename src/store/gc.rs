//! Removes what nothing needs.
//!
//! Roots: the last build of each template, frozen names, and everything that a name has held within the days to keep.
//! What is not reachable from a root goes once it was not used for as many days; `max_bytes` removes more of it, the
//! least recently used first. Roots never go.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Store;
use super::check::StoredBlob;
use super::error::StoreError;
use super::notes::{AttachedNote, BuildNote, LayerNote, PackedNote, Shelf};

/// Whether anything is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is.
    Real,
    /// It is only counted.
    DryRun,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Seconds since 1970.
    pub now: i64,
    /// What is younger than this stays.
    pub days: u32,
    /// What is over this goes, as far as it is no root's.
    pub max_bytes: Option<u64>,
}

/// As much of a note about contents in a blob as says whether it is of use.
#[derive(Deserialize)]
struct BlobNote {
    blob: String,
    blob_bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Blobs that are gone.
    pub removed_blobs: usize,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Blobs that stay.
    pub kept_blobs: usize,
    /// Their bytes.
    pub kept_bytes: u64,
}

const DAY_SECONDS: i64 = 86_400;

/// Indexes in indexes. Nothing deeper is brought here.
const DEPTH_MAX: usize = 8;

impl Store {
    /// Removes what is not kept. The store must have been opened with [`Store::open_alone`].
    pub fn gc(&self, keep: &Keep, removal: Removal) -> Result<GcReport, StoreError> {
        // No days means none: what was built in this very second is no younger than the rest.
        let horizon = match keep.days {
            0 => i64::MAX,
            days => keep.now.saturating_sub(i64::from(days) * DAY_SECONDS),
        };
        let mut needed = BTreeSet::new();
        for root in self.roots(horizon) {
            self.collect(&root, &mut needed);
        }
        needed.extend(self.live_builds(horizon).into_iter().flat_map(|build| build.inputs));
        needed.extend(self.contents_of_packages(&needed));
        let (mut kept, loose): (Vec<StoredBlob>, Vec<StoredBlob>) =
            self.blobs().into_iter().partition(|blob| needed.contains(&blob.digest));
        let (mut fresh, mut doomed): (Vec<StoredBlob>, Vec<StoredBlob>) =
            loose.into_iter().partition(|blob| blob.used >= horizon && keep.days > 0);
        if let Some(max_bytes) = keep.max_bytes {
            fresh.sort_by_key(|blob| std::cmp::Reverse(blob.used));
            let mut total: u64 = bytes(&kept) + bytes(&fresh);
            while let Some(blob) = fresh.pop_if(|_| total > max_bytes) {
                total -= blob.size_bytes;
                doomed.push(blob);
            }
        }
        self.doom_incomplete(&mut fresh, &mut doomed);
        kept.append(&mut fresh);
        let report = GcReport {
            removed_blobs: doomed.len(),
            removed_bytes: bytes(&doomed),
            kept_blobs: kept.len(),
            kept_bytes: bytes(&kept),
        };
        if removal == Removal::Real {
            for blob in &doomed {
                self.remove_blob(&blob.digest)?;
            }
            self.drop_stale_notes(horizon);
        }
        Ok(report)
    }

    /// An image that loses a layer goes as a whole: what names it then says that it was removed, not that it is damaged.
    fn doom_incomplete(&self, fresh: &mut Vec<StoredBlob>, doomed: &mut Vec<StoredBlob>) {
        let gone: BTreeSet<&String> = doomed.iter().map(|blob| &blob.digest).collect();
        let tops = self.names().into_iter().flat_map(|name| self.log(&name)).map(|entry| entry.digest);
        let loses = |top: &String| self.reachable(top).is_none_or(|all| all.iter().any(|digest| gone.contains(digest)));
        let incomplete: BTreeSet<String> = tops.filter(loses).collect();
        let (more, whole) = fresh.drain(..).partition(|blob| incomplete.contains(&blob.digest));
        *fresh = whole;
        doomed.extend::<Vec<StoredBlob>>(more);
    }

    fn roots(&self, horizon: i64) -> Vec<String> {
        let mut roots = Vec::new();
        roots.extend(self.live_builds(horizon).into_iter().map(|build| build.digest));
        for name in self.names() {
            let log = self.log(&name);
            if self.is_frozen(&name) {
                roots.extend(log.last().map(|entry| entry.digest.clone()));
            }
            roots.extend(log.into_iter().filter(|entry| entry.when >= horizon).map(|entry| entry.digest));
        }
        roots
    }

    /// The last build of each template that is still there, and younger ones.
    fn live_builds(&self, horizon: i64) -> Vec<BuildNote> {
        let builds = self.notes(Shelf::Builds).into_iter();
        let builds = builds.filter_map(|name| self.note::<BuildNote>(Shelf::Builds, &name));
        builds.filter(|build| build.template.exists() || build.when >= horizon).collect()
    }

    /// Adds what is here of what a manifest or index needs. A base's layers need not be here: only their lists of files
    /// are, until somebody wants their bytes.
    fn collect(&self, digest: &str, all: &mut BTreeSet<String>) {
        if all.contains(digest) {
            return;
        }
        let document = self.read_unmarked(digest).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let Some(document) = document else { return };
        all.insert(digest.to_owned());
        let listed = |key: &str| document[key].as_array().into_iter().flatten().filter_map(|of| of["digest"].as_str());
        listed("manifests").for_each(|manifest| self.collect(manifest, all));
        all.extend(listed("layers").chain(document["config"]["digest"].as_str()).map(str::to_owned));
        let attached = digest.strip_prefix("sha256:").and_then(|hex| self.note::<AttachedNote>(Shelf::Attached, hex));
        let attached =
            attached.into_iter().flat_map(|note| note.referrers.into_iter().chain(note.companions.into_values()));
        attached.for_each(|manifest| self.collect(&manifest.to_string(), all));
    }

    /// The digests of everything that a manifest or index needs, itself included; `None` if part of it is not there.
    pub fn reachable(&self, digest: &str) -> Option<BTreeSet<String>> {
        let (mut documents, mut all) = (BTreeSet::new(), BTreeSet::new());
        self.reach(digest, 0, &mut documents, &mut all)?;
        all.append(&mut documents);
        Some(all)
    }

    /// Adds what a document needs. One that was gone through is not again, however often it is listed.
    fn reach(
        &self,
        digest: &str,
        depth: usize,
        documents: &mut BTreeSet<String>,
        blobs: &mut BTreeSet<String>,
    ) -> Option<()> {
        if !documents.insert(digest.to_owned()) {
            return Some(());
        }
        if depth > DEPTH_MAX {
            return None;
        }
        let document: Value = serde_json::from_slice(&self.read_unmarked(digest).ok()?).ok()?;
        let listed = |key: &str| document[key].as_array().into_iter().flatten();
        for manifest in listed("manifests") {
            self.reach(manifest["digest"].as_str()?, depth + 1, documents, blobs)?;
        }
        for blob in listed("layers").chain(document.get("config")) {
            let (digest, size) = (blob["digest"].as_str()?, blob["size"].as_u64()?);
            if !self.has_blob(digest, size) {
                return None;
            }
            blobs.insert(digest.to_owned());
        }
        Some(())
    }

    /// The contents of the packages whose files are among `digests`: nothing else names them.
    fn contents_of_packages(&self, digests: &BTreeSet<String>) -> Vec<String> {
        let names = digests.iter().filter_map(|digest| digest.strip_prefix("sha256:"));
        names.filter_map(|name| self.note::<BlobNote>(Shelf::Packages, name)).map(|note| note.blob).collect()
    }

    fn has_contents(&self, shelf: Shelf, name: &str) -> bool {
        self.note::<BlobNote>(shelf, name).is_some_and(|note| self.has_blob(&note.blob, note.blob_bytes))
    }

    fn drop_stale_notes(&self, horizon: i64) {
        self.drop_dangling_notes();
        let packed = self.notes(Shelf::Packed).into_iter();
        let diff_ids: BTreeSet<_> =
            packed.filter_map(|name| self.note::<PackedNote>(Shelf::Packed, &name)).map(|note| note.diff_id).collect();
        let mut trees = BTreeSet::new();
        for name in self.notes(Shelf::Layers) {
            match self.note::<LayerNote>(Shelf::Layers, &name) {
                Some(note) if diff_ids.contains(&note.diff_id) => {
                    trees.insert(note.tree.hex());
                }
                _ => self.drop_note(Shelf::Layers, &name),
            }
        }
        for name in self.notes(Shelf::Trees) {
            if !trees.contains(&name) {
                self.drop_note(Shelf::Trees, &name);
            }
        }
        let platforms = self.live_builds(horizon).into_iter().flat_map(|build| build.plan.platforms);
        let bases: BTreeSet<String> = platforms
            .flat_map(|platform| platform.base)
            .flat_map(|base| base.layers)
            .map(|layer| layer.hex())
            .collect();
        for name in self.notes(Shelf::Bases) {
            if !bases.contains(&name) {
                self.drop_note(Shelf::Bases, &name);
            }
        }
        // What a layer with commands became is good as long as its contents are there; its log as long as that.
        for name in self.notes(Shelf::Runs) {
            if !self.has_contents(Shelf::Runs, &name) {
                self.drop_note(Shelf::Runs, &name);
                self.drop_note(Shelf::Logs, &name);
            }
        }
        for shelf in [Shelf::Packages, Shelf::Releases] {
            for name in self.notes(shelf) {
                if !self.has_contents(shelf, &name) {
                    self.drop_note(shelf, &name);
                }
            }
        }
        for name in self.notes(Shelf::Attached) {
            if !self.is_there(&format!("sha256:{name}")) {
                self.drop_note(Shelf::Attached, &name);
            }
        }
        for name in self.notes(Shelf::Builds) {
            let stale = self
                .note::<BuildNote>(Shelf::Builds, &name)
                .is_none_or(|build| !build.template.exists() && build.when < horizon);
            if stale {
                self.drop_note(Shelf::Builds, &name);
            }
        }
    }
}

fn bytes(blobs: &[StoredBlob]) -> u64 {
    blobs.iter().map(|blob| blob.size_bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::BlobDigest;
    use crate::base::hash::digest_of;

    fn put(store: &Store, document: &Value) -> String {
        let bytes = document.to_string().into_bytes();
        let digest = digest_of::<BlobDigest>(&bytes).to_string();
        store.put_bytes(&digest, &bytes).expect("kept");
        digest
    }

    #[test]
    fn an_index_that_lists_the_same_over_and_over_is_gone_through_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let mut digest = put(&store, &serde_json::json!({ "layers": [] }));
        for _ in 0..DEPTH_MAX {
            digest =
                put(&store, &serde_json::json!({ "manifests": vec![serde_json::json!({ "digest": digest }); 2_000] }));
        }
        assert_eq!(store.reachable(&digest).map(|all| all.len()), Some(DEPTH_MAX + 1));
        let mut all = BTreeSet::new();
        store.collect(&digest, &mut all);
        assert_eq!(all.len(), DEPTH_MAX + 1);
        let deeper = put(&store, &serde_json::json!({ "manifests": [{ "digest": digest }] }));
        assert_eq!(store.reachable(&deeper), None);
    }
}
