//! What the steps of a layer stand on.

use std::sync::Arc;

use crate::base::ContentDigest;
use crate::tree::Changeset;

/// The layers below, as far as they are known.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Names all of them.
    pub chain: ContentDigest,
    /// What each of them changes, the base first, put together into one.
    pub layers: Vec<Arc<Changeset>>,
    /// Whether commands made any of them: then what stands on them is named by what went in.
    pub is_derived: bool,
    /// Whether all of them are known.
    pub is_known: bool,
}
