//! Sets that are found, and each way in which a repository can lie about what there is.

use super::*;

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
    broken.standing.status =
        Some(b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nProvides: (\n");
    let error = World::new().resolve(&broken).expect_err("it provides nothing that has a name");
    assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::Relations { .. })));
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
