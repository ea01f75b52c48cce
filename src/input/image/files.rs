//! The list of a layer's files: read once, kept by diff ID.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::base::{DiffId, Hasher, ImagePath};
use crate::image::LayerDescriptor;
use crate::input::{InputError, Reach};
use crate::layer::codec::{pack, unpack};
use crate::layer::read::{ReadError, decoder, layer};
use crate::store::{Shelf, Store};
use crate::tree::{Change, Changeset, Tree, dump};

use super::open::BaseImage;

/// What a layer changes, and the few contents that steps ask for.
#[derive(Debug, Clone)]
pub struct LayerFiles {
    /// What it changes.
    pub changeset: Changeset,
    /// Contents of the account files in it.
    pub accounts: Vec<Vec<u8>>,
    /// Length of its tar.
    pub raw_bytes: u64,
}

/// What the store remembers of it.
#[derive(Serialize, Deserialize)]
struct FilesNote {
    tree: String,
    accounts: Vec<Vec<u8>>,
    raw_bytes: u64,
}

/// The files that name users and groups: steps resolve owners with them.
const ACCOUNTS: [&[u8]; 4] = [b"etc/passwd", b"etc/group", b"etc/shadow", b"etc/gshadow"];

/// Bytes of an account file that are kept. The largest that was seen in an image holds 4 KiB.
const ACCOUNTS_MAX_BYTES: u64 = 1 << 20;

impl BaseImage {
    /// All layers put together, and what each of them is.
    pub fn root(&self, reach: &Reach<'_>) -> Result<(Tree, Vec<LayerFiles>), InputError> {
        let known = |layer: &LayerDescriptor| recall(&layer.diff_id, reach.store);
        let files: Vec<Option<LayerFiles>> = self.image.layers.iter().map(known).collect();
        let missing: Vec<&LayerDescriptor> = (self.image.layers.iter().zip(&files))
            .filter_map(|(layer, files)| files.is_none().then_some(layer))
            .collect();
        /// Downloads of several layers overlap with the reading of others.
        const AT_ONCE: usize = 4;
        crate::input::remote::each(&missing, AT_ONCE, |layer| {
            self.bring_blob(layer, reach)?;
            self.list(layer, reach.store).map(drop)
        })?;
        let mut root = Tree::new();
        let mut all = Vec::new();
        for (layer, files) in self.image.layers.iter().zip(files) {
            let mut files = match files {
                Some(files) => files,
                None => self.list_known(layer, reach)?,
            };
            files.changeset = files.changeset.with_links_from(root.free_link_group());
            root.apply(&files.changeset);
            all.push(files);
        }
        Ok((root, all))
    }

    fn list_known(&self, layer: &LayerDescriptor, reach: &Reach<'_>) -> Result<LayerFiles, InputError> {
        match recall(&layer.diff_id, reach.store) {
            Some(files) => Ok(files),
            None => self.list(layer, reach.store),
        }
    }

    /// Reads a layer whose blob is here.
    fn list(&self, descriptor: &LayerDescriptor, store: &Store) -> Result<LayerFiles, InputError> {
        let blob = store.open_blob(&descriptor.digest.to_string())?;
        let fail = |source| InputError::Layer {
            image: self.request.image.clone(),
            digest: descriptor.digest.to_string(),
            source: Box::new(source),
        };
        let tar = decoder(io::BufReader::with_capacity(1 << 18, blob));
        let tar = tar.map_err(|source| fail(ReadError::Io { offset: 0, source }))?;
        let mut tar = Measured { inner: tar, hasher: Hasher::new(), raw_bytes: 0, blob_bytes: descriptor.size_bytes };
        let mut accounts = Vec::new();
        let mut sink = |path: &ImagePath, size: u64, content: &mut dyn Read| {
            if ACCOUNTS.contains(&path.as_bytes()) && size <= ACCOUNTS_MAX_BYTES {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes)?;
                accounts.push(bytes);
            }
            Ok(())
        };
        let changeset = layer(&mut tar, &mut sink).map_err(fail)?;
        let found: DiffId = tar.hasher.finish();
        if found != descriptor.diff_id {
            return Err(InputError::DiffId {
                image: self.request.image.clone(),
                layer: descriptor.digest.to_string(),
                expected: descriptor.diff_id,
                found,
            });
        }
        let changeset = without_host_attributes(changeset);
        let note = FilesNote { tree: dump::write(&changeset), accounts, raw_bytes: tar.raw_bytes };
        let bytes = serde_json::to_vec(&note).map_err(|source| InputError::Note { source })?;
        store.keep_note_bytes(Shelf::Bases, &descriptor.diff_id.hex(), &pack(&bytes))?;
        Ok(LayerFiles { changeset, accounts: note.accounts, raw_bytes: note.raw_bytes })
    }
}

fn recall(diff_id: &DiffId, store: &Store) -> Option<LayerFiles> {
    let bytes = unpack(&store.note_bytes(Shelf::Bases, &diff_id.hex())?)?;
    let note: FilesNote = serde_json::from_slice(&bytes).ok()?;
    let changeset = dump::parse(&note.tree).ok()?;
    Some(LayerFiles { changeset, accounts: note.accounts, raw_bytes: note.raw_bytes })
}

/// What the machine that made the layer left in it: its security labels and its overlay's notes. They would be repeated
/// in kiln's own layers wherever a directory is.
fn without_host_attributes(changeset: Changeset) -> Changeset {
    let is_host = |name: &[u8]| name == b"security.selinux" || name.windows(9).any(|part| part == b".overlay.");
    if !changeset.nodes().any(|(_, node)| node.xattrs.keys().any(|name| is_host(name))) {
        return changeset;
    }
    let mut cleaned: Changeset = changeset
        .iter()
        .map(|(path, change)| {
            let mut change = change.clone();
            if let Change::Node(node) = &mut change {
                node.xattrs = std::mem::take(&mut node.xattrs)
                    .into_iter()
                    .filter(|(name, _)| !is_host(name))
                    .collect::<BTreeMap<_, _>>();
            }
            (path.clone(), change)
        })
        .collect();
    changeset.opaque().for_each(|path| cleaned.make_opaque(path.clone()));
    cleaned
}

/// A layer's tar as it comes out of its blob: digested, and stopped where no honest layer goes.
struct Measured<R> {
    inner: R,
    hasher: Hasher,
    raw_bytes: u64,
    blob_bytes: u64,
}

/// A layer may always hold so much, however small its blob is: whole images of empty files are that small.
const BOMB_FLOOR_BYTES: u64 = 1 << 30;

/// And beyond that so many times its blob's length. DEFLATE cannot reach it (1032); zstd's frames can.
const BOMB_RATIO: u64 = 2000;

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..found]);
        self.raw_bytes += found as u64;
        if self.raw_bytes > BOMB_FLOOR_BYTES && self.raw_bytes / BOMB_RATIO > self.blob_bytes {
            return Err(io::Error::other(format!(
                "a bomb: {} bytes of blob have become more than {} bytes of tar",
                self.blob_bytes, self.raw_bytes
            )));
        }
        Ok(found)
    }
}
