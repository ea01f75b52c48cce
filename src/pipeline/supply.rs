//! What outputs are made of: blobs of the store, trees and contents of the build.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::base::{DiffId, LayerDigest, Platform};
use crate::image::LayerDescriptor;
use crate::input::Spool;
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
    pub fn new(
        prepared: &'a Prepared,
        built: &'a Built,
        taken: &'a [Spool],
        store: &'a Store,
        terms: &Terms<'a>,
    ) -> Self {
        Self { prepared, built, store, contents: everything(prepared, taken, terms) }
    }

    /// The layer with a diff ID and the length of its tar, built or of a base.
    fn layer(&self, diff_id: &DiffId) -> Option<(&'a LayerDescriptor, u64)> {
        let built = self.built.layers.iter().find(|layer| layer.descriptor.diff_id == *diff_id);
        let of_base = || {
            self.prepared.gathered.images.values().find_map(|foreign| {
                let at = foreign.image.image.layers.iter().position(|layer| layer.diff_id == *diff_id)?;
                Some((&foreign.image.image.layers[at], foreign.layers[at].raw_bytes))
            })
        };
        built.map(|layer| (&layer.descriptor, layer.raw_bytes)).or_else(of_base)
    }

    fn platform(&self, platform: &Platform) -> io::Result<&'a PreparedPlatform> {
        let found = self.prepared.platforms.iter().find(|prepared| prepared.platform == *platform);
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no image for {platform}")))
    }
}

/// Makes a blob of the store appear at `to`.
pub(super) fn place(store: &Store, digest: &LayerDigest, to: &Path) -> io::Result<()> {
    store.place_blob(&digest.to_string(), to).map_err(|error| match error {
        StoreError::Write { source, .. } => source,
        error => io::Error::other(error),
    })
}

/// Opens a blob of the store that was verified, by this process or now.
pub(super) fn verified(store: &Store, digest: &LayerDigest) -> io::Result<File> {
    let digest = digest.to_string();
    store.verify_old_blob(&digest).map_err(io::Error::other)?;
    store.open_blob(&digest).map_err(io::Error::other)
}

impl Supply for BuildSupply<'_> {
    fn place(&self, digest: &LayerDigest, to: &Path) -> io::Result<()> {
        place(self.store, digest, to)
    }

    fn open(&self, digest: &LayerDigest) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(verified(self.store, digest)?))
    }

    fn open_uncompressed(&self, diff_id: &DiffId) -> io::Result<(Box<dyn Read + '_>, u64)> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no layer {diff_id}"));
        let (layer, raw_bytes) = self.layer(diff_id).ok_or_else(missing)?;
        Ok((decoder(verified(self.store, &layer.digest)?)?, raw_bytes))
    }

    fn root(&self, platform: &Platform) -> io::Result<Root<'_>> {
        Ok(Root { tree: Cow::Borrowed(&self.platform(platform)?.root), contents: &self.contents })
    }

    fn write_root_tar(&self, platform: &Platform, to: &mut dyn Write) -> io::Result<()> {
        let changeset = self.platform(platform)?.root.to_changeset();
        write_tar(&changeset, self.prepared.plan.epoch.seconds(), &self.contents, to)
    }
}
