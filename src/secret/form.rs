//! The forms that programs write a value in.

use std::fmt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::base::digest::hex;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Raw,
    /// With backslashes, as in a JSON text (RFC 8259, section 7): line ends and quotes look different there.
    Escaped,
    /// With percent signs, as in a URL or a form (RFC 3986, section 2.1; URL Standard, 5).
    UrlEncoded,
    /// In hexadecimal, lower or upper case.
    Hex,
    /// In base64 with `+` and `/` (RFC 4648, section 4).
    Base64,
    /// In base64 with `-` and `_` (RFC 4648, section 5).
    Base64Url,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "as it is",
            Self::Escaped => "with backslashes",
            Self::UrlEncoded => "URL-encoded",
            Self::Hex => "in hexadecimal",
            Self::Base64 => "in base64",
            Self::Base64Url => "in URL-safe base64",
        })
    }
}

impl Form {
    /// Whether programs break it into lines.
    pub(super) fn is_broken_into_lines(self) -> bool {
        matches!(self, Self::Hex | Self::Base64 | Self::Base64Url)
    }
}

/// A value in one form; wiped when it is dropped.
pub(super) struct Spelling {
    pub(super) form: Form,
    pub(super) text: Zeroizing<Vec<u8>>,
}

/// Every text that gives `value` away, each once, under the first form in the order of [`Form`] that it is in.
pub(super) fn spellings(value: &[u8]) -> Vec<Spelling> {
    let mut texts = vec![(Form::Raw, value.to_vec())];
    texts.extend(escaped(value).map(|text| (Form::Escaped, text)));
    texts.extend(url_encoded(value).map(|text| (Form::UrlEncoded, text)));
    texts.push((Form::Hex, hex(value).into_bytes()));
    texts.push((Form::Hex, hex(value).to_uppercase().into_bytes()));
    texts.extend(base64(value, &BASE64_STANDARD_NO_PAD).map(|text| (Form::Base64, text)));
    texts.extend(base64(value, &BASE64_URL_SAFE_NO_PAD).map(|text| (Form::Base64Url, text)));
    let mut found: Vec<Spelling> = Vec::with_capacity(texts.len());
    for (form, text) in texts {
        let text = Zeroizing::new(text);
        if found.iter().all(|known| known.text != text) {
            found.push(Spelling { form, text });
        }
    }
    found
}

/// Inside the quotes of a JSON string; only texts can be there.
fn escaped(value: &[u8]) -> Option<Vec<u8>> {
    let text = serde_json::to_string(std::str::from_utf8(value).ok()?).ok()?;
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(|text| text.as_bytes().to_vec())
}

/// What encoders leave as it is besides letters and digits: RFC 3986, section 2.3; the same with slashes, as Python's
/// `quote` and paths have it; JavaScript's `encodeURIComponent`; none, where everything is encoded; forms.
const LEFT_ALONE: [&[u8]; 5] = [b"-._~", b"-._~/", b"-._~!'()*", b"", b"*-._"];
/// The last of them writes a blank as `+`.
const FORM_DATA: &[u8] = LEFT_ALONE[4];

fn url_encoded(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    LEFT_ALONE.iter().flat_map(move |left_alone| {
        let one = |b: &u8| match b {
            b' ' if *left_alone == FORM_DATA => "+".to_owned(),
            b if b.is_ascii_alphanumeric() && !left_alone.is_empty() => char::from(*b).to_string(),
            b if left_alone.contains(b) => char::from(*b).to_string(),
            b => format!("%{b:02X}"),
        };
        let upper: String = value.iter().map(one).collect();
        [lower_digits(&upper), upper].map(String::into_bytes)
    })
}

/// The same with the digits behind each percent sign in lower case.
fn lower_digits(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        text + "%" + &digits.to_ascii_lowercase() + rest
    })
}

/// In base64 three bytes are four characters, so what a value looks like depends on how many bytes stand before it. For each
/// of the three cases, the characters that the value alone decides.
fn base64(value: &[u8], engine: &impl Engine) -> impl Iterator<Item = Vec<u8>> {
    (0..3).map(move |before| {
        let text = engine.encode([&[0; 2][..before], value].concat());
        let first = (before * 8).div_ceil(6);
        let end = (before + value.len()) * 8 / 6;
        text.as_bytes().get(first..end).unwrap_or_default().to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &[u8], form: Form) -> Vec<String> {
        let of_form = spellings(value).into_iter().filter(|spelling| spelling.form == form);
        of_form.map(|spelling| String::from_utf8_lossy(&spelling.text).into_owned()).collect()
    }

    #[test]
    fn a_value_has_these_spellings() {
        let value = "pä/ß \"x\"\n~'";
        assert_eq!(texts(value.as_bytes(), Form::Raw), [value]);
        assert_eq!(texts(value.as_bytes(), Form::Escaped), ["pä/ß \\\"x\\\"\\n~'"]);
        assert_eq!(texts(value.as_bytes(), Form::Hex), ["70c3a42fc39f202278220a7e27", "70C3A42FC39F202278220A7E27"]);
        let expected = [
            "p%c3%a4%2f%c3%9f%20%22x%22%0a~%27",
            "p%C3%A4%2F%C3%9F%20%22x%22%0A~%27",
            "p%c3%a4/%c3%9f%20%22x%22%0a~%27",
            "p%C3%A4/%C3%9F%20%22x%22%0A~%27",
            "p%c3%a4%2f%c3%9f%20%22x%22%0a~'",
            "p%C3%A4%2F%C3%9F%20%22x%22%0A~'",
            "%70%c3%a4%2f%c3%9f%20%22%78%22%0a%7e%27",
            "%70%C3%A4%2F%C3%9F%20%22%78%22%0A%7E%27",
            "p%c3%a4%2f%c3%9f+%22x%22%0a%7e%27",
            "p%C3%A4%2F%C3%9F+%22x%22%0A%7E%27",
        ];
        assert_eq!(texts(value.as_bytes(), Form::UrlEncoded), expected);
        assert_eq!(texts(b"password", Form::Base64), ["cGFzc3dvcm", "Bhc3N3b3Jk", "wYXNzd29yZ"]);
        assert_eq!(texts(b"password", Form::Base64Url), [""; 0]);
        assert!(texts(&[0xff; 9], Form::Base64Url).iter().all(|text| text.bytes().all(|b| b == b'_')));
        assert_eq!(texts(&[0xff; 9], Form::Escaped), [""; 0]);
    }

    #[test]
    fn whatever_stands_around_it_the_characters_are_the_same() {
        let value = b"\xfb\xef\xbewhatever it is";
        for (before, after) in [("", ""), ("a", "b"), ("ab", ""), ("abc", "ab"), ("abcd", "abc"), ("abcde", "")] {
            let around = [before.as_bytes(), value, after.as_bytes()].concat();
            // What is the same in both alphabets is there once.
            let pieces = [texts(value, Form::Base64), texts(value, Form::Base64Url)].concat();
            for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                let text = engine.encode(&around);
                assert!(pieces.iter().any(|piece| text.contains(piece)), "{before} {after} {text}");
            }
        }
    }
}
