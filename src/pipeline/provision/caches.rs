//! The caches of a layer: no other build works with them meanwhile, in no other process either.
//!
//! Rationale: most programs expect to be alone with their cache, and the note of times belongs to it ([`super::times`]). Units
//! of one build take turns before ([`super::turns`]); here builds do, by locks that the kernel gives back when one is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::ImagePath;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Stop;
use crate::pipeline::terms::Event;
use crate::sandbox::CacheLock;
use crate::store::notes::note_name;
use crate::template::Action;

use super::layer::{LayerRun, fail};

/// How often who waits looks.
const LOOK: Duration = Duration::from_millis(50);

/// After so many looks, one second, a person wants to know why nothing happens.
const LOOKS_UNSAID: u32 = 20;

impl LayerRun<'_, '_> {
    /// What a cache is called in the store.
    pub(super) fn cache_name(&self, path: &ImagePath) -> String {
        note_name(&[&self.cache_scope, path.as_bytes()])
    }

    /// Waits until no other build works with any cache of this layer; they are its own until the result is dropped.
    pub(super) fn take_caches(&self) -> Result<Vec<CacheLock>, Stop> {
        let runs = self.layer.steps.iter().filter_map(|step| match &step.action {
            Action::Run(run) => Some(run),
            _ => None,
        });
        // In the order of their names, so that no two builds wait for each other.
        let caches: BTreeMap<String, &ImagePath> =
            runs.flat_map(|run| &run.caches).map(|path| (self.cache_name(path), path)).collect();
        if caches.is_empty() {
            return Ok(Vec::new());
        }
        let sandbox = self.terms.sandbox(self.store).map_err(fail)?;
        let mut taken = Vec::new();
        for (name, path) in caches {
            let lock = sandbox.area().cache_lock(sandbox.mode(), &name).map_err(fail)?;
            let mut looks = 0;
            while !lock.take().map_err(fail)? {
                if self.terms.is_interrupted() {
                    return Err(Error::Interrupted.into());
                }
                looks += 1;
                if looks == LOOKS_UNSAID {
                    let cache = &path.to_string();
                    (self.terms.watch)(Event::CacheBusy { layer: &self.layer.name, cache });
                }
                std::thread::sleep(LOOK);
            }
            taken.push(lock);
        }
        Ok(taken)
    }
}
