//! An ELF file: its build ID and its sections.

use std::collections::{BTreeMap, BTreeSet};

use object::{File, Object, ObjectSection};
use serde::Serialize;

use crate::base::digest::hex;
use crate::compare::cause::{Facts, Known, Reasons, binary};
use crate::compare::difference::Both;

use super::bytes::{self, Bytes};
use super::{Insight, Place, Seen, short};

const MAGIC: &[u8] = b"\x7fELF";
/// Sections that are named.
const SECTIONS_MAX: usize = 8;
/// Sections that are made of the others: a digest of them, and the checksum of the debug file that was split off.
const DERIVED: [&[u8]; 2] = [b".note.gnu.build-id", b".gnu_debuglink"];
/// Sections of strings, and those that hold offsets into them (DWARF 5, section 7.3), which move with their lengths.
const STRINGS: [&[u8]; 2] = [b".debug_str", b".debug_line_str"];
const OFFSETS: [&[u8]; 5] = [b".debug_info", b".debug_line", b".debug_macro", b".debug_names", b".debug_str_offsets"];

/// What differs between two ELF files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elf {
    /// The build IDs in hexadecimal digits.
    pub build_id: Option<Both<Option<String>>>,
    /// The first sections that differ.
    pub sections: Vec<Section>,
    /// How many more there are.
    pub sections_left_out: usize,
}

/// A section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name, made readable.
    pub name: String,
    /// How long it is, `None` where it is missing.
    pub size_bytes: Both<Option<u64>>,
    /// Where it differs, from its beginning, if both sides have it and it is not made of the others.
    pub first: Option<Bytes>,
}

/// The bytes of each section, by its name and, of several with one name, which of them it is.
type Sections<'a> = BTreeMap<(Vec<u8>, usize), &'a [u8]>;

/// Name of a section, and its bytes on each side.
type Differing<'a> = (&'a [u8], Option<&'a [u8]>, Option<&'a [u8]>);

/// What differs, if both are ELF files and the difference is in a section.
pub(super) fn look(a: &[u8], b: &[u8], _: &Place<'_>, facts: &Facts<'_>) -> Seen {
    if !(a.starts_with(MAGIC) && b.starts_with(MAGIC)) {
        return None;
    }
    let (file_a, file_b) = (File::parse(a).ok()?, File::parse(b).ok()?);
    let (of_a, of_b) = (sections(&file_a)?, sections(&file_b)?);
    let mut reasons = Reasons::default();
    let keys: BTreeSet<&(Vec<u8>, usize)> = of_a.keys().chain(of_b.keys()).collect();
    let mut differ: Vec<Differing<'_>> = Vec::new();
    for key in keys {
        let (one, other) = (of_a.get(key).copied(), of_b.get(key).copied());
        if one != other {
            differ.push((&key.0, one, other));
        }
    }
    // Then it is the headers, which the bytes show best.
    if differ.is_empty() {
        return None;
    }
    let is_derived = |name: &[u8]| DERIVED.contains(&name);
    if differ.iter().all(|(name, ..)| is_derived(name)) {
        reasons.put(Known::BuildId);
    }
    let mut moved = false;
    let (strings, others): (Vec<&Differing<'_>>, Vec<&Differing<'_>>) =
        differ.iter().partition(|(name, ..)| STRINGS.contains(name));
    for (name, one, other) in strings.into_iter().chain(others).filter(|(name, ..)| !is_derived(name)) {
        let of_section = match (one, other) {
            (Some(one), Some(other)) => binary::explain(one, other, facts),
            _ => Reasons::unknown(),
        };
        let is_moved = moved && OFFSETS.contains(name);
        moved |= STRINGS.contains(name) && one.map(<[u8]>::len) != other.map(<[u8]>::len) && of_section.is_complete();
        if !is_moved {
            reasons.merge(of_section);
        }
    }
    let shown = differ.iter().take(SECTIONS_MAX).map(|(name, one, other)| Section {
        name: short(name),
        size_bytes: Both::new(one.map(|bytes| bytes.len() as u64), other.map(|bytes| bytes.len() as u64)),
        first: one.zip(*other).filter(|_| !is_derived(name)).map(|(one, other)| bytes::first(one, other)),
    });
    let build_id = |file: &File<'_>| file.build_id().ok().flatten().map(hex);
    Some((
        Insight::Elf(Elf {
            build_id: Both::unequal(build_id(&file_a), build_id(&file_b)),
            sections: shown.collect(),
            sections_left_out: differ.len().saturating_sub(SECTIONS_MAX),
        }),
        reasons,
    ))
}

