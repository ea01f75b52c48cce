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

#[test]
fn a_set_is_found_locked_and_unpacked_once() {
    let (registry, repository) = served();
    let of_files = at(&[format!("file:{}", fixtures().display())]);
    let requests = requests(&["scripts"]);
    let amd64 = platform("linux/amd64");
    let world = World::new();
    let resolved = world.resolve(&asked(&repository, &requests, &amd64)).expect("a set");
    assert_eq!(names(&resolved), ["config 1.0", "essential 1.0", "libshared0 1.0", "scripts 1.0"]);
    let reasons: Vec<&Reason> = resolved.set.iter().map(|pin| &pin.reason).collect();
    let by = Reason::Needed("scripts".to_owned());
    assert_eq!(reasons, [&by, &Reason::Foundation, &by, &Reason::Asked]);
    let date = time("2026-01-01T00:00:00Z");
    let release = ReleasePin { repository: "fixtures".to_owned(), suite: "test".to_owned(), date };
    assert_eq!(resolved.releases, [release]);
    assert!(registry.calls_of("Packages").is_empty() && registry.calls_of("by-hash").len() == 1);
    assert_eq!(World::new().resolve(&asked(&of_files, &requests, &amd64)).ok().as_ref(), Some(&resolved));

    let brought = world.bring(&resolved, &repository).expect("brought");
    let order: Vec<&str> = brought.iter().map(|unpacked| unpacked.deb.control.package.name()).collect();
    assert_eq!(order, ["config", "essential", "libshared0", "scripts"]);
    let scripts = &brought[3].deb.control;
    assert_eq!(scripts.scripts().collect::<Vec<_>>(), [Script::PreInst, Script::PostInst, Script::PreRm]);
    registry.reset();
    let again = world.bring(&resolved, &repository).expect("from the store");
    assert!(again.iter().zip(&brought).all(|(again, before)| again.deb == before.deb));
    let conf = ImagePath::parse(b"etc/config.conf").expect("a path");
    let Some(Change::Node(node)) = again[0].deb.files.get(&conf) else { panic!("a file") };
    let Kind::File { content, .. } = node.kind else { panic!("a file") };
    let mut bytes = vec![0; 12];
    again[0].spool.read_at(&content, 0, &mut bytes).expect("its content");
    assert_eq!(bytes, b"answer = 42\n");
    world.resolve(&asked(&repository, &requests, &amd64)).expect("the same");
    let calls: Vec<String> = registry.calls().into_iter().map(|call| call.target).collect();
    assert_eq!(calls, ["/debian/dists/test/InRelease"]);
    let offline = World { network: Network::Offline, ..world };
    assert_eq!(offline.resolve(&asked(&repository, &requests, &amd64)).ok(), Some(resolved));
}

