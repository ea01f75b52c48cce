//! Random numbers, UUIDs and checksums: long words without a meaning, which differ in both runs and are equally long.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::compare::difference::Run;

use super::Facts;

/// A UUID; a name of mktemp(3) or gcc; an address; a hexadecimal number that is too long for a count.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?-u)(?P<uuid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})|(?:tmp[._-]?|/tmp/cc)(?P<name>[A-Za-z0-9_]{6,12})\b|0x(?P<address>[0-9a-f]{12,16})\b|(?:\b|_)(?P<hex>[0-9A-Fa-f]{16,})(?:\b|_)",
    )
    .ok()
});

/// What may be base64.
static BASE64: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)[A-Za-z0-9+/_-]{20,}=*").ok());

/// A checksum by what stands before it.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i-u)(?:md5|sha-?(?:1|2|3|224|256|384|512)|blake[23][bs]?|crc32|checksum|digest|integrity|etag|hash)(?:sum)?["']?[\s:=-]{1,3}["']?(?P<sum>[A-Za-z0-9+/_-]{8,}=*)"#,
    )
    .ok()
});

/// A checksum as `sha256sum` and its siblings write it, and a SHA-256 anywhere.
static LISTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)^(?P<sum>[0-9a-f]{32,128})(?:  | \*)|\b(?P<sha256>[0-9a-f]{64})\b").ok());

/// Puts a mark of the same length for every random number.
pub(super) fn numbers(text: &[u8], _: Run, _: &Facts<'_>) -> Vec<u8> {
    let (Some(number), Some(base64)) = (NUMBER.as_ref(), BASE64.as_ref()) else { return text.to_vec() };
    let found = number.captures_iter(text).filter_map(|captures| {
        if let Some(certain) = captures.name("uuid").or_else(|| captures.name("address")) {
            return Some(certain.range());
        }
        if let Some(name) = captures.name("name") {
            return (classes(name.as_bytes()) > 1).then(|| name.range());
        }
        captures.name("hex").filter(|hex| is_mixed(hex.as_bytes())).map(|hex| hex.range())
    });
    let text = marked(text, found);
    let words = base64.find_iter(&text).filter(|word| is_base64(word.as_bytes())).map(|word| word.range());
    marked(&text, words)
}

/// Puts a mark of the same length for every checksum.
pub(super) fn checksums(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (Some(named), Some(listed)) = (NAMED.as_ref(), LISTED.as_ref()) else { return text.to_vec() };
    let named = named.captures_iter(text).filter_map(|captures| captures.name("sum").map(|sum| sum.range()));
    let text = marked(text, named.filter(|sum| text.get(sum.clone()).is_some_and(is_mixed)));
    let listed = listed.captures_iter(&text).filter_map(|captures| {
        if let Some(sum) = captures.name("sum") {
            return Some(sum.range());
        }
        let sum = captures.name("sha256")?;
        let is_known = std::str::from_utf8(sum.as_bytes()).is_ok_and(|sum| facts.digests(run).contains(sum));
        is_known.then(|| sum.range())
    });
    marked(&text, listed)
}

fn marked(text: &[u8], stretches: impl Iterator<Item = Range<usize>>) -> Vec<u8> {
    let mut out = text.to_vec();
    for stretch in stretches {
        if let Some(stretch) = out.get_mut(stretch) {
            stretch.fill(b'\x02');
        }
    }
    out
}

