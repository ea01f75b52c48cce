//! Any bytes are read or refused, and what is packed comes out again.

use proptest::prelude::*;
use tar::EntryType;

use super::testing::Tar;
use super::{archive, ignore, layer};
use crate::base::hash::digest_of;
use crate::tree::{Kind, dump};

fn sample() -> Vec<u8> {
    Tar::new()
        .directory("dir/")
        .pax(&[("SCHILY.xattr.user.a", b"b\nc"), ("mtime", b"1.5")])
        .file("dir/file", "content")
        .put(EntryType::GNULongName, "././@LongLink", "", b"dir/a-long-name\0")
        .file("short", &"x".repeat(700))
        .pax(&[("GNU.sparse.size", b"16"), ("GNU.sparse.map", b"2,3,9,2")])
        .file("sparse", "abcde")
        .hard_link("hard", "dir/file")
        .symlink("soft", "dir")
        .file("dir/.wh.gone", "")
        .bytes()
}

/// Changes a byte and mends the checksum of its block, so that the damage gets past the first look.
fn damage(bytes: &mut [u8], at: usize, value: u8) {
    let at = at % bytes.len();
    bytes[at] = value;
    let start = at / 512 * 512;
    let block = &mut bytes[start..start + 512];
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

proptest! {
    #[test]
    fn damaged_tars_do_no_harm(
        damages in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        length in 0_usize..20_000,
    ) {
        let mut bytes = sample();
        for (at, value) in damages {
            damage(&mut bytes, at, value);
        }
        bytes.truncate(length);
        let _ = layer(bytes.as_slice(), &mut ignore);
        let _ = archive(std::io::Cursor::new(bytes), &mut ignore);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = layer(bytes.as_slice(), &mut ignore);
        let _ = archive(std::io::Cursor::new(bytes), &mut ignore);
    }

    #[test]
    fn what_is_packed_comes_out(
        files in prop::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}){0,2}-[0-9]", ".{0,1500}", 0..8),
    ) {
        let mut tar = Tar::new();
        for (name, text) in &files {
            tar = tar.file(name, text);
        }
        let changeset = layer(tar.bytes().as_slice(), &mut ignore).expect("a good tar");
        prop_assert_eq!(changeset.len(), files.len());
        for ((path, node), (name, text)) in changeset.nodes().zip(&files) {
            prop_assert_eq!(path.to_string(), format!("/{name}"));
            match &node.kind {
                Kind::File { content, .. } => prop_assert_eq!(content.digest, digest_of(text.as_bytes())),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(dump::parse(&dump::write(&changeset)), Ok(changeset));
    }
}
