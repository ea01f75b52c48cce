//! Indexes of a suite: which there are, where they are, and what they list.

use std::io::Read;

use crate::layer::read::archive_decoder;
use crate::packages::debian::index;
use crate::packages::debian::release::{AllPackages, ByHash, IndexFile};
use crate::packages::debian::{Package, Release};

use super::address;
use super::error::DebianError;
use super::mirror::Mirror;

/// What is read of a decompressed index at most. Debian's largest has 60 MB.
const MAX_BYTES: u64 = 1 << 30;

/// An index that has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// From the directory of the suite.
    pub path: String,
    /// What it is.
    pub file: IndexFile,
}

/// The indexes of components for some architectures. `url` is where the release is from, for messages.
pub fn indexes(
    release: &Release,
    components: &[String],
    architectures: &[&str],
    url: &str,
) -> Result<Vec<Index>, DebianError> {
    let mut found = Vec::new();
    for component in components {
        for architecture in architectures {
            let index = release.index(component, architecture);
            let (path, file) = index.map_err(|source| DebianError::Release { url: url.to_owned(), source })?;
            found.push(Index { path, file });
        }
        // Not every suite that names `all` has it in every component.
        let all = release.index(component, "all").ok().filter(|_| release.all == AllPackages::Apart);
        found.extend(all.map(|(path, file)| Index { path, file }));
    }
    Ok(found)
}

/// Where a mirror has an index: under its digest, so that a mirror that changes meanwhile gives the same, then under its
/// name.
pub fn places(mirror: &Mirror, suite: &str, index: &Index, by_hash: ByHash) -> Vec<String> {
    let directory = index.path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let hashed = format!("dists/{suite}/{directory}/by-hash/SHA256/{}", index.file.sha256.hex());
    let named = format!("dists/{suite}/{}", index.path);
    let paths = match by_hash {
        ByHash::Yes => vec![hashed, named],
        ByHash::No => vec![named],
    };
    paths.iter().map(|path| address(mirror, path)).collect()
}

/// The packages that an index lists. `name` is for messages.
pub fn read(compressed: impl Read, name: &str) -> Result<Vec<Package>, DebianError> {
    let fail = |source| DebianError::Decompress { name: name.to_owned(), source };
    let mut bytes = Vec::new();
    archive_decoder(compressed).map_err(fail)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(std::io::ErrorKind::FileTooLarge.into()));
    }
    index::read(&bytes).map_err(|source| DebianError::Index { name: name.to_owned(), source })
}
