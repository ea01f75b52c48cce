//! What the steps of a layer stand on.

use std::sync::{Arc, OnceLock};

use crate::base::{ContentDigest, TreeDigest};
use crate::tree::{Changeset, Tree};

/// The layers below, as far as they are known.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Names all of them.
    pub chain: ContentDigest,
    /// What each of them changes, the base first, put together into one.
    pub layers: Vec<Arc<GroundLayer>>,
    /// Whether commands made any of them: then what stands on them is named by what went in.
    pub is_derived: bool,
    /// Whether all of them are known.
    pub is_known: bool,
}

/// One of these layers. What is only needed when a command runs is computed then, and once.
#[derive(Debug)]
pub struct GroundLayer {
    /// All files of a base; empty for a layer whose changes are known.
    base: Tree,
    changes: OnceLock<Arc<Changeset>>,
    digest: OnceLock<TreeDigest>,
}

impl GroundLayer {
    /// All layers of a base.
    pub fn base(root: &Tree) -> Self {
        Self { base: root.clone(), changes: OnceLock::new(), digest: OnceLock::new() }
    }

    /// A layer of kiln's own.
    pub fn layer(changes: Arc<Changeset>) -> Self {
        Self { base: Tree::new(), changes: OnceLock::from(changes), digest: OnceLock::new() }
    }

    /// What it changes.
    pub fn changes(&self) -> &Changeset {
        self.changes.get_or_init(|| Arc::new(self.base.to_changeset()))
    }

    /// The digest of that.
    pub fn digest(&self) -> TreeDigest {
        *self.digest.get_or_init(|| self.changes().digest())
    }
}
