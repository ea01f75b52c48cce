//! The keys that a repository's signatures are checked with, and what they are good for at a given time.

use pgp::composed::{Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use crate::base::Epoch;
use crate::base::digest::hex;

use super::signature::SignatureError;

/// Debian's own keys: `keyring/README.md` says which, and where they are from.
const DEBIAN: &[u8] = include_bytes!("keyring/debian-archive.pgp");

/// Public keys with what they say of themselves.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It signs.
    Good,
    /// Nothing that it says counts any more.
    Revoked,
    /// Its time is over, at the given seconds since 1970.
    Expired(i64),
    /// It does not sign, or nothing that it says of itself can be verified.
    Unfit,
}

/// A key that may have made a signature.
pub(super) struct Signer<'a> {
    /// Of the key itself, upper-case hexadecimal.
    pub(super) fingerprint: String,
    /// At the time that was asked for.
    pub(super) standing: Standing,
    key: Part<'a>,
}

enum Part<'a> {
    Primary(&'a SignedPublicKey),
    Sub(&'a SignedPublicSubKey),
}

impl Keyring {
    /// The keys in a file, binary or armored (RFC 9580, 10.1 and 6.2).
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let fail = |error: pgp::errors::Error| SignatureError::Keyring { reason: error.to_string() };
        let keys: Result<Vec<_>, _> = if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
            SignedPublicKey::from_armor_many(bytes).map_err(fail)?.0.collect()
        } else {
            SignedPublicKey::from_bytes_many(bytes).map_err(fail)?.collect()
        };
        let keys = keys.map_err(fail)?;
        if keys.is_empty() {
            return Err(SignatureError::Keyring { reason: "there is no key in it".to_owned() });
        }
        Ok(Self { keys })
    }

    /// The keys of Debian's archive that kiln brings.
    pub fn debian() -> Result<Self, SignatureError> {
        Self::parse(DEBIAN)
    }

    /// The fingerprints of the primary keys, upper-case hexadecimal.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| fingerprint(&key.primary_key)).collect()
    }

    /// The keys that a signature says it is by. The name is only a hint: the signature decides.
    pub(super) fn signers(&self, signature: &Signature, at: Epoch) -> Vec<Signer<'_>> {
        let mut signers = Vec::new();
        for key in &self.keys {
            let own = || standing(key, at);
            if is_by(signature, &key.primary_key) {
                let standing = own().and_may_sign(primary_may_sign(key));
                signers.push(Signer { fingerprint: fingerprint(&key.primary_key), standing, key: Part::Primary(key) });
            }
            for sub in key.public_subkeys.iter().filter(|sub| is_by(signature, &sub.key)) {
                let standing = match own() {
                    Standing::Good => sub_standing(key, sub, at),
                    bad => bad,
                };
                signers.push(Signer { fingerprint: fingerprint(&sub.key), standing, key: Part::Sub(sub) });
            }
        }
        signers
    }
}

impl Signer<'_> {
    /// Whether the signature is by this key and of this text.
    pub(super) fn has_signed(&self, signature: &Signature, text: &[u8]) -> bool {
        match self.key {
            Part::Primary(key) => signature.verify(key, text),
            Part::Sub(sub) => signature.verify(&sub.key, text),
        }
        .is_ok()
    }
}

impl Standing {
    fn and_may_sign(self, may_sign: bool) -> Self {
        if self == Self::Good && !may_sign { Self::Unfit } else { self }
    }
}

/// Whether a digest can be relied on: nobody makes two texts with one digest.
pub(super) fn is_strong(algorithm: Option<HashAlgorithm>) -> bool {
    matches!(
        algorithm,
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

pub(super) fn fingerprint(key: &impl KeyDetails) -> String {
    hex(key.fingerprint().as_bytes()).to_uppercase()
}

fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_fingerprint().contains(&&key.fingerprint())
        || (signature.issuer_fingerprint().is_empty() && signature.issuer_key_id().contains(&&key.legacy_key_id()))
}

/// Seconds since 1970 at which something was made.
pub(super) fn made(signature: &Signature) -> i64 {
    signature.created().map_or(0, |time| i64::from(time.as_secs()))
}

/// The newest of the signatures that hold.
fn newest<'a>(all: impl Iterator<Item = &'a Signature>, holds: impl Fn(&Signature) -> bool) -> Option<&'a Signature> {
    all.filter(|signature| holds(signature)).max_by_key(|signature| made(signature))
}

/// What a key says of itself: the newest signature on itself or on one of its names.
fn own_words(key: &SignedPublicKey) -> Option<&Signature> {
    let direct = newest(key.details.direct_signatures.iter(), |signature| {
        is_strong(signature.hash_alg()) && signature.verify_key(&key.primary_key).is_ok()
    });
    let named = key.details.users.iter().filter_map(|user| {
        let last = newest(user.signatures.iter(), |signature| {
            signature.verify_certification(&key.primary_key, Tag::UserId, &user.id).is_ok()
        })?;
        (last.typ() != Some(SignatureType::CertRevocation) && is_strong(last.hash_alg())).then_some(last)
    });
    direct.into_iter().chain(named).max_by_key(|signature| made(signature))
}

fn standing(key: &SignedPublicKey, at: Epoch) -> Standing {
    // A revocation counts however weak its digest is, and whatever its date: who made it did not want the key used.
    if key.details.revocation_signatures.iter().any(|signature| signature.verify_key(&key.primary_key).is_ok()) {
        return Standing::Revoked;
    }
    let Some(words) = own_words(key) else { return Standing::Unfit };
    within(&key.primary_key, words, at)
}

fn primary_may_sign(key: &SignedPublicKey) -> bool {
    own_words(key).is_some_and(|words| words.key_flags().sign())
}

fn sub_standing(key: &SignedPublicKey, sub: &SignedPublicSubKey, at: Epoch) -> Standing {
    let of = |wanted| {
        newest(sub.signatures.iter().filter(move |signature| signature.typ() == Some(wanted)), |signature| {
            signature.verify_subkey_binding(&key.primary_key, &sub.key).is_ok()
        })
    };
    if of(SignatureType::SubkeyRevocation).is_some() {
        return Standing::Revoked;
    }
    let Some(binding) = of(SignatureType::SubkeyBinding).filter(|binding| is_strong(binding.hash_alg())) else {
        return Standing::Unfit;
    };
    // A signing key has to agree: else somebody could take another's key under their own.
    let agrees = binding
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(&sub.key, &key.primary_key).is_ok());
    within(&sub.key, binding, at).and_may_sign(agrees && binding.key_flags().sign())
}

/// Whether a key is in its time. Its time starts with the key, and its words say how long it is.
fn within(key: &impl VerifyingKey, words: &Signature, at: Epoch) -> Standing {
    let created = i64::from(key.created_at().as_secs());
    let length = words.key_expiration_time().map(|duration| i64::from(duration.as_secs())).filter(|length| *length > 0);
    match length.map(|length| created + length) {
        Some(end) if end <= at.seconds() => Standing::Expired(end),
        _ => Standing::Good,
    }
}
