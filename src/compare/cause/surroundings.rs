//! What a step saw of its surroundings: host name, directory, user, processors, time zone, locale.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::compare::difference::Run;

use super::line::replace;
use super::{Facts, pick};

/// A host name or locale of one or two letters is found everywhere by chance.
const NAME_MIN_BYTES: usize = 3;

/// What a line says that speaks of processors; a small number alone can be anything.
static OF_PROCESSORS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)cpu|core|proc|thread|job|worker|parallel|(?:^|\s)-j\s?\d").ok());

/// What a line says that speaks of users; `r-x` is of `ls -l`.
static OF_USERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)uid|gid|user|owner|login|home|(?:^|\W)id=|r[w-][x-]").ok());

/// The user's name behind his number as `id` writes it, or behind the usual variables.
static USER_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?-u)(?:uid=\x01user\x01\(|\b(?:USER|LOGNAME|USERNAME)=["']?)(?P<name>[A-Za-z0-9_.-]+)"#).ok()
});

/// Puts one word for the host name.
pub(super) fn hostname(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) = &facts.varied.hostname;
    let is_varied = first != second && first.len().min(second.len()) >= NAME_MIN_BYTES;
    let found = if is_varied { words(text, pick(run, first, second)) } else { Vec::new() };
    replace(text, found.into_iter(), b"\x01host\x01")
}

/// Puts one word for the directory of the build.
pub(super) fn directory(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) =
        (facts.varied.directory.0.trim_end_matches('/'), facts.varied.directory.1.trim_end_matches('/'));
    let is_varied = first != second && !first.is_empty() && !second.is_empty();
    let ends = |after: Option<u8>| !after.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let wanted = pick(run, first, second).as_bytes();
    let mut found = if is_varied { occurrences(text, wanted) } else { Vec::new() };
    found.retain(|at| ends(text.get(at.end).copied()));
    replace(text, found.into_iter(), b"\x01directory\x01")
}

/// Puts one word for the user's number, and for his name where it stands for certain.
pub(super) fn user(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) = facts.varied.uid;
    if first == second {
        return text.to_vec();
    }
    let uid = pick(run, &first, &second).to_string();
    // Five digits are no count of things by chance.
    const TELLING_DIGITS: usize = 5;
    let speaks = uid.len() >= TELLING_DIGITS || speaks(&OF_USERS, text);
    let found = if speaks { numbers(text, &uid) } else { Vec::new() };
    let text = replace(text, found.into_iter(), b"\x01user\x01");
    let Some(pattern) = USER_NAME.as_ref() else { return text };
    let names = pattern.captures_iter(&text).filter_map(|captures| captures.name("name").map(|name| name.range()));
    replace(&text, names, b"\x01name\x01")
}

/// Puts one word for the number of processors, in lines that speak of them.
pub(super) fn processors(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) = facts.varied.cpus;
    let is_meant = first != second && speaks(&OF_PROCESSORS, text);
    let found = if is_meant { numbers(text, &pick(run, &first, &second).to_string()) } else { Vec::new() };
    replace(text, found.into_iter(), b"\x01cpus\x01")
}

/// Puts one word for the time zone, by its name or its abbreviation.
pub(super) fn timezone(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) = &facts.varied.timezone;
    if first == second {
        return text.to_vec();
    }
    let zone = pick(run, first, second);
    // `<+09>-9`, `JST-9`: the abbreviation is what stands first.
    let short = match zone.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((short, _)) => short,
        None => zone.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default(),
    };
    let short = if zone.contains('/') { "" } else { short };
    let mut found: Vec<Range<usize>> = [zone.as_str(), short]
        .iter()
        .filter(|name| name.len() >= NAME_MIN_BYTES)
        .flat_map(|name| words(text, name))
        .collect();
    found.sort_by_key(|at| (at.start, std::cmp::Reverse(at.end)));
    replace(text, found.into_iter(), b"\x01zone\x01")
}

/// Puts one word for the locale's name.
pub(super) fn locale(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (first, second) = &facts.varied.locale;
    let is_varied = first != second && first.len().min(second.len()) >= NAME_MIN_BYTES;
    let found = if is_varied { words(text, pick(run, first, second)) } else { Vec::new() };
    replace(text, found.into_iter(), b"\x01locale\x01")
}

