//! Private keys in PuTTY's format (PuTTY manual, appendix C).

use super::keys::KeyKind;

/// What a file begins with; the version and the algorithm follow.
const BEGIN: &[u8] = b"PuTTY-User-Key-File-";
const ENCRYPTION: &[u8] = b"Encryption: ";
const PRIVATE_LINES: &[u8] = b"Private-Lines: ";

/// The key that the file is which begins with `start`; `None` if its private lines are not all there.
pub(super) fn key(start: &[u8]) -> Option<KeyKind> {
    if !start.starts_with(BEGIN) {
        return None;
    }
    let mut lines = start.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    let encryption = lines.by_ref().find_map(|line| line.strip_prefix(ENCRYPTION))?;
    let count = lines.by_ref().find_map(|line| line.strip_prefix(PRIVATE_LINES))?;
    let count: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
    let is_data = |line: &&[u8]| {
        !line.is_empty() && line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    let is_whole = count > 0 && lines.take(count).filter(is_data).count() == count;
    is_whole.then_some(if encryption == b"none" { KeyKind::Putty } else { KeyKind::Encrypted })
}
