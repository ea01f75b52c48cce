//! Two lines, or two strings out of a binary, that differ: which causes together explain it.

use super::{Facts, Known, clock, order, random, surroundings, zone};
use crate::compare::difference::Run;

/// Puts one and the same word wherever a cause shows, on the side of one run.
pub(super) type Mask = (Known, fn(&[u8], Run, &Facts<'_>) -> Vec<u8>);

/// The masks, the most certain first.
const MASKS: [Mask; 9] = [
    (Known::Hostname, surroundings::hostname),
    (Known::Directory, surroundings::directory),
    (Known::User, surroundings::user),
    (Known::Processors, surroundings::processors),
    (Known::Locale, surroundings::locale),
    (Known::Clock, clock::mask),
    (Known::TimeZone, surroundings::timezone),
    (Known::Checksum, random::checksums),
    (Known::Random, random::numbers),
];

/// Bytes of a line that are looked at, from the first that differs to the last: minified code is one line.
const LINE_MAX_BYTES: usize = 16 * 1024;
/// Bytes before and behind that are looked at too, so that words and dates are whole.
const MARGIN_BYTES: usize = 256;

/// The causes that explain the difference completely; empty if there is a rest.
pub(crate) fn explain(a: &[u8], b: &[u8], facts: &Facts<'_>) -> Vec<Known> {
    let (a, b) = within(a, b);
    if a == b || a.len().max(b.len()) > LINE_MAX_BYTES {
        return Vec::new();
    }
    if let Some(known) = needed(|masks| apply(masks, a, Run::First, facts) == apply(masks, b, Run::Second, facts)) {
        return known;
    }
    if zone::is_shifted(a, b, facts) {
        return vec![Known::TimeZone];
    }
    if order::same_words(a, b) { vec![Known::Order] } else { Vec::new() }
}

/// The part of two lines that holds all that differs, with a margin.
fn within<'a>(a: &'a [u8], b: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let start = a.iter().zip(b).take_while(same).count();
    let behind = |line: &'a [u8]| line.get(start..).unwrap_or_default();
    let end = behind(a).iter().rev().zip(behind(b).iter().rev()).take_while(same).count();
    let (start, end) = (start.saturating_sub(MARGIN_BYTES), end.saturating_sub(MARGIN_BYTES));
    let part = |line: &'a [u8]| line.get(start..line.len().saturating_sub(end)).unwrap_or_default();
    (part(a), part(b))
}

/// A line with the given masks put on, one after the other.
pub(super) fn apply(masks: &[Mask], line: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    masks.iter().fold(line.to_vec(), |line, (_, mask)| mask(&line, run, facts))
}

/// A line with all masks put on.
pub(super) fn masked(line: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    apply(&MASKS, line, run, facts)
}

/// The fewest masks under which `is_same` holds: one if one is enough.
pub(super) fn needed(is_same: impl Fn(&[Mask]) -> bool) -> Option<Vec<Known>> {
    if let Some((known, _)) = MASKS.iter().find(|mask| is_same(std::slice::from_ref(*mask))) {
        return Some(vec![*known]);
    }
    let mut masks = MASKS.to_vec();
    if !is_same(&masks) {
        return None;
    }
    // The least certain goes first.
    for (known, _) in MASKS.iter().rev() {
        let fewer: Vec<Mask> = masks.iter().filter(|(other, _)| other != known).copied().collect();
        if is_same(&fewer) {
            masks = fewer;
        }
    }
    Some(masks.iter().map(|(known, _)| *known).collect())
}

/// Text with stretches replaced by one mark; the stretches are in order, and what begins within another is
/// passed over.
pub(super) fn replace(text: &[u8], stretches: impl Iterator<Item = std::ops::Range<usize>>, mark: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut end = 0;
    for stretch in stretches {
        if stretch.start < end {
            continue;
        }
        out.extend_from_slice(text.get(end..stretch.start).unwrap_or_default());
        out.extend_from_slice(mark);
        end = stretch.end;
    }
    out.extend_from_slice(text.get(end..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::testing::{facts, varied};

    fn known(a: &str, b: &str) -> Vec<Known> {
        let varied = varied();
        explain(a.as_bytes(), b.as_bytes(), &facts(&varied))
    }

    #[test]
    fn several_causes_in_one_line_are_all_named() {
        let (a, b) = ("built on alpha-host at 2026-11-25T08:00:05Z", "built on omega-host at 2026-11-26T09:00:09Z");
        assert_eq!(known(a, b), [Known::Hostname, Known::Clock]);
        assert_eq!(
            known("id=1f0c23d4e5a69788 alpha-host", "id=9f0c23d4e5a69781 omega-host"),
            [Known::Hostname, Known::Random]
        );
    }

    #[test]
    fn the_part_of_a_long_line_that_differs_is_enough() {
        let line = |host: &str| format!("{}var host=\"{host}\";{}", "a();".repeat(50_000), "b();".repeat(50_000));
        assert_eq!(known(&line("alpha-host"), &line("omega-host")), [Known::Hostname]);
    }

    #[test]
    fn one_word_that_is_not_explained_spoils_it() {
        assert_eq!(known("alpha-host 1", "omega-host 2"), []);
        assert_eq!(known("same", "same"), []);
        assert_eq!(known("version 1.2.3", "version 1.2.4"), []);
    }
}
