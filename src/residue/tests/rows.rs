//! Rules about whole files.

use super::*;
use crate::base::glob::Is;
use crate::residue::{Action, rules};
use crate::tree::testing::{directory, symlink};

/// For each glob of the table a path that it matches; of some rules there are tests of their own below.
const SAMPLES: &[(&str, &[&str])] = &[
    ("scratch", &["tmp/a/b", "run/lock/x", "var/tmp/x.gz"]),
    ("host-names", &["etc/hostname", "etc/hosts", "etc/resolv.conf"]),
    ("machine-id", &["etc/machine-id", "var/lib/dbus/machine-id"]),
    ("host-keys", &["etc/ssh/ssh_host_ed25519_key"]),
    ("random-seed", &["var/lib/systemd/random-seed"]),
    ("account-backups", &["etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/subuid-", "etc/subgid-"]),
    ("shadow-days", &["etc/shadow"]),
    (
        "package-logs",
        &[
            "var/log/dpkg.log",
            "var/log/alternatives.log",
            "var/log/bootstrap.log",
            "var/log/apt/term.log",
            "var/log/apk.log",
        ],
    ),
    (
        "package-caches",
        &[
            "var/cache/apt/pkgcache.bin",
            "var/cache/apt/srcpkgcache.bin",
            "var/cache/apt/archives/curl_7.88.1_amd64.deb",
            "var/lib/apt/lists/auxfiles/x",
        ],
    ),
    ("package-backups", &["var/lib/dpkg/status-old", "var/cache/debconf/config.dat-old"]),
    ("apk-scripts", &["lib/apk/db/scripts.tar", "usr/lib/apk/db/scripts.tar"]),
    ("ldconfig", &["var/cache/ldconfig/aux-cache"]),
    ("systemd-catalog", &["var/lib/systemd/catalog/database"]),
    (
        "fontconfig",
        &[
            "var/cache/fontconfig/x.cache-7",
            "usr/share/fonts/truetype/.uuid",
            "usr/local/share/fonts/.uuid",
            "root/.cache/fontconfig/x.cache-7",
        ],
    ),
    ("man-db", &["var/cache/man/de/index.db"]),
    ("npm", &["root/.npm/_cacache/index-v5/00", "root/.npm/_logs/x.log", "root/.npm/_update-notifier-last-checked"]),
    ("uv", &["srv/lib/python3.12/site-packages/a-1.dist-info/uv_cache.json"]),
    ("pip-origin", &["srv/a-1.dist-info/direct_url.json"]),
    ("pip-record", &["srv/a-1.dist-info/RECORD"]),
    ("python-times", &["usr/lib/python3/a.pyc"]),
    ("java-keystore", &["etc/ssl/certs/java/cacerts", "usr/lib/jvm/x/lib/security/cacerts"]),
    ("gzip-times", &["srv/a.gz", "srv/a.tgz", "srv/a.svgz"]),
];

