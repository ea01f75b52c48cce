//! Rules about contents, and what is left alone.

use proptest::prelude::*;
use tar::{Archive, Builder, Header};

use super::*;
use crate::residue::{direct_url, gzip as gzip_format, keystore, pyc as pyc_format, record, scripts, shadow};

/// Made by `keytool`: one certificate under two names, password `changeit`.
const CACERTS: &[u8] = include_bytes!("../../../fixtures/residue/cacerts.jks");

#[test]
fn days_of_new_and_changed_accounts_are_the_epochs() {
    let below = "root:*:19000:0:99999:7:::\nold:!:19001:0:99999:7:::\n";
    let after = "root:$y$x:20700:0:99999:7:::\nold:!:19001:0:99999:7:::\nnew:!:20700::::::\n\
                 ageless:!:::::::\nexpired:x:0:0:99999:7:::\nodd:20700\n";
    let cleaned = Step::default().below("etc/shadow", below).file("etc/shadow", after).clean();
    let expected = after.replace(":20700:", ":20454:");
    assert_eq!(cleaned.text("etc/shadow"), expected);
    assert_eq!(cleaned.done(), ["shadow-days /etc/shadow Rewritten"]);
    let cleaned = Step::default().file("etc/shadow", "root:*:19000:0:99999:7:::").clean();
    assert_eq!(cleaned.text("etc/shadow"), "root:*:20454:0:99999:7:::", "no file below");
}

#[test]
fn the_time_in_a_gzip_header_is_none() {
    let cleaned = Step::default().file("usr/share/doc/a/changelog.gz", gzip([1, 2, 3, 4])).clean();
    assert_eq!(cleaned.bytes("usr/share/doc/a/changelog.gz"), gzip([0; 4]));
    assert_eq!(cleaned.done(), ["gzip-times /usr/share/doc/a/changelog.gz Rewritten"]);
}

#[test]
fn what_is_no_gzip_or_has_no_time_stays() {
    let mut checked = gzip([1; 4]);
    checked[3] = 2;
    let mut other = gzip([1; 4]);
    other[2] = 7;
    for bytes in [gzip([0; 4]), checked, other, gzip([1; 4])[..17].to_vec(), b"text".to_vec()] {
        let cleaned = Step::default().file("srv/a.gz", &bytes).clean();
        assert_eq!((cleaned.bytes("srv/a.gz"), cleaned.removed.len()), (bytes, 0));
    }
}

#[test]
fn a_keystore_has_the_epochs_times_and_one_order() {
    let at = "etc/ssl/certs/java/cacerts";
    let cleaned = Step::default().file(at, CACERTS).clean();
    let bytes = cleaned.bytes(at);
    assert_eq!(cleaned.done(), [format!("java-keystore /{at} Rewritten")]);
    assert_eq!(bytes.len(), CACERTS.len());
    let found = |needle: &[u8]| bytes.windows(needle.len()).filter(|window| *window == needle).count();
    assert_eq!(found(&(EPOCH * 1000).to_be_bytes()), 2);
    assert!(bytes[12..].starts_with(b"\0\0\0\x02\0\x05alpha"), "sorted by name");
    assert_eq!(keystore::rewrite(&bytes, epoch()), None, "its digest is right, and it is as it should be");
}

#[test]
fn a_keystore_under_another_password_stays() {
    let mut bytes = CACERTS.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_eq!(keystore::rewrite(&bytes, epoch()), None);
    assert_eq!(keystore::rewrite(&[&[0x30, 0x82][..], CACERTS].concat(), epoch()), None, "PKCS#12");
}

fn tar(entries: &[(&str, u64)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, mtime) in entries {
        let mut header = Header::new_ustar();
        header.set_mtime(*mtime);
        header.set_mode(0o755);
        header.set_size(600);
        builder.append_data(&mut header, name, [b'#'; 600].as_slice()).expect("memory does not fail");
    }
    builder.into_inner().expect("memory does not fail")
}

#[test]
fn scripts_of_apk_have_the_epochs_times() {
    let at = "lib/apk/db/scripts.tar";
    let now = u64::try_from(EPOCH).expect("after 1970");
    let cleaned = Step::default().file(at, tar(&[("a.post-install", 5), ("b.trigger", now)])).clean();
    let bytes = cleaned.bytes(at);
    assert_eq!(bytes, tar(&[("a.post-install", now), ("b.trigger", now)]));
    for entry in Archive::new(bytes.as_slice()).entries().expect("a tar") {
        assert_eq!(entry.and_then(|entry| entry.header().mtime()).expect("an entry"), now);
    }
}

#[test]
fn what_is_no_tar_stays() {
    let good = tar(&[("a", 5), ("b", 5)]);
    let mut damaged = good.clone();
    damaged[1600] ^= 1;
    for bytes in [&damaged[..], &good[..700], &good[..1000], b"", b"text"] {
        assert_eq!(scripts::rewrite(bytes.to_vec(), epoch()), None, "{}", bytes.len());
    }
}

#[test]
fn large_files_stay() {
    let mut step = Step::default();
    let Content { digest, .. } = step.files.keep(gzip([1; 4]));
    let content = Content { digest, size_bytes: (256 << 20) + 1 };
    let cleaned = step.put("srv/a.gz", Node::new(Kind::File { content, links: None }, 0o644)).clean();
    assert!(cleaned.removed.is_empty());
}

/// What each format makes of any bytes is as good as it can be: made over again it stays.
fn settles(bytes: &[u8]) {
    let own = |made: &[u8]| made.to_vec();
    let once = |make: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        if let Some(made) = make(bytes) {
            assert_eq!(make(&made), None);
        }
    };
    once(&|bytes| gzip_format::rewrite(own(bytes)));
    once(&|bytes| pyc_format::rewrite(own(bytes), EPOCH));
    once(&|bytes| scripts::rewrite(own(bytes), epoch()));
    once(&|bytes| keystore::rewrite(bytes, epoch()));
    once(&|bytes| shadow::rewrite(bytes, b"root:*:1:0:99999:7:::", epoch()));
    let content = Content { digest: digest_of(b""), size_bytes: 0 };
    for listed in [record::Listed::Gone, record::Listed::Is(content)] {
        once(&|bytes| record::rewrite(bytes, &path("a/b-1.dist-info/RECORD"), |_| Some(listed)));
    }
    let _ = direct_url::is_local(bytes);
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        settles(&bytes);
        for magic in [&[0x1f, 0x8b, 8][..], &[0xa7, 0x0d, b'\r', b'\n'], &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]] {
            settles(&[magic, &bytes].concat());
        }
    }

    #[test]
    fn damaged_files_do_no_harm(
        which in 0..4_usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let sample = [CACERTS.to_vec(), tar(&[("a", 5), ("b", 5)]), pyc(0, 5), gzip([1; 4])];
        let mut bytes = sample[which].clone();
        for (at, value) in damages {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        settles(&bytes);
        bytes.truncate(length.index(bytes.len() + 1));
        settles(&bytes);
    }

    #[test]
    fn texts_do_no_harm(text in "([a-z*!:,\"/.=0-9\n\r]|:[0-9]{1,5}:|,sha256=|\\.\\./|::::::){0,60}") {
        settles(text.as_bytes());
    }

    #[test]
    fn any_name_has_sources(name in "[a-z][a-z.]{0,20}(\\.pyc)?", directory in "(a/)?(__pycache__/)?") {
        let at = path(&format!("{directory}{name}"));
        for source in pyc_format::sources(&at) {
            prop_assert!(source.name().ends_with(b".py"));
        }
    }
}
