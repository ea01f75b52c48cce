//! The list of a layer's files: read once, kept by diff ID.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::base::{DiffId, ImagePath};
use crate::image::LayerDescriptor;
use crate::input::{InputError, Reach, each};
use crate::layer::codec::{pack, unpack};
use crate::layer::read::layer;
use crate::secret::{KEY_FILE_BYTES, KeySearch};
use crate::store::{Shelf, Store};
use crate::template::UNIT_DIRECTORIES;
use crate::tree::{Change, Changeset, Tree, dump};

use super::open::BaseImage;

/// What a layer changes, and the few contents that steps ask for.
#[derive(Debug, Clone)]
pub struct LayerFiles {
    /// What it changes.
    pub changeset: Changeset,
    /// Contents of the account files and the units in it.
    pub small: Vec<Vec<u8>>,
    /// The paths of its files that have a whole private key in them, and which kind, for people. One that a layer above
    /// removes is still in this one.
    pub private_keys: Vec<(String, String)>,
    /// Length of its tar.
    pub raw_bytes: u64,
}

/// What the store remembers of it.
#[derive(Serialize, Deserialize)]
struct FilesNote {
    tree: String,
    /// Notes from before units were kept have `accounts` instead, and are made again.
    small: Vec<Vec<u8>>,
    /// Notes from before keys were looked for have none of these, and are made again.
    private_keys: Vec<(String, String)>,
    raw_bytes: u64,
}

/// The files that name users and groups: steps resolve owners with them.
const ACCOUNTS: [&[u8]; 4] = [b"etc/passwd", b"etc/group", b"etc/shadow", b"etc/gshadow"];

/// Bytes of an account file that are kept. The largest that was seen in an image holds 4 KiB.
const ACCOUNTS_MAX_BYTES: u64 = 1 << 20;
/// Bytes of a unit that are kept: `enable` reads its `[Install]` section. Those of systemd have 3 KiB at most.
const UNIT_MAX_BYTES: u64 = 64 << 10;
/// Bytes of all that is kept of a layer, because it is held in memory: many times what a whole distribution has in units.
const KEPT_MAX_BYTES: u64 = 16 << 20;

/// Whether steps may ask what is in a file.
fn is_asked_for(path: &ImagePath, size_bytes: u64) -> bool {
    let path = path.as_bytes();
    let is_unit = |directory: &str| path.strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"));
    (ACCOUNTS.contains(&path) && size_bytes <= ACCOUNTS_MAX_BYTES)
        || (UNIT_DIRECTORIES.iter().any(|directory| is_unit(directory)) && size_bytes <= UNIT_MAX_BYTES)
}

impl BaseImage {
    /// All layers put together, and what each of them is.
    pub fn root(&self, reach: &Reach<'_>) -> Result<(Tree, Vec<LayerFiles>), InputError> {
        /// Downloads of several layers overlap with the reading of others.
        const AT_ONCE: usize = 4;
        let mut all = each(&self.image.layers, AT_ONCE, |layer| self.layer_files(layer, reach))?;
        let mut root = Tree::new();
        for files in &mut all {
            let changeset = std::mem::take(&mut files.changeset);
            files.changeset = changeset.with_links_from(root.free_link_group());
            root.apply(&files.changeset);
        }
        Ok((root, all))
    }

    fn layer_files(&self, layer: &LayerDescriptor, reach: &Reach<'_>) -> Result<LayerFiles, InputError> {
        if let Some(files) = recall(&layer.diff_id, reach.store) {
            return Ok(files);
        }
        self.bring_blob(layer, reach)?;
        self.list(layer, reach.store)
    }

    /// Reads a layer whose blob is here.
    fn list(&self, descriptor: &LayerDescriptor, store: &Store) -> Result<LayerFiles, InputError> {
        let mut tar = self.open_tar(descriptor, store)?;
        let (mut small, mut room) = (Vec::new(), KEPT_MAX_BYTES);
        let (mut search, mut private_keys) = (KeySearch::default(), Vec::new());
        let mut sink = |path: &ImagePath, size: u64, content: &mut dyn Read| {
            if size > KEY_FILE_BYTES {
                return Ok(());
            }
            let mut look = |content: &mut dyn Read| {
                let kinds = search.find(path, content)?;
                private_keys.extend(kinds.into_iter().map(|kind| (path.to_string(), kind.to_string())));
                io::Result::Ok(())
            };
            if is_asked_for(path, size) && size <= room {
                room -= size;
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes)?;
                look(&mut bytes.as_slice())?;
                small.push(bytes);
                return Ok(());
            }
            look(content)
        };
        let changeset = layer(&mut tar, &mut sink).map_err(|source| self.unreadable(descriptor, source))?;
        let (found, raw_bytes) = tar.finish();
        if found != descriptor.diff_id {
            return Err(InputError::DiffId {
                image: self.request.image.clone(),
                layer: descriptor.digest.to_string(),
                expected: descriptor.diff_id,
                found,
            });
        }
        let changeset = without_host_attributes(changeset);
        let note = FilesNote { tree: dump::write(&changeset), small, private_keys, raw_bytes };
        let bytes = serde_json::to_vec(&note).map_err(|source| InputError::Note { source })?;
        store.keep_note_bytes(Shelf::Bases, &descriptor.diff_id.hex(), &pack(&bytes))?;
        Ok(LayerFiles { changeset, small: note.small, private_keys: note.private_keys, raw_bytes: note.raw_bytes })
    }
}

fn recall(diff_id: &DiffId, store: &Store) -> Option<LayerFiles> {
    let bytes = unpack(&store.note_bytes(Shelf::Bases, &diff_id.hex())?)?;
    let note: FilesNote = serde_json::from_slice(&bytes).ok()?;
    let changeset = dump::parse(&note.tree).ok()?;
    Some(LayerFiles { changeset, small: note.small, private_keys: note.private_keys, raw_bytes: note.raw_bytes })
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
