//! What outputs are made of: blobs of the store, trees and contents of the build.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::base::{DiffId, LayerDigest, Platform};
use crate::layer::fill::write_tar;
use crate::layer::read::decoder;
use crate::output::{Root, Supply};
use crate::store::{Store, StoreError};

use super::build::{Built, everything};
use super::contents::Everything;
use super::prepare::{Prepared, PreparedPlatform};
use super::terms::Terms;

/// A build and the store that it is in.
pub struct BuildSupply<'a> {
    prepared: &'a Prepared,
    built: &'a Built,
    store: &'a Store,
    contents: Everything<'a>,
}

impl<'a> BuildSupply<'a> {
    /// Of this build.
    pub fn new(prepared: &'a Prepared, built: &'a Built, store: &'a Store, terms: &Terms<'a>) -> Self {
        Self { prepared, built, store, contents: everything(prepared, terms) }
    }

    fn platform(&self, platform: &Platform) -> io::Result<&'a PreparedPlatform> {
        let found = self.prepared.platforms.iter().find(|prepared| prepared.platform == *platform);
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no image for {platform}")))
    }

    fn blob(&self, digest: &LayerDigest) -> io::Result<File> {
        self.store.open_blob(&digest.to_string()).map_err(io::Error::other)
    }
}

impl Supply for BuildSupply<'_> {
    fn place(&self, digest: &LayerDigest, to: &Path) -> io::Result<()> {
        self.store.place_blob(&digest.to_string(), to).map_err(|error| match error {
            StoreError::Write { source, .. } => source,
            error => io::Error::other(error),
        })
    }

    fn open(&self, digest: &LayerDigest) -> io::Result<Box<dyn Read + '_>> {
        self.store.verify_blob(&digest.to_string()).map_err(io::Error::other)?;
        Ok(Box::new(self.blob(digest)?))
    }

    fn open_uncompressed(&self, diff_id: &DiffId) -> io::Result<(Box<dyn Read + '_>, u64)> {
        let layer = self.built.layers.iter().find(|layer| layer.descriptor.diff_id == *diff_id);
        let layer = layer.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no layer {diff_id}")))?;
        self.store.verify_blob(&layer.descriptor.digest.to_string()).map_err(io::Error::other)?;
        Ok((decoder(self.blob(&layer.descriptor.digest)?)?, layer.raw_bytes))
    }

    fn root(&self, platform: &Platform) -> io::Result<Root<'_>> {
        Ok(Root { tree: Cow::Borrowed(&self.platform(platform)?.root), contents: &self.contents })
    }

    fn write_root_tar(&self, platform: &Platform, to: &mut dyn Write) -> io::Result<()> {
        let changeset = self.platform(platform)?.root.to_changeset();
        write_tar(&changeset, self.prepared.plan.epoch.seconds(), &self.contents, to)
    }
}
