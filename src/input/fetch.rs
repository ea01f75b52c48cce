//! What commands fetched: a tree each, kept as commits are. Who runs the commands is [`crate::pipeline`].

use crate::base::ContentDigest;
use crate::lock::{FetchPin, FetchRequest, Request};
use crate::store::Store;
use crate::tree::{Contents, Tree};

use super::{Arrival, InputError, Reach, kept};

/// The files that a command fetched; `None` if neither the store nor a vendored layout has them.
pub fn bring(request: &FetchRequest, pin: &FetchPin, reach: &Reach<'_>) -> Result<Option<Arrival>, InputError> {
    kept::bring(&Request::Fetch(request.clone()).to_string(), &pin.tree, reach)
}

/// Keeps a normalised tree; gives the digest of its tar.
pub fn keep(tree: &Tree, contents: &dyn Contents, store: &Store) -> Result<ContentDigest, InputError> {
    kept::keep(tree, contents, store)
}
