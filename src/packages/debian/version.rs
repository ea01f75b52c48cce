//! Versions and their order (deb-version(7); Debian policy, 5.6.12).
//!
//! Own code: the crate for it parses with regular expressions into big numbers, and comes with a calendar. An index has
//! sixty thousand versions, and what is compared is seldom what is shown.

use std::cmp::Ordering;
use std::fmt;

/// A version, `[epoch:]upstream[-revision]`. Versions that are spelled differently may be equal: `1.0` and `0:1.00-0`.
#[derive(Debug, Clone)]
pub struct Version(Box<str>);

/// A text that should be a version and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a version: {reason}")]
pub struct VersionError {
    /// The text as it was given.
    pub found: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Version {
    /// Checks what dpkg checks when it reads its database: letters, and a number as epoch.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let fail = |reason| Err(VersionError { found: text.to_owned(), reason });
        let (epoch, rest) = split_epoch(text);
        if epoch.is_some_and(|epoch| epoch.is_empty() || epoch.parse::<i32>().is_err() || !is_number(epoch)) {
            return fail("expected a number before the colon");
        }
        let (upstream, revision) = split_revision(rest);
        if upstream.is_empty() {
            return fail("expected something before the revision");
        }
        if revision.is_some_and(str::is_empty) {
            return fail("expected a revision behind the last hyphen");
        }
        if !upstream.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+~:".contains(&b)) {
            return fail("expected letters, digits and `.-+~:`");
        }
        if !revision.unwrap_or_default().bytes().all(|b| b.is_ascii_alphanumeric() || b".+~".contains(&b)) {
            return fail("expected letters, digits and `.+~` in the revision");
        }
        Ok(Self(text.into()))
    }

    /// As it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn split_epoch(text: &str) -> (Option<&str>, &str) {
    text.split_once(':').map_or((None, text), |(epoch, rest)| (Some(epoch), rest))
}

fn split_revision(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once('-').map_or((text, None), |(upstream, revision)| (upstream, Some(revision)))
}

/// Compares two versions as they are spelled. Any two texts can be compared; the order is total.
pub fn compare(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (split_epoch(left), split_epoch(right));
    let ((left, left_revision), (right, right_revision)) = (split_revision(left), split_revision(right));
    compare_part(left_epoch.unwrap_or_default().as_bytes(), right_epoch.unwrap_or_default().as_bytes())
        .then_with(|| compare_part(left.as_bytes(), right.as_bytes()))
        .then_with(|| {
            compare_part(left_revision.unwrap_or_default().as_bytes(), right_revision.unwrap_or_default().as_bytes())
        })
}

/// Compares what is not digits, then the number behind it, and so on.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, right_text) = (take(&mut left, false), take(&mut right, false));
        let (left_number, right_number) = (take(&mut left, true), take(&mut right, true));
        let order = compare_text(left_text, right_text).then_with(|| compare_number(left_number, right_number));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the digits, or what is not digits, off the front.
fn take<'a>(from: &mut &'a [u8], digits: bool) -> &'a [u8] {
    let end = from.iter().position(|b| b.is_ascii_digit() != digits).unwrap_or(from.len());
    let (front, rest) = from.split_at(end);
    *from = rest;
    front
}

/// `~` sorts before the end, the end before letters, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    (0..left.len().max(right.len()))
        .map(|at| weight(left.get(at)).cmp(&weight(right.get(at))))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length.
fn compare_number(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (without_zeros(left), without_zeros(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len());
    digits.split_at(start).1
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_order_is_dpkgs() {
        // Debian's own cases: `dpkg --compare-versions` says the same of each.
        let ascending = [
            "0~",
            "0",
            "0+",
            "0.0",
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0",
            "1.0-0.1",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0-1.1",
            "1.0-10",
            "1.0a-1",
            "1.0+dfsg-1",
            "1.0.1-1",
            "1.2",
            "1.10",
            "2:0.1",
            "10:0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        for (left, right) in [("1.0", "0:1.00-0"), ("1.0-", "1.0-0"), ("000123", "123"), ("a0", "a")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
        assert_eq!(compare(&"9".repeat(40), &"8".repeat(41)), Ordering::Less);
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        for good in ["1", "1:2.0-1", "0:a", "1.2.3~rc1+dfsg-1+b2", "1-2-3", "1:2:3"] {
            assert_eq!(Version::parse(good).map(|version| version.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", ":1", "a:1", "-1:1", "99999999999:1", "1-", "-1", "1 2", "1_2", "1-a_b", "1:", "1\u{e9}"] {
            assert!(matches!(Version::parse(bad), Err(VersionError { found, .. }) if found == bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(versions in prop::collection::vec("[0-9a-b.+~:-]{0,8}", 3)) {
            let [a, b, c] = [&versions[0], &versions[1], &versions[2]];
            prop_assert_eq!(compare(a, a), Ordering::Equal);
            prop_assert_eq!(compare(a, b), compare(b, a).reverse());
            if compare(a, b) != Ordering::Greater && compare(b, c) != Ordering::Greater {
                prop_assert_ne!(compare(a, c), Ordering::Greater);
            }
            if compare(a, b) == Ordering::Equal {
                prop_assert_eq!(compare(a, c), compare(b, c));
            }
        }

        #[test]
        fn a_tilde_comes_before_the_end(version in "[1-9][0-9a-z.]{0,6}", more in "[0-9a-z.~]{0,6}") {
            prop_assert_eq!(compare(&format!("{version}~{more}"), &version), Ordering::Less);
        }

        #[test]
        fn any_text_is_compared_or_refused(left in any::<String>(), right in any::<String>()) {
            let _ = (Version::parse(&left), compare(&left, &right));
        }
    }
}
