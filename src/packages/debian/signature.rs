//! A signed `Release`: the text of an `InRelease`, if somebody of the keyring has signed it (RFC 9580, 7).
//!
//! One good signature is enough, and signatures of unknown keys mean nothing: an archive signs with its old and its new
//! keys at once. A signature of a known key that does not fit the text ends everything. Nothing but the signed text is
//! given out, so what stands around it is never read; it is refused all the same.

use pgp::composed::CleartextSignedMessage;
use pgp::packet::{Signature, SignatureType};

use crate::base::Epoch;
use crate::base::digest::hex;

use super::keyring::{Keyring, Standing, is_strong, made};

/// A text and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text as it was signed: line feeds, no blanks at the ends of lines.
    pub text: String,
    /// Of the key that made the first good signature, upper-case hexadecimal.
    pub fingerprint: String,
}

/// Why a signed text is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The keyring is damaged, or is none.
    #[error("cannot read the keyring: {reason}")]
    Keyring {
        /// What is wrong.
        reason: String,
    },
    /// Not a clear-signed message, or not only one.
    #[error("expected a clear-signed message and nothing else: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Nobody signed it.
    #[error("the message has no signature")]
    Unsigned,
    /// The text is not what was signed.
    #[error("the signature of key {fingerprint} does not fit the text")]
    Bad {
        /// Of the key.
        fingerprint: String,
    },
    /// A key that nobody should believe any more.
    #[error("the message is signed by key {fingerprint}, which was revoked")]
    Revoked {
        /// Of the key.
        fingerprint: String,
    },
    /// A key whose time is over.
    #[error("the message is signed by key {fingerprint}, which expired on {since}")]
    Expired {
        /// Of the key.
        fingerprint: String,
        /// The last moment of its time.
        since: String,
    },
    /// A signature whose time is over.
    #[error("the signature of key {fingerprint} expired on {since}")]
    Over {
        /// Of the key.
        fingerprint: String,
        /// The last moment of its time.
        since: String,
    },
    /// A digest that can be forged.
    #[error("the signature of key {fingerprint} is over a {digest} digest, which is too weak")]
    Weak {
        /// Of the key.
        fingerprint: String,
        /// Which digest.
        digest: String,
    },
    /// A key that may not sign.
    #[error("the message is signed by key {fingerprint}, which may not sign")]
    Unfit {
        /// Of the key.
        fingerprint: String,
    },
    /// Nobody in the keyring.
    #[error("no key of the keyring has signed the message, only {}", issuers.join(", "))]
    Unknown {
        /// Who did, as their signatures say.
        issuers: Vec<String>,
    },
}

impl SignatureError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Keyring { .. } => "name a file with OpenPGP public keys as `keyring` of the repository".to_owned(),
            Self::Malformed { .. } | Self::Unsigned | Self::Bad { .. } => {
                "something on the way changed the file: try another mirror".to_owned()
            }
            Self::Revoked { .. } | Self::Expired { .. } | Self::Unfit { .. } => {
                "get a newer keyring of the distribution and name it as `keyring` of the repository".to_owned()
            }
            Self::Over { .. } => "the mirror is out of date: try another one, or set `snapshot`".to_owned(),
            Self::Weak { .. } => "the repository has to sign with SHA-256 or better: tell those who run it".to_owned(),
            Self::Unknown { .. } => {
                "if you trust one of these keys, name a file with it as `keyring` of the repository".to_owned()
            }
        })
    }

    /// Which of several to tell: what looks like an attack first, what only lacks a key last.
    fn weight(&self) -> u8 {
        match self {
            Self::Bad { .. } => 0,
            Self::Revoked { .. } => 1,
            Self::Expired { .. } | Self::Over { .. } => 2,
            Self::Weak { .. } => 3,
            Self::Unfit { .. } => 4,
            _ => 5,
        }
    }
}

