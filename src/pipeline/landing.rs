//! What must not land in an image, a plan or a lock: secrets that steps were given, and private keys.

use crate::base::ImagePath;
use crate::base::glob::{Globs, Is};
use crate::base::path::unreadable;
use crate::secret::{self, KEY_FILE_BYTES, Needles};
use crate::tree::{Change, Changeset, Contents, Kind, Node};

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

/// A file with a whole private key, and what kind of key that is.
pub(super) type Key = (ImagePath, String);

/// Fails if there is a key that none of the globs in `allowed` covers.
pub(super) fn private_keys(layer: &str, keys: &[Key], allowed: &[String]) -> Result<(), Error> {
    match unexpected(keys, allowed).into_iter().next() {
        Some((path, kind)) => {
            Err(Error::PrivateKey { layer: layer.to_owned(), path: path.clone(), kind: kind.clone() })
        }
        None => Ok(()),
    }
}

/// The keys that none of the globs in `allowed` covers.
pub(super) fn unexpected<'k>(keys: &'k [Key], allowed: &[String]) -> Vec<&'k Key> {
    let globs: Vec<&str> = allowed.iter().map(String::as_str).collect();
    // The globs were checked when the template was read.
    let allowed = Globs::new(&globs).unwrap_or_default();
    keys.iter().filter(|(path, _)| allowed.matching(path.as_bytes(), Is::Other).is_none()).collect()
}

/// The whole private keys in `changes`, allowed or not.
pub(super) fn found_keys(changes: &Changeset, contents: &dyn Contents) -> Result<Vec<Key>, Error> {
    let small = changes.iter().filter(|(_, change)| match change {
        Change::Node(Node { kind: Kind::File { content, .. }, .. }) => content.size_bytes <= KEY_FILE_BYTES,
        _ => false,
    });
    let small: Changeset = small.map(|(path, change)| (path.clone(), change.clone())).collect();
    let found = secret::private_keys(&small, contents)?;
    Ok(found.into_iter().map(|(path, kind)| (path, kind.to_string())).collect())
}

/// Keys as a note of the store has them.
pub(super) fn written_keys(keys: &[Key]) -> Vec<(String, String)> {
    keys.iter().map(|(path, kind)| (path.to_string(), kind.clone())).collect()
}

/// The other way; `None` if a path is none.
pub(super) fn read_keys(written: &[(String, String)]) -> Option<Vec<Key>> {
    let read = written.iter().map(|(path, kind)| {
        let path = unreadable(path.strip_prefix('/')?)?;
        Some((ImagePath::parse(&path).ok()?, kind.clone()))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_a_note() {
        let path = ImagePath::parse(b"etc/a \\\xff\n.pem").expect("a path");
        let keys = vec![(path, "a private key".to_owned())];
        assert_eq!(read_keys(&written_keys(&keys)), Some(keys));
        assert_eq!(read_keys(&[("/../x".to_owned(), String::new())]), None);
    }
}
