//! Inputs that cannot be had or are not what was pinned, each refused by name.

use crate::base::Class;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::vendor::{Vendor, Writer};
use super::*;
use crate::base::hash::digest_of;
use crate::base::reference::Output;
use crate::base::{ContentDigest, Platform};
use crate::image::LayerDescriptor;
use crate::lock::{GitPin, ImagePin, Pin, Submodules, UrlPin};
use crate::output::testing::Memory;
use crate::output::{Subject, write};
use crate::registry::{Client, Files};
use crate::source::debian::Hosts;
use crate::source::url::{Fetcher, Keys};
use crate::store::Store;
use crate::transport::{Network, News, Settings, Transport};
use crate::tree::{Content, Contents, dump};

/// A store, a directory of templates, and no network.
struct World {
    directory: tempfile::TempDir,
    store: Store,
    transport: Transport,
    keys: Keys,
    hosts: Hosts,
    interrupted: Arc<AtomicBool>,
}

fn quiet(_: News) {}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("store")).expect("a store");
        let interrupted = Arc::new(AtomicBool::new(false));
        let settings = Settings { network: Network::Offline, ..Settings::default() };
        let transport = Transport::new(settings, Arc::clone(&interrupted)).expect("plain settings");
        Self { directory, store, transport, keys: Keys::default(), hosts: Hosts::default(), interrupted }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn with<T>(&self, vendor: Option<&Vendor>, work: impl FnOnce(&Reach<'_>) -> T) -> T {
        let remote = Remote {
            registry: Client::new(&self.transport, &Files::default(), &quiet).expect("no files to read"),
            web: Fetcher { transport: &self.transport, keys: &self.keys, watch: &quiet },
            debian: &self.hosts,
            git: Path::new("git"),
            network: Network::Offline,
            interrupted: &self.interrupted,
        };
        work(&Reach {
            store: &self.store,
            vendor,
            directory: self.directory.path().to_owned(),
            remote: Arc::new(remote),
        })
    }

    /// An image of `memory` in the directory `name`.
    fn layout(&self, name: &str, memory: &Memory) {
        let images = [memory.image("linux/amd64")];
        let output: Output = format!("oci:{}", self.path(name).display()).parse().expect("an output");
        let subject = Subject { version: None, ..memory.subject(&images) };
        write::<crate::output::OutputError>(&subject, &output, &[], |_, _| Ok(())).expect("it is free");
    }
}

fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

fn request(image: &str) -> ImageRequest {
    ImageRequest { image: image.to_owned(), platform: amd64() }
}

fn tar(name: &str, text: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, text.as_bytes()).expect("memory does not fail");
    builder.into_inner().expect("memory does not fail")
}

/// An image with one layer.
fn memory(layer: Vec<u8>) -> Memory {
    let mut memory = Memory::default();
    memory.layers = vec![layer];
    memory
}

#[test]
fn an_image_comes_from_a_directory_and_then_from_the_store() {
    let world = World::new();
    world.layout("base", &memory(tar("etc/passwd", "root:x:0:0::/:/bin/sh\n")));
    let request = request("oci:base");
    let pin = world.with(None, |reach| image::resolve(&request, reach)).expect("it is there");
    let root = |reach: &Reach<'_>| {
        let image = image::open(&request, &pin, reach)?;
        image.root(reach)
    };
    let (first, layers) = world.with(None, root).expect("it is whole");
    assert_eq!(layers[0].small, [b"root:x:0:0::/:/bin/sh\n"]);
    fs::remove_dir_all(world.path("base")).expect("it is there");
    let (again, _) = world.with(None, root).expect("the store has it");
    assert_eq!(dump::write(&first.to_changeset()), dump::write(&again.to_changeset()));
    let image = world.with(None, |reach| image::open(&request, &pin, reach)).expect("the store has it");
    let digest: ContentDigest = digest_of(b"root:x:0:0::/:/bin/sh\n");
    let spool = world.with(None, |reach| image.spool(&layers, &mut BTreeSet::from([digest]), reach));
    let spool = spool.expect("the blob is there").expect("the layer has it");
    let mut text = [0; 4];
    spool.read_at(&Content { digest, size_bytes: 22 }, 0, &mut text).expect("it is there");
    assert_eq!(&text, b"root");
}

