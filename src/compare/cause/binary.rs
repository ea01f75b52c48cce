//! Two stretches of bytes that are no text: the strings in them, the numbers, the noise.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::compare::difference::Run;

use super::clock::is_near_clock;
use super::line::explain as explain_line;
use super::{Facts, Known, Reasons};

/// Places that are looked at; beyond them there is a rest.
const PLACES_MAX: usize = 500;
/// Bytes that may be equal within one place: those of two dates often are.
const GAP_MAX_BYTES: usize = 3;
/// How far the string around a place is followed to each side.
const STRING_MAX_BYTES: usize = 512;
/// As strings(1) has it.
const STRING_MIN_BYTES: usize = 4;
/// Pieces that are no strings are cut to this, so that equal ones are found again.
const PIECE_BYTES: usize = 32;
/// Shorter noise is not told from a number.
const NOISE_MIN_BYTES: usize = 16;

/// Why two stretches differ.
pub(crate) fn explain(a: &[u8], b: &[u8], facts: &Facts<'_>) -> Reasons {
    if a.len() == b.len() { in_place(a, b, facts) } else { in_pieces(a, b, facts) }
}

/// The string around `at`, for the one place of a large content that is known.
pub(crate) fn string_around(bytes: &[u8], at: usize) -> &[u8] {
    let before = bytes.get(..at).unwrap_or_default();
    let after = bytes.get(at..).unwrap_or_default();
    let start = before.len() - before.iter().rev().take(STRING_MAX_BYTES).take_while(|b| is_printable(**b)).count();
    let end = at + after.iter().take(STRING_MAX_BYTES).take_while(|b| is_printable(**b)).count();
    bytes.get(start..end).unwrap_or_default()
}

/// Of equal length: whatever differs is in the same place.
fn in_place(a: &[u8], b: &[u8], facts: &Facts<'_>) -> Reasons {
    let mut reasons = Reasons::default();
    let mut looked_to = 0;
    for (count, place) in places(a, b).into_iter().enumerate() {
        if count == PLACES_MAX {
            reasons.put_rest();
            break;
        }
        if place.end <= looked_to {
            continue;
        }
        let string = printable_around(a, b, &place);
        let known = string.clone().map(|at| explain_line(part(a, &at), part(b, &at), facts)).unwrap_or_default();
        if !known.is_empty() {
            reasons.put_all(&known);
            looked_to = string.map_or(0, |at| at.end);
        } else if let Some(end) = time_at(a, b, &place, facts) {
            reasons.put(Known::Clock);
            looked_to = end;
        } else if is_noise(part(a, &place)) && is_noise(part(b, &place)) {
            reasons.put(Known::Random);
        } else {
            reasons.put_rest();
        }
    }
    reasons
}

/// Where two stretches of one length differ; places that are close together are one. One more than the most, at most.
fn places(a: &[u8], b: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let differ = a.iter().zip(b).enumerate().filter(|(_, (one, other))| one != other).map(|(at, _)| at);
    for at in differ {
        match found.last_mut().filter(|last| at <= last.end + GAP_MAX_BYTES) {
            Some(last) => last.end = at + 1,
            None => found.push(at..at + 1),
        }
        if found.len() > PLACES_MAX {
            break;
        }
    }
    found
}

/// The string that holds a place, if it is one on both sides.
fn printable_around(a: &[u8], b: &[u8], place: &Range<usize>) -> Option<Range<usize>> {
    let both = |at: usize| a.get(at).copied().is_some_and(is_printable) && b.get(at).copied().is_some_and(is_printable);
    if !place.clone().all(both) {
        return None;
    }
    let before = (0..place.start).rev().take(STRING_MAX_BYTES).take_while(|at| both(*at)).count();
    let after = (place.end..a.len()).take(STRING_MAX_BYTES).take_while(|at| both(*at)).count();
    Some(place.start - before..place.end + after)
}

