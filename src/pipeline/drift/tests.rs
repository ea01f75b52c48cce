//! Files and stores against a registry in which things move and vanish.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;

use super::*;
use crate::publish::drift::{Basis, Pinned, Place, State};
use crate::registry::{Client, Files, Repository, Tag};
use crate::store::{PublishedNote, Store};
use crate::transport::testing::{Mischief, Registry, Reply, Rule};
use crate::transport::{Retries, Settings, Transport};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry, files and a store.
struct Scene {
    registry: Registry,
    directory: TempDir,
    watched: Watched,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { registry: Registry::start(), directory, watched: Watched::default() }
    }

    /// Puts an image under a tag, and gives its digest.
    fn put(&self, tag: &str, note: &str) -> String {
        let index =
            format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"annotations":{{"n":"{note}"}}}}"#);
        self.registry.store(|store| store.put_manifest("a/b", tag, INDEX, index.as_bytes()))
    }

    /// The image with this digest goes, and the tags that hold it.
    fn lose(&self, digest: &str) {
        self.registry.store(|store| {
            store.manifests.retain(|(_, known), _| known != digest);
            store.tags.retain(|_, held| held != digest);
        });
    }

    fn lose_tag(&self, tag: &str) {
        self.registry.store(|store| store.tags.retain(|(_, known), _| known != tag));
    }

    fn place(&self) -> String {
        format!("{}/a/b", self.registry.place())
    }

    fn watch(&mut self, name: &str, text: &str) -> Result<Within, crate::pipeline::Error> {
        let path = self.file(name);
        std::fs::write(&path, text).expect("written");
        self.watched.file(&path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn states(&self) -> Vec<State> {
        self.try_states(&AtomicBool::new(false)).expect("asked")
    }

    fn try_states(&self, interrupted: &AtomicBool) -> Result<Vec<State>, crate::pipeline::Error> {
        let settings = Settings { retries: Retries { attempts: 1, ..Retries::default() }, ..Settings::default() };
        let transport = Transport::new(settings, Arc::default()).expect("a client");
        let client = Client::new(&transport, &Files::default(), &|_| {}).expect("a client");
        ask(self.watched.pins(), &client, interrupted)
    }

    /// What was asked, but for what the registry speaks.
    fn questions(&self) -> usize {
        self.registry.calls_of("manifests").len()
    }
}

fn lock_text(images: &[(&str, &str)]) -> String {
    let head = "version = 1\nprofile = \"1\"\nepoch = \"2026-01-01T00:00:00Z\"\ncreated = \"2026-01-01T00:00:00Z\"\n";
    let entry = |(image, digest): &(&str, &str)| {
        ["amd64", "arm64"]
            .map(|it| {
                format!(
                    "\n[[image]]\nimage = \"{image}\"\nplatform = \"linux/{it}\"\ndigest = \"{digest}\"\nmanifest = \"{digest}\"\n"
                )
            })
            .concat()
    };
    images.iter().fold(head.to_owned(), |text, image| text + &entry(image))
}

fn spots(pinned: &Pinned) -> Vec<String> {
    let spot = |place: &Place| match place {
        Place::File { spot: Some(spot), .. } => spot.to_string(),
        other => other.to_string(),
    };
    pinned.places.iter().map(spot).collect()
}

#[test]
fn each_pin_is_told_for_what_it_became() {
    let mut scene = Scene::new();
    let place = scene.place();
    let [fine, moved, tagless, gone, both, untagged] =
        ["fine", "moved", "tagless", "gone", "both", "untagged"].map(|tag| scene.put(tag, tag));
    let text = format!(
        "{place}:fine@{fine}\n{place}:moved@{moved}\n{place}:tagless@{tagless}\n{place}:gone@{gone}\n{place}:both@{both}\n\
         {place}@{untagged}\n{place}@{gone}\n"
    );
    assert_eq!(scene.watch("x.yaml", &text).expect("read").count, 7);
    assert!(scene.states().iter().all(|state| *state == State::AsPinned), "{:?}", scene.states());
    let now = scene.put("moved", "other");
    scene.lose_tag("tagless");
    scene.lose(&gone);
    scene.put("gone", "other");
    scene.lose(&both);
    scene.lose_tag("untagged");
    scene.registry.reset();
    let now = now.parse().expect("a digest");
    assert_eq!(
        scene.states(),
        [
            State::AsPinned,
            State::Moved(now),
            State::TagGone,
            State::Gone(Some(now)),
            State::Gone(None),
            State::AsPinned,
            State::Gone(None),
        ]
    );
    // Five tags, two digests; then the digests of the four tags that hold something else, one of them asked already.
    assert_eq!(scene.questions(), 5 + 2 + 3, "{:#?}", scene.registry.lines());
}

#[test]
fn what_stands_in_several_places_is_asked_once() {
    let mut scene = Scene::new();
    let (place, digest) = (scene.place(), scene.put("1", "x"));
    let name = format!("{place}:1@{digest}");
    scene.watch("a.yaml", &format!("a: {name}\nb: {name}\n")).expect("read");
    scene.watch("b.yaml", &format!("{name}\n")).expect("read");
    let [pinned] = scene.watched.pins() else { panic!("{:?}", scene.watched) };
    assert_eq!((spots(pinned), pinned.basis), (["1:4", "2:4", "1:1"].map(str::to_owned).to_vec(), Basis::Tag));
    assert_eq!(scene.states(), [State::AsPinned]);
    assert_eq!(scene.questions(), 1);
}

#[test]
fn a_lock_names_the_images_of_registries() {
    let mut scene = Scene::new();
    let (place, digest) = (scene.place(), scene.put("1", "x"));
    let tagged = format!("{place}:1");
    let pinned = format!("{place}@{digest}");
    let images = [(&*tagged, &*digest), (&*pinned, &*digest), ("oci:base:1", &*digest), ("store:x", &*digest)];
    assert_eq!(scene.watch("kiln.lock", &lock_text(&images)).expect("read").count, 4);
    let [first, second] = scene.watched.pins() else { panic!("{:?}", scene.watched) };
    assert_eq!((first.pin.tag.as_deref(), first.basis), (Some("1"), Basis::Digest));
    assert_eq!(spots(first), ["7:10", "13:10"]);
    assert_eq!((second.pin.tag.as_deref(), second.basis), (None, Basis::Digest));
    assert_eq!(scene.states(), [State::AsPinned, State::AsPinned]);
    // Somebody else's lock is a text like any other; kiln's own has to be one.
    let other = format!("version = 4\nimage = \"{tagged}@{digest}\"\n");
    assert_eq!(scene.watch("Cargo.lock", &other).expect("read").count, 1);
    for name in ["kiln.lock", "web.kiln.lock"] {
        let error = scene.watch(name, &other).expect_err("no lock");
        assert!(matches!(error, crate::pipeline::Error::Lock { .. }), "{error:?}");
    }
    assert!(scene.watch("text.lock", "").is_ok_and(|within| within.count == 0));
}

#[test]
fn what_was_published_from_here_is_remembered() {
    let mut scene = Scene::new();
    let store = Store::open(&scene.file("store")).expect("a store");
    let (place, digest) = (scene.place(), scene.put("1", "x"));
    let names =
        [format!("{place}:1"), format!("{place}:2"), format!("{place}:part-0123456789ab"), format!("{place}/c:1")];
    for name in names {
        store.remember_published(&PublishedNote { name, digest: digest.clone(), when: 1_767_225_600 }).expect("kept");
    }
    let repository = Repository { registry: scene.registry.place(), name: "a/b".to_owned() };
    let tag: Tag = "2".parse().expect("a tag");
    assert_eq!(scene.watched.repository(&repository, Some(&tag), &store), 1);
    assert_eq!(scene.watched.repository(&repository, None, &store), 2);
    assert_eq!(scene.watched.pins().len(), 2, "once each");
    assert_eq!(spots(&scene.watched.pins()[0]), ["published 2026-01-01T00:00:00Z"]);
    assert_eq!(scene.states(), [State::TagGone, State::AsPinned]);
}

#[test]
fn what_cannot_be_asked_is_unknown_and_the_rest_is_known() {
    let mut scene = Scene::new();
    let (place, digest) = (scene.place(), scene.put("1", "x"));
    let lost = "127.0.0.1:1/a/b";
    let many: String = (0..50).map(|at| format!("{lost}:{at}@{digest}\n")).collect();
    scene.watch("x", &format!("{place}:1@{digest}\n{place}:2@{digest}\n{many}")).expect("read");
    scene.registry.misbehave(Rule::on("manifests/2", Mischief::Answer(Reply::error(500, "UNKNOWN", "out of order"))));
    let states = scene.states();
    assert_eq!(states[0], State::AsPinned);
    assert!(matches!(&states[1], State::Unknown { why, .. } if why.contains("500")), "{:?}", states[1]);
    assert!(matches!(&states[2], State::Unknown { why, hint: Some(_) } if why.contains("127.0.0.1:1")), "{states:?}");
    assert!(states[2..].iter().all(|state| matches!(state, State::Unknown { .. })));
    let error = scene.try_states(&AtomicBool::new(true)).expect_err("stopped");
    assert_eq!(error.class(), crate::base::Class::Interrupted);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Watched::default().file(std::path::Path::new("/nowhere/x")).expect_err("not there");
    assert!(matches!(error, crate::pipeline::Error::File { doing: "read", .. }), "{error:?}");
}