#[test]
fn images_that_are_not_what_was_asked_for_are_refused() {
    let world = World::new();
    world.layout("base", &memory(tar("a", "1")));
    let resolve = |image: &str| world.with(None, |reach| image::resolve(&request(image), reach));
    assert!(matches!(resolve("store:"), Err(InputError::Reference { .. })));
    assert!(matches!(resolve("oci:none"), Err(InputError::ImageFile(_))));
    assert!(matches!(resolve("A b"), Err(InputError::Registry(_))));
    assert!(matches!(resolve("debian"), Err(InputError::Registry(error)) if error.is_unavailable()));
    assert!(matches!(resolve("store:none"), Err(InputError::Store(_))));
    let pin = resolve("oci:base").expect("it is there");
    let arm = ImageRequest { platform: "linux/arm64".parse().expect("a platform"), ..request("oci:base") };
    let other = world.with(None, |reach| image::open(&arm, &pin, reach).map(drop));
    assert!(matches!(other, Err(InputError::ImageFile(_))), "{other:?}");
    let opened = world.with(None, |reach| image::open(&request("oci:base"), &pin, reach).map(drop));
    opened.expect("it is there");
    let other = world.with(None, |reach| image::open(&arm, &pin, reach).map(drop));
    assert!(matches!(other, Err(InputError::NoSuchPlatform { .. })), "{other:?}");
    let moved = ImagePin { manifest: [7; 32].into(), ..pin };
    let moved = world.with(None, |reach| image::open(&request("oci:base"), &moved, reach).map(drop));
    assert!(matches!(&moved, Err(error @ InputError::Moved { .. }) if error.class() == Class::Mismatch), "{moved:?}");
    let bytes = br#"{"schemaVersion":2,"layers":[]}"#;
    let digest: ContentDigest = digest_of(bytes);
    world.store.put_bytes(&digest.to_string(), bytes).expect("kept");
    let bad = world.with(None, |reach| image::resolve_in(&request("oci:base"), &digest.to_string(), reach));
    assert!(matches!(bad, Err(InputError::Check { .. })), "{bad:?}");
    let gone = ImagePin { digest: digest.to_string(), manifest: [8; 32].into() };
    let gone = world.with(None, |reach| image::open(&request("store:x"), &gone, reach).map(drop));
    assert!(matches!(gone, Err(InputError::Gone { .. })), "{gone:?}");
    let digest = world.with(None, |reach| image::resolve_in(&request("debian"), "sha256:no", reach));
    assert!(matches!(digest, Err(InputError::Digest { .. })), "{digest:?}");
}

#[test]
fn layers_that_lie_are_refused() {
    let world = World::new();
    for (name, layer) in [("bad", b"no tar".to_vec()), ("good", tar("a", "1"))] {
        world.layout(name, &memory(layer));
    }
    let open = |name: &str| {
        let request = request(&format!("oci:{name}"));
        world.with(None, |reach| image::open(&request, &image::resolve(&request, reach)?, reach))
    };
    let bad = open("bad").expect("its documents are good");
    let read = world.with(None, |reach| bad.root(reach).map(drop));
    assert!(matches!(read, Err(InputError::Layer { .. })), "{read:?}");
    let mut good = open("good").expect("its documents are good");
    let true_layer = good.image.layers[0].clone();
    good.image.layers[0] = LayerDescriptor { diff_id: [9; 32].into(), ..true_layer.clone() };
    let read = world.with(None, |reach| good.root(reach).map(drop));
    assert!(matches!(&read, Err(error @ InputError::DiffId { .. }) if error.class() == Class::Mismatch), "{read:?}");
    let blob = world.path("good/blobs/sha256").join(true_layer.digest.hex());
    fs::remove_file(&blob).and_then(|()| fs::write(&blob, vec![1; 2048])).expect("damaged");
    let empty = World::new();
    let read = empty.with(None, |reach| {
        let mut image = good.clone();
        image.image.layers[0] = true_layer.clone();
        image.bring_blob(&true_layer, reach)
    });
    assert!(matches!(read, Err(InputError::Read { .. })), "{read:?}");
}

fn url(address: &str) -> crate::template::UrlSource {
    crate::template::UrlSource { url: address.to_owned(), sha256: None, mirrors: Vec::new() }
}

