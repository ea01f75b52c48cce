//! Compiled Python (PEP 3147, PEP 552): 16 bytes of header, then the code.
//!
//! ```text
//! 0  magic, of the version; then CR LF     8   flags 0: time of the source, then its size
//! 4  flags                                     flags 1 or 3: hash of the source
//! ```

use serde::Serialize;

use crate::compare::cause::{Facts, Known, Reasons, binary};
use crate::compare::difference::Both;

use super::bytes::{self, Bytes};
use super::{Insight, Place, Seen};

const HEADER_BYTES: usize = 16;
/// Magic numbers of CPython 3.7, the first with these 16 bytes, to what 3.x may still reach.
const MAGICS: std::ops::RangeInclusive<u16> = 3390..=3999;
const HASHED: u32 = 1;

/// What differs between two compiled files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pyc {
    /// Time of the source, seconds since 1970.
    pub source_time: Option<Both<u32>>,
    /// Whether the sources differ, by their size or hash.
    pub source: bool,
    /// Where the code differs.
    pub code: Option<Bytes>,
}

struct Header {
    magic: u16,
    flags: u32,
    time: u32,
    size: u32,
}

/// What differs, if both are compiled by the same version in the same way.
pub(super) fn look(a: &[u8], b: &[u8], _: &Place<'_>, facts: &Facts<'_>) -> Seen {
    let (first, second) = (header(a)?, header(b)?);
    if (first.magic, first.flags) != (second.magic, second.flags) {
        return None;
    }
    let is_hashed = first.flags & HASHED != 0;
    let source_time = Both::unequal(first.time, second.time).filter(|_| !is_hashed);
    let source = first.size != second.size || (is_hashed && first.time != second.time);
    let mut reasons = Reasons::default();
    if source_time.is_some() {
        reasons.put(Known::PycTime);
    }
    let (code_a, code_b) = (a.get(HEADER_BYTES..)?, b.get(HEADER_BYTES..)?);
    let code = (code_a != code_b).then(|| {
        reasons.merge(binary::explain(code_a, code_b, facts));
        bytes::first(code_a, code_b)
    });
    // Where the source differs, it is a difference of its own.
    if source && code.is_none() {
        reasons.put_rest();
    }
    Some((Insight::Pyc(Pyc { source_time, source, code }), reasons))
}

fn header(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let magic = bytes.get(..2)?.try_into().ok().map(u16::from_le_bytes)?;
    let header = Header { magic, flags: word(4)?, time: word(8)?, size: word(12)? };
    let is_pyc = MAGICS.contains(&magic) && bytes.get(2..4)? == b"\r\n" && matches!(header.flags, 0 | 1 | 3);
    is_pyc.then_some(header)
}

#[cfg(test)]
mod tests {
    use crate::compare::testing::shown;

    /// As CPython 3.13 writes it.
    fn pyc(flags: u32, time: u32, code: &[u8]) -> Vec<u8> {
        let words = [flags, time, 120].map(u32::to_le_bytes).concat();
        [&3571u16.to_le_bytes()[..], b"\r\n", &words, code].concat()
    }

    #[test]
    fn the_time_of_the_source_is_a_cause_of_its_own() {
        let text = shown("a.pyc", pyc(0, 1_795_593_600, b"\xe3code"), pyc(0, 1_795_593_660, b"\xe3code"));
        assert!(
            text.contains("  compiled Python\n    time of the source: 2026-11-25T08:00:00Z and 2026-11-25T08:01:00Z\n"),
            "{text}"
        );
        assert!(
            text.contains("cause: compiled Python holds the time of its source\n  mend: use `python3 -m"),
            "{text}"
        );
    }

    #[test]
    fn the_code_is_looked_into() {
        let text =
            shown("a.pyc", pyc(0, 7, b"\xe3\0/build/one/a.py\x81"), pyc(0, 7, b"\xe3\0/yard/other-place/a.py\x81"));
        assert!(text.contains("  compiled Python\n    code: first difference at byte 3\n"), "{text}");
        assert!(text.contains("cause: the build directory"), "{text}");
    }

    #[test]
    fn a_hash_in_the_header_is_no_time() {
        let text = shown("a.pyc", pyc(1, 7, b"\xe3code"), pyc(1, 8, b"\xe3code"));
        assert!(text.contains("    the sources differ\n") && !text.contains("cause:"), "{text}");
    }
}
