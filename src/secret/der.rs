//! Private keys in DER, as far as it takes to know one: the shape, not the numbers. A parser with types for all that keys
//! can hold would be three more crates.

use super::keys::KeyKind;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Where the ways to encrypt a key begin: PKCS #5 (1.2.840.113549.1.5) and PKCS #12 (1.2.840.113549.1.12.1).
const PASSWORD_BASED: [&[u8]; 2] = [b"\x2a\x86\x48\x86\xf7\x0d\x01\x05", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"];
/// RSA numbers of fewer bytes are toys.
const MODULUS_MIN_BYTES: usize = 64;
/// What stands in a key besides its version: RFC 8017, A.1.2; DSA as OpenSSL writes it.
const RSA_NUMBERS: usize = 8;
const DSA_NUMBERS: usize = 5;

/// The kind of private key that `bytes` are, from the first to the last: PKCS #8 (RFC 5208, sections 5 and 6; RFC 5958),
/// PKCS #1 (RFC 8017, A.1.2), SEC 1 (RFC 5915) or OpenSSL's DSA.
pub(super) fn kind(bytes: &[u8]) -> Option<KeyKind> {
    let (SEQUENCE, key, []) = element(bytes)? else { return None };
    let (tag, first, rest) = element(key)?;
    let (second_tag, second, rest) = element(rest)?;
    match (tag, first, second_tag) {
        (INTEGER, [0 | 1], SEQUENCE) => {
            algorithm(second)?;
            matches!(element(rest)?, (OCTET_STRING, ..)).then_some(KeyKind::Pkcs8)
        }
        (INTEGER, [1], OCTET_STRING) => Some(KeyKind::Ec),
        (INTEGER, [0 | 1], INTEGER) if second.len() >= MODULUS_MIN_BYTES => match 1 + numbers(rest)? {
            // Keys of more than two primes have more behind them.
            RSA_NUMBERS => Some(KeyKind::Pkcs1),
            DSA_NUMBERS => Some(KeyKind::Dsa),
            _ => None,
        },
        (SEQUENCE, identifier, OCTET_STRING) => {
            let way = algorithm(identifier)?;
            PASSWORD_BASED.iter().any(|known| way.starts_with(known)).then_some(KeyKind::Encrypted)
        }
        _ => None,
    }
}

/// The object identifier that an `AlgorithmIdentifier` begins with.
fn algorithm(identifier: &[u8]) -> Option<&[u8]> {
    let (OBJECT_IDENTIFIER, way, _) = element(identifier)? else { return None };
    Some(way)
}

/// How many numbers follow each other.
fn numbers(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while let [INTEGER, ..] = bytes {
        (_, _, bytes) = element(bytes)?;
        count += 1;
    }
    Some(count)
}

/// Tag and content of the first element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        // A key has not a gigabyte.
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
