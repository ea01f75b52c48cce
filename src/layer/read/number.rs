//! Numbers as tar headers hold them.

/// A numeric field: octal digits among blanks and zeros, or, with the top bit set, a big-endian two's complement (GNU).
/// An empty field is zero, as every other reader has it.
pub(super) fn field(bytes: &[u8]) -> Option<i128> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => Some(binary(bytes)),
        _ => octal(bytes),
    }
}

fn octal(bytes: &[u8]) -> Option<i128> {
    let start = bytes.iter().position(|b| *b != b' ' && *b != 0).unwrap_or(bytes.len());
    let rest = &bytes[start..];
    let end = rest.iter().position(|b| *b == b' ' || *b == 0).unwrap_or(rest.len());
    rest[..end].iter().try_fold(0_i128, |sum, b| match b {
        b'0'..=b'7' => Some(sum * 8 + i128::from(b - b'0')),
        _ => None,
    })
}

/// The longest field has 12 bytes, 95 bits of which count: it always fits.
fn binary(bytes: &[u8]) -> i128 {
    let is_negative = bytes[0] & 0x40 != 0;
    let start: i128 = if is_negative { -1 } else { 0 };
    let first = if is_negative { bytes[0] | 0x80 } else { bytes[0] & 0x7f };
    let sum = (start << 8) | i128::from(first);
    bytes[1..].iter().fold(sum, |sum, b| (sum << 8) | i128::from(*b))
}

/// A decimal number of a PAX record.
pub(super) fn decimal(bytes: &[u8]) -> Option<i128> {
    // `parse` accepts a plus sign, which no writer writes and some readers refuse.
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.starts_with('+'))?;
    text.parse().ok()
}

/// The whole seconds of a PAX time such as `-1.5`, rounded down.
pub(super) fn seconds(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let is_negative = whole.starts_with('-');
    let seconds = i64::try_from(decimal(whole.as_bytes())?).ok()?;
    let has_fraction = fraction.bytes().any(|b| b != b'0');
    if is_negative && has_fraction { seconds.checked_sub(1) } else { Some(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_octal_or_binary() {
        assert_eq!(field(b"0000644\0"), Some(0o644));
        assert_eq!(field(b"   644 \0"), Some(0o644));
        assert_eq!(field(b"\0\0\0\0"), Some(0));
        assert_eq!(field(b"12x"), None);
        assert_eq!(field(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Some(1 << 33));
        assert_eq!(field(&[0xff; 12]), Some(-1));
        assert_eq!(field(&[0xff, 0xfe]), Some(-2));
    }

    #[test]
    fn times_are_rounded_down() {
        assert_eq!(seconds(b"1.9"), Some(1));
        assert_eq!(seconds(b"-1.5"), Some(-2));
        assert_eq!(seconds(b"-0.5"), Some(-1));
        assert_eq!(seconds(b"-1.000"), Some(-1));
        assert_eq!(seconds(b"+1"), None);
        assert_eq!(seconds(b"1.x"), None);
    }
}
