//! An image in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::base::hash::digest_of;
use crate::base::{ContentDigest, DiffId, LayerDigest, Platform};
use crate::image::testing::{image, plain_layer};
use crate::image::{Image, LayerDescriptor};
use crate::template::Config;
use crate::tree::{Content, ContentError, Contents, Kind, Node, Tree};

use super::{Root, Subject, Supply};

/// Contents, layers and a tree.
#[derive(Default)]
pub(crate) struct Memory {
    files: BTreeMap<ContentDigest, Vec<u8>>,
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) tree: Tree,
}

impl Memory {
    /// Two layers, and a tree with one file.
    pub(crate) fn sample() -> Self {
        let mut memory = Self { layers: vec![vec![1; 1024], vec![2; 700]], ..Self::default() };
        let node = memory.file(b"hello");
        memory.tree = crate::tree::testing::tree(&[("hello", node)]);
        memory
    }

    /// A file of these bytes, which can be read from here.
    pub(crate) fn file(&mut self, bytes: &[u8]) -> Node {
        let digest = digest_of(bytes);
        self.files.insert(digest, bytes.to_vec());
        let content = Content { digest, size_bytes: bytes.len() as u64 };
        Node::new(Kind::File { content, links: None }, 0o644)
    }

    pub(crate) fn descriptors(&self) -> Vec<LayerDescriptor> {
        self.layers.iter().map(|layer| plain_layer(layer)).collect()
    }

    pub(crate) fn image(&self, platform: &str) -> Image {
        image(platform, &Config::default(), &self.descriptors())
    }

    pub(crate) fn subject<'a>(&'a self, images: &'a [Image]) -> Subject<'a> {
        Subject { images, index: None, others: &[], name: Some("shop/api"), version: Some("1.8.2"), supply: self }
    }

    fn layer(&self, bytes: &[u8]) -> io::Result<&Vec<u8>> {
        let found = self.layers.iter().find(|layer| plain_layer(layer).digest.as_bytes() == bytes);
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Contents for Memory {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let bytes = self.files.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        let offset = offset as usize;
        buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
        Ok(())
    }
}

impl Supply for Memory {
    fn place(&self, digest: &LayerDigest, to: &Path) -> io::Result<()> {
        std::fs::write(to, self.layer(digest.as_bytes())?)
    }

    fn open(&self, digest: &LayerDigest) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.layer(digest.as_bytes())?.as_slice()))
    }

    fn open_uncompressed(&self, diff_id: &DiffId) -> io::Result<(Box<dyn Read + '_>, u64)> {
        let layer = self.layer(diff_id.as_bytes())?;
        Ok((Box::new(layer.as_slice()), layer.len() as u64))
    }

    fn root(&self, platform: &Platform) -> io::Result<Root<'_>> {
        match platform.os.as_str() {
            "linux" => Ok(Root { tree: Cow::Borrowed(&self.tree), contents: self }),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn write_root_tar(&self, _: &Platform, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&[0; 1024])
    }
}
