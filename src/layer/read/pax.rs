//! The records of a PAX header: `LENGTH KEY=VALUE\n`, where a value may hold any bytes.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::path::readable;

use super::error::ReadError;

/// A key and its value.
pub(super) type Record<'a> = (&'a [u8], &'a [u8]);

/// Records in their order. The values are found by their lengths: an attribute may well hold a newline, at which tar's own
/// `PaxExtensions` would split it.
pub(super) fn records(bytes: &[u8], offset: u64) -> Result<Vec<Record<'_>>, ReadError> {
    let mut rest = bytes;
    let mut records = Vec::new();
    let mut keys = BTreeSet::new();
    while !rest.is_empty() {
        let (key, value, tail) =
            record(rest).ok_or(ReadError::BadRecords { offset, reason: "a record is not `LENGTH KEY=VALUE`" })?;
        // The map of a sparse file in the oldest form is the one thing that repeats its keys.
        let may_repeat = matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes");
        if !may_repeat && !keys.insert(key) {
            return Err(ReadError::RepeatedRecord { offset, key: readable(key) });
        }
        records.push((key, value));
        rest = tail;
    }
    Ok(records)
}

/// The first record, taken apart, and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|b| *b == b' ')?;
    let digits = &bytes[..blank];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if length > bytes.len() {
        return None;
    }
    let (record, tail) = bytes.split_at(length);
    let body = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
    Some((&body[..equals], &body[equals + 1..], tail))
}

/// Checks a global header: nothing in it may change the entries to come. `git archive` writes its commit into one.
pub(super) fn check_global(bytes: &[u8], offset: u64) -> Result<(), ReadError> {
    match records(bytes, offset)?.into_iter().find(|(key, _)| *key != b"comment") {
        Some((key, _)) => Err(ReadError::GlobalRecord { offset, key: readable(key) }),
        None => Ok(()),
    }
}

/// Extended attributes by name.
pub(super) type Xattrs = BTreeMap<Box<[u8]>, Box<[u8]>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_newlines() {
        let bytes = b"14 path=a\nb=c\n11 size=12\n";
        let found = records(bytes, 0).expect("good records");
        assert_eq!(found, [(&b"path"[..], &b"a\nb=c"[..]), (b"size", b"12")]);
    }

    #[test]
    fn what_is_not_a_record_is_refused() {
        for wrong in [&b"9 path=a"[..], b"x path=a\n", b"99 path=a\n", b"5 =a\n", b"0 a=b\n", b"3 a", b"+9 path=a\n"] {
            assert!(matches!(records(wrong, 7), Err(ReadError::BadRecords { offset: 7, .. })), "{wrong:?}");
        }
        let twice = b"9 path=a\n9 path=b\n";
        assert!(matches!(records(twice, 0), Err(ReadError::RepeatedRecord { .. })));
        assert!(matches!(check_global(b"9 path=a\n", 0), Err(ReadError::GlobalRecord { .. })));
        assert!(check_global(b"13 comment=a\n", 0).is_ok());
    }
}