fn sections<'a>(file: &File<'a>) -> Option<Sections<'a>> {
    /// A program has some thirty, an object with a section for each function some thousands.
    const SECTIONS_READ_MAX: usize = 20_000;
    let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut sections = Sections::new();
    for section in file.sections().take(SECTIONS_READ_MAX) {
        let name = section.name_bytes().ok()?.to_vec();
        let number = seen.entry(name.clone()).or_default();
        sections.insert((name, *number), section.data().ok()?);
        *number += 1;
    }
    Some(sections)
}

#[cfg(test)]
pub(in crate::compare) mod tests {
    use crate::compare::testing::shown;

    /// A 64-bit little-endian file with these sections and no program.
    pub(in crate::compare) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut names, mut data, mut headers) = (vec![0], vec![0; 64], vec![0; 64]);
        let table = [sections, &[(".shstrtab", b"")]].concat();
        for (name, _) in &table {
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        let mut name_at = 1;
        for (name, bytes) in &table {
            let (kind, bytes): (u32, &[u8]) = match *name {
                ".shstrtab" => (3, &names),
                ".note.gnu.build-id" => (7, bytes),
                _ => (1, bytes),
            };
            let offset = data.len() as u64;
            data.extend_from_slice(bytes);
            headers.extend([u32::to_le_bytes(name_at), kind.to_le_bytes()].concat());
            headers.extend([0, 0, offset, bytes.len() as u64, 0, 4, 0].map(u64::to_le_bytes).concat());
            name_at += name.len() as u32 + 1;
        }
        let at = data.len() as u64;
        data[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0");
        data[20..24].copy_from_slice(&1u32.to_le_bytes());
        data[40..48].copy_from_slice(&at.to_le_bytes());
        let sizes = [64, 0, 0, 64, table.len() as u16 + 1, table.len() as u16];
        data[52..64].copy_from_slice(&sizes.map(u16::to_le_bytes).concat());
        [data, headers].concat()
    }

    fn note(id: u8) -> Vec<u8> {
        [&[4u32, 4, 3].map(u32::to_le_bytes).concat()[..], b"GNU\0", &[id; 4]].concat()
    }

    #[test]
    fn a_build_id_alone_is_a_cause() {
        let with = |id| elf(&[(".text", b"\x90\x90"), (".note.gnu.build-id", &note(id))]);
        let text = shown("lib.so", with(1), with(2));
        assert!(
            text.contains("  ELF\n    build ID: 01010101 and 02020202\n    section `.note.gnu.build-id`"),
            "{text}"
        );
        assert!(text.contains("cause: only the build ID differs\n"), "{text}");
    }

    #[test]
    fn a_build_id_that_follows_from_the_rest_is_none() {
        let with = |id, path: &[u8]| elf(&[(".debug_str", path), (".note.gnu.build-id", &note(id))]);
        let text = shown("lib.so", with(1, b"/build/one/a.c\0\x01"), with(2, b"/yard/other-place/a.c\0\x01"));
        assert!(text.contains("    section `.debug_str`: 16 and 23 bytes\n"), "{text}");
        assert!(text.contains("cause: the build directory is written into the file\n"), "{text}");
        let moved = |id, path: &[u8], offset: u8| {
            elf(&[(".debug_info", &[0xff, offset]), (".debug_str", path), (".note.gnu.build-id", &note(id))])
        };
        let text = shown("lib.so", moved(1, b"\0/build/one/a.c\0", 4), moved(2, b"\0/yard/other-place/a.c\0", 9));
        assert!(text.contains("cause: the build directory is written into the file\n"), "{text}");
        let text = shown("lib.so", moved(1, b"\0/build/one/a.c\0", 4), moved(2, b"\0/build/one/a.c\0", 9));
        assert!(text.contains("section `.debug_info`") && !text.contains("cause:"), "{text}");
        let text = shown("lib.so", with(1, b"\x90\x91"), with(2, b"\x90\x92"));
        assert!(text.contains("build ID") && !text.contains("cause:"), "{text}");
    }

    #[test]
    fn sections_of_one_side_are_named() {
        let text = shown("a.o", elf(&[(".text", b"\x90"), (".comment", b"x")]), elf(&[(".text", b"\x90")]));
        assert!(text.contains("section `.comment`: only in the first run"), "{text}");
    }

    #[test]
    fn an_elf_that_is_cut_off_is_bytes() {
        let whole = elf(&[(".text", b"\x90\x90")]);
        let text = shown("a.o", &whole[..80], &whole[..81]);
        assert!(text.contains("first difference at byte 80"), "{text}");
    }
}
