//! The contents of some files of an image, taken out of its layers in one go.

use std::collections::BTreeSet;
use std::io::Read;

use crate::base::{ContentDigest, ImagePath};
use crate::image::LayerDescriptor;
use crate::input::{InputError, Reach};
use crate::layer::read::layer;
use crate::store::spool::{Spool, Spooler};
use crate::tree::{Change, Changeset, Kind, Node};

use super::files::LayerFiles;
use super::open::BaseImage;

/// The contents among nodes.
pub fn wanted<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeSet<ContentDigest> {
    nodes.filter_map(content_of).collect()
}

fn content_of(node: &Node) -> Option<ContentDigest> {
    match &node.kind {
        Kind::File { content, .. } => Some(content.digest),
        _ => None,
    }
}

impl BaseImage {
    /// Takes those of the `wanted` contents that the image has out of its layers, and out of `wanted`. Only layers that
    /// have one are read.
    pub fn spool(
        &self,
        files: &[LayerFiles],
        wanted: &mut BTreeSet<ContentDigest>,
        reach: &Reach<'_>,
    ) -> Result<Option<Spool>, InputError> {
        let mut spooler = None;
        for (descriptor, files) in self.image.layers.iter().zip(files) {
            let nodes = files.changeset.nodes().filter_map(|(_, node)| content_of(node));
            let here: BTreeSet<ContentDigest> = nodes.filter(|digest| wanted.remove(digest)).collect();
            if here.is_empty() {
                continue;
            }
            self.bring_blob(descriptor, reach)?;
            let spooler = match &mut spooler {
                Some(spooler) => spooler,
                empty => empty.insert(Spooler::new(reach.store.scratch()?)),
            };
            self.spool_layer(descriptor, &files.changeset, here, spooler, reach)?;
        }
        Ok(spooler.map(|spooler| {
            let (file, places, _, _) = spooler.finish();
            Spool::new(file, places)
        }))
    }

    fn spool_layer(
        &self,
        descriptor: &LayerDescriptor,
        changeset: &Changeset,
        mut missing: BTreeSet<ContentDigest>,
        spooler: &mut Spooler<std::fs::File>,
        reach: &Reach<'_>,
    ) -> Result<(), InputError> {
        let mut sink = |path: &ImagePath, _: u64, content: &mut dyn Read| {
            let is_missing = match changeset.get(path) {
                Some(Change::Node(node)) => content_of(node).is_some_and(|digest| missing.remove(&digest)),
                _ => false,
            };
            if is_missing { spooler.put(content).map(drop) } else { Ok(()) }
        };
        let tar = self.open_tar(descriptor, reach.store)?;
        layer(tar, &mut sink).map(drop).map_err(|source| self.unreadable(descriptor, source))
    }
}