#[test]
fn releases_that_lie_are_refused_by_name() {
    let (registry, repository) = served();
    let signature = |name: &str| {
        put_release(&registry, name);
        let error = refused(&repository, &["config"]);
        assert_eq!(error.class(), Class::Mismatch);
        match error {
            InputError::Debian(error) => match *error {
                DebianError::Signature { source, .. } => source,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(signature("tampered"), SignatureError::Bad { .. }));
    assert!(matches!(signature("stranger"), SignatureError::Unknown { .. }));

    let release = |error: InputError| {
        assert_eq!(error.class(), Class::Mismatch);
        match error {
            InputError::Debian(error) => match *error {
                DebianError::Release { source, .. } => source,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    put_release(&registry, "expired");
    assert!(matches!(release(refused(&repository, &["config"])), ReleaseError::Expired { .. }));
    let other = Repository { suites: vec!["other".to_owned()], ..repository.clone() };
    let good = fs::read(fixtures().join("dists/test/InRelease")).expect("a fixture");
    registry.store(|store| store.put_file("/debian/dists/other/InRelease", &good));
    assert!(matches!(release(refused(&other, &["config"])), ReleaseError::Suite { .. }));

    put_release(&registry, "older");
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    let replayed = asked(&repository, &words, &amd64);
    assert!(World::new().resolve(&replayed).is_ok(), "nobody has seen a newer one");
    let date = time("2026-01-01T00:00:00Z");
    let known = [ReleasePin { repository: "fixtures".to_owned(), suite: "test".to_owned(), date }];
    let error = World::new().resolve(&Asked { known: &known, ..replayed }).expect_err("a replay");
    assert!(matches!(release(error), ReleaseError::Older { .. }));
}

#[test]
fn a_mirror_that_is_behind_or_gone_is_passed_over() {
    let (registry, _) = served();
    serve(&registry, "/other");
    let repository = at(&[registry.url("/none"), registry.url("/debian"), registry.url("/other")]);
    put_release(&registry, "expired");
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    World::new().resolve(&asked(&repository, &words, &amd64)).expect("from the third");
    let error = refused(&at(&[registry.url("/none"), registry.url("/debian")]), &["config"]);
    let InputError::Debian(error) = &error else { panic!("{error:?}") };
    let DebianError::NoMirror { tried, source, .. } = &**error else { panic!("{error:?}") };
    assert!(tried.len() == 1 && tried[0].contains("404"), "{tried:?}");
    assert!(matches!(**source, DebianError::Release { .. }), "what looks like an attack is told first");
    let error = refused(&at(&[registry.url("/none")]), &["config"]);
    assert!(matches!(&error, InputError::Debian(error) if matches!(**error, DebianError::Fetch { .. })));
    assert_eq!(error.class(), Class::Unavailable);
    // Whoever changes something is not passed over.
    put_release(&registry, "tampered");
    let error = refused(&at(&[registry.url("/debian"), registry.url("/other")]), &["config"]);
    assert!(matches!(&error, InputError::Debian(error) if matches!(**error, DebianError::Signature { .. })));
}

#[test]
fn files_that_are_not_what_the_lock_names_are_refused() {
    let (registry, repository) = served();
    let (words, amd64) = (requests(&["config", "truncated", "impostor"]), platform("linux/amd64"));
    let resolved = World::new().resolve(&asked(&repository, &words, &amd64)).expect("a set");
    let bring = |name: &str| {
        let set = resolved.set.iter().filter(|pin| pin.name == name).cloned().collect();
        let error = World::new().bring(&Resolved { set, releases: Vec::new() }, &repository).expect_err(name);
        assert!(error.hint().is_some(), "{error:?}");
        error
    };
    for mischief in [Mischief::Flip, Mischief::Shorter { by: 1 }, Mischief::Longer { by: 1 }] {
        registry.misbehave(Rule::on("config_1.0", mischief));
        let error = bring("config");
        assert!(matches!(error, InputError::Url(_)) && error.class() == Class::Mismatch, "{error:?}");
        registry.reset();
    }
    let error = bring("truncated");
    let InputError::Packages(error) = &error else { panic!("{error:?}") };
    let PackagesError::Deb { source, .. } = &**error else { panic!("{error:?}") };
    assert!(matches!(**source, DebError::Truncated { .. }), "{source:?}");
    let error = bring("impostor");
    assert_eq!(error.class(), Class::Mismatch);
    assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::OtherPackage { .. })));
    // A connection that breaks is taken up again where it was.
    registry.reset();
    registry.misbehave(Rule::on("config_1.0", Mischief::Cut { after: 100 }).times(1));
    let set = resolved.set.iter().filter(|pin| pin.name == "config").cloned().collect();
    World::new().bring(&Resolved { set, releases: Vec::new() }, &repository).expect("in two parts");
    assert_eq!(registry.calls_of("config_1.0")[1].header("range"), Some("bytes=100-"));
}

#[test]
fn what_mirrors_dropped_is_in_the_snapshot_of_its_release() {
    let (registry, repository) = served();
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    let mut world = World::new();
    let resolved = world.resolve(&asked(&repository, &words, &amd64)).expect("a set");
    registry.misbehave(Rule::on("/debian/pool", Mischief::Answer(Reply::new(404))));
    let error = world.bring(&resolved, &repository).expect_err("gone");
    assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::Gone { .. })));
    assert_eq!(error.class(), Class::Unavailable);
    assert!(error.to_string().contains(" 1.0 (all)") && error.hint().is_some_and(|hint| hint.contains("update")));
    world.hosts.snapshot = registry.url("/s");
    serve(&registry, "/s/archive/debian/20260101T120000Z");
    world.bring(&resolved, &repository).expect("from the snapshot");
    let nowhere = Repository { suites: Vec::new(), ..repository };
    let error = World::new().with(None, |reach| {
        let other = BTreeMap::from([("other".to_owned(), nowhere)]);
        bring(&resolved.set, &resolved.releases, &other, reach).expect_err("no repository")
    });
    assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::NoRepository { .. })));
    assert!(error.hint().is_some());
}