#[test]
fn downloads_are_kept_and_compared() {
    let world = World::new();
    let file = world.path("tool.txt");
    fs::write(&file, "tool").expect("written");
    let source = url(&format!("file://{}", file.display()));
    let pin = world.with(None, |reach| super::url::resolve(&source, reach)).expect("it is there");
    assert_eq!((pin.sha256, pin.size_bytes), (digest_of(b"tool"), 4));
    fs::remove_file(&file).expect("it is there");
    let arrival = world.with(None, |reach| super::url::bring(&source, &pin, reach)).expect("the store has it");
    assert_eq!(arrival.tree.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["/tool.txt"]);
    let content = Content { digest: pin.sha256, size_bytes: 4 };
    let mut bytes = [0; 4];
    arrival.spool.read_at(&content, 0, &mut bytes).expect("it is whole");
    let hex = pin.sha256.hex();
    let blob = world.path("store/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(&blob).and_then(|()| fs::write(&blob, "evil")).expect("damaged");
    let damaged = world.with(None, |reach| super::url::bring(&source, &pin, reach)).expect("its length is right");
    assert!(matches!(damaged.spool.read_at(&content, 0, &mut bytes), Err(crate::tree::ContentError::Read { .. })));
    let strict = crate::template::UrlSource { sha256: Some([1; 32].into()), ..source.clone() };
    let other = world.with(None, |reach| super::url::bring(&strict, &pin, reach).map(drop));
    assert!(matches!(other, Err(InputError::OtherSha256 { .. })), "{other:?}");
    let missing = UrlPin { sha256: [2; 32].into(), size_bytes: 4 };
    let offline = world.with(None, |reach| super::url::bring(&url("https://example.org/x"), &missing, reach).map(drop));
    assert!(matches!(&offline, Err(error) if error.class() == Class::Unavailable), "{offline:?}");
    let named = UrlPin { ..pin };
    let long = url(&format!("https://example.org/{}", "x".repeat(300)));
    let nameless = world.with(None, |reach| super::url::bring(&long, &named, reach).map(drop));
    assert!(matches!(nameless, Err(InputError::Url(_) | InputError::FileName { .. })), "{nameless:?}");
}

#[test]
fn a_vendored_layout_gives_everything_and_lies_are_refused() {
    let world = World::new();
    world.layout("base", &memory(tar("a", "1")));
    fs::write(world.path("x.txt"), "x").expect("written");
    let (wanted, source) = (request("oci:base"), url(&format!("file://{}", world.path("x.txt").display())));
    let vendored = world.path("vendored");
    let (image_pin, url_pin) = world.with(None, |reach| {
        let image_pin = image::resolve(&wanted, reach).expect("it is there");
        let url_pin = super::url::resolve(&source, reach).expect("it is there");
        let mut writer = Writer::new(&vendored, reach.store).expect("it can be made");
        writer.image(&image::open(&wanted, &image_pin, reach).expect("it is there"), reach).expect("written");
        writer.artifact(&Request::Url(source.url.clone()), &Pin::Url(url_pin.clone())).expect("written");
        assert_eq!(writer.finish().expect("written"), 2);
        (image_pin, url_pin)
    });
    fs::remove_dir_all(world.path("base")).expect("it is there");
    let other = World::new();
    let vendor = Vendor::open_layout(&vendored).expect("it is one");
    other.with(Some(&vendor), |reach| {
        let image = image::open(&wanted, &image_pin, reach).expect("it is vendored");
        assert_eq!(image.root(reach).expect("it is whole").0.len(), 1);
        super::url::bring(&source, &url_pin, reach).expect("it is vendored");
    });
    let blob = vendored.join("blobs/sha256").join(url_pin.sha256.hex());
    fs::remove_file(&blob).and_then(|()| fs::write(&blob, "y")).expect("damaged");
    let lie = World::new().with(Some(&vendor), |reach| super::url::bring(&source, &url_pin, reach).map(drop));
    assert!(matches!(&lie, Err(error @ InputError::Mismatch { .. }) if error.class() == Class::Mismatch), "{lie:?}");
    assert!(matches!(Vendor::open_layout(&world.path("none")), Err(InputError::Vendor { .. })));
    let (git, pin) = git();
    let blob = vendored.join("blobs/sha256").join(pin.tree.hex());
    fs::write(blob, "no tar").expect("written");
    let lie = World::new().with(Some(&vendor), |reach| super::git::bring(&git, &pin, reach).map(drop));
    assert!(matches!(lie, Err(InputError::Mismatch { .. })), "{lie:?}");
}

fn git() -> (GitRequest, GitPin) {
    let url = "https://example.org/lib".to_owned();
    let request = GitRequest { url, rev: None, subdir: None, submodules: Submodules::Skip };
    (request, GitPin { commit: "1".repeat(40), tree: [3; 32].into() })
}

#[test]
fn commits_that_cannot_be_are_refused() {
    let world = World::new();
    let (request, pin) = git();
    let bring =
        |request: &GitRequest, pin: &GitPin| world.with(None, |reach| super::git::bring(request, pin, reach).map(drop));
    let offline = bring(&request, &pin);
    assert!(matches!(&offline, Err(error) if error.class() == Class::Unavailable), "{offline:?}");
    let short = GitPin { commit: "abc".to_owned(), ..pin.clone() };
    assert!(matches!(bring(&request, &short), Err(InputError::Commit { .. })));
    let above = GitRequest { subdir: Some("../x".to_owned()), ..request.clone() };
    assert!(matches!(bring(&above, &pin), Err(InputError::Subdir { .. })));
    let bytes = b"no tar";
    let tree: ContentDigest = digest_of(bytes);
    world.store.put_bytes(&tree.to_string(), bytes).expect("kept");
    assert!(matches!(bring(&request, &GitPin { tree, ..pin }), Err(InputError::Archive { .. })));
}

#[test]
fn the_network_needs_files_that_are_there() {
    let settings = Settings { authorities: vec![PathBuf::from("/nowhere.pem")], ..Settings::default() };
    let error = Transport::new(settings, Arc::new(AtomicBool::new(false))).map(drop).map_err(InputError::from);
    assert!(matches!(error, Err(InputError::Network(_))));
}