/// A number of seconds since 1970 of 32 bits, in either byte order, that covers the place on both sides and is near the
/// clock; where it ends.
fn time_at(a: &[u8], b: &[u8], place: &Range<usize>, facts: &Facts<'_>) -> Option<usize> {
    const NUMBER_BYTES: usize = 4;
    let number =
        |bytes: &[u8], at: usize| -> Option<[u8; NUMBER_BYTES]> { bytes.get(at..at + NUMBER_BYTES)?.try_into().ok() };
    (place.end.saturating_sub(NUMBER_BYTES)..=place.start).find_map(|at| {
        let (one, other) = (number(a, at)?, number(b, at)?);
        let near = |decode: fn([u8; NUMBER_BYTES]) -> u32| {
            is_near_clock(decode(one).into(), Run::First, facts)
                && is_near_clock(decode(other).into(), Run::Second, facts)
        };
        (near(u32::from_le_bytes) || near(u32::from_be_bytes)).then_some(at + NUMBER_BYTES)
    })
}

/// Whether bytes look as if they were thrown: nearly as many different ones as chance gives. Of 64 random bytes 57 are
/// different, of machine code half as many.
fn is_noise(bytes: &[u8]) -> bool {
    /// One in ten of short stretches has fewer.
    const SHARE: f64 = 0.93;
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    let expected = 256.0 * (1.0 - (255.0f64 / 256.0).powf(bytes.len() as f64));
    bytes.len() >= NOISE_MIN_BYTES && different as f64 >= SHARE * expected
}

/// Of different length: strings and pieces between them are compared as lines are.
fn in_pieces(a: &[u8], b: &[u8], facts: &Facts<'_>) -> Reasons {
    let mut input = InternedInput::default();
    input.update_before(pieces(a).into_iter());
    input.update_after(pieces(b).into_iter());
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let mut reasons = Reasons::default();
    for (count, hunk) in diff.hunks().enumerate() {
        if count == PLACES_MAX {
            reasons.put_rest();
            break;
        }
        let side = |tokens: &[imara_diff::Token], range: Range<u32>| -> Vec<&[u8]> {
            let tokens = tokens.get(range.start as usize..range.end as usize).unwrap_or_default();
            // Zeros fill what a shorter string leaves.
            tokens.iter().map(|token| input.interner[*token]).filter(|piece| piece.iter().any(|b| *b != 0)).collect()
        };
        let (before, after) = (side(&input.before, hunk.before), side(&input.after, hunk.after));
        if before.len() != after.len() {
            reasons.put_rest();
            continue;
        }
        let pairs: Vec<(&[u8], &[u8])> = before.into_iter().zip(after).collect();
        for (index, (one, other)) in pairs.iter().enumerate().filter(|(_, (one, other))| one != other) {
            let next = pairs.get(index + 1).filter(|(one, other)| is_string(one) && is_string(other));
            if is_string(one) && is_string(other) {
                reasons.put_all(&explain_string(one, other, facts));
            } else if !next.is_some_and(|(string_a, string_b)| ends_with_length(one, other, string_a, string_b)) {
                reasons.put_rest();
            }
        }
    }
    reasons
}

fn is_string(piece: &[u8]) -> bool {
    piece.len() >= STRING_MIN_BYTES && piece.first().copied().is_some_and(is_printable)
}

/// A string whose length stands before it may have that length, if it can be printed, as its first letter.
fn explain_string(a: &[u8], b: &[u8], facts: &Facts<'_>) -> Vec<Known> {
    match (a.split_first(), b.split_first()) {
        (Some((one, rest_a)), Some((other, rest_b))) if is_length(*one, *other, a, b) => {
            explain_line(rest_a, rest_b, facts)
        }
        _ => explain_line(a, b, facts),
    }
}

/// Whether two pieces differ only in their last byte, which counts the strings behind them.
fn ends_with_length(a: &[u8], b: &[u8], string_a: &[u8], string_b: &[u8]) -> bool {
    match (a.split_last(), b.split_last()) {
        (Some((one, rest_a)), Some((other, rest_b))) => rest_a == rest_b && is_length(*one, *other, string_a, string_b),
        _ => false,
    }
}

/// Whether two bytes differ as the lengths of two strings do. The ends of these are not known: what follows may be
/// printable too.
fn is_length(one: u8, other: u8, a: &[u8], b: &[u8]) -> bool {
    one != other && i64::from(one) - i64::from(other) == a.len() as i64 - b.len() as i64
}

/// Strings, runs of zeros, and what is between.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let string = rest.iter().take_while(|b| is_printable(**b)).count();
        let zeros = rest.iter().take_while(|b| **b == 0).count();
        let run = if string >= STRING_MIN_BYTES { string } else { zeros };
        if run > 0 {
            found.extend(part(bytes, &(start..at)).chunks(PIECE_BYTES));
            found.push(part(bytes, &(at..at + run)));
            start = at + run;
        }
        at += run.max(string).max(1);
    }
    found.extend(part(bytes, &(start..at)).chunks(PIECE_BYTES));
    found
}