#[test]
fn a_snapshot_is_asked_once_and_counts_at_its_time() {
    let registry = Registry::start();
    serve(&registry, "/archive/debian/20260101T060000Z");
    let expired = fs::read(fixtures().join("refused/expired")).expect("a fixture");
    registry.store(|store| store.put_file("/archive/debian/20260101T060000Z/dists/test/InRelease", &expired));
    let snapshot = Some(time("2026-01-01T06:00:00Z"));
    let repository = Repository { snapshot, ..at(&[]) };
    let mut world = World::new();
    world.hosts.snapshot = registry.url("");
    // A mirror of the machine is not what was then.
    world.hosts.mirrors = vec!["http://127.0.0.1:9/debian".to_owned()];
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    let newer =
        ReleasePin { repository: "fixtures".to_owned(), suite: "test".to_owned(), date: time("2026-01-09T00:00:00Z") };
    let asked = Asked { known: &[newer], ..asked(&repository, &words, &amd64) };
    world.resolve(&asked).expect("it was good at that time");
    registry.reset();
    world.resolve(&asked).expect("from the store");
    assert!(registry.calls().is_empty(), "{:?}", registry.calls());
    // Without a time and a mirror, it is the snapshot at the time of the lock.
    serve(&registry, "/archive/debian/20260201T000000Z");
    world.hosts.mirrors.clear();
    world.resolve(&Asked { repositories: vec![("fixtures", &at(&[]))], known: &[], ..asked }).expect("now");
}

#[test]
fn other_platforms_and_suites_are_as_good() {
    let (_registry, repository) = served();
    let (amd64, arm64) = (platform("linux/amd64"), platform("linux/arm64"));
    let shared = requests(&["libshared0", "libshared0:amd64"]);
    let world = World::new();
    let resolved = world.resolve(&asked(&repository, &shared, &arm64)).expect("a set");
    let architectures: Vec<&str> = resolved.set.iter().map(|pin| pin.architecture.as_str()).collect();
    assert_eq!(architectures, ["all", "amd64", "arm64"]);
    let brought = world.bring(&resolved, &repository).expect("unpacked here");
    let library = ImagePath::parse(b"usr/lib/aarch64-linux-gnu/libshared.so.0").expect("a path");
    assert!(brought[2].deb.files.get(&library).is_some());
    let suites = vec!["test".to_owned(), "test-backports".to_owned()];
    let both = Repository { suites, ..repository };
    let config = |words: &[&str]| {
        let requests = requests(words);
        names(&world.resolve(&asked(&both, &requests, &amd64)).expect("a set"))
    };
    assert_eq!(config(&["config"]), ["config 1.0", "essential 1.0"]);
    assert_eq!(config(&["config=2.0*"]), ["config 2.0~bpo1", "essential 1.0"]);
    let requests = requests(&["config"]);
    let error = world.resolve(&asked(&both, &requests, &platform("windows/amd64"))).expect_err("no such thing");
    assert!(matches!(&error, InputError::Debian(error) if matches!(**error, DebianError::Platform { .. })));
}

#[test]
fn what_cannot_be_is_explained() {
    let (_registry, repository) = served();
    let solve = |words: &[&str]| match refused(&repository, words) {
        InputError::Packages(error) => match *error {
            PackagesError::Solve(source) => source,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let SolveError::Unsolvable { lines } = solve(&["needy"]) else { panic!("it needs what nobody has") };
    assert!(lines.iter().any(|line| line.contains("config (>= 3)")), "{lines:?}");
    assert!(matches!(solve(&["confg"]), SolveError::Unknown { .. }));
    let keyring = Some(Keyring { path: "none".to_owned(), directory: "below".to_owned() });
    let error = refused(&Repository { keyring, ..repository.clone() }, &["config"]);
    assert!(matches!(&error, InputError::Debian(error) if matches!(**error, DebianError::Keyring { .. })));
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    let mut broken = asked(&repository, &words, &amd64);
    broken.standing.status = Some(b"Package: a\nStatus: odd\n");
    let error = World::new().resolve(&broken).expect_err("no database");
    assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::Status { .. })));
    assert!(error.hint().is_some());
}

#[test]
fn what_is_there_is_not_added_again() {
    let (_registry, repository) = served();
    let world = World::new();
    let amd64 = platform("linux/amd64");
    let suites = vec!["test".to_owned(), "test-backports".to_owned()];
    let both = Repository { suites, ..repository.clone() };
    let first = requests(&["config=2.0*"]);
    let first = world.resolve(&asked(&both, &first, &amd64)).expect("a first step");
    let second = requests(&["scripts"]);
    let mut later = asked(&repository, &second, &amd64);
    later.standing.foundation = Foundation::Nothing;
    later.standing.status = Some(
        b"Package: config\nStatus: install ok installed\nVersion: 0.9\nArchitecture: all\n\nPackage: libshared0\n\
               Status: install ok installed\nVersion: 1.0\nArchitecture: amd64\n",
    );
    assert_eq!(names(&world.resolve(&later).expect("a set")), ["scripts 1.0"]);
    // No index of this suite lists the other version: its own file says what it is.
    later.standing.earlier = first.set.iter().collect();
    let config = requests(&["config=1*"]);
    later.requests = &config;
    let error = world.resolve(&later).map(|resolved| names(&resolved));
    assert_eq!(error.ok(), Some(vec!["config 1.0".to_owned()]));
    later.requests = &second;
    assert_eq!(names(&world.resolve(&later).expect("a set")), ["scripts 1.0"]);
}

