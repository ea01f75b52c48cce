//! Private keys in PEM and what looks like it (RFC 7468, RFC 1421, RFC 9580 section 6.2, OpenSSH's PROTOCOL.key).
//!
//! A key counts if it is all there: the first line, a body that decodes to what the first line says, the matching last
//! line. So neither a page about keys nor the code that reads them is one. The line ends may be written as `\n`, as in
//! the JSON files of cloud accounts, or be blanks, as in environment variables.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::der;
use super::keys::KeyKind;

/// Bytes of a key at most, from the first dash to the last. RSA of 16384 bits has 13 KB; PGP's may carry signatures.
pub(super) const KEY_MAX_BYTES: usize = 64 * 1024;
/// Bytes of the words before `PRIVATE KEY` at most; `ENCRYPTED SIGSTORE ` has 19.
const LABEL_MAX_BYTES: usize = 32;
/// Bytes of the smallest body after decoding: less than any key of any kind, more than `...` or a comment.
const BODY_MIN_BYTES: usize = 40;
/// Lines before the body, and bytes of each, at most: no program writes more than three short ones, and a file of nothing
/// but first lines must not be read again and again.
const HEADERS_MAX: usize = 8;
const HEADER_MAX_BYTES: usize = 1000;

const BEGIN: &[u8] = b"-----BEGIN ";
const MIDDLE: &[u8] = b"PRIVATE KEY";
const DASHES: &[u8] = b"-----";
const PGP_LABEL: &[u8] = b"PGP ";

/// How the bodies are encoded; whoever cuts lines or quotes them may lose the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The kinds of the keys that lie whole in `window`.
pub(super) fn keys<'a>(window: &'a [u8]) -> impl Iterator<Item = KeyKind> + 'a {
    memmem::find_iter(window, MIDDLE).filter_map(|at| key_at(window, at))
}

/// The key with its first `PRIVATE KEY` at `at`.
fn key_at(window: &[u8], at: usize) -> Option<KeyKind> {
    let (before, after) = (window.get(..at)?, window.get(at + MIDDLE.len()..)?);
    let line = before.get(before.len().saturating_sub(BEGIN.len() + LABEL_MAX_BYTES)..)?;
    let label = line.get(memmem::rfind(line, BEGIN)? + BEGIN.len()..)?;
    if !label.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b' ') {
        return None;
    }
    let block: &[u8] = if label == PGP_LABEL { b" BLOCK" } else { b"" };
    let body = after.strip_prefix(block)?.strip_prefix(DASHES)?;
    let end = [b"-----END ", label, MIDDLE, block, DASHES].concat();
    Body::read(body.get(..KEY_MAX_BYTES).unwrap_or(body), &end)?.kind(label)
}

/// What is between the first and the last line.
#[derive(Default)]
struct Body {
    base64: Vec<u8>,
    headers: usize,
    protection: Protection,
}

/// Whether one needs a passphrase.
#[derive(Default, PartialEq, Eq)]
enum Protection {
    #[default]
    None,
    Passphrase,
}

impl Body {
    /// Reads up to `end`; `None` if something else is on the way.
    fn read(mut bytes: &[u8], end: &[u8]) -> Option<Self> {
        let mut body = Self::default();
        loop {
            bytes = skip_breaks(bytes);
            if bytes.starts_with(end) {
                return Some(body);
            }
            let rest = body.header(bytes).unwrap_or_else(|| body.data(bytes));
            if rest.len() == bytes.len() {
                return None;
            }
            bytes = rest;
        }
    }

    /// Reads `Proc-Type: 4,ENCRYPTED` or its like (RFC 1421, section 4.6; RFC 9580, section 6.2.2).
    fn header<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if !self.base64.is_empty() || self.headers == HEADERS_MAX {
            return None;
        }
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        let name = bytes.iter().take(HEADER_MAX_BYTES).take_while(|b| is_name(b)).count();
        if name == 0 || bytes.get(name) != Some(&b':') {
            return None;
        }
        let end = bytes.iter().take(HEADER_MAX_BYTES).position(|b| matches!(b, b'\n' | b'\r' | b'\\'))?;
        let (line, rest) = bytes.split_at_checked(end)?;
        self.headers += 1;
        if memmem::find(line, b"ENCRYPTED").is_some() {
            self.protection = Protection::Passphrase;
        }
        Some(rest)
    }

    /// Reads characters of base64.
    fn data<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let is_data = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let end = bytes.iter().position(|b| !is_data(b)).unwrap_or(bytes.len());
        let (data, rest) = bytes.split_at_checked(end).unwrap_or_default();
        self.base64.extend_from_slice(data);
        rest
    }

    fn kind(self, label: &[u8]) -> Option<KeyKind> {
        // PGP has a checksum behind the padding; it begins with an equals sign too.
        let data = self.base64.split(|b| *b == b'=').next()?;
        let bytes = BASE64.decode(data).ok().filter(|bytes| bytes.len() >= BODY_MIN_BYTES)?;
        match label {
            _ if self.protection == Protection::Passphrase => Some(KeyKind::Encrypted),
            b"" | b"RSA " | b"EC " | b"DSA " | b"ENCRYPTED " => der::kind(&bytes),
            b"OPENSSH " => openssh(&bytes),
            PGP_LABEL => is_secret_packet(&bytes).then_some(KeyKind::Pgp),
            label if label.starts_with(b"ENCRYPTED ") => Some(KeyKind::Encrypted),
            _ => Some(KeyKind::Other),
        }
    }
}

/// Without the line ends and blanks at the beginning, however they are written, and the quotes around lines in a program.
fn skip_breaks(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = match bytes {
            [b' ' | b'\t' | b'\r' | b'\n' | b'"', rest @ ..] => rest,
            [b'\\', b'n' | b'r', rest @ ..] => rest,
            [b'\\', rest @ ..] if matches!(rest, [b'\\' | b'\n' | b'"', ..]) => rest,
            _ => return bytes,
        }
    }
}

/// OpenSSH's own format says which cipher it is encrypted with.
fn openssh(bytes: &[u8]) -> Option<KeyKind> {
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    Some(if rest.starts_with(b"\0\0\0\x04none") { KeyKind::OpenSsh } else { KeyKind::Encrypted })
}

/// Whether a packet with a secret key comes first, in the old or the new format (RFC 9580, sections 4.2 and 5.5.1.3).
fn is_secret_packet(bytes: &[u8]) -> bool {
    matches!(bytes, [0x94..=0x97 | 0xc5, ..])
}
