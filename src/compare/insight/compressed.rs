//! A compressed stream: its header, and what is inside.

use std::io::Read;

use serde::Serialize;

use crate::compare::cause::line::explain;
use crate::compare::cause::{Facts, Known, Reasons};
use crate::compare::difference::Both;
use crate::layer::read::{Codec, GzipHeader, archive_decoder};

use super::{INSIDE_MAX_BYTES, Insight, Place, Seen, short};

/// What differs between two compressed streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compressed {
    /// `gzip`, `zstd`, `xz` or `bzip2`.
    pub codec: &'static str,
    /// Time in the header of a gzip, seconds since 1970, zero for none.
    pub time: Option<Both<u32>>,
    /// Name in the header of a gzip, made readable, empty for none.
    pub name: Option<Both<String>>,
    /// What is inside; `None` if it is the same, so that it was compressed in another way.
    pub inside: Option<Box<Insight>>,
}

/// What differs, if both have the same codec and can be read.
pub(super) fn look(a: &[u8], b: &[u8], place: &Place<'_>, facts: &Facts<'_>) -> Seen {
    let codec = Codec::of(a);
    let codec_name = match codec {
        Codec::Plain => return None,
        Codec::Gzip => "gzip",
        Codec::Zstd => "zstd",
        Codec::Xz => "xz",
        Codec::Bzip2 => "bzip2",
    };
    if Codec::of(b) != codec {
        return None;
    }
    let (within_a, within_b) = (inside(a)?, inside(b)?);
    let mut reasons = Reasons::default();
    let (mut time, mut name) = (None, None);
    if let (Some(first), Some(second)) = (GzipHeader::read(a), GzipHeader::read(b)) {
        time = Both::unequal(first.mtime, second.mtime);
        if time.is_some() {
            reasons.put(Known::GzipTime);
        }
        let (first, second) = (first.name.unwrap_or_default(), second.name.unwrap_or_default());
        if first != second {
            reasons.put_all(&explain(&first, &second, facts));
        }
        name = Both::unequal(short(&first), short(&second));
    }
    let inside = (within_a != within_b).then(|| {
        let (insight, inner) = super::look(&within_a, &within_b, &place.inside(place.name), facts);
        reasons.merge(inner);
        Box::new(insight)
    });
    // The same inside, compressed in another way: with another level, or cut by the number of threads.
    let is_explained = inside.is_some() || time.is_some() || name.is_some();
    if !is_explained || within_a.len() as u64 == INSIDE_MAX_BYTES || within_b.len() as u64 == INSIDE_MAX_BYTES {
        reasons.put_rest();
    }
    Some((Insight::Compressed(Compressed { codec: codec_name, time, name, inside }), reasons))
}

/// The beginning of what is inside.
fn inside(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut within = Vec::new();
    archive_decoder(bytes).ok()?.take(INSIDE_MAX_BYTES).read_to_end(&mut within).ok()?;
    Some(within)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::compare::testing::shown;

    fn gzip(name: &str, mtime: u32, level: u32, bytes: &[u8]) -> Vec<u8> {
        let builder = flate2::GzBuilder::new().mtime(mtime).filename(name);
        let mut encoder = builder.write(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(bytes).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    #[test]
    fn the_time_in_a_header_is_a_cause_of_its_own() {
        let text = shown("a.gz", gzip("a", 1_795_593_600, 6, b"same"), gzip("a", 1_795_593_601, 6, b"same"));
        let expected = "/a.gz: content\n  gzip\n    time in the header: 2026-11-25T08:00:00Z and 2026-11-25T08:00:01Z\n  \
             cause: gzip puts a time into its header\n  mend: use `gzip -n`\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn names_and_contents_are_looked_into() {
        let text = shown("a.gz", gzip("/build/one/a", 0, 6, b"1"), gzip("/yard/other-place/a", 0, 6, b"1"));
        assert!(text.contains("name in the header: `/build/one/a` and `/yard/other-place/a`"), "{text}");
        assert!(text.contains("cause: the build directory"), "{text}");
        let text = shown("a.gz", gzip("a", 0, 6, b"on alpha-host\n"), gzip("a", 0, 6, b"on omega-host\n"));
        assert!(text.contains("  gzip\n    -on alpha-host\n    +on omega-host\n"), "{text}");
        assert!(text.contains("cause: the host name is written into the file\n"), "{text}");
    }

    #[test]
    fn another_level_has_no_known_cause() {
        let bytes = b"some text that repeats, some text that repeats, some text".repeat(20);
        let text = shown("a.gz", gzip("a", 0, 1, &bytes), gzip("a", 0, 9, &bytes));
        assert_eq!(text, "/a.gz: content\n  gzip\n    the same inside, compressed in another way\n");
    }

    #[test]
    fn other_codecs_are_looked_into() {
        let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory does not fail");
        let text = shown("a.zst", zstd(b"make -j2\n"), zstd(b"make -j3\n"));
        assert!(text.contains("  zstd\n    -make -j2\n") && text.contains("cause: the number of processors"), "{text}");
    }

    #[test]
    fn what_only_begins_like_a_gzip_is_bytes() {
        let text = shown("a.gz", b"\x1f\x8b\x08\0 no", b"\x1f\x8b\x08\0 gz");
        assert!(text.contains("first difference at byte 5"), "{text}");
    }
}
