//! Archives, and formats inside one another.

use std::io::{Cursor, Write};

use tar::{Builder, Header};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::compare::testing::shown;

/// Name, time, owner, content.
type File<'a> = (&'a str, u64, u64, &'a [u8]);

fn tar(files: &[File<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, mtime, uid, content) in files {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(*uid);
        header.set_gid(0);
        header.set_mtime(*mtime);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).expect("memory does not fail");
    }
    builder.into_inner().expect("memory does not fail")
}

fn ar(files: &[File<'_>]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, mtime, uid, content) in files {
        let length = content.len();
        bytes.extend_from_slice(
            format!("{:<16}{mtime:<12}{uid:<6}0     100644  {length:<10}`\n", format!("{name}/")).as_bytes(),
        );
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

fn zip(files: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, hour, content) in files {
        let time = zip::DateTime::from_date_and_time(2026, 11, 25, *hour, 0, 0).expect("a date");
        writer.start_file(*name, SimpleFileOptions::default().last_modified_time(time)).expect("memory does not fail");
        writer.write_all(content).expect("memory does not fail");
    }
    writer.finish().expect("memory does not fail").into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

/// One of each format, for damage.
pub(in crate::compare) fn samples() -> Vec<Vec<u8>> {
    let tar = tar(&[("a", 7, 0, b"text\n"), ("b", 8, 1, &[0, 1, 2])]);
    let elf = super::elf::tests::elf(&[
        (".text", b"\x90\x90"),
        (".note.gnu.build-id", b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0abcd"),
    ]);
    let mut sqlite = b"SQLite format 3\0\x02\0".to_vec();
    sqlite.resize(1024, 0);
    vec![
        gzip(&tar),
        tar,
        ar(&[("a.o", 7, 0, &elf), ("b.o", 7, 0, b"x")]),
        elf,
        zip(&[("a", 1, b"text"), ("b", 2, b"x")]),
        sqlite,
        b"\xf3\x0d\r\n\0\0\0\0\x07\0\0\0\x78\0\0\0\xe3code".to_vec(),
        b"lines\nof text 2026-11-25\n".to_vec(),
        zstd::encode_all(&b"some text"[..], 1).expect("memory does not fail"),
    ]
}

#[test]
fn times_of_members_are_a_cause_in_each_format() {
    let expected = "    time of `a`: 2026-11-25T08:00:00Z and 2026-11-25T09:00:00Z, and of 1 other\n  \
         cause: members of the archive have the time when they were written\n  mend: tar: ";
    let (eight, nine) = (1_795_593_600, 1_795_597_200);
    let text = shown(
        "x",
        tar(&[("a", eight, 0, b""), ("b", eight, 0, b"")]),
        tar(&[("a", nine, 0, b""), ("b", nine, 0, b"")]),
    );
    assert!(text.contains(&format!("  tar\n{expected}")), "{text}");
    let text =
        shown("x", ar(&[("a", eight, 0, b""), ("b", eight, 0, b"")]), ar(&[("a", nine, 0, b""), ("b", nine, 0, b"")]));
    assert!(text.contains(&format!("  ar\n{expected}")), "{text}");
    let text = shown("x", zip(&[("a", 8, b""), ("b", 8, b"")]), zip(&[("a", 9, b""), ("b", 9, b"")]));
    assert!(text.contains(&format!("  zip\n{expected}")), "{text}");
}

#[test]
fn the_order_of_members_is_a_cause_in_each_format() {
    let check = |text: String| {
        assert!(text.contains("    members in another order\n  cause: the same parts in another order"), "{text}");
    };
    check(shown("x", tar(&[("b", 1, 0, b"1"), ("a", 1, 0, b"2")]), tar(&[("a", 1, 0, b"2"), ("b", 1, 0, b"1")])));
    check(shown("x", ar(&[("b", 1, 0, b"1"), ("a", 1, 0, b"2")]), ar(&[("a", 1, 0, b"2"), ("b", 1, 0, b"1")])));
    check(shown("x", zip(&[("b", 1, b"1"), ("a", 1, b"2")]), zip(&[("a", 1, b"2"), ("b", 1, b"1")])));
    let file = |name| (name, 1, 0, &b""[..]);
    let (bytes, dictionary) = (["B", "Z-a", "a"].map(file), ["a", "B", "Z-a"].map(file));
    let text = shown("x", tar(&bytes), tar(&dictionary));
    assert!(text.contains("cause: the locale has an influence"), "{text}");
}

#[test]
fn owners_of_members_are_the_user_if_it_is_him() {
    let text = shown("x", tar(&[("a", 1, 1000, b"")]), tar(&[("a", 1, 1203, b"")]));
    assert!(text.contains("    owner of `a`: 1000:0 and 1203:0\n  cause: the user who built it shows\n"), "{text}");
    let text = shown("x", ar(&[("a", 1, 5, b"")]), ar(&[("a", 1, 6, b"")]));
    assert!(text.contains("    owner of `a`: 5:0 and 6:0\n") && !text.contains("cause:"), "{text}");
}

#[test]
fn members_of_one_side_are_named() {
    let text = shown("x", tar(&[("a", 1, 0, b""), ("c", 1, 0, b"")]), tar(&[("a", 1, 0, b"")]));
    assert!(text.contains("    only in the first run: `c`\n") && !text.contains("cause:"), "{text}");
    let text = shown("x", tar(&[("app-2026-11-25/a", 1, 0, b"")]), tar(&[("app-2026-11-26/a", 1, 0, b"")]));
    assert!(text.contains("    only in the second run: `app-2026-11-26/a`\n"), "{text}");
    assert!(text.contains("cause: the clock is written into the file\n"), "{text}");
}

#[test]
fn contents_of_members_are_looked_into() {
    let with = |host: &str| tar(&[("etc/host", 1, 0, host.as_bytes()), ("etc/other", 1, 0, b"x")]);
    let text = shown("x.tar", with("alpha-host\n"), with("omega-host\n"));
    assert!(text.contains("  tar\n    member `etc/host`\n      -alpha-host\n      +omega-host\n"), "{text}");
    assert!(text.contains("cause: the host name is written into the file\n"), "{text}");
}

#[test]
fn formats_inside_one_another_are_followed() {
    let deb = |host: &str| ar(&[("data.tar.gz", 1, 0, &gzip(&tar(&[("etc/host", 1, 0, host.as_bytes())])))]);
    let text = shown("x.deb", deb("alpha-host\n"), deb("omega-host\n"));
    let expected = "  ar\n    member `data.tar.gz`\n      gzip\n        tar\n          member `etc/host`\n            -alpha-host\n";
    assert!(text.contains(expected), "{text}");
    let mut deep = (b"1".to_vec(), b"2".to_vec());
    for _ in 0..8 {
        deep = (gzip(&deep.0), gzip(&deep.1));
    }
    assert!(shown("x", &deep.0, &deep.1).contains("          first difference at byte"), "no deeper than the limit");
}

#[test]
fn a_member_without_a_cause_makes_it_a_part() {
    let with = |host: &str, number: &str| tar(&[("a", 1, 0, host.as_bytes()), ("b", 1, 0, number.as_bytes())]);
    let text = shown("x", with("alpha-host", "1"), with("omega-host", "2"));
    assert!(text.contains("cause: the host name is written into the file (not all of the difference)\n"), "{text}");
}

#[test]
fn many_members_are_not_all_shown() {
    let names: Vec<String> = (0..8).map(|number| format!("m{number}")).collect();
    let with = |host: &str| tar(&names.iter().map(|name| (name.as_str(), 1, 0, host.as_bytes())).collect::<Vec<_>>());
    let text = shown("x", with("alpha-host"), with("omega-host"));
    assert!(text.contains("    ... and 5 more members\n") && text.contains("(not all of"), "{text}");
}

#[test]
fn an_archive_that_is_cut_off_says_so() {
    let (a, b) = (tar(&[("a", 1, 0, b"1"), ("b", 1, 0, b"")]), tar(&[("a", 1, 0, b"2"), ("b", 1, 0, b"")]));
    let text = shown("x", &a[..1300], &b[..1300]);
    assert!(text.contains("    not all of the archive could be looked at\n"), "{text}");
}

#[test]
fn a_bomb_is_not_unpacked() {
    let with = |end: u8| gzip(&[&vec![0; 20 << 20][..], &[end]].concat());
    let text = shown("x.gz", with(1), with(2));
    assert!(text.contains("  gzip\n    the same inside, compressed in another way\n"), "{text}");
}
