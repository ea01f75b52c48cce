//! Reading the contents of two files as far as it is worth it.

use crate::tree::{Content, ContentError, Contents};

use super::Side;
use super::cause::line::explain;
use super::cause::{Facts, Reasons, binary};
use super::difference::Both;
use super::insight::{self, Insight, Place};

/// Larger contents are only read up to the first byte that differs. Both are held in memory.
pub(super) const INSIGHT_MAX_BYTES: u64 = 16 << 20;
/// Bytes that are read at once of a larger one.
const CHUNK_BYTES: usize = 256 * 1024;
/// Bytes around the first difference that are looked at.
const AROUND_BYTES: u64 = 1024;

/// What differs between two contents, and why.
pub(super) fn look(
    (a, of_a): (&Side<'_>, &Content),
    (b, of_b): (&Side<'_>, &Content),
    name: &[u8],
    facts: &Facts<'_>,
) -> (Insight, Reasons) {
    let seen = if of_a.size_bytes.max(of_b.size_bytes) <= INSIGHT_MAX_BYTES {
        whole(a.contents, of_a).and_then(|first| {
            let second = whole(b.contents, of_b)?;
            Ok(insight::look(&first, &second, &Place { name, depth: 0 }, facts))
        })
    } else {
        first_difference((a.contents, of_a), (b.contents, of_b), facts)
    };
    seen.unwrap_or_else(|error| (Insight::Unreadable { reason: error.to_string() }, Reasons::unknown()))
}

fn whole(contents: &dyn Contents, content: &Content) -> Result<Vec<u8>, ContentError> {
    crate::tree::contents::read_all(contents, content)
}

fn first_difference(
    (a, of_a): (&dyn Contents, &Content),
    (b, of_b): (&dyn Contents, &Content),
    facts: &Facts<'_>,
) -> Result<(Insight, Reasons), ContentError> {
    let shorter = of_a.size_bytes.min(of_b.size_bytes);
    let mut offset = 0;
    while offset < shorter {
        let length = usize::try_from(shorter - offset).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let (mut first, mut second) = (vec![0; length], vec![0; length]);
        a.read_at(of_a, offset, &mut first)?;
        b.read_at(of_b, offset, &mut second)?;
        if let Some(at) = first.iter().zip(&second).position(|(one, other)| one != other) {
            offset += at as u64;
            break;
        }
        offset += length as u64;
    }
    let start = offset.saturating_sub(AROUND_BYTES) / 16 * 16;
    let around = |contents: &dyn Contents, content: &Content| -> Result<Vec<u8>, ContentError> {
        let end = content.size_bytes.min(offset + AROUND_BYTES);
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(0)];
        contents.read_at(content, start, &mut bytes)?;
        Ok(bytes)
    };
    let (first, second) = (around(a, of_a)?, around(b, of_b)?);
    let at = usize::try_from(offset - start).unwrap_or(0);
    let mut reasons = Reasons::unknown();
    let known = explain(binary::string_around(&first, at), binary::string_around(&second, at), facts);
    known.into_iter().for_each(|known| reasons.put(known));
    Ok((Insight::Bytes(insight::bytes::dump(Both::new(&first, &second), start, at)), reasons))
}
