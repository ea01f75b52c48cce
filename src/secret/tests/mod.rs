//! Secrets are found wherever they are, and nowhere else.

mod keys;
mod nested;
mod places;
mod speed;
mod streams;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};

use super::*;
use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::tree::testing::path;
use crate::tree::{Changeset, Content, ContentError, Contents, Kind, Node};

/// Contents in memory.
#[derive(Default)]
struct Memory(BTreeMap<ContentDigest, Vec<u8>>);

impl Contents for Memory {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        let all = self.0.get(&content.digest).ok_or(ContentError::Unknown(*content))?;
        buffer.copy_from_slice(&all[offset as usize..][..buffer.len()]);
        Ok(())
    }
}

/// What a layer with these files changes.
fn layer(files: &[(&str, &[u8])]) -> (Changeset, Memory) {
    let (mut changes, mut memory) = (Changeset::new(), Memory::default());
    for (name, bytes) in files {
        let content = Content { digest: digest_of(bytes), size_bytes: bytes.len() as u64 };
        changes.put(path(name), Node::new(Kind::File { content, links: None }, 0o644));
        memory.0.insert(content.digest, bytes.to_vec());
    }
    (changes, memory)
}

fn needles(values: &[(&str, &[u8])]) -> Needles {
    Needles::new(&values.iter().map(|(id, value)| Secret::new(*id, value.to_vec())).collect())
}

/// What is found in one file, as people read it.
fn findings(bytes: &[u8], needles: &Needles) -> Vec<String> {
    let (changes, memory) = layer(&[("file", bytes)]);
    let found = search(&changes, &memory, needles).expect("it can be read");
    found.iter().map(|(path, finding)| format!("{path} {finding}")).collect()
}

/// Gives few bytes at a time, as sockets and decoders do.
struct Dripping<'a> {
    bytes: &'a [u8],
    steps: &'a [usize],
    at: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.steps[self.at % self.steps.len()];
        self.at += 1;
        let length = buffer.len().min(step);
        self.bytes.read(&mut buffer[..length])
    }
}

/// Bytes that repeat themselves late.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).expect("memory does not fail")
}

fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in [("first", b"nothing".as_slice()), (name, bytes), ("last", b"nothing")] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        builder.append_data(&mut header, name, bytes).expect("memory does not fail");
    }
    builder.into_inner().expect("memory does not fail")
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = ::zip::write::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("first", b"nothing".as_slice()), (name, bytes), ("last", b"nothing")] {
        writer.start_file(name, ::zip::write::SimpleFileOptions::default()).expect("memory does not fail");
        writer.write_all(bytes).expect("memory does not fail");
    }
    writer.finish().expect("memory does not fail").into_inner()
}