#[test]
fn every_glob_matches_what_it_is_for() {
    let names: Vec<&str> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(names, SAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (rule, (_, samples)) in rules().iter().zip(SAMPLES) {
        assert_eq!(rule.globs.len(), samples.len(), "{}", rule.name);
        for (glob, sample) in rule.globs.iter().zip(*samples) {
            let globs = Globs::new(&[glob]).expect("a glob");
            assert!(globs.matching(sample.as_bytes(), Is::Other).is_some(), "{glob} {sample}");
        }
        assert!(!rule.why.ends_with('.') && !rule.done().is_empty());
    }
}

#[test]
fn what_is_deleted_leaves_no_trace() {
    for (rule, (name, samples)) in rules().iter().zip(SAMPLES) {
        if !matches!(rule.action, Action::Delete | Action::Sweep | Action::Restore) {
            continue;
        }
        for sample in *samples {
            let cleaned = Step::default().file(sample, "new").clean();
            assert_eq!(cleaned.done(), [format!("{name} /{sample} Deleted")]);
            assert!(cleaned.changes.is_empty());
            let cleaned = Step::default().below(sample, "old").file(sample, "new").clean();
            assert_eq!(cleaned.done(), [format!("{name} /{sample} PutBack")]);
            assert!(cleaned.changes.is_empty(), "what was below stays");
        }
    }
}

#[test]
fn directories_outlive_what_was_deleted_in_them() {
    let cleaned = Step::default()
        .put("var/cache/ldconfig", directory())
        .file("var/cache/ldconfig/aux-cache", "inodes")
        .put("var/lib/apt/lists/partial", directory())
        .file("var/lib/apt/lists/lock", "")
        .clean();
    assert_eq!(cleaned.left(), ["/var/cache/ldconfig", "/var/lib/apt/lists/partial"]);
}

#[test]
fn scratch_goes_with_its_directories() {
    let cleaned = Step::default()
        .put("tmp", directory())
        .put("tmp/a", directory())
        .put("tmp/a/b", directory())
        .file("tmp/a/b/c", "")
        .put("tmp/a/link", symlink("b"))
        .put("run/pipe", Node::new(Kind::Fifo, 0o600))
        .file("tmp-x", "")
        .clean();
    assert_eq!(cleaned.left(), ["/tmp", "/tmp-x"]);
    assert_eq!(cleaned.removed.len(), 5);
    assert!(cleaned.removed.iter().all(|gone| gone.rule == "scratch" && gone.how == How::Deleted));
}

#[test]
fn the_way_to_something_that_is_kept_stays() {
    let step = Step::default().put("tmp/a", directory()).put("tmp/a/b", directory()).file("tmp/a/b/c", "");
    let cleaned = step.put("tmp/x", directory()).file("tmp/a/other", "").keep("/tmp/a/b/c").clean();
    assert_eq!(cleaned.left(), ["/tmp/a", "/tmp/a/b", "/tmp/a/b/c"]);
    let cleaned =
        Step::default().below("root/.npm/_cacache/old", "").whiteout("root/.npm/_cacache/old").file("tmp/x", "");
    assert_eq!(cleaned.clean().left(), ["-/root/.npm/_cacache/old"]);
}

#[test]
fn a_removal_is_no_residue() {
    let step = Step::default().below("var/log/dpkg.log", "").whiteout("var/log/dpkg.log");
    let step = step.below("etc/machine-id", "1").whiteout("etc/machine-id").below("tmp/x", "").whiteout("tmp/x");
    let cleaned = step.below("etc/hosts", "").whiteout("etc/hosts").clean();
    assert_eq!(cleaned.left(), ["-/etc/machine-id", "-/tmp/x", "-/var/log/dpkg.log"]);
    assert_eq!(cleaned.done(), ["host-names /etc/hosts PutBack"]);
}

#[test]
fn links_in_place_of_files_stay() {
    let step = Step::default().put("var/lib/dbus/machine-id", symlink("/etc/machine-id"));
    let cleaned = step.put("var/log/dpkg.log", symlink("/dev/null")).put("etc/resolv.conf", symlink("/run/x")).clean();
    assert_eq!(cleaned.left(), ["/var/lib/dbus/machine-id", "/var/log/dpkg.log"]);
}

#[test]
fn a_machine_id_is_emptied() {
    let cleaned = Step::default().file("etc/machine-id", "0123").file("var/lib/dbus/machine-id", "0123").clean();
    assert_eq!(cleaned.text("etc/machine-id"), "");
    assert_eq!(cleaned.done(), ["machine-id /etc/machine-id Emptied", "machine-id /var/lib/dbus/machine-id Emptied"]);
    let cleaned = Step::default().below("etc/machine-id", "0123").file("etc/machine-id", "4567").clean();
    assert_eq!(cleaned.done(), ["machine-id /etc/machine-id PutBack"]);
    assert!(cleaned.changes.is_empty());
}

#[test]
fn a_machine_id_that_was_taken_out_stays_out() {
    for blank in ["", "uninitialized\n"] {
        let cleaned = Step::default().below("etc/machine-id", "0123").file("etc/machine-id", blank).clean();
        assert_eq!((cleaned.text("etc/machine-id").as_str(), cleaned.removed.len()), (blank, 0));
    }
}

#[test]
fn what_is_kept_has_no_rule() {
    let step = Step::default().file("var/log/dpkg.log", "").file("var/log/apt/term.log", "");
    let cleaned = step.file("srv/a.gz", gzip([1; 4])).keep("/var/log/dpkg.log").keep("*.gz").clean();
    assert_eq!(cleaned.left(), ["/srv/a.gz", "/var/log/dpkg.log"]);
    assert_eq!(cleaned.bytes("srv/a.gz"), gzip([1; 4]));
}

#[test]
fn caches_that_are_needed_at_run_time_stay() {
    let needed = [
        "usr/share/mime/mime.cache",
        "usr/share/icons/x/icon-theme.cache",
        "usr/share/glib-2.0/schemas/gschemas.compiled",
    ];
    let cleaned = needed.iter().fold(Step::default(), |step, at| step.file(at, "cache")).clean();
    assert_eq!((cleaned.left().len(), cleaned.removed.len()), (3, 0));
}

#[test]
fn a_content_that_cannot_be_read_names_its_file() {
    let mut step = Step::default().file("srv/a.gz", gzip([1; 4]));
    step.files.0.clear();
    let error = step.run(&Globs::default()).expect_err("nothing to read");
    assert!(matches!(&error, ResidueError::Read { path: at, .. } if *at == path("srv/a.gz")));
    assert_eq!(error.hint().as_deref(), Some("to leave the file as it is, write `keep = [\"/srv/a.gz\"]`"));
}
