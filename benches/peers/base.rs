//! Base images as others make them: an OCI layout with one layer, which is one gzip stream of one tar.
//!
//! They are generated like the trees and not made of a distribution's packages, so that they are the same on every machine
//! and need no network.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use tar::{EntryType, Header};

use crate::content::Material;
use crate::layout;
use crate::tree::{self, Planned};

const EPOCH_SECONDS: u64 = 1_767_225_600;

/// Writes the layout `name` below `root`, unless it is there already. `planned` is sorted by path; its first directory is
/// left away.
pub(crate) fn write(root: &Path, name: &str, material: &Material, planned: &[Planned]) -> io::Result<()> {
    let (marker, stamp) = (root.join(format!("{name}.generated")), tree::stamp(planned));
    if fs::read_to_string(&marker).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    eprintln!("generating {name}: {} files", planned.len());
    layout::write(&root.join(name), |writer| {
        let mut tar = tar::Builder::new(writer);
        let mut directories = BTreeSet::new();
        for file in planned {
            append(&mut tar, &mut directories, material, file)?;
        }
        tar.into_inner()
    })?;
    fs::write(marker, stamp)
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    directories: &mut BTreeSet<String>,
    material: &Material,
    file: &Planned,
) -> io::Result<()> {
    let path = file.path.split_once('/').map_or(file.path.as_str(), |(_, rest)| rest);
    for (end, _) in path.match_indices('/') {
        if directories.insert(path[..end].to_owned()) {
            tar.append_data(&mut header(EntryType::Directory, 0o755, 0), &path[..=end], io::empty())?;
        }
    }
    match &file.target {
        Some(target) => tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target),
        None => {
            let mut header = header(EntryType::Regular, file.mode, file.size as u64);
            tar.append_data(&mut header, path, FileContent::new(material, file))
        }
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(EPOCH_SECONDS);
    header.set_size(size);
    header
}

/// What a planned file holds, piece after piece.
struct FileContent<'a> {
    material: &'a Material,
    file: &'a Planned,
    next: usize,
    piece: Vec<u8>,
    at: usize,
}

impl<'a> FileContent<'a> {
    fn new(material: &'a Material, file: &'a Planned) -> Self {
        Self { material, file, next: 0, piece: Vec::new(), at: 0 }
    }
}

impl Read for FileContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.at = 0;
            tree::fill_piece(self.material, self.file, self.next, &mut self.piece);
            self.next += 1;
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..][..length]);
        self.at += length;
        Ok(length)
    }
}
