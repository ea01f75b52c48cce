//! The one hash function, SHA-256, with a state that can be kept and taken up again.

use sha2::digest::common::hazmat::{DeserializeStateError, SerializableState, SerializedState};
use sha2::{Digest, Sha256};

use super::digest::DIGEST_BYTES;

/// Bytes of a [`HasherState`].
pub const STATE_BYTES: usize = std::mem::size_of::<SerializedState<Sha256>>();

/// A SHA-256 in the middle of its input. Restoring it costs nothing, whatever the length of what was hashed before.
pub type HasherState = [u8; STATE_BYTES];

/// A running SHA-256.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds the length of `bytes`, then `bytes`, so that neighbouring fields cannot run into each other.
    pub fn field(&mut self, bytes: &[u8]) {
        self.update(&(bytes.len() as u64).to_le_bytes());
        self.update(bytes);
    }

    /// The digest of all that was added, as the kind of digest that the caller names.
    pub fn finish<D: From<[u8; DIGEST_BYTES]>>(self) -> D {
        D::from(self.0.finalize().into())
    }

    /// What has to be kept to continue later with [`Hasher::resume`].
    pub fn state(&self) -> HasherState {
        self.0.serialize().into()
    }

    /// Continues from a kept state; an error if it is not one.
    pub fn resume(state: &HasherState) -> Result<Self, DeserializeStateError> {
        Sha256::deserialize(&(*state).into()).map(Self)
    }
}

/// The digest of `bytes`.
pub fn digest_of<D: From<[u8; DIGEST_BYTES]>>(bytes: &[u8]) -> D {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// Lets a hasher stand where bytes are written.
impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::DiffId;

    #[test]
    fn a_resumed_hasher_ends_where_the_original_does() -> Result<(), DeserializeStateError> {
        let mut whole = Hasher::new();
        whole.update(b"some bytes that do not fill a block");
        let mut resumed = Hasher::resume(&whole.state())?;
        whole.update(&[7; 1000]);
        resumed.update(&[7; 1000]);
        assert_eq!(whole.finish::<DiffId>(), resumed.finish::<DiffId>());
        Ok(())
    }
}
