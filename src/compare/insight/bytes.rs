//! Bytes of no known format: where the first difference is, and what is there.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Insight, Place, Seen};
use crate::compare::cause::{Facts, binary};
use crate::compare::difference::Both;

const ROW_BYTES: usize = 16;
/// Rows that are shown of each side.
const ROWS: usize = 2;

/// The first byte that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Where it is, from the beginning.
    pub offset: u64,
    /// The rows of 16 bytes around it: offset, bytes in hexadecimal digits, bytes as text. None where a side has ended.
    pub rows: Both<Vec<String>>,
}

/// The first byte that differs, and why.
pub(super) fn look(a: &[u8], b: &[u8], _: &Place<'_>, facts: &Facts<'_>) -> Seen {
    Some((Insight::Bytes(first(a, b)), binary::explain(a, b, facts)))
}

/// The first byte that differs.
pub(super) fn first(a: &[u8], b: &[u8]) -> Bytes {
    let common = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    dump(Both::new(a, b), 0, common)
}

/// The rows around `at`, of sides that begin at `start` of the whole.
pub(in crate::compare) fn dump(sides: Both<&[u8]>, start: u64, at: usize) -> Bytes {
    let row = at / ROW_BYTES * ROW_BYTES;
    let rows = |bytes: &[u8]| -> Vec<String> {
        let shown = bytes.get(row..).unwrap_or_default().chunks(ROW_BYTES).take(ROWS);
        shown.enumerate().map(|(index, chunk)| line(start + (row + index * ROW_BYTES) as u64, chunk)).collect()
    };
    Bytes { offset: start + at as u64, rows: Both::new(rows(sides.a), rows(sides.b)) }
}

/// As `hexdump -C` has it.
fn line(offset: u64, bytes: &[u8]) -> String {
    let mut line = format!("{offset:08x} ");
    for column in 0..ROW_BYTES {
        // Writing to a string cannot fail.
        let _ = match bytes.get(column) {
            Some(byte) => write!(line, " {byte:02x}"),
            None => write!(line, "   "),
        };
    }
    let shown = bytes.iter().map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' });
    line.push_str("  |");
    line.extend(shown);
    line.push('|');
    line
}

#[cfg(test)]
mod tests {
    use crate::compare::testing::shown;

    #[test]
    fn the_first_byte_that_differs_is_shown() {
        let a = [&[0u8; 20][..], b"\x01abc"].concat();
        let b = [&[0u8; 20][..], b"\x02abc\xff"].concat();
        let expected = "/data: content\n  first difference at byte 20\n  \
             -00000010  00 00 00 00 01 61 62 63                          |.....abc|\n  \
             +00000010  00 00 00 00 02 61 62 63 ff                       |.....abc.|\n";
        assert_eq!(shown("data", a, b), expected);
    }

    #[test]
    fn a_side_that_ends_has_no_rows() {
        let text = shown("data", [0u8; 16], [0u8; 17]);
        assert!(text.contains("  first difference at byte 16\n  +00000010  00 "), "{text}");
    }
}
