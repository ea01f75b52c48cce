//! Versions of images, and which of two is further on.
//!
//! Semver is the crate's: it is as strict as the specification asks for, its order is total, and it stands on nothing. A
//! tag cannot have the `+` of build metadata, so `_` stands for it here, which a semver cannot have anywhere else.

use std::cmp::Ordering;
use std::fmt;

use crate::packages::debian;
use crate::registry::Tag;
use crate::template::{CHANNEL_PARTS, Order};

/// Digits of a date that is written without anything between its parts.
const DATE_DIGITS: usize = 8;

/// A version in one of the orders. Versions that are spelled differently may be equal: `v1.0.0` and `1.0.0`.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Semver(semver::Version),
    Debian(debian::Version),
    Date(Vec<Number>),
}

/// Digits as they were written, compared as a number of any length.
#[derive(Debug, Clone)]
struct Number(String);

/// A text that is no version in the order that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no version in the order `{order}`: {why}")]
pub struct VersionError {
    /// As it was given.
    pub found: String,
    /// As a template writes it.
    pub order: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// Why a pattern names no channel for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpanded {
    /// The version does not have this part.
    Missing(&'static str),
    /// What it would be is no tag.
    NoTag(String),
}

impl Version {
    /// Reads a version.
    pub fn parse(text: &str, order: Order) -> Result<Self, VersionError> {
        let fail = |why: String| VersionError { found: text.to_owned(), order: order.name(), why };
        let value = match order {
            Order::Semver => {
                let bare = text.strip_prefix('v').unwrap_or(text).replacen('_', "+", 1);
                Value::Semver(bare.parse().map_err(|error: semver::Error| fail(error.to_string()))?)
            }
            Order::Debian => {
                Value::Debian(debian::Version::parse(text).map_err(|error| fail(error.reason.to_owned()))?)
            }
            Order::Date => Value::Date(numbers(text).ok_or_else(|| fail("expected a number".to_owned()))?),
        };
        Ok(Self { text: text.to_owned(), value })
    }

    /// As it was spelled.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether something is still to come before it is done. A date is never one.
    pub fn is_prerelease(&self) -> bool {
        match &self.value {
            Value::Semver(version) => !version.pre.is_empty(),
            Value::Debian(version) => version.as_str().contains('~'),
            Value::Date(_) => false,
        }
    }

    /// What stands for one of [`CHANNEL_PARTS`], as it was written.
    pub fn part(&self, name: &str) -> Option<String> {
        let at = |names: [&str; 3]| names.iter().position(|known| *known == name);
        let releases = || at(["major", "minor", "patch"]);
        match &self.value {
            Value::Semver(version) => {
                let number = *[version.major, version.minor, version.patch].get(releases()?)?;
                Some(number.to_string())
            }
            Value::Debian(version) => {
                let part = upstream(version.as_str()).split('.').nth(releases()?)?;
                let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| part.to_owned())
            }
            Value::Date(numbers) => numbers.get(at(["year", "month", "day"])?).map(|number| number.0.clone()),
        }
    }
}

/// A Debian version without its epoch and its revision.
fn upstream(text: &str) -> &str {
    let text = text.split_once(':').map_or(text, |(_, rest)| rest);
    text.rsplit_once('-').map_or(text, |(upstream, _)| upstream)
}

/// The numbers in a text. A date without anything between its parts is three of them; nothing if there is none.
fn numbers(text: &str) -> Option<Vec<Number>> {
    let mut numbers: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).collect();
    let first = *numbers.first()?;
    if first.len() == DATE_DIGITS {
        let ((year, rest), after) = (first.split_at(4), numbers.split_off(1));
        let (month, day) = rest.split_at(2);
        numbers = vec![year, month, day];
        numbers.extend(after);
    }
    Some(numbers.into_iter().map(|digits| Number(digits.to_owned())).collect())
}

/// Whether a pattern has a part of the version in it.
pub fn has_part(pattern: &str) -> bool {
    CHANNEL_PARTS.iter().any(|part| pattern.contains(&slot(part)))
}

/// What a pattern names for a version.
pub fn expand(pattern: &str, version: &Version) -> Result<Tag, Unexpanded> {
    let mut text = pattern.to_owned();
    for part in CHANNEL_PARTS {
        if text.contains(&slot(part)) {
            text = text.replace(&slot(part), &version.part(part).ok_or(Unexpanded::Missing(part))?);
        }
    }
    text.parse().map_err(|_| Unexpanded::NoTag(text))
}

fn slot(part: &str) -> String {
    format!("{{{part}}}")
}