fn speaks(pattern: &LazyLock<Option<Regex>>, text: &[u8]) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Where a word stands that is not part of a longer one.
fn words(text: &[u8], word: &str) -> Vec<Range<usize>> {
    standing(text, word, |neighbour| neighbour.is_ascii_alphanumeric())
}

/// Where a number stands that is not part of a longer one, or of a version.
fn numbers(text: &[u8], digits: &str) -> Vec<Range<usize>> {
    standing(text, digits, |neighbour| neighbour.is_ascii_digit() || neighbour == b'.')
}

fn standing(text: &[u8], word: &str, continues: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut found = occurrences(text, word.as_bytes());
    found.retain(|at| {
        let before = at.start.checked_sub(1).and_then(|before| text.get(before)).copied();
        // A full stop ends a sentence, unless more follows.
        let after =
            text.get(at.end).copied().filter(|b| *b != b'.' || text.get(at.end + 1).is_some_and(|b| continues(*b)));
        !before.is_some_and(&continues) && !after.is_some_and(&continues)
    });
    found
}

/// Where some bytes stand, none within another.
fn occurrences(text: &[u8], wanted: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !wanted.is_empty() && rest.len() >= wanted.len()) {
        if rest.starts_with(wanted) {
            found.push(at..at + wanted.len());
            at += wanted.len();
        } else {
            at += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::compare::cause::Known;
    use crate::compare::cause::line::explain;
    use crate::compare::testing::{facts, varied};

    fn known(a: &str, b: &str) -> Vec<Known> {
        let varied = varied();
        explain(a.as_bytes(), b.as_bytes(), &facts(&varied))
    }

    #[test]
    fn each_of_the_surroundings_is_recognised() {
        assert_eq!(known("Build-Host: alpha-host", "Build-Host: omega-host"), [Known::Hostname]);
        assert_eq!(known("-I/build/one/include", "-I/yard/other-place/include"), [Known::Directory]);
        assert_eq!(known("uid=1000(ann) gid=0(root)", "uid=1203(bob) gid=0(root)"), [Known::User]);
        assert_eq!(known("USER=ann", "USER=bob"), [Known::User]);
        assert_eq!(known("drwxr-xr-x 2 1000 0 x", "drwxr-xr-x 2 1203 0 x"), [Known::User]);
        assert_eq!(known("make -j2", "make -j3"), [Known::Processors]);
        assert_eq!(known("using 2 threads.", "using 3 threads."), [Known::Processors]);
        assert_eq!(known("zone Etc/UTC", "zone Asia/Tokyo"), [Known::TimeZone]);
        assert_eq!(known("LANG=C.UTF-8", "LANG=de_DE.UTF-8"), [Known::Locale]);
    }

    #[test]
    fn a_rule_for_a_zone_has_an_abbreviation() {
        let mut varied = varied();
        varied.timezone = ("UTC0".to_owned(), "<+09>-9".to_owned());
        assert_eq!(explain(b"in UTC", b"in +09", &facts(&varied)), [Known::TimeZone]);
        assert_eq!(explain(b"in UTC0", b"in <+09>-9", &facts(&varied)), [Known::TimeZone]);
    }

    #[test]
    fn numbers_that_are_something_else_are_left_alone() {
        assert_eq!(known("version 2", "version 3"), []);
        assert_eq!(known("processor 1.2.7", "processor 1.3.7"), []);
        assert_eq!(known("12 cores", "13 cores"), []);
        assert_eq!(known("1000 lines", "1203 lines"), []);
        assert_eq!(known("alpha-hosted", "omega-hosted"), []);
        assert_eq!(known("/build/one-more", "/yard/other-place-more"), []);
        assert_eq!(known("omega-host", "alpha-host"), [], "of the wrong runs");
    }

    #[test]
    fn what_was_not_varied_is_no_cause() {
        let mut varied = varied();
        varied.hostname.1 = varied.hostname.0.clone();
        assert_eq!(explain(b"alpha-host", b"omega-host", &facts(&varied)), []);
    }
}
