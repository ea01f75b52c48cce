//! The search in archives.

use proptest::prelude::*;

use super::super::unpack::{Bound, search_file};
use super::*;

const VALUE: &[u8] = b"correct horse battery staple";

#[derive(Debug, Clone, Copy)]
enum Pack {
    Gzip,
    Zstd,
    Tar,
    Zip,
}

impl Pack {
    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Gzip => gzip(bytes),
            Self::Zstd => zstd(bytes),
            Self::Tar => tar("dir/entry", bytes),
            Self::Zip => zip("dir/entry", bytes),
        }
    }
}

fn pack() -> impl Strategy<Value = Pack> {
    prop::sample::select(&[Pack::Gzip, Pack::Zstd, Pack::Tar, Pack::Zip][..])
}

fn needle() -> Needles {
    needles(&[("a", VALUE)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_is_found_in_any_nesting(
        packs in prop::collection::vec(pack(), 0..=4),
        before in prop_oneof![0..2000_usize, 260_000..264_000_usize],
        after in 0..1000_usize,
    ) {
        let mut bytes = [noise(before, 1).as_slice(), VALUE, &noise(after, 2)].concat();
        packs.iter().for_each(|pack| bytes = pack.pack(&bytes));
        let found = findings(&bytes, &needle());
        let archives = packs.iter().filter(|pack| matches!(pack, Pack::Tar | Pack::Zip)).count();
        let inside = vec!["`dir/entry`"; archives].join(" / ");
        let inside = if archives == 0 { inside } else { format!(", inside {inside}") };
        prop_assert_eq!(found, [format!("/file contains the secret `a` as it is{inside}")]);
    }

    #[test]
    fn nothing_is_found_in_any_nesting_of_nothing(packs in prop::collection::vec(pack(), 0..=4), seed in any::<u64>()) {
        let mut bytes = noise(10_000, seed);
        packs.iter().for_each(|pack| bytes = pack.pack(&bytes));
        prop_assert_eq!(findings(&bytes, &needle()), [""; 0]);
    }

    #[test]
    fn damaged_archives_do_no_harm(
        packs in prop::collection::vec(pack(), 1..=3),
        damages in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6),
        length in any::<usize>(),
    ) {
        let mut bytes = noise(5000, 1);
        packs.iter().for_each(|pack| bytes = pack.pack(&bytes));
        for (at, value) in damages {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(length % (bytes.len() + 1));
        let found = findings(&bytes, &needle());
        prop_assert!(found.iter().all(|text| text.starts_with("/file could not be searched")), "{:?}", found);
        prop_assert!(found.len() < 2);
    }
}

#[test]
fn the_compressions_of_archives_are_all_opened() {
    let mut xz = Vec::new();
    liblzma::read::XzEncoder::new(VALUE, 1).read_to_end(&mut xz).expect("memory does not fail");
    let mut bzip2 = Vec::new();
    bzip2::read::BzEncoder::new(VALUE, bzip2::Compression::fast())
        .read_to_end(&mut bzip2)
        .expect("memory does not fail");
    for bytes in [xz, bzip2, [gzip(b"one"), gzip(VALUE)].concat(), [zstd(b"one"), zstd(VALUE)].concat()] {
        assert_eq!(findings(&bytes, &needle()), ["/file contains the secret `a` as it is"]);
    }
}

#[test]
fn what_is_between_the_entries_is_searched() {
    let mut header = ::tar::Header::new_ustar();
    header.set_entry_type(::tar::EntryType::XGlobalHeader);
    let record = [b"40 comment=".as_slice(), VALUE, b"\n"].concat();
    header.set_size(record.len() as u64);
    header.set_cksum();
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append(&header, record.as_slice()).expect("memory does not fail");
    let bytes = builder.into_inner().expect("memory does not fail");
    assert_eq!(findings(&gzip(&bytes), &needle()), ["/file contains the secret `a` as it is"]);
    let behind = [tar("entry", b""), VALUE.to_vec()].concat();
    let expected = [
        "/file contains the secret `a` as it is",
        "/file could not be searched to its end: it is damaged, or not of a known kind",
    ];
    assert_eq!(findings(&zstd(&behind), &needle()), expected);
}

#[test]
fn names_in_archives_are_searched_and_not_shown() {
    let name = format!("{}.txt", String::from_utf8_lossy(VALUE));
    for archive in [tar(&name, b"x"), zip(&name, b"x")] {
        let found = findings(&gzip(&archive), &needle());
        assert_eq!(found, ["/file contains the secret `a` as it is"]);
    }
    let found = findings(&tar(&name, VALUE), &needle());
    assert_eq!(found, ["/file contains the secret `a` as it is, inside `***`"]);
}

#[test]
fn the_search_goes_on_behind_a_damaged_member() {
    let mut bytes = zip("second", VALUE);
    let data = bytes.windows(5).position(|window| window == b"first").expect("the first is first") + 5;
    bytes[data..data + 3].fill(0xff);
    let expected = [
        "/file contains the secret `a` as it is, inside `second`",
        "/file could not be searched to its end: it is damaged, or not of a known kind",
    ];
    assert_eq!(findings(&bytes, &needle()), expected);
}

#[test]
fn what_cannot_be_opened_is_said() {
    let says = |bytes: &[u8]| findings(bytes, &needle()).join("; ");
    let mut locked = zip("entry", VALUE);
    locked[6] |= 1;
    assert_eq!(
        says(&locked),
        "/file contains the secret `a` as it is, inside `entry`; /file could not be searched to its end, inside `first`: \
         it is encrypted, or compressed in an unknown way"
    );
    let deep = (0..5).fold(VALUE.to_vec(), |bytes, _| gzip(&bytes));
    assert_eq!(says(&deep), "/file could not be searched to its end: too many archives are in each other");
    let cut = gzip(&noise(5000, 1));
    assert!(says(&cut[..cut.len() / 2]).contains("it is damaged"));
    // Others begin like an archive.
    for start in [b"\x1f\x8b".as_slice(), b"BZh9 is no word", &[0; 1024]] {
        assert_eq!(says(start), "");
    }
    // The header says that a window of a terabyte is needed.
    assert!(says(b"\x28\xb5\x2f\xfd\x00\xf0\x00\x00\x00\x00").contains("it is damaged"));
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let bomb = gzip(&gzip(&vec![0; 10_000_000]));
    let search = |least| {
        let bound = Bound { least, per_byte: 0 };
        search_file(&mut bomb.as_slice(), bomb.len() as u64, &needle(), bound, &mut Vec::new())
    };
    let found = search(9_000_000).expect("it can be read");
    assert_eq!(found, [Finding::Unsearched { why: Obstacle::TooLarge, inside: Vec::new() }]);
    assert_eq!(search(11_000_000).expect("it can be read"), []);
}

#[test]
fn the_holes_of_a_sparse_file_are_bounded_too() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let records = [("GNU.sparse.size", b"10000000".as_slice()), ("GNU.sparse.map", b"9999999,1")];
    builder.append_pax_extensions(records).expect("memory does not fail");
    let mut header = ::tar::Header::new_ustar();
    header.set_path("sparse").expect("it fits");
    header.set_size(1);
    header.set_cksum();
    builder.append(&header, b"x".as_slice()).expect("memory does not fail");
    let bytes = builder.into_inner().expect("memory does not fail");
    let bound = Bound { least: 9_000_000, per_byte: 0 };
    let found = search_file(&mut bytes.as_slice(), 0, &needle(), bound, &mut Vec::new()).expect("it can be read");
    assert_eq!(found, [Finding::Unsearched { why: Obstacle::TooLarge, inside: Vec::new() }]);
    assert_eq!(findings(&bytes, &needle()), [""; 0]);
}