#[test]
fn a_vendored_layout_has_all_packages() {
    let (registry, repository) = served();
    let (words, amd64) = (requests(&["scripts"]), platform("linux/amd64"));
    let world = World::new();
    let resolved = world.resolve(&asked(&repository, &words, &amd64)).expect("a set");
    world.bring(&resolved, &repository).expect("brought");
    let layout = tempfile::tempdir().expect("a directory");
    let mut writer = Writer::new(layout.path(), &world.store).expect("a writer");
    let request = crate::lock::Request::Packages(PackagesRequest {
        packages: vec!["scripts".to_owned()],
        repositories: vec!["fixtures".to_owned()],
        recommends: false,
        stage: None,
        platform: amd64,
    });
    let given = resolved.set[0].sha256;
    let pin = PackagesPin { given, releases: resolved.releases.clone(), set: resolved.set.clone() };
    writer.artifact(&request, &Pin::Packages(pin)).expect("written");
    assert_eq!(writer.finish().ok(), Some(4));
    registry.reset();
    let vendor = Vendor::open_layout(layout.path()).expect("a layout");
    let elsewhere = World { network: Network::Offline, ..World::new() };
    let bring_from = |vendor: Option<&Vendor>| {
        elsewhere.with(vendor, |reach| bring(&resolved.set, &resolved.releases, &named(&repository), reach))
    };
    assert_eq!(bring_from(None).expect_err("no network").class(), Class::Unavailable);
    let file = layout.path().join("blobs/sha256").join(resolved.set[0].sha256.hex());
    let good = fs::read(&file).expect("a package");
    fs::remove_file(&file).and_then(|()| fs::write(&file, b"evil")).expect("changed");
    assert!(matches!(bring_from(Some(&vendor)), Err(InputError::Mismatch { .. })));
    fs::write(&file, good).expect("put back");
    assert_eq!(bring_from(Some(&vendor)).map(|all| all.len()).ok(), Some(4));
    assert!(registry.calls().is_empty());
}

#[test]
fn the_store_keeps_what_a_package_became_and_notices_damage() {
    let (_registry, repository) = served();
    let (words, amd64) = (requests(&["config"]), platform("linux/amd64"));
    let world = World::new();
    let resolved = world.resolve(&asked(&repository, &words, &amd64)).expect("a set");
    world.bring(&resolved, &repository).expect("brought");
    let pin = &resolved.set[0];
    let name = pin.sha256.hex();
    let note = world.store.note_bytes(Shelf::Packages, &name).expect("a note");
    let kept =
        || world.store.gc(&Keep { now: 0, days: 0, max_bytes: None }, Removal::DryRun).expect("counted").kept_blobs;
    assert_eq!(kept(), 0, "nothing is built of it");
    let epoch = time("2026-01-01T00:00:00Z");
    let plan = serde_json::json!({
        "profile": "", "name": null, "version": null, "epoch": epoch, "created": epoch, "annotations": {}, "platforms": [],
    });
    let build = serde_json::json!({
        "template": fixtures(), "digest": "", "when": 0, "plan": plan, "blobs": [], "inputs": [pin.sha256],
    });
    world.store.keep_note(Shelf::Builds, "x", &build).expect("kept");
    assert_eq!(kept(), 2, "its file and its contents");
    world.store.gc(&Keep { now: 0, days: 0, max_bytes: None }, Removal::Real).expect("cleaned");
    assert_eq!(world.store.notes(Shelf::Packages), [name.clone()]);
    assert!(world.store.notes(Shelf::Releases).is_empty());
    // A note that leads nowhere is as good as none.
    world.store.drop_note(Shelf::Packages, &name);
    world.bring(&resolved, &repository).expect("unpacked again");
    assert_eq!(world.store.note_bytes(Shelf::Packages, &name), Some(note));
    world.store.drop_note(Shelf::Packages, &name);
    let hex = pin.sha256.hex();
    let blob = world.store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    let mut bytes = fs::read(&blob).expect("a package");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::remove_file(&blob).and_then(|()| fs::write(&blob, bytes)).expect("damaged");
    let error = world.bring(&resolved, &repository).expect_err("damaged");
    assert!(matches!(error, InputError::Store(StoreError::Damaged { .. })), "{error:?}");
    world.bring(&resolved, &repository).expect("fetched anew");
}
