//! The comparison of whole layers.

use crate::tree::testing::{directory, file, symlink};
use crate::tree::{Kind, LinkGroup, Node};

use super::testing::{FIRST_SECONDS, Layer, SECOND_SECONDS, compared, path, shown};
use super::{Comparison, Covers, DIFFERENCES_MAX, Known};

fn node(at: &str, node: Node) -> Layer {
    Layer::default().node(at, node)
}

fn text(a: &Layer, b: &Layer) -> String {
    compared(a, b).to_string()
}

#[test]
fn equal_layers_have_no_difference() {
    let mut linked = [file("x"), file("x")];
    for (number, node) in linked.iter_mut().enumerate() {
        if let Kind::File { links, .. } = &mut node.kind {
            *links = Some(LinkGroup(number as u64));
        }
    }
    let [a, b] = linked.map(|linked| node("a", linked.clone()).node("b", linked));
    assert_eq!(compared(&a, &b), Comparison::default(), "the numbers of hard links mean nothing");
}

#[test]
fn each_property_of_a_node_is_shown() {
    let with = |change: fn(&mut Node)| {
        let mut changed = directory();
        change(&mut changed);
        text(&node("d", directory()), &node("d", changed))
    };
    assert_eq!(with(|node| node.mode = 0o1777), "/d: mode\n  mode: 0755 and 1777\n");
    assert_eq!(with(|node| node.gid = 7), "/d: owner\n  owner: 0:0 and 0:7\n");
    let time = "/d: time\n  time: 1970-01-01T00:00:00Z and 1970-01-01T00:00:07Z\n";
    assert_eq!(with(|node| node.mtime = 7), time);
    let attribute = "/d: extended attributes\n  attribute user.a: `none` and `1\\x00`\n";
    assert_eq!(with(|node| drop(node.xattrs.insert(b"user.a"[..].into(), b"1\0"[..].into()))), attribute);
    assert_eq!(with(|node| node.kind = Kind::Fifo), "/d: type\n  type: directory and named pipe\n");
    let device = |minor| node("d", Node::new(Kind::CharDevice { major: 1, minor }, 0o600));
    assert_eq!(text(&device(3), &device(5)), "/d: device\n  device: 1,3 and 1,5\n");
    let links = text(&node("l", symlink("a")), &node("l", symlink("b")));
    assert_eq!(links, "/l: link target\n  link target: `a` and `b`\n");
}

#[test]
fn causes_beside_the_content_are_found() {
    let with = |change: &dyn Fn(&mut Node, bool)| {
        let [mut a, mut b] = [directory(), directory()];
        change(&mut a, true);
        change(&mut b, false);
        compared(&node("d", a), &node("d", b)).differences[0].cause.map(|cause| (cause.known, cause.covers))
    };
    let clock = |first| if first { FIRST_SECONDS } else { SECOND_SECONDS };
    assert_eq!(with(&|node, first| node.mtime = clock(first) + 60), Some((Known::FileTime, Covers::All)));
    assert_eq!(with(&|node, first| node.mtime = clock(first) - 9_000_000), None);
    assert_eq!(with(&|node, first| node.uid = if first { 1000 } else { 1203 }), Some((Known::User, Covers::All)));
    assert_eq!(with(&|node, first| node.uid = if first { 1203 } else { 1000 }), None);
    let xattr = |node: &mut Node, first| {
        let host: &[u8] = if first { b"alpha-host" } else { b"omega-host" };
        node.xattrs.insert(b"user.host"[..].into(), host.into());
    };
    assert_eq!(with(&xattr), Some((Known::Hostname, Covers::All)));
    let both = |node: &mut Node, first| {
        node.mtime = clock(first);
        node.mode = if first { 0o700 } else { 0o755 };
    };
    assert_eq!(with(&both), Some((Known::FileTime, Covers::Part)));
    let link = text(&node("l", symlink("/build/one/a")), &node("l", symlink("/yard/other-place/a")));
    assert!(link.contains("cause: the build directory is written into the file\n"), "{link}");
}

#[test]
fn of_a_directory_that_one_side_has_only_the_top_is_listed() {
    let mut a = node("d", directory()).node("d/a", file("")).node("d/b", directory()).node("d/b/c", file(""));
    a.changes.white_out(path("d-x"));
    let expected = "/d: only in the first run, with 3 paths below it\n/d-x: only in the first run\n";
    assert_eq!(text(&a, &Layer::default()), expected);
    let expected = "/d: only in the second run, with 3 paths below it\n/d-x: only in the second run\n";
    assert_eq!(text(&Layer::default(), &a), expected);
}