impl Number {
    fn value(&self) -> (usize, &str) {
        let digits = self.0.trim_start_matches('0');
        (digits.len(), digits)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value().cmp(&other.value())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
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

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDERS: [Order; 3] = [Order::Semver, Order::Debian, Order::Date];

    fn version(text: &str, order: Order) -> Version {
        Version::parse(text, order).expect(text)
    }

    #[test]
    fn each_order_is_what_it_is_called() {
        let ascending: [(Order, &[&str]); 3] = [
            (
                Order::Semver,
                &["0.9.0", "v1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11"],
            ),
            (Order::Debian, &["1.0~rc1", "1.0", "1.0-1", "1.0-1.1", "1.2", "1.10-1"]),
            (
                Order::Date,
                &["2026-9-30", "2026.11", "2026-11-25", "20261125.2", "2026-11-25-10", "v2026_12_01", "99999"],
            ),
        ];
        for (order, versions) in ascending {
            for pair in versions.windows(2) {
                assert!(version(pair[0], order) < version(pair[1], order), "{pair:?}");
            }
        }
        let semver = |text| version(text, Order::Semver);
        assert!(semver("1.0.0-rc.1") < semver("1.0.0") && semver("1.0.0") < semver("1.0.0_1"));
        assert!(semver("1.9.0") < semver("1.10.0") && semver("v1.0.0") == semver("1.0.0"));
        assert_eq!(version("2026-07-01", Order::Date), version("20260701", Order::Date));
    }

    #[test]
    fn what_is_no_version_says_in_which_order() {
        let not: [(Order, &[&str]); 3] = [
            (Order::Semver, &["", "1", "1.0", "01.0.0", "1.0.0-01", "nightly", "1.0.0_1_2", "V1.0.0", "vv1.0.0"]),
            (Order::Debian, &["", "1_2", "1-"]),
            (Order::Date, &["", "edge"]),
        ];
        for (order, texts) in not {
            for text in texts {
                let error = Version::parse(text, order).expect_err(text);
                assert_eq!((error.found.as_str(), error.order), (*text, order.name()));
                assert!(error.to_string().contains(order.name()), "{error}");
            }
        }
    }

    #[test]
    fn parts_are_as_they_were_written() {
        for (text, order, pattern, expected) in [
            ("1.8.2", Order::Semver, "{major}.{minor}", Ok("1.8")),
            ("v1.8.2_5", Order::Semver, "v{major}-{patch}", Ok("v1-2")),
            ("2.36.1-9", Order::Debian, "{major}.{minor}.{patch}", Ok("2.36.1")),
            ("2.36-9", Order::Debian, "{patch}", Err(Unexpanded::Missing("patch"))),
            ("2.36a-9", Order::Debian, "{minor}", Err(Unexpanded::Missing("minor"))),
            ("2026-07-01", Order::Date, "{year}-{month}", Ok("2026-07")),
            ("20260701.2", Order::Date, "{day}.{month}", Ok("01.07")),
            ("2026-07", Order::Date, "{day}", Err(Unexpanded::Missing("day"))),
            ("1.8.2", Order::Semver, "{year}", Err(Unexpanded::Missing("year"))),
            ("1.8.2", Order::Semver, "latest", Ok("latest")),
            ("1.8.2", Order::Semver, ".{major}", Err(Unexpanded::NoTag(".1".to_owned()))),
        ] {
            let found = expand(pattern, &version(text, order)).map(|tag| tag.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{pattern} of {text}");
        }
        assert!(has_part("x-{day}") && !has_part("latest") && !has_part("{x}"));
        let is_prerelease = |text, order| version(text, order).is_prerelease();
        assert!(is_prerelease("1.0.0-rc.1", Order::Semver) && !is_prerelease("1.0.0_rc", Order::Semver));
        assert!(is_prerelease("1.0~rc1", Order::Debian) && !is_prerelease("1.0-1", Order::Debian));
        assert!(!is_prerelease("2026-11-25-rc1", Order::Date));
    }

    /// Versions of an order, among which are equal ones and near ones.
    fn any_version(order: Order) -> BoxedStrategy<Version> {
        let text = match order {
            Order::Semver => "v?[0-2]\\.(0|[1-9][0-9]?)\\.[0-2](-[a-b1-9]{1,2}(\\.[1-9])?)?(_[a-b0-9]{1,2})?",
            Order::Debian => "[0-9][0-9a-b.~]{0,5}(-[0-9a-b.~]{1,3})?",
            Order::Date => "v?(2026[0-1][0-9][0-2][0-9]|20[0-2][0-9])([-._][0-9]{1,3}){0,3}",
        };
        text.prop_map(move |text: String| version(&text, order)).boxed()
    }

    fn three() -> impl Strategy<Value = [Version; 3]> {
        proptest::sample::select(ORDERS.to_vec())
            .prop_flat_map(|order| [any_version(order), any_version(order), any_version(order)])
    }

    proptest! {
        #[test]
        fn the_order_is_total([a, b, c] in three()) {
            prop_assert_eq!(a.cmp(&a), Ordering::Equal);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            if a == b {
                prop_assert_eq!(a.cmp(&c), b.cmp(&c));
            }
        }

        #[test]
        fn what_is_expanded_is_a_tag([version, _, _] in three(), pattern in "[a-z]?(\\{(major|minor|patch|year|month|day)\\}[.-]?){0,3}[a-z0-9]") {
            match expand(&pattern, &version) {
                Ok(tag) => prop_assert!(tag.as_str().parse::<Tag>().is_ok() && !has_part(tag.as_str())),
                Err(Unexpanded::Missing(part)) => {
                    prop_assert_eq!(version.part(part), None);
                    let slot = slot(part);
                    prop_assert!(pattern.contains(&slot));
                }
                Err(Unexpanded::NoTag(text)) => prop_assert!(text.parse::<Tag>().is_err()),
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            for order in ORDERS {
                if let Ok(version) = Version::parse(&text, order) {
                    prop_assert_eq!(version.as_str(), &text);
                    let _ = (version.is_prerelease(), expand("{major}.{day}", &version));
                }
            }
        }
    }
}
