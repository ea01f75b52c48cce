//! Packages from a small repository, and each way in which it can lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::base::{Class, ImagePath};
use crate::input::vendor::{Vendor, Writer};
use crate::input::{Reach, Remote};
use crate::lock::{PackagesPin, PackagesRequest, Pin};
use crate::packages::Reason;
use crate::packages::debian::deb::Script;
use crate::packages::debian::{DebError, ReleaseError, SignatureError, SolveError};
use crate::registry::{Client, Files};
use crate::source::debian::{DebianError, Hosts};
use crate::source::url::{Fetcher, Keys};
use crate::store::gc::{Keep, Removal};
use crate::store::{Shelf, Store, StoreError};
use crate::template::{Distribution, Keyring, Span};
use crate::transport::testing::{Mischief, Registry, Reply, Rule};
use crate::transport::{Network, News, Retries, Settings, Transport};
use crate::tree::{Change, Contents, Kind};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/debian/repository")
}

fn quiet(_: News) {}

fn time(text: &str) -> Epoch {
    text.parse().expect("a time")
}

mod brought;
mod resolved;

/// A store, and a network that ends at this machine.
struct World {
    _directory: tempfile::TempDir,
    store: Store,
    hosts: Hosts,
    network: Network,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("store")).expect("a store");
        // Nobody listens there.
        let hosts = Hosts { snapshot: "http://127.0.0.1:9".to_owned(), ..Hosts::default() };
        Self { _directory: directory, store, hosts, network: Network::Allowed }
    }

    fn with<T>(&self, vendor: Option<&Vendor>, work: impl FnOnce(&Reach<'_>) -> T) -> T {
        let short = Duration::from_millis(1);
        let retries = Retries { attempts: 2, base_delay: short, longest_delay: short, ..Retries::default() };
        let settings = Settings { retries, network: self.network, ..Settings::default() };
        let interrupted = Arc::new(AtomicBool::new(false));
        let transport = Transport::new(settings, Arc::clone(&interrupted)).expect("plain settings");
        let keys = Keys::default();
        let remote = Remote {
            registry: Client::new(&transport, &Files::default(), &quiet).expect("no files to read"),
            web: Fetcher { transport: &transport, keys: &keys, watch: &quiet },
            debian: &self.hosts,
            git: Path::new("git"),
            network: self.network,
            interrupted: &interrupted,
        };
        let directory = fixtures();
        work(&Reach { store: &self.store, vendor, directory, remote: Arc::new(remote) })
    }

    fn resolve(&self, asked: &Asked<'_>) -> Result<Resolved, InputError> {
        self.with(None, |reach| resolve(asked, reach))
    }

    fn bring(&self, resolved: &Resolved, repository: &Repository) -> Result<Vec<Unpacked>, InputError> {
        self.with(None, |reach| bring(&resolved.set, &resolved.releases, &named(repository), reach))
    }
}

fn named(repository: &Repository) -> BTreeMap<String, Repository> {
    BTreeMap::from([("fixtures".to_owned(), repository.clone())])
}

/// A repository that a mirror has.
fn at(mirrors: &[String]) -> Repository {
    Repository {
        span: Span::default(),
        distribution: Distribution::Debian,
        suites: vec!["test".to_owned()],
        components: vec!["main".to_owned()],
        snapshot: None,
        mirrors: mirrors.to_vec(),
        keyring: Some(Keyring { path: "keyring.pgp".to_owned(), directory: String::new() }),
    }
}

/// The fixtures over HTTP, below a directory.
fn serve(registry: &Registry, directory: &str) {
    for entry in walkdir::WalkDir::new(fixtures()).into_iter().map(|entry| entry.expect("our own files")) {
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(fixtures()).expect("below it").display().to_string();
            let bytes = fs::read(entry.path()).expect("a fixture");
            registry.store(|store| store.put_file(&format!("{directory}/{path}"), &bytes));
        }
    }
}

fn served() -> (Registry, Repository) {
    let registry = Registry::start();
    serve(&registry, "/debian");
    let repository = at(&[registry.url("/debian")]);
    (registry, repository)
}

/// Another release in place of the good one.
fn put_release(registry: &Registry, name: &str) {
    let bytes = fs::read(fixtures().join("refused").join(name)).expect("a fixture");
    registry.store(|store| store.put_file("/debian/dists/test/InRelease", &bytes));
}

fn requests(words: &[&str]) -> Vec<Request> {
    words.iter().map(|word| Request::parse(word).expect("a request")).collect()
}

fn platform(text: &str) -> Platform {
    text.parse().expect("a platform")
}

fn asked<'a>(repository: &'a Repository, requests: &'a [Request], platform: &'a Platform) -> Asked<'a> {
    Asked {
        repositories: vec![("fixtures", repository)],
        requests,
        recommends: false,
        platform,
        standing: Standing { status: None, earlier: Vec::new(), foundation: Foundation::Essential },
        known: &[],
        now: time("2026-02-01T00:00:00Z"),
    }
}

fn names(resolved: &Resolved) -> Vec<String> {
    resolved.set.iter().map(|pin| format!("{} {}", pin.name, pin.version)).collect()
}

/// Why a set of the fixtures is not found.
fn refused(repository: &Repository, words: &[&str]) -> InputError {
    let requests = requests(words);
    let amd64 = platform("linux/amd64");
    let error = World::new().resolve(&asked(repository, &requests, &amd64)).expect_err("refused");
    assert!(error.hint().is_some(), "{error:?}");
    error
}
