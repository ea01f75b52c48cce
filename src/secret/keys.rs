//! Private keys in what a layer changes, whoever knows them.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;
use std::io::{self, Read};

use crate::base::ImagePath;
use crate::tree::{Changeset, ContentReader, Contents, Kind};

use super::error::SecretError;
use super::window::Window;
use super::{der, pem, putty};

/// Bytes of the largest file that is looked at for a private key: those are a few thousand.
pub const KEY_FILE_BYTES: u64 = 1 << 20;

/// A kind of private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// RSA, in PKCS #1.
    Pkcs1,
    /// Any algorithm, in PKCS #8.
    Pkcs8,
    /// An elliptic curve, in SEC 1.
    Ec,
    /// DSA, as OpenSSL writes it.
    Dsa,
    /// In OpenSSH's own format.
    OpenSsh,
    /// PGP. Whether it is encrypted is not looked at.
    Pgp,
    /// In PuTTY's format.
    Putty,
    /// Of another kind, in PEM.
    Other,
    /// Of any kind, encrypted.
    Encrypted,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs1 => "an RSA private key (PKCS #1)",
            Self::Pkcs8 => "a private key (PKCS #8)",
            Self::Ec => "an EC private key",
            Self::Dsa => "a DSA private key",
            Self::OpenSsh => "an OpenSSH private key",
            Self::Pgp => "a PGP private key",
            Self::Putty => "a PuTTY private key",
            Self::Other => "a private key",
            Self::Encrypted => "an encrypted private key",
        })
    }
}

/// Largest file in bytes that may be a key in DER: RSA of 16384 bits has 9 KB.
const DER_MAX_BYTES: usize = 16 * 1024;
/// How files with a key in DER end: bytes without a text around them are a key if they also are called one.
const DER_SUFFIXES: [&[u8]; 4] = [b".der", b".key", b".pk8", b".p8"];

/// The complete private keys among the files, each kind once for each file, in the order of the paths.
///
/// Keys in archives are not looked for. Fails if a file cannot be read.
pub fn private_keys(changes: &Changeset, contents: &dyn Contents) -> Result<Vec<(ImagePath, KeyKind)>, SecretError> {
    // Its reads are the whole cost of this search, so there is one window for all.
    let mut window = Window::new(pem::KEY_MAX_BYTES);
    let (mut known, mut found) = (BTreeMap::new(), Vec::new());
    for (path, node) in changes.nodes() {
        let Kind::File { content, .. } = &node.kind else { continue };
        let keys = match known.entry(content.digest) {
            Entry::Occupied(keys) => keys.into_mut(),
            Entry::Vacant(place) => place.insert(
                Keys::of(&mut ContentReader::new(contents, *content), &mut window)
                    .map_err(|source| SecretError::Read { path: path.clone(), source })?,
            ),
        };
        found.extend(keys.under(path).map(|kind| (path.clone(), kind)));
    }
    Ok(found)
}

/// Looks for keys in files that come by one after the other.
pub struct KeySearch(Window);

impl Default for KeySearch {
    fn default() -> Self {
        Self(Window::new(pem::KEY_MAX_BYTES))
    }
}

impl KeySearch {
    /// The complete private keys in a file, each kind once. Fails if it cannot be read.
    pub fn find(&mut self, path: &ImagePath, content: &mut dyn Read) -> io::Result<Vec<KeyKind>> {
        Ok(Keys::of(content, &mut self.0)?.under(path).collect())
    }
}

/// The keys in one content.
struct Keys {
    text: BTreeSet<KeyKind>,
    /// If all of it is one, and its name says so.
    der: Option<KeyKind>,
}

impl Keys {
    /// Those of a file with that path.
    fn under(&self, path: &ImagePath) -> impl Iterator<Item = KeyKind> {
        let name = path.name().to_ascii_lowercase();
        let der = self.der.filter(|_| DER_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)));
        self.text.iter().copied().chain(der)
    }

    fn of(content: &mut dyn Read, window: &mut Window) -> io::Result<Self> {
        window.clear();
        let mut keys = Self { text: BTreeSet::new(), der: None };
        // Whether the window still begins where the content does.
        let mut whole = true;
        loop {
            let more = window.fill(content)?;
            if more > 0 && !window.is_full() {
                continue;
            }
            keys.text.extend(pem::keys(window.filled()));
            if whole {
                keys.text.extend(putty::key(window.filled()));
                keys.der = Some(window.filled()).filter(|all| all.len() <= DER_MAX_BYTES).and_then(der::kind);
            }
            if more == 0 {
                return Ok(keys);
            }
            window.advance();
            whole = false;
        }
    }
}
