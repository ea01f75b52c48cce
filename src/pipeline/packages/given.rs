//! What a set of packages is found on, as one digest.

use crate::base::json::canonical;
use crate::base::{ContentDigest, Hasher};
use crate::lock::{Lock, Pin, Request};
use crate::template::{Repository, Scripts, Template};

use super::sets::Set;

/// Everything that decides a set, but for what the repositories hold: moves whenever the set has to be found anew. Mirrors,
/// keys and times of the lock do not decide it.
pub(super) fn digest(set: &Set<'_>, template: &Template, lock: &Lock) -> serde_json::Result<ContentDigest> {
    let mut hasher = Hasher::new();
    hasher.field(b"kiln packages");
    for name in &set.packages.repositories {
        let Some(Repository { suites, components, snapshot, .. }) = template.repositories.get(name) else { continue };
        let snapshot = snapshot.map(|at| at.seconds());
        hasher.field(&canonical(&(name, suites, components, snapshot))?);
    }
    hasher.field(match set.packages.scripts {
        Scripts::Run => b"run",
        Scripts::Refuse => b"refuse",
    });
    let base = set.standing.base.as_ref().and_then(|base| lock.inputs.get(&Request::Image(base.clone())));
    hasher.field(match base {
        Some(Pin::Image(pin)) => pin.manifest.as_bytes(),
        _ => &[],
    });
    for pin in set.standing.pins(Some(lock)) {
        hasher.field(pin.sha256.as_bytes());
    }
    Ok(hasher.finish())
}
