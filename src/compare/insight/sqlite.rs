//! An SQLite database (Database File Format, section 1.3): the header and the pages that differ.

use serde::Serialize;

use crate::compare::cause::{Facts, binary};
use crate::compare::difference::Both;

use super::bytes::{self, Bytes};
use super::{Insight, Place, Seen};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Pages that are named.
const PAGES_MAX: usize = 10;
/// Fields of the header that every write changes: the change counter, for which version it is valid, and the number of
/// the library.
const COUNTERS: [std::ops::Range<usize>; 2] = [24..28, 92..100];

/// What differs between two databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sqlite {
    /// How often it was written.
    pub change_counter: Option<Both<u32>>,
    /// Number of the library that wrote it last, `3.46.1` for 3046001.
    pub version: Option<Both<String>>,
    /// Bytes of a page.
    pub page_bytes: Both<u32>,
    /// The first pages that differ in more than these, counted from 1.
    pub pages: Vec<u32>,
    /// How many more there are.
    pub pages_left_out: usize,
    /// Where the first of them differs, from the beginning of the file.
    pub first: Option<Bytes>,
}

/// What differs, if both are databases.
pub(super) fn look(a: &[u8], b: &[u8], _: &Place<'_>, facts: &Facts<'_>) -> Seen {
    let (bytes_a, bytes_b) = (page_bytes(a)?, page_bytes(b)?);
    let change_counter = Both::unequal(word(a, 24)?, word(b, 24)?);
    let version = Both::unequal(version(word(a, 96)?), version(word(b, 96)?));
    let (plain_a, plain_b) = (without_counters(a), without_counters(b));
    let mut reasons = binary::explain(&plain_a, &plain_b, facts);
    if plain_a == plain_b {
        reasons.put_rest();
    }
    let size = usize::try_from(bytes_a).ok()?;
    let differ: Vec<u32> = if bytes_a == bytes_b { pages(&plain_a, &plain_b, size) } else { Vec::new() };
    Some((
        Insight::Sqlite(Sqlite {
            change_counter,
            version,
            page_bytes: Both::new(bytes_a, bytes_b),
            pages_left_out: differ.len().saturating_sub(PAGES_MAX),
            pages: differ.into_iter().take(PAGES_MAX).collect(),
            first: (plain_a != plain_b).then(|| bytes::first(&plain_a, &plain_b)),
        }),
        reasons,
    ))
}

/// The pages that differ, those that only one side has included.
fn pages(a: &[u8], b: &[u8], size: usize) -> Vec<u32> {
    let number = a.len().max(b.len()).div_ceil(size);
    let page = |bytes: &[u8], index: usize| -> Vec<u8> {
        let rest = bytes.get(index * size..).unwrap_or_default();
        rest.get(..size).unwrap_or(rest).to_vec()
    };
    (0..number)
        .filter(|index| page(a, *index) != page(b, *index))
        .filter_map(|index| u32::try_from(index + 1).ok())
        .collect()
}

fn page_bytes(bytes: &[u8]) -> Option<u32> {
    if !bytes.starts_with(MAGIC) || bytes.len() < 100 {
        return None;
    }
    let field: [u8; 2] = bytes.get(16..18)?.try_into().ok()?;
    match u32::from(u16::from_be_bytes(field)) {
        // The field is too small for the largest.
        1 => Some(65_536),
        size if size.is_power_of_two() && size >= 512 => Some(size),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn version(number: u32) -> String {
    format!("{}.{}.{}", number / 1_000_000, number / 1000 % 1000, number % 1000)
}

fn without_counters(bytes: &[u8]) -> Vec<u8> {
    let mut plain = bytes.to_vec();
    for field in COUNTERS {
        if let Some(field) = plain.get_mut(field) {
            field.fill(0);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use crate::compare::testing::shown;

    fn database(counter: u32, second_page: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[..16].copy_from_slice(b"SQLite format 3\0");
        bytes[16..18].copy_from_slice(&512u16.to_be_bytes());
        bytes[24..28].copy_from_slice(&counter.to_be_bytes());
        bytes[92..96].copy_from_slice(&counter.to_be_bytes());
        bytes[96..100].copy_from_slice(&3_046_001u32.to_be_bytes());
        bytes[600..600 + second_page.len()].copy_from_slice(second_page);
        bytes
    }

    #[test]
    fn counters_are_told_from_pages() {
        let text = shown("a.db", database(1, b"x"), database(2, b"x"));
        assert_eq!(text, "/a.db: content\n  SQLite database\n    change counter: 1 and 2\n");
        let text = shown("a.db", database(1, b"made 2026-11-25"), database(1, b"made 2026-11-26"));
        assert!(text.contains("  SQLite database\n    pages: 2\n    first difference at byte 614\n"), "{text}");
        assert!(text.contains("cause: the clock is written into the file\n"), "{text}");
    }

    #[test]
    fn versions_are_written_as_people_do() {
        let mut other = database(1, b"x");
        other[96..100].copy_from_slice(&3_050_004u32.to_be_bytes());
        let text = shown("a.db", database(1, b"x"), other);
        assert!(text.contains("    written by SQLite 3.46.1 and 3.50.4\n"), "{text}");
    }
}
