//! What holds for all steps.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::tree::testing::{directory, symlink};

/// Places with a rule and places without.
const PLACES: &[&str] = &[
    "etc/machine-id",
    "etc/shadow",
    "etc/hosts",
    "etc/passwd-",
    "etc/passwd",
    "tmp",
    "tmp/a",
    "tmp/a/b",
    "tmp/a/b/c.gz",
    "var/log/dpkg.log",
    "var/log/syslog",
    "srv/a.gz",
    "srv/b.gz",
    "srv/a.py",
    "srv/a.pyc",
    "srv/__pycache__/a.cpython-311.pyc",
    "srv/__pycache__/b.cpython-311.pyc",
    "srv/a-1.dist-info",
    "srv/a-1.dist-info/RECORD",
    "srv/a-1.dist-info/direct_url.json",
    "srv/.npm/_cacache",
    "srv/.npm/_cacache/x",
    "usr/java/cacerts",
];

#[derive(Debug, Clone)]
enum Put {
    File(Vec<u8>, Option<u64>),
    Directory,
    Link,
    Whiteout,
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    let record = b"../a.gz,sha256=x,1\na.gz,sha256=x,1\na.pyc,sha256=x,1\na-1.dist-info/direct_url.json,sha256=x,1\n";
    select(vec![
        gzip([0; 4]),
        gzip([7; 4]),
        pyc(0, 5),
        pyc(0, 1000),
        pyc(3, 5),
        b"root:*:20700:0:99999:7:::\n".to_vec(),
        br#"{"url": "file:///a"}"#.to_vec(),
        record.to_vec(),
        b"text".to_vec(),
        Vec::new(),
    ])
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        4 => contents().prop_map(|bytes| Put::File(bytes, None)),
        // All names of a file have the same content.
        2 => (0..2_u64).prop_map(|group| Put::File([pyc(0, 5), gzip([7; 4])][group as usize].clone(), Some(group))),
        1 => Just(Put::Directory),
        1 => Just(Put::Link),
        1 => Just(Put::Whiteout),
    ]
}

type Puts = Vec<(&'static str, Put)>;

fn puts() -> impl Strategy<Value = Puts> {
    prop::collection::btree_map(select(PLACES), put(), 0..12).prop_map(|puts| puts.into_iter().collect())
}

fn step(below: &[(&'static str, Vec<u8>)], puts: &[(&'static str, Put)], keep: Option<&'static str>) -> Step {
    let mut step = Step::default();
    for (at, bytes) in below {
        step = step.below(at, bytes);
    }
    for (at, put) in puts {
        step = match put {
            Put::File(bytes, None) => step.file(at, bytes),
            Put::File(bytes, Some(group)) => step.linked(at, bytes, *group),
            Put::Directory => step.put(at, directory()),
            Put::Link => step.put(at, symlink("a.py")),
            Put::Whiteout => step.whiteout(at),
        };
    }
    step.keep.extend(keep);
    step
}

fn below() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let files =
        select(PLACES.iter().copied().filter(|at| !matches!(*at, "tmp" | "tmp/a" | "tmp/a/b")).collect::<Vec<_>>());
    prop::collection::btree_map(files, contents(), 0..8).prop_map(|files| files.into_iter().collect())
}

fn keep() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(select(vec!["*.gz", "/etc", "/tmp/a/b", "**/direct_url.json"]))
}

proptest! {
    #[test]
    fn cleaning_twice_is_cleaning_once(below in below(), puts in puts(), keep in keep()) {
        let once = step(&below, &puts, keep).clean();
        let again = Step {
            files: once.files,
            lower: once.lower,
            changes: once.changes.clone(),
            keep: keep.into_iter().collect(),
        }
        .clean();
        prop_assert_eq!(again.done(), Vec::<String>::new());
        prop_assert_eq!(again.changes, once.changes);
    }

    #[test]
    fn what_is_not_reported_is_as_it_was(below in below(), puts in puts(), keep in keep()) {
        let before = step(&below, &puts, keep).changes;
        let cleaned = step(&below, &puts, keep).clean();
        let said = |path: &ImagePath| cleaned.removed.iter().any(|gone| gone.path == *path);
        for (path, change) in before.iter() {
            let now = cleaned.changes.get(path);
            prop_assert_eq!(now != Some(change), said(path), "{}", path);
            if let Some(Change::Node(node)) = now {
                let Change::Node(old) = change else { panic!("{path}: a whiteout became a file") };
                let kind = old.kind.clone();
                prop_assert_eq!(Node { kind: kind.clone(), ..node.clone() }, Node { kind, ..old.clone() });
            }
        }
        prop_assert!(cleaned.changes.iter().all(|(path, _)| before.get(path).is_some()));
    }

    #[test]
    fn the_order_of_changes_means_nothing(below in below(), puts in puts().prop_flat_map(|puts| {
        (Just(puts.clone()), Just(puts).prop_shuffle())
    })) {
        let (in_order, shuffled) = puts;
        // A whiteout forgets what is said below it: they come first, the upper ones before the lower.
        let late = |(at, put): &(&'static str, Put)| if matches!(put, Put::Whiteout) { *at } else { "~" };
        let (mut a, mut b) = (in_order, shuffled);
        a.sort_by_key(late);
        b.sort_by_key(late);
        let (a, b) = (step(&below, &a, None).clean(), step(&below, &b, None).clean());
        prop_assert_eq!(a.done(), b.done());
        prop_assert_eq!(a.changes, b.changes);
    }

    #[test]
    fn what_does_not_look_at_others_does_not_depend_on_them(below in below(), puts in puts()) {
        let alone = |(at, put): &(&str, Put)| {
            let looks = at.ends_with(".pyc") || at.ends_with("RECORD") || at.starts_with("tmp") || at.contains("_cacache");
            !looks && !matches!(put, Put::File(_, Some(_)))
        };
        let puts: Puts = puts.into_iter().filter(alone).collect();
        let whole = step(&below, &puts, None).clean();
        for (at, put) in puts {
            if matches!(put, Put::Whiteout) {
                continue;
            }
            let single = step(&below, &[(at, put)], None).clean();
            prop_assert_eq!(single.changes.get(&path(at)), whole.changes.get(&path(at)));
        }
    }
}
