//! What is remembered, what is distrusted, and what is seen to change.

use std::fs::FileTimes;
use std::time::{Duration, SystemTime};

use super::content::digest_all;
use super::open::Root;
use super::testing::*;
use super::walk::walk;
use super::*;
use crate::base::hash::digest_of;
use crate::tree::{Content, ContentError, Contents};

fn content(text: &str) -> Content {
    Content { digest: digest_of(text.as_bytes()), size_bytes: text.len() as u64 }
}

fn remembered(scan: Scan) -> KnownFiles {
    match scan.known {
        KnownChange::Changed(known) => KnownFiles::from_bytes(&known.to_bytes()).expect("whole bytes"),
        KnownChange::Unchanged => panic!("nothing to remember"),
    }
}

fn scan_with(source: &Source, known: KnownFiles) -> Scan {
    scan(&source.request(), Some(known), 2).expect("a scan")
}

#[test]
fn a_second_scan_reads_nothing() {
    let source = Source::new(&[("a", "1"), ("d/b", "2"), ("d/c", "1")]);
    let first = source.scan();
    assert_eq!(first.read_files, 3);
    let tree = first.tree.clone();
    let known = remembered(first);
    assert_eq!(known.len(), 3);
    let second = scan_with(&source, known);
    assert_eq!((second.read_files, &second.tree), (0, &tree));
    assert!(matches!(second.known, KnownChange::Unchanged));
}

#[test]
fn a_changed_file_is_read_again_though_size_and_mtime_say_nothing() {
    let source = Source::new(&[("a", "old"), ("b", "")]);
    let known = remembered(source.scan());
    let mtime = std::fs::metadata(source.at("a")).and_then(|metadata| metadata.modified()).expect("a time");
    source.write("a", "new");
    let file = std::fs::File::options().write(true).open(source.at("a")).expect("open");
    file.set_times(FileTimes::new().set_modified(mtime)).expect("set");
    let second = scan_with(&source, known);
    assert_eq!(second.read_files, 1);
    assert!(dump(&second).contains(&content("new").digest.to_string()));
    assert_eq!(remembered(second).len(), 2);
}

#[test]
fn a_file_that_is_gone_is_forgotten() {
    let source = Source::new(&[("a", ""), ("b", "")]);
    let known = remembered(source.scan());
    std::fs::remove_file(source.at("a")).expect("removed");
    let second = scan_with(&source, known);
    assert_eq!((second.read_files, names(&second)), (0, vec!["b".to_owned()]));
    assert_eq!(remembered(second).len(), 1);
}

/// A file that is changed again and again at once after a scan must never be taken for what it was.
#[test]
fn racy_changes_are_always_seen() {
    let source = Source::new(&[("a", "000")]);
    let mut known = KnownFiles::default();
    for i in 0..50 {
        let text = format!("{i:03}");
        source.write("a", &text);
        let scanned = scan_with(&source, known);
        assert!(dump(&scanned).contains(&content(&text).digest.to_string()), "change {i} was not seen");
        known = match scanned.known {
            KnownChange::Changed(known) => known,
            KnownChange::Unchanged => KnownFiles::default(),
        };
    }
}

#[test]
fn contents_are_read_and_changes_noticed() {
    let source = Source::new(&[("a", "hello"), ("empty", "")]);
    let origins = source.scan().origins;
    let mut buffer = [0; 3];
    origins.read_at(&content("hello"), 1, &mut buffer).expect("read");
    assert_eq!(&buffer, b"ell");
    origins.read_at(&content(""), 0, &mut []).expect("read");
    assert!(matches!(origins.read_at(&content("x"), 0, &mut buffer), Err(ContentError::Unknown(_))));
    assert_eq!(origins.len(), 2);

    source.write("a", "hELLo");
    let changed = origins.read_at(&content("hello"), 1, &mut buffer);
    assert!(matches!(changed, Err(ContentError::Changed { name }) if name.ends_with("/a")));
    std::fs::remove_file(source.at("a")).expect("removed");
    assert!(matches!(origins.read_at(&content("hello"), 1, &mut buffer), Err(ContentError::Changed { .. })));
}

#[test]
fn a_file_that_changes_between_walk_and_digest_is_an_error() {
    let source = Source::new(&[("a", "1"), ("b", "1")]);
    let root = Root::open(source.path()).expect("a root");
    let walked = walk(&root, &source.request(), 1).expect("a walk");
    source.write("b", "22");
    let files: Vec<_> = walked.found.iter().collect();
    let error = digest_all(&root, &files, 2).expect_err("an error");
    assert!(matches!(&error, ScanError::Changed { path, .. } if path == b"b"));
    assert!(error.to_string().ends_with("changed while it was read") && error.hint().is_some());
}

#[test]
fn the_result_does_not_depend_on_order_times_or_jobs() {
    let mut files: Vec<(String, String)> =
        (0..300).map(|i| (format!("d{}/e{}/f{i}", i % 7, i % 3), "x".repeat(i))).collect();
    let make = |files: &[(String, String)]| {
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Source::new(&files)
    };
    let first = make(&files);
    files.reverse();
    let second = make(&files);
    let file = std::fs::File::open(second.at("d0/e0/f0")).expect("open");
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    file.set_times(FileTimes::new().set_modified(past)).expect("set");
    let expected = dump(&first.scan());
    for jobs in [0, 1, 2, 16] {
        assert_eq!(dump(&scan(&second.request(), None, jobs).expect("a scan")), expected);
    }
}

#[test]
fn an_attribute_that_comes_or_goes_is_seen_though_the_content_is_known() {
    let source = Source::new(&[("a", "1"), ("b", "2")]);
    let everything = ScanRequest { selection: Selection::Everything, ..source.request() };
    let first = scan(&everything, None, 2).expect("a scan");
    let bare = dump(&first);
    let known = remembered(first);
    if rustix::fs::setxattr(source.at("a"), "user.x", b"v", rustix::fs::XattrFlags::empty()).is_err() {
        // This file system has none.
        return;
    }
    let second = scan(&everything, Some(known), 2).expect("a scan");
    assert!(dump(&second).contains("/a") && dump(&second).contains("user.x=v"), "{}", dump(&second));
    let known = remembered(second);
    let third =
        scan(&everything, Some(KnownFiles::from_bytes(&known.to_bytes()).expect("whole bytes")), 2).expect("a scan");
    assert!(third.read_files == 0 && dump(&third).contains("user.x=v"), "{}", dump(&third));
    rustix::fs::removexattr(source.at("a"), "user.x").expect("it is there");
    let last = scan(&everything, Some(known), 2).expect("a scan");
    assert_eq!(dump(&last), bare);
}
