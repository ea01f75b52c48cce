//! The contents of some files of an image, taken out of its layers in one go.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::base::{ContentDigest, ImagePath};
use crate::image::LayerDescriptor;
use crate::input::spool::{Spool, Spooler};
use crate::input::{InputError, Reach};
use crate::layer::read::{ReadError, decoder, layer};
use crate::tree::{Changeset, Kind, Node};

use super::files::LayerFiles;
use super::open::BaseImage;

/// The contents among nodes.
pub fn wanted<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeSet<ContentDigest> {
    let content = |node: &Node| match &node.kind {
        Kind::File { content, .. } => Some(content.digest),
        _ => None,
    };
    nodes.filter_map(content).collect()
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
            let mut here: BTreeSet<&ImagePath> = BTreeSet::new();
            for (path, node) in files.changeset.nodes() {
                if let Kind::File { content, .. } = &node.kind
                    && wanted.remove(&content.digest)
                {
                    here.insert(path);
                }
            }
            if here.is_empty() {
                continue;
            }
            self.bring_blob(descriptor, reach)?;
            let spooler = match &mut spooler {
                Some(spooler) => spooler,
                empty => empty.insert(Spooler::new(reach.store.scratch()?)),
            };
            self.take(descriptor, &files.changeset, &here, spooler, reach)?;
        }
        Ok(spooler.map(|spooler| {
            let (file, places, _, _) = spooler.finish();
            Spool::new(file, places)
        }))
    }

    fn take(
        &self,
        descriptor: &LayerDescriptor,
        changeset: &Changeset,
        paths: &BTreeSet<&ImagePath>,
        spooler: &mut Spooler<std::fs::File>,
        reach: &Reach<'_>,
    ) -> Result<(), InputError> {
        let fail = |source| InputError::Layer {
            image: self.request.image.clone(),
            digest: descriptor.digest.to_string(),
            source: Box::new(source),
        };
        let blob = reach.store.open_blob(&descriptor.digest.to_string())?;
        let tar = decoder(io::BufReader::with_capacity(1 << 18, blob));
        let tar = tar.map_err(|source| fail(ReadError::Io { offset: 0, source }))?;
        // A hard link has no content of its own: its first name has, wherever that is in the order of the tar.
        let digests = wanted(paths.iter().filter_map(|path| match changeset.get(path) {
            Some(crate::tree::Change::Node(node)) => Some(node),
            _ => None,
        }));
        let is_wanted = |path: &ImagePath| match changeset.get(path) {
            Some(crate::tree::Change::Node(node)) => {
                matches!(&node.kind, Kind::File { content, .. } if digests.contains(&content.digest))
            }
            _ => false,
        };
        let mut sink = |path: &ImagePath, _: u64, content: &mut dyn Read| {
            if is_wanted(path) { spooler.put(content) } else { Ok(()) }
        };
        layer(tar, &mut sink).map(drop).map_err(fail)
    }
}
