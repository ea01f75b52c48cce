//! What must not land in an image, a plan or a lock: secrets that steps were given, and private keys.

use crate::base::ImagePath;
use crate::base::glob::Globs;
use crate::secret::{self, KEY_FILE_BYTES, KeyKind, Needles};
use crate::tree::{Change, Changeset, Contents, Kind};

use super::error::Error;

/// Fails if a file, a name or a link of `changes` has a secret in it.
pub(super) fn secrets(
    layer: &str,
    changes: &Changeset,
    contents: &dyn Contents,
    needles: &Needles,
) -> Result<(), Error> {
    if needles.is_empty() {
        return Ok(());
    }
    match secret::search(changes, contents, needles)?.into_iter().next() {
        Some((path, finding)) => {
            Err(Error::SecretLands { layer: layer.to_owned(), path, finding: finding.to_string() })
        }
        None => Ok(()),
    }
}

/// The same for a document that kiln writes.
pub(super) fn secrets_in_document(what: &'static str, text: &str, needles: &Needles) -> Result<(), Error> {
    match needles.find_text(text) {
        Some(hit) => Err(Error::SecretInDocument { what, id: hit.id }),
        None => Ok(()),
    }
}

/// Fails if a file of `changes` is or has a whole private key, and none of the globs in `allowed` covers it.
pub(super) fn private_keys(
    layer: &str,
    changes: &Changeset,
    contents: &dyn Contents,
    allowed: &[String],
) -> Result<(), Error> {
    match found_keys(changes, contents, allowed)?.into_iter().next() {
        Some((path, kind)) => Err(Error::PrivateKey { layer: layer.to_owned(), path, kind: kind.to_string() }),
        None => Ok(()),
    }
}

/// The whole private keys in `changes` that none of the globs in `allowed` covers.
pub(super) fn found_keys(
    changes: &Changeset,
    contents: &dyn Contents,
    allowed: &[String],
) -> Result<Vec<(ImagePath, KeyKind)>, Error> {
    let globs: Vec<&str> = allowed.iter().map(String::as_str).collect();
    // The globs were checked when the template was read.
    let allowed = Globs::new(&globs).unwrap_or_default();
    let small = changes.iter().filter(|(path, change)| match change {
        Change::Node(node) => match &node.kind {
            Kind::File { content, .. } => {
                content.size_bytes <= KEY_FILE_BYTES && allowed.matching(path.as_bytes(), node.is()).is_none()
            }
            _ => false,
        },
        Change::Whiteout => false,
    });
    let small: Changeset = small.map(|(path, change)| (path.clone(), change.clone())).collect();
    Ok(secret::private_keys(&small, contents)?)
}
