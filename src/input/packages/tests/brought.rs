//! What comes of a locked set, and each way in which its files can be wrong.

use super::*;

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
    let nothing = Repository { suites: Vec::new(), ..repository };
    for repositories in [named(&nothing), BTreeMap::new()] {
        let world = World::new();
        let error = world.with(None, |reach| bring(&resolved.set, &resolved.releases, &repositories, reach).map(drop));
        let error = error.expect_err("no address");
        assert!(matches!(&error, InputError::Packages(error) if matches!(**error, PackagesError::Nowhere { .. })));
        assert!(error.hint().is_some());
    }
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
    assert_eq!(world.store.notes(Shelf::Packages), std::slice::from_ref(&name));
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
