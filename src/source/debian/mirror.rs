//! Where a suite can be had, in the order in which it is tried.
//!
//! ```text
//! template's mirrors, else a snapshot, else KILN_DEBIAN_MIRROR, else this machine's apt, else the snapshot service
//! ```
//! A mirror only transports: whose suite it is, is proven by its signature, and what a file is, by its digest.

use std::path::PathBuf;

use crate::base::Epoch;

use super::apt;

/// What the surroundings say of Debian's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Addresses of mirrors for all suites (`KILN_DEBIAN_MIRROR`).
    pub mirrors: Vec<String>,
    /// Address of the snapshot service (`KILN_DEBIAN_SNAPSHOT`).
    pub snapshot: String,
    /// apt's directory.
    pub apt: PathBuf,
    /// Files that this machine may have Debian's keys in.
    pub keyrings: Vec<PathBuf>,
}

impl Default for Hosts {
    /// Debian's own service, and no surroundings.
    fn default() -> Self {
        Self {
            mirrors: Vec::new(),
            snapshot: "https://snapshot.debian.org".to_owned(),
            apt: PathBuf::new(),
            keyrings: Vec::new(),
        }
    }
}

/// A directory that holds `dists` and `pool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Its address, without a slash at its end.
    pub address: String,
    /// Who named it.
    pub by: NamedBy,
}

/// Who named a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedBy {
    /// The repository of the template.
    Template,
    /// `KILN_DEBIAN_MIRROR`.
    Variable,
    /// This machine's apt.
    Apt,
    /// Nobody: the snapshot service at a time. What is there never changes.
    Snapshot,
}

impl Mirror {
    /// Whether it looks like an archive of security updates. A wrong guess costs a question.
    pub fn is_of_security(&self) -> bool {
        self.address.contains("-security")
    }
}

impl Hosts {
    /// The mirrors of a suite, the first to be tried first; empty if nobody names one. `written` are the template's.
    pub fn mirrors(&self, written: &[String], suite: &str) -> Vec<Mirror> {
        let all = |addresses: Vec<String>, by| -> Vec<Mirror> {
            let trimmed = addresses.into_iter().map(|address| address.trim_end_matches('/').to_owned());
            trimmed.map(|address| Mirror { address, by }).collect()
        };
        if !written.is_empty() {
            return all(written.to_vec(), NamedBy::Template);
        }
        if !self.mirrors.is_empty() {
            let beside = self.mirrors.iter().flat_map(|address| beside(address, suite)).collect();
            return all(beside, NamedBy::Variable);
        }
        if self.apt.as_os_str().is_empty() { Vec::new() } else { all(apt::mirrors(&self.apt, suite), NamedBy::Apt) }
    }

    /// The archive of a suite as it was at a time, as <https://snapshot.debian.org> serves it.
    pub fn snapshot(&self, suite: &str, at: Epoch) -> Mirror {
        let time: String = at.to_string().chars().filter(|letter| !matches!(letter, '-' | ':')).collect();
        let address = format!("{}/archive/{}/{time}", self.snapshot.trim_end_matches('/'), archive(suite));
        Mirror { address, by: NamedBy::Snapshot }
    }
}

/// Debian keeps its security suites in an archive of their own.
fn archive(suite: &str) -> &'static str {
    if is_security(suite) { "debian-security" } else { "debian" }
}

fn is_security(suite: &str) -> bool {
    suite.ends_with("-security")
}

/// A mirror that is named once for all suites has the security archive beside the other one.
fn beside(address: &str, suite: &str) -> Vec<String> {
    let address = address.trim_end_matches('/');
    match address.strip_suffix("/debian") {
        Some(parent) if is_security(suite) => vec![format!("{parent}/debian-security"), address.to_owned()],
        _ => vec![address.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_who_names_a_mirror_is_believed() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("sources.list"), "deb http://a.example/debian/ bookworm main\n")
            .expect("written");
        let hosts = Hosts { apt: directory.path().to_owned(), ..Hosts::default() };
        let found = |hosts: &Hosts, written: &[String], suite: &str| -> Vec<(String, NamedBy)> {
            hosts.mirrors(written, suite).into_iter().map(|mirror| (mirror.address, mirror.by)).collect()
        };
        let one = |address: &str, by| (address.to_owned(), by);
        assert_eq!(found(&hosts, &[], "bookworm"), [one("http://a.example/debian", NamedBy::Apt)]);
        assert_eq!(found(&hosts, &[], "trixie"), []);
        let told = Hosts { mirrors: vec!["http://v.example/debian/".to_owned()], ..hosts };
        assert_eq!(found(&told, &[], "bookworm"), [one("http://v.example/debian", NamedBy::Variable)]);
        let beside = ["http://v.example/debian-security", "http://v.example/debian"];
        assert_eq!(found(&told, &[], "bookworm-security"), beside.map(|address| one(address, NamedBy::Variable)));
        let written = ["https://t.example/d/".to_owned()];
        assert_eq!(found(&told, &written, "bookworm"), [one("https://t.example/d", NamedBy::Template)]);
        assert_eq!(found(&Hosts::default(), &[], "bookworm"), []);
    }

    #[test]
    fn snapshots_are_named_by_archive_and_time() {
        let hosts = Hosts { snapshot: "http://s.example/".to_owned(), ..Hosts::default() };
        let at = "2026-11-01T02:03:04Z".parse().expect("a time");
        let debian = hosts.snapshot("bookworm-updates", at);
        assert_eq!(debian.address, "http://s.example/archive/debian/20261101T020304Z");
        assert_eq!(debian.by, NamedBy::Snapshot);
        let security = hosts.snapshot("bookworm-security", at);
        assert_eq!(security.address, "http://s.example/archive/debian-security/20261101T020304Z");
    }
}
