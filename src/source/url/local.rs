//! `file:` addresses (RFC 8089).

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::base::{ContentDigest, Hasher};
use crate::transport::Sink;
use crate::transport::url::decode;

use super::error::UrlError;
use super::fetch::Fetched;

/// Bytes read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The file that an address names; nothing if it is another kind of address.
pub(super) fn path(url: &str) -> Result<Option<PathBuf>, UrlError> {
    let Some(rest) = url.strip_prefix("file:") else { return Ok(None) };
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    let decoded = decode(path).filter(|path| path.starts_with('/') && !path.contains('\0'));
    decoded.map(|path| Some(PathBuf::from(path))).ok_or_else(|| UrlError::NotAbsolute { url: url.to_owned() })
}

/// Copies a file into a sink that is empty.
pub(super) fn copy(
    url: &str,
    path: PathBuf,
    expected: Option<ContentDigest>,
    sink: &mut dyn Sink,
) -> Result<Fetched, UrlError> {
    let fail = |source: io::Error| UrlError::Read { path: path.clone(), source };
    let mut file = File::open(&path).map_err(fail)?;
    let mut hasher = Hasher::new();
    let mut size_bytes = 0;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let found = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error)),
        };
        hasher.update(&piece[..found]);
        sink.write(&piece[..found]).map_err(|source| UrlError::Sink { url: url.to_owned(), source })?;
        size_bytes += found as u64;
    }
    let sha256 = hasher.finish();
    match expected {
        Some(expected) if expected != sha256 => Err(UrlError::Digest { url: url.to_owned(), expected, found: sha256 }),
        _ => Ok(Fetched { sha256, size_bytes }),
    }
}
