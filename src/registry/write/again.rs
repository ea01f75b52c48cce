//! Whether a PUT of a tag is repeated. The transport does not: between two of them somebody has to look, because what the
//! first was to write may be there, or something of somebody else.

use crate::registry::error::RegistryError;
use crate::transport::Patience;

/// Waits if the trouble is passing; else, or if there is no patience left, it is the error.
pub(super) fn wait(patience: &mut Patience<'_>, error: RegistryError) -> Result<(), RegistryError> {
    match error {
        RegistryError::Transport { registry, doing, what, image, source } if source.is_passing() => patience
            .wait(*source, 0)
            .map_err(|source| RegistryError::Transport { registry, doing, what, image, source: Box::new(source) }),
        error => Err(error),
    }
}
