//! The network, as inputs need it.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::base::{BlobDigest, LayerDigest};
use crate::registry::{Client, ImageName, Manifest};
use crate::source::debian::Hosts;
use crate::source::git;
use crate::source::url::Fetcher;
use crate::store::{BlobWriter, Store};
use crate::transport::{Network, Sink};

use super::error::InputError;

/// Everything that leads out of this machine.
pub struct Remote<'a> {
    /// For images.
    pub registry: Client<'a>,
    /// For downloads.
    pub web: Fetcher<'a>,
    /// Where Debian's packages may be.
    pub debian: &'a Hosts,
    /// The git program.
    pub git: &'a Path,
    /// Whether the network may be asked.
    pub network: Network,
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
}

impl<'a> Remote<'a> {
    /// Whether nothing may be asked.
    pub fn is_offline(&self) -> bool {
        self.network == Network::Offline
    }

    /// What a name holds now.
    pub fn resolve(&self, name: &ImageName) -> Result<Manifest, InputError> {
        Ok(self.registry.resolve(name)?)
    }

    /// A manifest by digest.
    pub fn manifest(&self, name: &ImageName, digest: BlobDigest) -> Result<Vec<u8>, InputError> {
        Ok(self.registry.manifest(&name.repository, digest)?.bytes)
    }

    /// A small blob by digest, whole.
    pub fn document(&self, name: &ImageName, digest: BlobDigest, size_bytes: u64) -> Result<Vec<u8>, InputError> {
        let mut bytes = Vec::new();
        self.registry.blob(&name.repository, &digest, size_bytes, &mut bytes)?;
        Ok(bytes)
    }

    /// A blob by digest, into the store.
    pub fn blob(
        &self,
        name: &ImageName,
        digest: &LayerDigest,
        size_bytes: u64,
        store: &Store,
    ) -> Result<(), InputError> {
        let mut sink = BlobSink(store.writer()?);
        let wanted = BlobDigest::from(*digest.as_bytes());
        self.registry.blob(&name.repository, &wanted, size_bytes, &mut sink)?;
        Ok(sink.0.commit(&digest.to_string())?)
    }

    /// The terms on which the git program works.
    pub fn git_terms(&self) -> git::Terms<'a> {
        git::Terms {
            program: self.git,
            network: match self.network {
                Network::Allowed => git::Network::Online,
                Network::Offline => git::Network::Offline,
            },
            stall: git::STALL,
            interrupted: self.interrupted,
        }
    }
}

/// A blob of the store as it arrives; it may have to begin again.
pub(super) struct BlobSink<'a>(pub(super) BlobWriter<'a>);

impl Sink for BlobSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.0.restart()
    }
}