/// Checks a clear-signed message at a time, and gives the text that was signed.
pub fn verify(message: &[u8], keyring: &Keyring, at: Epoch) -> Result<Signed, SignatureError> {
    let malformed = |reason: &str| SignatureError::Malformed { reason: reason.to_owned() };
    let text = std::str::from_utf8(message).map_err(|_| malformed("it is not UTF-8"))?;
    // The parser looks for the beginning anywhere in the text.
    if !text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        return Err(malformed("it does not begin with one"));
    }
    let (message, _) = CleartextSignedMessage::from_string(text).map_err(|error| malformed(&error.to_string()))?;
    if message.text().lines().any(|line| line.starts_with('-') && !line.starts_with("- ")) {
        return Err(malformed("a line begins with a dash that is not escaped"));
    }
    let signed = message.signed_text();
    let mut refusals = Vec::new();
    let mut unknown = Vec::new();
    let mut good = None;
    for signature in message.signatures() {
        match check(signature, signed.as_bytes(), keyring, at) {
            Ok(Some(fingerprint)) => good = good.or(Some(fingerprint)),
            Ok(None) => unknown.push(issuer(signature)),
            Err(refusal @ SignatureError::Bad { .. }) => return Err(refusal),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if let Some(fingerprint) = good {
        return Ok(Signed { text: signed.replace("\r\n", "\n"), fingerprint });
    }
    refusals.sort_by_key(SignatureError::weight);
    Err(match refusals.into_iter().next() {
        Some(refusal) => refusal,
        None if unknown.is_empty() => SignatureError::Unsigned,
        None => SignatureError::Unknown { issuers: unknown },
    })
}

/// The fingerprint of the key that made a good signature; `None` if the keyring does not have it.
fn check(signature: &Signature, text: &[u8], keyring: &Keyring, at: Epoch) -> Result<Option<String>, SignatureError> {
    let signers = keyring.signers(signature, at);
    let Some(first) = signers.first() else { return Ok(None) };
    // Two keys may have one short id.
    let fits = |signer: &&super::keyring::Signer<'_>| signer.has_signed(signature, text);
    let fingerprint = first.fingerprint.clone();
    if signature.typ() != Some(SignatureType::Text) && signature.typ() != Some(SignatureType::Binary) {
        return Err(SignatureError::Bad { fingerprint });
    }
    if !is_strong(signature.hash_alg()) {
        let digest = signature.hash_alg().map_or("unknown".to_owned(), |digest| digest.to_string());
        return Err(SignatureError::Weak { fingerprint, digest });
    }
    let Some(signer) = signers.iter().find(fits) else { return Err(SignatureError::Bad { fingerprint }) };
    let fingerprint = signer.fingerprint.clone();
    match signer.standing {
        Standing::Good => {}
        Standing::Revoked => return Err(SignatureError::Revoked { fingerprint }),
        Standing::Expired(since) => return Err(SignatureError::Expired { fingerprint, since: shown(since) }),
        Standing::Unfit => return Err(SignatureError::Unfit { fingerprint }),
    }
    let length = signature.signature_expiration_time().map(|duration| i64::from(duration.as_secs()));
    match length.filter(|length| *length > 0).map(|length| made(signature) + length) {
        Some(end) if end <= at.seconds() => Err(SignatureError::Over { fingerprint, since: shown(end) }),
        _ => Ok(Some(fingerprint)),
    }
}

fn shown(seconds: i64) -> String {
    Epoch::from_seconds(seconds).map_or_else(|| seconds.to_string(), |time| time.to_string())
}

/// Who a signature says it is by.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|found| found.as_bytes().to_vec());
    let id = || signature.issuer_key_id().first().map(|found| found.as_ref().to_vec());
    fingerprint.or_else(id).map_or("somebody without a name".to_owned(), |bytes| hex(&bytes).to_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/debian/signatures/", $name)).as_slice()
        };
    }

    fn time(text: &str) -> Epoch {
        text.parse().expect("a time")
    }

    fn at(message: &[u8], when: &str) -> Result<Signed, SignatureError> {
        let keyring = Keyring::parse(fixture!("keyring.pgp")).expect("keys");
        verify(message, &keyring, time(when))
    }

    fn now(message: &[u8]) -> Result<Signed, SignatureError> {
        at(message, "2026-02-01T00:00:00Z")
    }

    #[test]
    fn a_good_signature_gives_the_text_that_was_signed() {
        for message in [fixture!("good.asc"), fixture!("rsa.asc"), fixture!("subkey.asc"), fixture!("both.asc")] {
            let signed = now(message).expect("a good signature");
            assert!(signed.text.starts_with("Origin: Test\nSuite: stable\n"), "{}", signed.text);
            assert!(signed.text.contains("trailing spaces\n") && signed.text.contains("\n-dashed: line"));
            assert_eq!(signed.fingerprint.len(), 40);
        }
        let armored = Keyring::parse(fixture!("keyring.asc")).expect("keys");
        let signed = verify(fixture!("good.asc"), &armored, time("2026-02-01T00:00:00Z")).expect("a good signature");
        assert_eq!(armored.fingerprints(), [signed.fingerprint]);
        now(fixture!("weak-and-good.asc")).expect("the weak one means nothing");
    }

    #[test]
    fn other_text_is_refused() {
        assert!(matches!(now(fixture!("tampered.asc")), Err(SignatureError::Bad { .. })));
        for message in [
            fixture!("text-before.asc"),
            fixture!("text-behind.asc"),
            fixture!("twice.asc"),
            fixture!("unescaped.asc"),
            fixture!("not-dash-escaped.asc"),
            fixture!("not-clear.asc"),
            b"Origin: Test\n",
            b"",
            b"\xff",
        ] {
            let found = now(message);
            assert!(matches!(found, Err(SignatureError::Malformed { .. })), "{found:?}");
        }
    }

    #[test]
    fn keys_that_do_not_count_are_told_apart() {
        assert!(matches!(now(fixture!("short.asc")), Err(SignatureError::Expired { .. })));
        assert!(at(fixture!("short.asc"), "2026-01-02T00:00:00Z").is_ok());
        assert!(matches!(now(fixture!("revoked.asc")), Err(SignatureError::Revoked { .. })));
        assert!(matches!(now(fixture!("halved.asc")), Err(SignatureError::Revoked { .. })));
        assert!(matches!(now(fixture!("weak.asc")), Err(SignatureError::Weak { digest, .. }) if digest == "SHA1"));
        assert!(matches!(now(fixture!("expires.asc")), Err(SignatureError::Over { .. })));
        let Err(SignatureError::Unknown { issuers }) = now(fixture!("stranger.asc")) else {
            panic!("nobody knows them")
        };
        assert_eq!(issuers.len(), 1);
        assert!(matches!(at(fixture!("good.asc"), "2030-01-01T00:00:00Z"), Err(SignatureError::Expired { .. })));
    }

    #[test]
    fn a_message_without_signatures_or_keys_is_refused() {
        let empty = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na\n-----BEGIN PGP SIGNATURE-----\n\n\
                      =twTO\n-----END PGP SIGNATURE-----\n";
        assert!(matches!(now(empty), Err(SignatureError::Unsigned | SignatureError::Malformed { .. })));
        assert!(matches!(Keyring::parse(b""), Err(SignatureError::Keyring { .. })));
        assert!(matches!(Keyring::parse(b"not a key"), Err(SignatureError::Keyring { .. })));
        assert!(SignatureError::Unfit { fingerprint: String::new() }.hint().is_some());
    }

    #[test]
    fn debians_keys_can_be_read() {
        let keyring = Keyring::debian().expect("keys");
        let documented = include_str!("keyring/README.md");
        let fingerprints = keyring.fingerprints();
        assert!(fingerprints.iter().all(|fingerprint| documented.contains(fingerprint)), "{fingerprints:?}");
        assert_eq!(fingerprints.len(), documented.matches("| 20").count());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_changed_byte_never_passes_as_another_text(index in 0usize..540, byte in any::<u8>()) {
            let mut message = fixture!("good.asc").to_vec();
            let good = now(&message).expect("a good signature");
            if let Some(place) = message.get_mut(index) {
                *place = byte;
            }
            if let Ok(signed) = now(&message) {
                prop_assert_eq!(signed.text, good.text);
            }
        }

        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Keyring::parse(&bytes);
            let mut message = fixture!("good.asc").to_vec();
            message.truncate(bytes.len() * 3);
            let _ = now(&message);
        }
    }
}