/// Digits and letters both: a number that is not decimal, and what follows the word `hash` but is no prose.
fn is_mixed(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// Not a path, which has more signs than base64's one in thirty-two, and not a name in camel case.
fn is_base64(word: &[u8]) -> bool {
    let has_all = (0..3).all(|wanted| word.iter().any(|byte| class(*byte) == wanted));
    let signs = word.iter().filter(|byte| class(**byte) > 2 && **byte != b'=').count();
    has_all && signs * 8 <= word.len() && changes(word) * 5 >= word.len() * 2
}

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

/// How many of capitals, small letters, digits and signs there are.
fn classes(word: &[u8]) -> usize {
    (0..4).filter(|wanted| word.iter().any(|byte| class(*byte) == *wanted)).count()
}

/// How often one of these follows another: at two of three bytes of base64, at one of six in names.
fn changes(word: &[u8]) -> usize {
    word.windows(2).filter(|pair| matches!(pair, [one, next] if class(*one) != class(*next))).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ContentDigest;
    use crate::base::hash::digest_of;
    use crate::compare::cause::Known;
    use crate::compare::cause::line::explain;
    use crate::compare::testing::{facts, varied};

    fn known(a: &str, b: &str) -> Vec<Known> {
        let varied = varied();
        explain(a.as_bytes(), b.as_bytes(), &facts(&varied))
    }

    #[test]
    fn random_words_of_one_length_are_seen() {
        for (a, b) in [
            ("id 0e6f3c1a-7d2b-4f5e-9a8b-1c2d3e4f5a6b", "id 7a6f3c1a-7d2b-4f5e-9a8b-1c2d3e4f5aff"),
            ("3f2a9c0d1e4b5a67", "9c2a9c0d1e4b5a11"),
            ("rm /tmp/tmp.Xa8Qw3rT1p", "rm /tmp/tmp.bb8Qw9rZ0p"),
            ("/tmp/ccA1b2C3.o", "/tmp/ccZ9y8X7.o"),
            ("<f at 0x7f3a12b4c5d0>", "<f at 0x7f9912b4c5d0>"),
            ("key=kJ8/xQ2vN+4rT7wYz1Lm5A==", "key=Zp3+aB9cD/1eF6gHj0Kn2Q=="),
        ] {
            assert_eq!(known(a, b), [Known::Random], "{a}");
        }
    }

    #[test]
    fn words_with_a_meaning_are_not_random() {
        for (a, b) in [
            ("0e6f3c1a", "0e6f3c1b"),
            ("1234567890123456789012", "1234567890123456789013"),
            ("3f2a9c0d1e4b5a67", "3f2a9c0d1e4b5a678"),
            ("usr/share/doc/libfoo-dev/changelog", "usr/share/doc/libbar-dev/changelog"),
            ("AbstractSingletonProxyFactoryBean", "AbstractSingletonProxyFactoryMean"),
            ("archs/aix64-gcc-as/no-asm/openssl/cms.h", "archs/aix64-gcc-as/no-asm/openssl/cmp.h"),
            ("./archs/VC-WIN64A/no-asm/openssl/cms.h", "./archs/VC-WIN64A/no-asm/openssl/cmp.h"),
            ("tmpdirectory", "tmpdirectori"),
        ] {
            assert_eq!(known(a, b), [], "{a}");
        }
    }

    #[test]
    fn checksums_are_told_from_random_numbers() {
        let (a, b) = (digest_of::<ContentDigest>(b"1").hex(), digest_of::<ContentDigest>(b"2").hex());
        assert_eq!(known(&format!("{a}  usr/bin/app"), &format!("{b}  usr/bin/app")), [Known::Checksum]);
        assert_eq!(known(&format!("x.py,sha256={a},1"), &format!("x.py,sha256={b},1")), [Known::Checksum]);
        let md5 = ("\"md5\": \"9e107d9d372bb6826bd81d3542a419d6\"", "\"md5\": \"e4d909c290d0fb1ca068ffaddf22cbd0\"");
        assert_eq!(known(md5.0, md5.1), [Known::Checksum]);
        assert_eq!(known(&format!("/srv/{a}.js"), &format!("/srv/{b}.js")), [Known::Random]);
        let varied = varied();
        let facts = Facts::new(&varied, [[a.clone()].into(), [b.clone()].into()]);
        let (a, b) = (format!("/srv/{a}.js"), format!("/srv/{b}.js"));
        assert_eq!(explain(a.as_bytes(), b.as_bytes(), &facts), [Known::Checksum]);
    }
}
