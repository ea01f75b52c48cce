//! MD5, which dpkg tells by whether a conffile was changed, and with which it finds damage. It proves nothing.

use std::io;

use md5::{Digest as _, Md5};

use crate::base::ImagePath;
use crate::base::digest::hex;
use crate::tree::{Content, ContentReader, Contents, Kind, Node};

use super::error::InstallError;

/// The digest of a content that is at `path`, 32 hexadecimal digits.
pub(super) fn md5(contents: &dyn Contents, content: &Content, path: &ImagePath) -> Result<String, InstallError> {
    let mut hasher = Md5::new();
    let mut reader = ContentReader::new(contents, *content);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut reader, &mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(source) => return Err(InstallError::Content { path: path.clone(), source }),
        }
    }
}

/// The sums of a package's files as dpkg keeps them for a package that brings none.
pub(super) fn of_files<'a>(
    contents: &dyn Contents,
    files: impl Iterator<Item = (&'a ImagePath, &'a Node)>,
) -> Result<Vec<u8>, InstallError> {
    let mut sums = Vec::new();
    for (path, node) in files {
        if let Kind::File { content, .. } = &node.kind {
            sums.extend([md5(contents, content, path)?.as_bytes(), b"  ", path.as_bytes(), b"\n"].concat());
        }
    }
    Ok(sums)
}
