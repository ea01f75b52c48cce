//! The table of residue.

use crate::base::ImagePath;
use crate::base::glob::{Globs, Is};

use super::rule::{Action, Format, Rule};

/// All rules. Where two match a path, the first one counts.
pub fn rules() -> &'static [Rule] {
    RULES
}

/// The first rule that matches a path, if one does.
pub fn rule_for(path: &ImagePath, is: Is) -> Option<&'static Rule> {
    // The patterns are constants, and a test compiles them.
    let matches =
        |rule: &&Rule| Globs::new(rule.globs).is_ok_and(|globs| globs.matching(path.as_bytes(), is).is_some());
    RULES.iter().find(matches)
}

const RULES: &[Rule] = &[
    Rule {
        name: "scratch",
        globs: &["/tmp/**", "/run/**", "/var/tmp/**"],
        why: "programs leave scratch files under names of their own invention",
        action: Action::Sweep,
    },
    Rule {
        name: "host-names",
        globs: &["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"],
        why: "a running container sees those of the machine it runs on",
        action: Action::Restore,
    },
    Rule {
        name: "machine-id",
        globs: &["/etc/machine-id", "/var/lib/dbus/machine-id"],
        why: "it is random, and no two machines may have the same",
        action: Action::Empty,
    },
    Rule {
        name: "host-keys",
        globs: &["/etc/ssh/ssh_host_*"],
        why: "they are random, and a key that many machines share identifies none of them",
        action: Action::Delete,
    },
    Rule {
        name: "random-seed",
        globs: &["/var/lib/systemd/random-seed"],
        why: "it is random, and a seed that many machines share is none",
        action: Action::Delete,
    },
    Rule {
        name: "account-backups",
        globs: &["/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"],
        why: "they hold what was there before the last of many small edits",
        action: Action::Delete,
    },
    Rule {
        name: "shadow-days",
        globs: &["/etc/shadow"],
        why: "the third field is the day on which the password was set",
        action: Action::Rewrite(Format::Shadow),
    },
    Rule {
        name: "package-logs",
        globs: &[
            "/var/log/dpkg.log",
            "/var/log/alternatives.log",
            "/var/log/bootstrap.log",
            "/var/log/apt/**",
            "/var/log/apk.log",
        ],
        why: "every line begins with the time",
        action: Action::Delete,
    },
    Rule {
        name: "package-caches",
        globs: &[
            "/var/cache/apt/pkgcache.bin",
            "/var/cache/apt/srcpkgcache.bin",
            "/var/cache/apt/archives/*.deb",
            "/var/lib/apt/lists/**",
        ],
        why: "they hold times and the repository's index of the day; apt makes them again",
        action: Action::Delete,
    },
    Rule {
        name: "package-backups",
        globs: &["/var/lib/dpkg/*-old", "/var/cache/debconf/*-old"],
        why: "they hold what was there before the last of many small edits",
        action: Action::Delete,
    },
    Rule {
        name: "apk-scripts",
        globs: &["/lib/apk/db/scripts.tar", "/usr/lib/apk/db/scripts.tar"],
        why: "apk before 2.14 gives its entries the time of the run",
        action: Action::Rewrite(Format::Scripts),
    },
    Rule {
        name: "ldconfig",
        globs: &["/var/cache/ldconfig/aux-cache"],
        why: "it holds inode numbers and change times of libraries; ldconfig makes it again",
        action: Action::Delete,
    },
    Rule {
        name: "systemd-catalog",
        globs: &["/var/lib/systemd/catalog/database"],
        why: "its order is the one in which a directory was listed; systemd makes it again at boot",
        action: Action::Delete,
    },
    Rule {
        name: "fontconfig",
        globs: &[
            "/var/cache/fontconfig/**",
            "/usr/share/fonts/**/.uuid",
            "/usr/local/share/fonts/**/.uuid",
            "**/.cache/fontconfig/**",
        ],
        why: "they hold times of directories and random names; programs that use fonts make them again",
        action: Action::Delete,
    },
    Rule {
        name: "man-db",
        globs: &["/var/cache/man/**"],
        why: "it holds times of pages; `man` works without it, and `mandb` makes it again",
        action: Action::Delete,
    },
    Rule {
        name: "npm",
        globs: &["**/_cacache/**", "**/.npm/_logs/**", "**/.npm/_update-notifier-last-checked"],
        why: "they hold times of downloads and are named after times; npm makes them again",
        action: Action::Sweep,
    },
    Rule {
        name: "uv",
        globs: &["**/*.dist-info/uv_cache.json"],
        why: "it holds times of the files that a package was built from",
        action: Action::Delete,
    },
    Rule {
        name: "pip-origin",
        globs: &["**/*.dist-info/direct_url.json"],
        why: "it names the directory or file that a package was installed from, often one that is gone",
        action: Action::Rewrite(Format::DirectUrl),
    },
    Rule {
        name: "pip-record",
        globs: &["**/*.dist-info/RECORD"],
        why: "it lists the digests of files that other rules change",
        action: Action::Rewrite(Format::Record),
    },
    Rule {
        name: "python-times",
        globs: &["*.pyc"],
        why: "the header holds the time of the source, and Python does not use the file if that is another one",
        action: Action::Rewrite(Format::Pyc),
    },
    Rule {
        name: "java-keystore",
        globs: &["**/java/cacerts", "**/security/cacerts"],
        why: "each certificate has the time at which it was added, and their order is that of a directory",
        action: Action::Rewrite(Format::Keystore),
    },
    Rule {
        name: "gzip-times",
        globs: &["*.gz", "*.tgz", "*.svgz"],
        why: "the header holds the time of what was compressed",
        action: Action::Rewrite(Format::Gzip),
    },
];
