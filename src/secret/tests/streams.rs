//! The search in one stream.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::base::digest::hex;

/// Everything that a program may write for `value` between `before` and `after`.
fn write(value: &[u8], form: Form, before: &[u8], after: &[u8]) -> Vec<u8> {
    let around = |text: Vec<u8>| [before, &text, after].concat();
    let whole = around(value.to_vec());
    match form {
        Form::Raw => whole,
        Form::Escaped => around(serde_json::to_vec(&String::from_utf8_lossy(value)).expect("a text")),
        Form::UrlEncoded => around(value.iter().map(|b| format!("%{b:02x}")).collect::<String>().into_bytes()),
        Form::Hex => hex(&whole).into_bytes(),
        Form::Base64 => BASE64_STANDARD.encode(whole).into_bytes(),
        Form::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(whole).into_bytes(),
    }
}

/// In lines of `length` characters, as `base64`, `openssl` and YAML have them.
fn broken(text: &[u8], length: usize, line_end: &str) -> Vec<u8> {
    text.chunks(length).flat_map(|line| [line, line_end.as_bytes()].concat()).collect()
}

const FORMS: [Form; 6] = [Form::Raw, Form::Escaped, Form::UrlEncoded, Form::Hex, Form::Base64, Form::Base64Url];

fn find(needles: &Needles, bytes: &[u8], steps: &[usize]) -> Option<Hit> {
    needles.find(Dripping { bytes, steps, at: 0 }).expect("memory does not fail")
}

proptest! {
    #[test]
    fn a_secret_is_found_at_any_place_in_any_form(
        value in prop::collection::vec(any::<u8>(), 8..200),
        before in prop::collection::vec(any::<u8>(), 0..100),
        after in prop::collection::vec(any::<u8>(), 0..100),
        form in prop::sample::select(&FORMS[..]),
        steps in prop::collection::vec(1..300_usize, 1..5),
        line in 60..90_usize,
        line_end in prop::sample::select(&["\n", "\r\n", "\n        "][..]),
    ) {
        // A line end before the value's own is trimmed; JSON has texts only.
        let value = [&value, b"!".as_slice()].concat();
        let value = if form == Form::Escaped { String::from_utf8_lossy(&value).into_owned().into_bytes() } else { value };
        let needles = needles(&[("a", &value)]);
        let text = write(&value, form, &before, &after);
        let hit = find(&needles, &text, &steps);
        prop_assert!(hit.is_some_and(|hit| hit.id == "a" && hit.inside.is_empty()));
        if matches!(form, Form::Hex | Form::Base64 | Form::Base64Url) {
            prop_assert!(find(&needles, &broken(&text, line, line_end), &steps).is_some());
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is(
        value in prop::collection::vec(any::<u8>(), 8..100),
        seed in any::<u64>(),
    ) {
        let value = [&value, b"!".as_slice()].concat();
        let needles = needles(&[("a", &value)]);
        let bytes = noise(100_000, seed);
        prop_assert_eq!(find(&needles, &bytes, &[usize::MAX]), None);
        prop_assert_eq!(find(&needles, hex(&bytes).as_bytes(), &[usize::MAX]), None);
        prop_assert_eq!(find(&needles, BASE64_STANDARD.encode(&bytes).as_bytes(), &[usize::MAX]), None);
        // Not even almost the value.
        prop_assert_eq!(find(&needles, &value[1..], &[usize::MAX]), None);
        prop_assert_eq!(find(&needles, &value[..value.len() - 1], &[usize::MAX]), None);
    }

    #[test]
    fn any_values_and_bytes_do_no_harm(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        bits in 1..=8_u32,
    ) {
        // Few different bytes make many anchors.
        let few = |bytes: &[u8]| bytes.iter().map(|b| b & ((1_u32 << bits) - 1) as u8).collect::<Vec<u8>>();
        let names: Vec<String> = (0..values.len()).map(|index| index.to_string()).collect();
        let secrets = names.iter().zip(&values).map(|(name, value)| Secret::new(name.as_str(), few(value))).collect();
        let needles = Needles::new(&secrets);
        let bytes = few(&bytes);
        let expected = secrets.iter().any(|secret| {
            let value = secret.trimmed();
            value.len() >= SHORTEST_BYTES && bytes.windows(value.len()).any(|window| window == value)
        });
        let found = find(&needles, &bytes, &[7, 1000]).is_some();
        prop_assert!(found || !expected);
        prop_assert!(findings(&bytes, &needles).is_empty() != found);
    }
}

#[test]
fn a_secret_on_the_border_of_two_windows_is_found() {
    let value = b"a value of some length, so that there is a border in it";
    let needles = needles(&[("a", value)]);
    for form in FORMS {
        let text = write(value, form, b"", b"");
        for at in (256 * 1024 - 300..256 * 1024 + 300).step_by(3) {
            let bytes = [&vec![b'.'; at], text.as_slice(), &[b'.'; 1000]].concat();
            assert!(find(&needles, &bytes, &[usize::MAX]).is_some(), "{form:?} {at}");
        }
    }
}

#[test]
fn the_form_is_named() {
    let needles = needles(&[("a", b"two words\n")]);
    let form = |text: &str| needles.find_text(text).map(|hit| hit.form);
    assert_eq!(form("x=two words;"), Some(Form::Raw));
    assert_eq!(form("?x=two+words&"), Some(Form::UrlEncoded));
    assert_eq!(form("?x=two%20words&"), Some(Form::UrlEncoded));
    assert_eq!(form("74776F20776F726473"), Some(Form::Hex));
    // As `echo` and `base64` write it, with the line end.
    assert_eq!(form(&BASE64_STANDARD.encode("two words\n")), Some(Form::Base64));
    assert_eq!(form(&BASE64_STANDARD.encode("user:two words")), Some(Form::Base64));
    assert_eq!(form("two\nwords"), None);
    let needles = super::needles(&[("a", b"\xff\xff\xff\xff\xff\xff\xff\xff")]);
    assert_eq!(needles.find_text("__________").map(|hit| hit.form), Some(Form::Base64Url));
}

#[test]
fn short_values_are_not_searched_for() {
    let needles = needles(&[("short", b"1234567\n"), ("empty", b""), ("long", b"12345678\n")]);
    assert_eq!(needles.too_short(), ["empty", "short"]);
    assert_eq!(needles.find_text("1234567"), None);
    assert!(!needles.is_empty() && Needles::new(&Secrets::new()).is_empty());
    assert_eq!(needles.find_text("12345678").map(|hit| hit.id), Some("long".to_owned()));
}

#[test]
fn a_secret_hides_none_that_is_in_it() {
    let needles = needles(&[("long", b"outer secret: inner secret"), ("short", b"inner secret")]);
    assert_eq!(
        findings(b"the outer secret: inner secret", &needles),
        ["/file contains the secret `long` as it is", "/file contains the secret `short` as it is"]
    );
}

#[test]
fn nothing_shows_a_needle() {
    assert_eq!(format!("{:?}", needles(&[("a", b"two words")])), "[\"a\"]");
}

#[test]
fn a_stream_that_fails_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    assert!(needles(&[("a", b"two words")]).find(b"two".chain(Failing)).is_err());
}
