//! The same lines, members or words in another order.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::compare::difference::Run;

use super::line::{Mask, apply, masked, needed};
use super::{Facts, Known};

/// What says which job a line is of: `[web]`, `make[2]:`, `worker-1 |`.
static JOB: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)^\s*(\[[^\]]+\]|[A-Za-z0-9_./-]+(?:\[\d+\])?\s*(?:[:|>](?:\s|$)))").ok());

/// How far a build is: `[3/12]`, `[ 25%]`.
static PROGRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)^\s*\[\s*(?:\d+\s*/\s*\d+|\d+\s?%)\s*\]").ok());

/// Bytes of lists whose lines are looked at one by one for a second cause.
const MASKED_MAX_BYTES: usize = 256 * 1024;
/// Fewer are sorted in some way by chance.
const SORTED_MIN: usize = 3;

/// The causes if both lists are the same but for their order, and perhaps for something else that is known. `name` is
/// the file's, `is_log` for example says more than its lines.
pub(crate) fn of_lines(a: &[&[u8]], b: &[&[u8]], name: &[u8], facts: &Facts<'_>) -> Option<Vec<Known>> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    if sorted(a.iter().map(|line| bare(line).to_vec())) == sorted(b.iter().map(|line| bare(line).to_vec())) {
        return Some(vec![order(a, b, name, facts)]);
    }
    let counted = |lines: &[&[u8]]| sorted(lines.iter().map(|line| without_progress(line)));
    if counted(a) == counted(b) {
        return Some(vec![Known::ParallelLog]);
    }
    if a.iter().chain(b).map(|line| line.len()).sum::<usize>() > MASKED_MAX_BYTES {
        return None;
    }
    let in_order =
        |lines: &[&[u8]], run| -> Vec<Vec<u8>> { lines.iter().map(|line| masked(line, run, facts)).collect() };
    // Then no line has left its place.
    if in_order(a, Run::First) == in_order(b, Run::Second) {
        return None;
    }
    let under = |masks: &[Mask], lines: &[&[u8]], run| {
        sorted(lines.iter().map(|line| apply(masks, &without_progress(line), run, facts)))
    };
    let mut causes = needed(|masks| under(masks, a, Run::First) == under(masks, b, Run::Second))?;
    causes.insert(0, order(a, b, name, facts));
    Some(causes)
}

/// The cause if both lists of names are the same but for their order.
pub(crate) fn of_members(a: &[&[u8]], b: &[&[u8]], facts: &Facts<'_>) -> Known {
    if is_locale(a, b, facts) { Known::Locale } else { Known::Order }
}

/// Whether two lines have the same words in another order.
pub(super) fn same_words(a: &[u8], b: &[u8]) -> bool {
    let words = |line: &[u8]| -> Vec<Vec<u8>> {
        let is_between = |b: &u8| {
            b.is_ascii_whitespace() || matches!(b, b',' | b';' | b':' | b'[' | b']' | b'{' | b'}' | b'(' | b')')
        };
        line.split(is_between).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let (a, b) = (words(a), words(b));
    // Two words that change places are more often another sentence.
    a.len() > 2 && a != b && sorted(a.into_iter()) == sorted(b.into_iter())
}

fn order(a: &[&[u8]], b: &[&[u8]], name: &[u8], facts: &Facts<'_>) -> Known {
    if is_log(name) || is_interleaved(a, b) {
        Known::ParallelLog
    } else if is_locale(a, b, facts) {
        Known::Locale
    } else {
        Known::Order
    }
}

/// Whether both are sorted, the one by bytes and the other as a dictionary is.
fn is_locale(a: &[&[u8]], b: &[&[u8]], facts: &Facts<'_>) -> bool {
    let is_dictionary = |lines: &[&[u8]]| lines.is_sorted_by_key(|line| dictionary_key(line));
    facts.varied.locale.0 != facts.varied.locale.1
        && a.len() >= SORTED_MIN
        && (a.is_sorted() && is_dictionary(b) || b.is_sorted() && is_dictionary(a))
}

/// Letters and digits without their case: by these alone a locale sorts first (ISO 14651).
fn dictionary_key(line: &[u8]) -> Vec<u8> {
    line.iter().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).map(u8::to_ascii_lowercase).collect()
}

