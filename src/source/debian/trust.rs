//! Whose signatures count.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::Epoch;
use crate::packages::debian::{Keyring, SignatureError, Signed, verify};

use super::error::DebianError;

/// Keys, and who they vouch for.
#[derive(Debug, Clone)]
pub struct Trust {
    keyring: Keyring,
    /// What this machine has of the same keys, perhaps older and perhaps newer.
    host: Option<Keyring>,
    /// Who has to have made a release.
    pub(super) origin: Option<&'static str>,
}

impl Trust {
    /// Debian's own keys. `host` are files that this machine may have them in.
    pub fn debian(host: &[PathBuf]) -> Result<Self, DebianError> {
        let keyring = Keyring::debian().map_err(|source| DebianError::Keys { source })?;
        let found = host.iter().find_map(|path| Keyring::parse(&fs::read(path).ok()?).ok());
        Ok(Self { keyring, host: found, origin: Some("Debian") })
    }

    /// The keys in a file, and no others.
    pub fn of_file(path: &Path) -> Result<Self, DebianError> {
        let bytes = fs::read(path).map_err(|source| DebianError::Keyring { path: path.to_owned(), source })?;
        let keyring = Keyring::parse(&bytes).map_err(|source| DebianError::Keys { source })?;
        Ok(Self { keyring, host: None, origin: None })
    }

    /// Checks a clear-signed message.
    pub(super) fn verify(&self, message: &[u8], at: Epoch) -> Result<Signed, SignatureError> {
        let own = verify(message, &self.keyring, at);
        let Some(host) = &self.host else { return own };
        match (own, verify(message, host, at)) {
            // A revocation may have come after kiln was made.
            (_, Err(revoked @ SignatureError::Revoked { .. })) => Err(revoked),
            // And so may a key, or a longer time for it. What kiln knows to be bad stays so, whatever is older here.
            (Err(error @ (SignatureError::Unknown { .. } | SignatureError::Expired { .. })), found) => {
                found.map_err(|_| error)
            }
            (own, _) => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signatures(name: &str) -> Vec<u8> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/debian/signatures/");
        fs::read(format!("{directory}{name}")).expect("a fixture")
    }

    fn keyring(name: &str) -> Keyring {
        Keyring::parse(&signatures(name)).expect("keys")
    }

    fn now() -> Epoch {
        "2026-02-01T00:00:00Z".parse().expect("a time")
    }

    #[test]
    fn the_keys_of_the_machine_add_keys_and_revocations() {
        let debian = Trust::debian(&[]).expect("keys");
        let good = signatures("good.asc");
        assert!(matches!(debian.verify(&good, now()), Err(SignatureError::Unknown { .. })));
        let with_host = Trust { host: Some(keyring("keyring.pgp")), ..debian };
        assert!(with_host.verify(&good, now()).is_ok());
        assert!(matches!(with_host.verify(&signatures("revoked.asc"), now()), Err(SignatureError::Revoked { .. })));
        assert!(matches!(with_host.verify(&signatures("tampered.asc"), now()), Err(SignatureError::Unknown { .. })));
        let older = Trust { keyring: keyring("keyring.pgp"), host: Some(keyring("keyring.pgp")), origin: None };
        assert!(matches!(older.verify(&signatures("revoked.asc"), now()), Err(SignatureError::Revoked { .. })));
        let own = Trust { keyring: keyring("keyring.pgp"), host: Some(keyring("keyring.asc")), origin: None };
        assert!(matches!(own.verify(&signatures("tampered.asc"), now()), Err(SignatureError::Bad { .. })));
        assert!(own.verify(&signatures("rsa.asc"), now()).is_ok(), "the machine need not know it");
    }

    #[test]
    fn a_file_without_keys_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys");
        assert!(matches!(Trust::of_file(&path), Err(DebianError::Keyring { .. })));
        fs::write(&path, "no keys").expect("written");
        assert!(matches!(Trust::of_file(&path), Err(DebianError::Keys { .. })));
        // What the machine has beside it only helps.
        assert!(Trust::debian(&[path]).is_ok());
    }
}
