use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::layer::read::ignore;
use crate::tree::dump;

fn tar(entries: &[(tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, data) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_mtime(3);
        header.set_uid(0);
        header.set_gid(0);
        let is_file = *kind == tar::EntryType::Regular;
        header.set_size(if is_file { data.len() as u64 } else { 0 });
        if !is_file {
            header.as_old_mut().linkname[..data.len()].copy_from_slice(data.as_bytes());
        }
        header.set_cksum();
        builder.append(&header, if is_file { data.as_bytes() } else { b"" }).expect("memory does not fail");
    }
    builder.into_inner().expect("memory does not fail")
}

fn files(entries: &[(&str, &str)]) -> Vec<u8> {
    tar(&entries.iter().map(|(name, data)| (tar::EntryType::Regular, *name, *data)).collect::<Vec<_>>())
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, data.len())
            .expect("memory does not fail");
        bytes.extend_from_slice(data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

const CONTROL: &str = "Package: a\nVersion: 1-1\nArchitecture: all\nDepends: b\n";

fn good_control() -> Vec<u8> {
    files(&[
        ("./control", CONTROL),
        ("./postinst", "#!/bin/sh\n"),
        ("./conffiles", "/etc/a\nremove-on-upgrade /etc/old\n"),
        ("./md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n"),
    ])
}

fn good_data() -> Vec<u8> {
    tar(&[
        (tar::EntryType::Directory, "./", ""),
        (tar::EntryType::Directory, "./usr/", ""),
        (tar::EntryType::Regular, "./usr/a", "hello"),
        (tar::EntryType::Symlink, "./usr/b", "a"),
    ])
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 1).read_to_end(&mut out).expect("memory does not fail");
    out
}

fn deb(control: &[u8], data: &[u8]) -> Vec<u8> {
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", data)])
}

fn refused(bytes: &[u8]) -> DebError {
    read(bytes, &mut ignore).expect_err("it is damaged")
}

#[test]
fn a_package_is_read_in_any_compression() {
    let (control, data) = (good_control(), good_data());
    let gz = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    };
    let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory does not fail");
    for bytes in [
        deb(&control, &data),
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz/", &xz(&control)), ("data.tar.zst", &zst(&data))]),
        ar(&[
            ("debian-binary", b"2.1\n"),
            ("_extra", b"odd"),
            ("control.tar.gz", &gz(&control)),
            ("_more", b"passed over"),
            ("data.tar.xz", &xz(&data)),
            ("_end", b""),
        ]),
    ] {
        let mut contents = Vec::new();
        let mut sink = |path: &ImagePath, _: u64, reader: &mut dyn Read| {
            let mut text = String::new();
            reader.read_to_string(&mut text)?;
            contents.push((path.to_string(), text));
            Ok(())
        };
        let deb = read(bytes.as_slice(), &mut sink).expect("a good package");
        assert_eq!(contents, [("/usr/a".to_owned(), "hello".to_owned())]);
        let shown = dump::write(&deb.files);
        assert!(shown.starts_with("d 0644 0:0 3 /usr\nf 0644 0:0 3 /usr/a 5 "), "{shown}");
        let control = deb.control;
        assert_eq!((control.package.name(), control.package.version()), ("a", "1-1"));
        assert_eq!(control.scripts().collect::<Vec<_>>(), [Script::PostInst]);
        assert_eq!(control.script(Script::PostInst), Some(b"#!/bin/sh\n".as_slice()));
        let conffiles: Vec<_> = control.conffiles().expect("conffiles");
        let conffiles: Vec<_> = conffiles.iter().map(|conffile| (conffile.path.to_string(), conffile.fate)).collect();
        assert_eq!(conffiles, [("/etc/a".to_owned(), Fate::Brought), ("/etc/old".to_owned(), Fate::Removed)]);
        assert_eq!(control.md5sums().expect("sums").len(), 1);
    }
}

#[test]
fn what_is_no_package_is_refused() {
    let (control, data) = (good_control(), good_data());
    assert!(matches!(refused(b""), DebError::NotAPackage));
    assert!(matches!(refused(b"!<arch>\r"), DebError::NotAPackage));
    let format = |text: &[u8]| refused(&ar(&[("debian-binary", text), ("control.tar", &control), ("data.tar", &data)]));
    assert!(matches!(format(b"3.0\n"), DebError::Format { found } if found == "3.0"));
    assert!(matches!(format(&[b'2'; 100]), DebError::Format { .. }));
    let binary = ("debian-binary", b"2.0\n".as_slice());
    for members in [
        vec![("control.tar", control.as_slice())],
        vec![binary, ("data.tar", &data), ("control.tar", &control)],
        vec![binary, ("control.tar", &control)],
        vec![binary, ("control.tar", &control), ("data.tar.lzma", &data)],
        vec![binary, ("control.tar", &control), ("data.tar", &data), ("data.tar", &data)],
        vec![binary],
        vec![],
    ] {
        assert!(matches!(refused(&ar(&members)), DebError::Member { .. }), "{members:?}");
    }
    let named = |name: &str| refused(&ar(&[binary, (name, &control)]));
    assert!(matches!(named("a/b"), DebError::Header { .. }));
    let mut damaged = deb(&control, &data);
    damaged[66] = b'x';
    assert!(matches!(refused(&damaged), DebError::Header { .. }));
}