/// Whether each job has its lines in the same order, and only the jobs are mixed otherwise.
fn is_interleaved(a: &[&[u8]], b: &[&[u8]]) -> bool {
    let Some(pattern) = JOB.as_ref() else { return false };
    let jobs = |lines: &[&[u8]]| -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut jobs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for line in lines {
            let job = pattern.captures(line)?.get(1)?.as_bytes().to_vec();
            jobs.push((job, line.to_vec()));
        }
        // A stable sort keeps the order within each job.
        jobs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(jobs)
    };
    let (Some(a), Some(b)) = (jobs(a), jobs(b)) else { return false };
    let names = |jobs: &[(Vec<u8>, Vec<u8>)]| {
        let mut names: Vec<Vec<u8>> = jobs.iter().map(|(name, _)| name.clone()).collect();
        names.dedup();
        names.len()
    };
    // With one line of each job every order would do.
    a == b && names(&a) >= 2 && names(&a) < a.len()
}

/// Whether a file is a log by its name.
fn is_log(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let parts: Vec<&[u8]> = lower.split(|b| matches!(b, b'/' | b'.')).collect();
    parts.iter().any(|part| matches!(*part, b"log" | b"logs"))
}

/// A line without what depends on whether it is the last of a list.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_end();
    line.strip_suffix(b",").unwrap_or(line)
}

fn without_progress(line: &[u8]) -> Vec<u8> {
    let start = PROGRESS.as_ref().and_then(|pattern| pattern.find(line)).map_or(0, |found| found.end());
    bare(line.get(start..).unwrap_or_default()).to_vec()
}

fn sorted(lines: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = lines.collect();
    lines.sort();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::testing::{facts, varied};

    fn known(a: &[&str], b: &[&str], name: &str) -> Option<Vec<Known>> {
        let varied = varied();
        let (a, b): (Vec<&[u8]>, Vec<&[u8]>) =
            (a.iter().map(|line| line.as_bytes()).collect(), b.iter().map(|line| line.as_bytes()).collect());
        of_lines(&a, &b, name.as_bytes(), &facts(&varied))
    }

    #[test]
    fn the_order_of_a_directory_is_seen() {
        assert_eq!(known(&["b", "a"], &["a", "b"], "list"), Some(vec![Known::Order]));
        assert_eq!(known(&["\"b\",", "\"a\""], &["\"a\",", "\"b\""], "x.json"), Some(vec![Known::Order]));
        assert_eq!(known(&["b", "a"], &["a", "c"], "list"), None);
        assert_eq!(known(&["a"], &["a", "a"], "list"), None);
    }

    #[test]
    fn mixed_jobs_are_told_from_another_order() {
        let (a, b) = (["x: 1", "x: 2", "y: 1", "y: 2"], ["x: 1", "y: 1", "y: 2", "x: 2"]);
        assert_eq!(known(&a, &b, "out"), Some(vec![Known::ParallelLog]));
        assert_eq!(known(&a, &["x: 2", "x: 1", "y: 1", "y: 2"], "out"), Some(vec![Known::Order]));
        assert_eq!(known(&["x: 1", "y: 1"], &["y: 1", "x: 1"], "keys"), Some(vec![Known::Order]));
        assert_eq!(known(&["b", "a"], &["a", "b"], "var/log/build.log"), Some(vec![Known::ParallelLog]));
        assert_eq!(known(&["b", "a"], &["a", "b"], "usr/share/catalog"), Some(vec![Known::Order]));
        let (a, b) = (["[1/2] CC a.o", "[2/2] CC b.o"], ["[1/2] CC b.o", "[2/2] CC a.o"]);
        assert_eq!(known(&a, &b, "out"), Some(vec![Known::ParallelLog]));
    }

    #[test]
    fn an_order_and_another_cause_are_both_named() {
        let (a, b) =
            (["2026-11-25 08:00:01 x", "2026-11-25 08:00:02 y"], ["2026-11-26 09:00:01 y", "2026-11-26 09:00:02 x"]);
        assert_eq!(known(&a, &b, "app.log"), Some(vec![Known::ParallelLog, Known::Clock]));
    }

    #[test]
    fn the_order_of_a_locale_is_seen() {
        let (bytes, dictionary) = (["B", "Z-a", "_c", "a"], ["a", "B", "_c", "Z-a"]);
        assert_eq!(known(&bytes, &dictionary, "list"), Some(vec![Known::Locale]));
        assert_eq!(known(&dictionary, &bytes, "list"), Some(vec![Known::Locale]));
        assert_eq!(known(&bytes, &["a", "_c", "B", "Z-a"], "list"), Some(vec![Known::Order]));
        assert_eq!(known(&["B", "a"], &["a", "B"], "list"), Some(vec![Known::Order]));
    }

    #[test]
    fn words_of_a_line_may_change_places() {
        assert!(same_words(b"SOURCES = b.c a.c", b"SOURCES = a.c b.c"));
        assert!(same_words(b"{\"b\": 1, \"a\": 2}", b"{\"a\": 2, \"b\": 1}"));
        assert!(!same_words(b"a b", b"b a"));
        assert!(!same_words(b"a b c", b"a b d"));
    }
}
