//! Secrets in caches: a cache is in no image, and whoever has the store can read it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::base::path::readable;
use crate::pipeline::terms::Event;
use crate::sandbox::RunOrder;
use crate::secret::{Hit, Needles};
use crate::template::Run;

use super::layer::Running;

/// A secret in a cache.
struct Spilled {
    /// The file as the step sees it, or the cache if the secret is in the file's name.
    path: PathBuf,
    /// Which secret.
    id: String,
}

/// A directory that a step keeps things in.
pub(super) struct CacheDirectory {
    /// Where it is.
    from: PathBuf,
    /// Where the step sees it.
    to: PathBuf,
}

/// The caches of a step that has secrets.
pub(super) fn caches(order: &RunOrder, run: &Run) -> Vec<CacheDirectory> {
    if run.secrets.is_empty() {
        return Vec::new();
    }
    let is_cache = |to: &str| run.caches.iter().any(|cache| cache.to_string() == to);
    let binds = order.binds.iter().filter(|bind| is_cache(&bind.to));
    binds
        .flat_map(|bind| bind.from.iter().map(|from| CacheDirectory { from: from.clone(), to: (&bind.to).into() }))
        .collect()
}

impl Running<'_, '_, '_> {
    /// Tells the secrets that a step left in its caches at `since` or later.
    pub(super) fn warn_of_spilled(&self, caches: &[CacheDirectory], since: i64) {
        let layer = &self.given.layer.name;
        let found = caches.iter().flat_map(|cache| spilled(cache, since, self.given.provision.needles()));
        for Spilled { path, id } in found {
            let path = readable(path.as_os_str().as_encoded_bytes());
            (self.given.terms.watch)(Event::SecretInCache { layer, path: &path, id: &id });
        }
    }
}

/// The secrets in files of a cache that changed at `since` (seconds, by the clock of its file system) or later. What
/// cannot be read, such as files of other ids, is left out: this is a warning, and nothing that holds.
fn spilled(cache: &CacheDirectory, since: i64, needles: &Needles) -> Vec<Spilled> {
    let (mut found, mut directories) = (Vec::new(), vec![cache.from.clone()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            // Of a link, the link itself.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                directories.push(entry.path());
            }
            if metadata.ctime() >= since {
                let content = if metadata.is_file() { in_content(&entry.path(), needles) } else { None };
                found.extend(told(cache, &entry.path(), content, needles));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn in_content(path: &Path, needles: &Needles) -> Option<Hit> {
    needles.find(File::open(path).ok()?).ok()?
}

fn told(cache: &CacheDirectory, path: &Path, content: Option<Hit>, needles: &Needles) -> Option<Spilled> {
    let inside = path.strip_prefix(&cache.from).ok()?;
    match needles.find_bytes(inside.as_os_str().as_encoded_bytes()) {
        Some(hit) => Some(Spilled { path: cache.to.clone(), id: hit.id }),
        None => content.map(|hit| Spilled { path: cache.to.join(inside), id: hit.id }),
    }
}
