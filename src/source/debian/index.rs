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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;
    use crate::source::debian::NamedBy;

    fn fixture(path: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/debian/repository/{path}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
    }

    #[test]
    fn indexes_are_looked_for_by_digest_and_then_by_name() {
        let mirror = Mirror { address: "http://a.example/debian".to_owned(), by: NamedBy::Template };
        let file = IndexFile { sha256: digest_of(b""), size_bytes: 0 };
        let index = Index { path: "main/binary-amd64/Packages.xz".to_owned(), file };
        let directory = "http://a.example/debian/dists/test/main/binary-amd64";
        let named = format!("{directory}/Packages.xz");
        let hashed = format!("{directory}/by-hash/SHA256/{}", index.file.sha256.hex());
        assert_eq!(places(&mirror, "test", &index, ByHash::Yes), [hashed, named.clone()]);
        assert_eq!(places(&mirror, "test", &index, ByHash::No), [named]);
    }

    #[test]
    fn an_index_is_read_or_refused() {
        let plain = fixture("dists/test/main/binary-amd64/Packages");
        let packed = fixture("dists/test/main/binary-amd64/Packages.xz");
        let read = |bytes: &[u8]| read(bytes, "an index");
        assert_eq!(read(&packed).expect("packages"), read(&plain).expect("packages"));
        let short = read(&packed[..packed.len() - 8]).expect_err("its end is missing");
        assert!(matches!(short, DebianError::Decompress { .. }) && short.hint().is_some(), "{short:?}");
        let odd = read(b"Package: a\n").expect_err("no version");
        assert!(matches!(odd, DebianError::Index { .. }) && odd.hint().is_some(), "{odd:?}");
    }

    #[test]
    fn packages_for_all_architectures_may_be_apart() {
        let line = |path: &str| format!(" {} 1 {path}\n", "a".repeat(64));
        let text = |more: &str| {
            format!(
                "Suite: s\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: all amd64\n{more}SHA256:\n{}{}",
                line("main/binary-amd64/Packages.xz"),
                line("main/binary-all/Packages.xz")
            )
        };
        let paths = |more: &str, architectures: &[&str]| {
            let release = Release::parse(&text(more)).expect("a release");
            let found = indexes(&release, &["main".to_owned()], architectures, "a release");
            found.map(|found| found.into_iter().map(|index| index.path).collect::<Vec<_>>())
        };
        let (own, all) = ("main/binary-amd64/Packages.xz", "main/binary-all/Packages.xz");
        assert_eq!(paths("", &["amd64"]).expect("both"), [own, all]);
        assert_eq!(paths("No-Support-for-Architecture-all: Packages\n", &["amd64"]).expect("one"), [own]);
        assert!(matches!(paths("", &["arm64"]), Err(DebianError::Release { .. })));
    }
}