fn part<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

fn is_printable(byte: u8) -> bool {
    byte == b'\t' || byte == b' ' || byte.is_ascii_graphic()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::cause::{Cause, Covers};
    use crate::compare::testing::{FIRST_SECONDS, SECOND_SECONDS, facts, noise, varied};

    fn cause(a: &[u8], b: &[u8]) -> Option<(Known, Covers)> {
        let varied = varied();
        explain(a, b, &facts(&varied)).cause().map(|Cause { known, covers }| (known, covers))
    }

    #[test]
    fn strings_of_a_binary_are_explained() {
        let (a, b) = (b"\x00\x01built 2026-11-25\x00\xff", b"\x00\x01built 2026-11-26\x00\xff");
        assert_eq!(cause(a, b), Some((Known::Clock, Covers::All)));
        let (a, b) = (b"\xfe\x01/build/one/a.c\x00\x00\x00\x00\x00\xff", b"\xfe\x01/yard/other-place/a.c\x00\x00\xff");
        assert_eq!(cause(a, b), Some((Known::Directory, Covers::All)));
        assert_eq!(cause(b"\x00\x01version 1.2\x00", b"\x00\x01version 1.3\x00"), None);
    }

    #[test]
    fn the_length_before_a_string_goes_with_it() {
        let with = |name: &str| [&b"\xe3\x01\xfa"[..], &[name.len() as u8], name.as_bytes(), b"\xda\x01"].concat();
        let cause_of = |end: &str| cause(&with(&format!("/build/one{end}")), &with(&format!("/yard/other-place{end}")));
        assert_eq!(cause_of("/a.py"), Some((Known::Directory, Covers::All)));
        assert_eq!(
            cause_of("/a/longer/path/of/a.py"),
            Some((Known::Directory, Covers::All)),
            "a length that is a letter"
        );
        let (a, b) = (b"\xe3\x05/build/one\x00", b"\xe3\x06/yard/other-place\x00");
        assert_eq!(cause(a, b), Some((Known::Directory, Covers::Part)), "no length");
    }

    #[test]
    fn a_clock_as_a_number_is_seen_in_both_byte_orders() {
        let (one, other) = (FIRST_SECONDS as u32 + 5, SECOND_SECONDS as u32 + 5);
        let with = |bytes: [u8; 4]| [&[0xff, 0x80][..], &bytes, &[0xff, 0x80]].concat();
        assert_eq!(cause(&with(one.to_le_bytes()), &with(other.to_le_bytes())), Some((Known::Clock, Covers::All)));
        assert_eq!(cause(&with(one.to_be_bytes()), &with(other.to_be_bytes())), Some((Known::Clock, Covers::All)));
        assert_eq!(cause(&with(7u32.to_le_bytes()), &with(9u32.to_le_bytes())), None);
        let far = one - 10_000_000;
        assert_eq!(cause(&with(far.to_le_bytes()), &with(other.to_le_bytes())), None);
    }

    #[test]
    fn noise_is_random_and_code_is_not() {
        assert_eq!(cause(&noise(1, 512), &noise(2, 512)), Some((Known::Random, Covers::All)));
        let code = |with: u8| [0x48, 0x89, with, 0xe8, 0, 0, 0, with].repeat(8);
        assert_eq!(cause(&code(1), &code(2)), None);
        assert_eq!(cause(&noise(1, 8), &noise(2, 8)), None);
    }

    #[test]
    fn a_rest_is_admitted() {
        let (a, b) = (b"\x00alpha-host\x00\xff\xff\x01", b"\x00omega-host\x00\xff\xff\x02");
        assert_eq!(cause(a, b), Some((Known::Hostname, Covers::Part)));
        let many = |with: u8| [with, 0, 0, 0, 0].repeat(2000);
        assert_eq!(cause(&many(1), &many(2)), None);
    }

    #[test]
    fn the_string_around_a_place_is_found() {
        assert_eq!(string_around(b"\x00\x00abc def\x00", 4), b"abc def");
        assert_eq!(string_around(b"\x00\x00", 1), b"");
        assert_eq!(string_around(b"", 7), b"");
    }
}
