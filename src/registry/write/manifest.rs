//! Manifests by digest: who writes one again changes nothing.

use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::name::Repository;
use crate::transport::{Method, Request};

/// Whether the registry itself keeps the list of what refers to the subject of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// It said so (`OCI-Subject`), or there is no subject.
    Yes,
    /// The fallback tag is needed.
    No,
}

impl Client<'_> {
    /// Writes a manifest or an index under its digest. All that it leads to has to be there.
    pub fn push_manifest(&self, repository: &Repository, manifest: &Manifest) -> Result<Indexed, RegistryError> {
        let digest = manifest.digest.to_string();
        let name = shown(repository, &digest);
        let subject = Subject { doing: Doing::Write, what: "the manifest", image: &name };
        let answer = self.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(Method::Put, self.url(repository, &format!("manifests/{digest}"))?);
            let request = request.authorized(header).with_body(manifest.media_type.as_ref(), manifest.bytes.clone());
            self.transport.send(&request, self.watch)?.success()
        })?;
        if let Some(said) = answer.headers.get("docker-content-digest")
            && said != digest
        {
            let (registry, expected) = (repository.registry.clone(), manifest.digest);
            return Err(RegistryError::KeptOther { registry, image: name, expected, found: said.to_owned() });
        }
        let indexed = answer.headers.get("oci-subject").is_some() || !has_subject(manifest);
        Ok(if indexed { Indexed::Yes } else { Indexed::No })
    }
}

fn has_subject(manifest: &Manifest) -> bool {
    crate::image::Links::of(&manifest.bytes).is_ok_and(|links| links.subject.is_some())
}
