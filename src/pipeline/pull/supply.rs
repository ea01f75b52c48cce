//! What outputs are made of that is in the store alone.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::base::reference::Output;
use crate::base::{DiffId, LayerDigest, Platform};
use crate::image::Image;
use crate::input::image::{BaseImage, LayerFiles, open, wanted};
use crate::input::{Reach, Spool};
use crate::layer::fill::write_tar;
use crate::layer::read::decoder;
use crate::lock::{ImagePin, ImageRequest};
use crate::output::{Root, Supply};
use crate::pipeline::error::Error;
use crate::pipeline::supply::{place, verified};
use crate::store::{Name, Store};
use crate::tree::Tree;

/// Images whose blobs are in the store.
pub(super) struct StoredSupply<'a> {
    store: &'a Store,
    unpacked: Vec<Unpacked>,
}

/// An image of which more is wanted than its blobs.
struct Unpacked {
    image: BaseImage,
    root: Tree,
    layers: Vec<LayerFiles>,
    contents: Spool,
}

impl<'a> StoredSupply<'a> {
    /// Reads of the images what the outputs need.
    pub(super) fn new(name: &Name, images: &[Image], outputs: &[Output], reach: &Reach<'a>) -> Result<Self, Error> {
        let is_layout = |output: &&Output| matches!(output, Output::OciDirectory(_) | Output::OciArchive(_));
        let is_tree = |output: &Output| matches!(output, Output::RootfsDirectory(_) | Output::RootfsTar(_));
        let mut unpacked = Vec::new();
        if !outputs.iter().all(|output| is_layout(&output)) {
            let contents = if outputs.iter().any(is_tree) { Wanted::All } else { Wanted::None };
            for image in images {
                unpacked.push(Unpacked::read(name, image, contents, reach)?);
            }
        }
        Ok(Self { store: reach.store, unpacked })
    }

    fn unpacked(&self, platform: &Platform) -> io::Result<&Unpacked> {
        let found = self.unpacked.iter().find(|unpacked| unpacked.image.image.platform == *platform);
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no image for {platform}")))
    }
}

/// Which contents of files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    None,
}

impl Unpacked {
    fn read(name: &Name, image: &Image, contents: Wanted, reach: &Reach<'_>) -> Result<Self, Error> {
        let request = ImageRequest { image: format!("store:{name}"), platform: image.platform.clone() };
        let manifest = image.manifest.digest;
        let image = open(&request, &ImagePin { digest: manifest.to_string(), manifest }, reach)?;
        let (root, layers) = image.root(reach)?;
        let spool = match contents {
            Wanted::All => image.spool(&layers, &mut wanted(root.iter().map(|(_, node)| node)), reach)?,
            Wanted::None => None,
        };
        let contents = match spool {
            Some(spool) => spool,
            None => Spool::new(reach.store.scratch()?, Default::default()),
        };
        Ok(Self { image, root, layers, contents })
    }
}

impl Supply for StoredSupply<'_> {
    fn place(&self, digest: &LayerDigest, to: &Path) -> io::Result<()> {
        place(self.store, digest, to)
    }

    fn open(&self, digest: &LayerDigest) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(verified(self.store, digest)?))
    }

    fn open_uncompressed(&self, diff_id: &DiffId) -> io::Result<(Box<dyn Read + '_>, u64)> {
        let all = self.unpacked.iter().flat_map(|unpacked| unpacked.image.image.layers.iter().zip(&unpacked.layers));
        let found = all.into_iter().find(|(layer, _)| layer.diff_id == *diff_id);
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no layer {diff_id}"));
        let (layer, files) = found.ok_or_else(missing)?;
        Ok((decoder(verified(self.store, &layer.digest)?)?, files.raw_bytes))
    }

    fn root(&self, platform: &Platform) -> io::Result<Root<'_>> {
        let unpacked = self.unpacked(platform)?;
        Ok(Root { tree: Cow::Borrowed(&unpacked.root), contents: &unpacked.contents })
    }

    /// What an image does not say a time of has the first one.
    fn write_root_tar(&self, platform: &Platform, to: &mut dyn Write) -> io::Result<()> {
        let unpacked = self.unpacked(platform)?;
        write_tar(&unpacked.root.to_changeset(), 0, &unpacked.contents, to)
    }
}
