//! Removing what was written to try a registry. No release is ever removed: only `probe` calls this.

use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::name::Repository;
use crate::transport::Method;

impl Client<'_> {
    /// Removes a manifest, by digest or by a tag that is thrown away.
    pub fn remove_manifest(&self, repository: &Repository, wanted: &str) -> Result<(), RegistryError> {
        let name = shown(repository, wanted);
        let subject = Subject { doing: Doing::Remove, what: "the manifest", image: &name };
        self.ask(repository, subject, Method::Delete, &format!("manifests/{wanted}")).map(drop)
    }
}
