//! A repository of a registry, to be read whole. Its mirrors are asked for what has a digest; what refers to something is
//! asked of itself, because a mirror that knows of nothing proves nothing.

use std::io;

use crate::base::BlobDigest;
use crate::image::Descriptor;
use crate::publish::error::PublishError;
use crate::publish::stock::Stock;
use crate::registry::{BlobSource, Client, ImageName, Manifest, RegistryError, RemoteBlob, Repository};
use crate::store::{BlobWriter, Store};
use crate::transport::Sink;

use super::Origin;

/// A repository, and who speaks to its registry.
pub struct RegistryOrigin<'a> {
    /// Speaks.
    pub client: &'a Client<'a>,
    /// Where.
    pub repository: Repository,
}

impl RegistryOrigin<'_> {
    /// What a name in it stands for.
    pub fn top(&self, image: &ImageName) -> Result<Manifest, PublishError> {
        Ok(self.client.resolve(image)?)
    }

    fn ask(&self, tag: Option<String>, digest: Option<BlobDigest>) -> Result<Option<Manifest>, PublishError> {
        match self.client.resolve(&ImageName { repository: self.repository.clone(), tag, digest }) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the registry itself says that there is no such thing, whatever its mirrors said before.
fn is_absent(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::NoMirror { source, .. } => is_absent(source),
        _ => false,
    }
}

impl Origin for RegistryOrigin<'_> {
    fn resolve(&self, wanted: &str) -> Result<Option<Manifest>, PublishError> {
        match wanted.parse() {
            Ok(digest) => self.ask(None, Some(digest)),
            Err(_) => self.ask(Some(wanted.to_owned()), None),
        }
    }

    fn manifest(&self, of: &Descriptor) -> Result<Option<Manifest>, PublishError> {
        self.ask(None, Some(of.digest))
    }

    fn referrers(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>, PublishError> {
        Ok(self.client.referrers(&self.repository, subject)?.entries)
    }

    fn keep(&self, blob: &Descriptor, store: &Store) -> Result<(), PublishError> {
        let mut sink = StoreSink(store.writer()?);
        self.client.blob(&self.repository, &blob.digest, blob.size, &mut sink)?;
        Ok(sink.0.commit(&blob.digest.to_string())?)
    }
}

/// A blob of the store as it arrives; it may have to begin again.
struct StoreSink<'a>(BlobWriter<'a>);

impl Sink for StoreSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.0, bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl Stock for RegistryOrigin<'_> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn BlobSource + '_>, PublishError> {
        let (repository, digest, size_bytes) = (self.repository.clone(), blob.digest, blob.size);
        Ok(Box::new(RemoteBlob { client: self.client, repository, digest, size_bytes }))
    }

    fn near(&self, _digest: &BlobDigest) -> Vec<Repository> {
        vec![self.repository.clone()]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::registry::Files;
    use crate::transport::testing::Registry;
    use crate::transport::{News, Settings, Transport};

    #[test]
    fn what_neither_a_mirror_nor_the_registry_has_is_absent() {
        let (own, mirror) = (Registry::start(), Registry::start());
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registries.conf");
        let conf = format!(
            "[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}'\n",
            own.place(),
            mirror.place()
        );
        std::fs::write(&path, conf).expect("written");
        let transport = Transport::new(Settings::default(), Arc::default()).expect("a client");
        let files = Files { registries_conf: vec![path], ..Files::default() };
        let client = Client::new(&transport, &files, &|_: News| {}).expect("a client");
        let repository = Repository { registry: own.place(), name: "a/b".to_owned() };
        let origin = RegistryOrigin { client: &client, repository };
        assert_eq!(origin.resolve("sha256-x.sig").expect("asked"), None);
        assert_eq!(mirror.calls_of("/manifests/").len(), 1);
    }
}