#[test]
fn truncated_and_padded_packages_are_refused() {
    let (control, data) = (good_control(), good_data());
    let whole = ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", &xz(&control)), ("data.tar.xz", &xz(&data))]);
    assert!(read(whole.as_slice(), &mut ignore).is_ok());
    for length in 0..whole.len() {
        // The last byte may be one of padding, which dpkg forgives.
        let found = read(&whole[..length], &mut ignore);
        assert!(found.is_err() || length + 1 == whole.len(), "{length} of {}", whole.len());
    }
    assert!(matches!(refused(&whole[..100]), DebError::Truncated { .. }));
    assert!(matches!(refused(&whole[..whole.len() - 40]), DebError::Truncated { .. } | DebError::Archive { .. }));
    let xz_and_more = [xz(&data), b"more than the header of a stream".to_vec()].concat();
    let trailing = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar.xz", &xz_and_more)]);
    let found = refused(&trailing);
    assert!(matches!(found, DebError::Archive { .. } | DebError::Trailing { .. }), "{found:?}");
    let wrong = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &xz(&control)), ("data.tar", &data)]);
    assert!(matches!(refused(&wrong), DebError::Compression { member } if member == "control.tar.gz"));
}

#[test]
fn bytes_behind_the_last_frame_are_refused() {
    // A skippable frame that is not whole: zstd stops before it.
    let data = [zstd::encode_all(good_data().as_slice(), 1).expect("memory does not fail"), vec![0; 3]].concat();
    let bytes = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &good_control()), ("data.tar.zst", &data)]);
    let found = refused(&bytes);
    assert!(
        matches!(found, DebError::Archive { .. } | DebError::Trailing { .. } | DebError::Truncated { .. }),
        "{found:?}"
    );
}

#[test]
fn hostile_files_are_refused() {
    let data = |entries: &[(tar::EntryType, &str, &str)]| refused(&deb(&good_control(), &tar(entries)));
    let file = tar::EntryType::Regular;
    for entries in [
        vec![(file, "../a", "")],
        vec![(tar::EntryType::Symlink, "./a", "/etc"), (file, "./a/passwd", "")],
        vec![(file, "./a", "1"), (file, "./a", "2")],
        vec![(tar::EntryType::Link, "./a", "/etc/passwd")],
    ] {
        let found = data(&entries);
        assert!(matches!(&found, DebError::Archive { member, .. } if member == "data.tar"), "{found:?}");
    }
    assert!(matches!(data(&[(file, "./usr/.wh.bin", "")]), DebError::Whiteout { .. }));
    assert!(matches!(data(&[(file, "./usr/.wh..wh..opq", "")]), DebError::Whiteout { .. }));
}

#[test]
fn control_archives_hold_files_that_can_be_read() {
    let control = |bytes: &[u8]| refused(&deb(bytes, &good_data()));
    assert!(matches!(control(&files(&[("./postinst", "")])), DebError::NoControl));
    assert!(matches!(control(&files(&[("./control", "hello")])), DebError::Control { .. }));
    let with = |name: &str, data: &str| control(&files(&[("./control", CONTROL), (name, data)]));
    assert!(matches!(with("./d/x", ""), DebError::ControlEntry { .. }));
    assert!(matches!(with("./.wh.x", ""), DebError::ControlEntry { .. }));
    assert!(matches!(with("./conffiles", "etc/a\n"), DebError::Conffile { .. }));
    assert!(matches!(with("./conffiles", "/\n"), DebError::Conffile { .. }));
    assert!(matches!(with("./md5sums", "abc  usr/a\n"), DebError::Md5sums { .. }));
    let link = tar(&[(tar::EntryType::Regular, "./control", CONTROL), (tar::EntryType::Symlink, "./x", "control")]);
    assert!(matches!(control(&link), DebError::ControlEntry { .. }));
    let zeros = "\0".repeat(CONTROL_MAX_BYTES as usize);
    assert!(matches!(with("./x", &zeros), DebError::ControlTooLarge { .. }));
}

#[test]
fn a_reader_that_fails_is_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("a broken disk"))
        }
    }
    assert!(matches!(read(Broken, &mut ignore), Err(DebError::Io { .. })));
    let whole = deb(&good_control(), &good_data());
    assert!(matches!(read(whole[..70].chain(Broken), &mut ignore), Err(DebError::Io { .. })));
}

proptest! {
    #[test]
    fn no_byte_makes_it_panic(index in 0usize..4000, byte in any::<u8>(), cut in 0usize..6000) {
        let mut bytes = deb(&good_control(), &good_data());
        if let Some(place) = bytes.get_mut(index) {
            *place = byte;
        }
        bytes.truncate(cut);
        let _ = read(bytes.as_slice(), &mut ignore);
    }
}
