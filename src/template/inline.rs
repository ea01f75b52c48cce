//! Contents that are written in a template as base64.

/// RFC 4648, section 4; white space is skipped, so that it can be broken into lines.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let symbols: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let (mut bits, mut held): (u32, u32) = (0, 0);
    for symbol in &symbols[..symbols.len() - padding] {
        bits = bits << 6 | u32::from(value(*symbol)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    // Bits that belong to no byte must be zero, or one content would have several spellings.
    (bits & ((1 << held) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64("SGVs\n bG8K").as_deref(), Some(&b"Hello\n"[..]));
        assert_eq!(base64("SGVsbA==").as_deref(), Some(&b"Hell"[..]));
        assert_eq!(base64(""), Some(Vec::new()));
        assert!(["S", "SGVsbB==", "====", "SG=s", "SGV%"].iter().all(|bad| base64(bad).is_none()));
    }
}