#[test]
fn whiteouts_opaque_directories_and_hard_links_count() {
    let mut gone = Layer::default();
    gone.changes.white_out(path("a"));
    assert_eq!(text(&node("a", directory()), &gone), "/a: type\n  type: directory and whiteout\n");
    let mut opaque = node("a", directory());
    opaque.changes.make_opaque(path("a"));
    assert_eq!(text(&node("a", directory()), &opaque), "/a: opaque\n  opaque in the second run only\n");
    let mut linked = file("x");
    if let Kind::File { links, .. } = &mut linked.kind {
        *links = Some(LinkGroup(3));
    }
    let apart = node("a", file("x")).node("b", file("x"));
    let together = node("a", linked.clone()).node("b", linked);
    assert_eq!(text(&apart, &together), "/b: hard links\n  one file with: alone and `/a`\n");
}

#[test]
fn names_that_hold_a_cause_are_explained() {
    let a = node("log", directory()).node("log/build-2026-11-25.txt", directory());
    let b = node("log", directory()).node("log/build-2026-11-26.txt", directory());
    let text = text(&a, &b);
    assert_eq!(text.matches("cause: the clock is written into the file\n").count(), 2, "{text}");
    let (a, b) = (node("app-1.2", directory()), node("app-1.3", directory()));
    assert!(compared(&a, &b).differences.iter().all(|difference| difference.cause.is_none()));
}

#[test]
fn only_so_many_are_looked_into() {
    let layer =
        |with: &str| (0..DIFFERENCES_MAX + 7).fold(Layer::default(), |layer, at| layer.file(&format!("{at:04}"), with));
    let found = compared(&layer("1"), &layer("2"));
    assert_eq!((found.differences.len(), found.left_out), (DIFFERENCES_MAX, 7));
    assert!(found.to_string().ends_with("and 7 paths more\n"));
    assert!(found.differences.is_sorted_by_key(|difference| difference.path.clone()));
}

#[test]
fn a_content_that_cannot_be_read_is_a_difference_all_the_same() {
    let (a, b) = (Layer::default().file("a", "1"), Layer::default().file("a", "2").without_contents());
    assert!(text(&a, &b).starts_with("/a: content\n  not looked into: no source holds the content sha256:"));
}

#[test]
fn a_large_content_is_read_to_its_first_difference() {
    let with = |host: &[u8]| {
        let mut bytes = vec![0; 17 << 20];
        bytes[9_000_003..9_000_003 + host.len()].copy_from_slice(host);
        bytes
    };
    let text = shown("a", with(b"on alpha-host"), with(b"on omega-host"));
    assert!(text.contains("  first difference at byte 9000006\n  -00895440  00 00 00 6f 6e 20 61"), "{text}");
    assert!(text.contains("cause: the host name is written into the file (not all of the difference)\n"), "{text}");
    let longer = [with(b""), vec![1]].concat();
    let text = shown("a", with(b""), longer);
    assert!(text.contains(&format!("  first difference at byte {}\n  +01100000  01", 17 << 20)), "{text}");
}

#[test]
fn the_checksum_of_another_file_is_not_random() {
    let layer = |with: &str| {
        let sum = crate::base::hash::digest_of::<crate::base::ContentDigest>(with.as_bytes()).hex();
        Layer::default().file("app", with).file("index", format!("{{\"app\": \"{sum}\"}}\n"))
    };
    let found = compared(&layer("1"), &layer("2"));
    assert_eq!(found.differences[1].cause.map(|cause| cause.known), Some(Known::Checksum));
}

#[test]
fn json_says_the_same() -> serde_json::Result<()> {
    let found = compared(&Layer::default().file("a", "alpha-host\n"), &Layer::default().file("a", "omega-host\n"));
    let expected = serde_json::json!({
        "differences": [{
            "path": "/a",
            "details": [{
                "what": "content",
                "size_bytes": { "a": 11, "b": 11 },
                "insight": { "format": "text", "lines": ["-alpha-host", "+omega-host"], "left_out": 0 },
            }],
            "cause": {
                "name": "hostname",
                "covers": "all",
                "text": "the host name is written into the file",
                "advice": Known::Hostname.advice(),
            },
        }],
        "left_out": 0,
    });
    assert_eq!(serde_json::to_value(found)?, expected);
    Ok(())
}
