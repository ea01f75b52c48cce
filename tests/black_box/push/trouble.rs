//! Registries that are busy, forgetful, strict about sizes or wrong, blobs that are damaged, and somebody who stops it.

use std::fs;

use super::{REPOSITORY, Shop, template};
use crate::harness::{Ended, require};
use crate::registry::store::digest_of;
use crate::registry::{Call, Mischief, Reply, Rule};

/// Bytes of the large layer: several pieces of 16 MiB.
pub(super) const LARGE_BYTES: usize = 40 << 20;

/// A layer of [`LARGE_BYTES`] that nothing makes smaller.
pub(super) fn large_template() -> String {
    let head = template("'linux/amd64'").replace("epoch =", "compression = 'none'\nepoch =");
    format!("{head}[sources.data]\npath = 'data'\n[[layer]]\nname = 'data'\ncopy = 'data'\nto = '/'\n")
}

/// Its bytes.
pub(super) fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    words.take(LARGE_BYTES / 8).flat_map(u64::to_le_bytes).collect()
}

fn large() -> Shop {
    let shop = Shop::with(&large_template());
    shop.project.write("data/large", noise());
    shop
}

/// Everything but the large blob is there already.
fn large_alone() -> Shop {
    let shop = large();
    shop.project.build(&[]);
    for file in walkdir::WalkDir::new(shop.project.top().join("store/blobs")).into_iter().filter_map(Result::ok) {
        if file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() < 1 << 20) {
            let bytes = fs::read(file.path()).expect("a blob");
            shop.registry.store(|store| store.put_blob(&bytes));
        }
    }
    shop.registry.store(|store| store.put_blob(b"{}"));
    shop
}

/// The bytes that were sent to uploads, by method.
fn sent(shop: &Shop, method: &str) -> Vec<u64> {
    let calls = shop.writes();
    let of = |call: &&Call| call.method == method && call.target.contains("/blobs/uploads/") && call.length > 1 << 20;
    calls.iter().filter(of).map(|call| call.length).collect()
}

#[track_caller]
fn expect_no_tag(shop: &Shop, ended: &Ended) {
    assert!(ended.stderr.contains("error: ") && !ended.stderr.contains("panicked"), "{}", ended.all());
    assert_eq!(shop.tags(), Vec::<String>::new(), "{}", ended.all());
}

#[test]
fn a_busy_registry_is_waited_for() {
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/"), ("HEAD", "/blobs/")] {
        let shop = Shop::new();
        shop.registry.misbehave(Rule::to(method, part, Mischief::busy(1)).times(1));
        shop.push(&[]).ok().expect_said("429").expect_said("trying again in 1.0 s");
        assert_eq!(shop.tags(), ["1.0"]);
        // One that asks for more than anybody waits is not waited for.
        let shop = Shop::new();
        shop.registry.misbehave(Rule::to(method, part, Mischief::busy(100_000)));
        let ended = shop.push(&[]).run().expect_code(5).expect_said("the server asks to try again in 100000 s");
        expect_no_tag(&shop, &ended);
    }
}

#[test]
fn what_is_too_large_at_once_goes_in_pieces() {
    let refuse = || Reply::error(413, "SIZE_INVALID", "too large");
    // Servers read some of what they do not want, or nothing.
    for mischief in [Mischief::Answer(refuse()), Mischief::AnswerEarly(refuse())] {
        for least in [None, Some(5 << 20), Some(20 << 20)] {
            let shop = large_alone();
            shop.registry.configure(|settings| settings.chunk_min_bytes = least);
            shop.registry.misbehave(Rule::to("PUT", "/blobs/uploads/", mischief.clone()).times(1));
            let ended = shop.push(&[]).ok();
            let piece = least.unwrap_or(0).max(16 << 20);
            let pieces = LARGE_BYTES as u64 / piece;
            assert_eq!(sent(&shop, "PATCH"), vec![piece; pieces as usize], "{} {:#?}", ended.all(), shop.lines());
            assert_eq!(shop.tags(), ["1.0"]);
            shop.assert_decent();
        }
    }
}

#[test]
fn what_is_always_too_large_ends() {
    let shop = large();
    let reply = Reply::error(413, "SIZE_INVALID", "too large");
    for method in ["PUT", "PATCH"] {
        shop.registry.misbehave(Rule::to(method, "/blobs/uploads/", Mischief::Answer(reply.clone())));
    }
    let ended = shop.push(&[]).run().expect_code(5).expect_said("413");
    expect_no_tag(&shop, &ended);
}

#[test]
fn an_upload_that_is_gone_begins_again_and_not_for_ever() {
    let gone = Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    let shop = Shop::new();
    shop.registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::Answer(gone.clone())).times(1));
    shop.push(&[]).ok().expect_said("does not know the upload");
    assert_eq!(shop.tags(), ["1.0"]);
    let shop = Shop::new();
    shop.registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::Answer(gone)));
    let ended = shop.push(&[]).run().expect_code(5).expect_said("BLOB_UPLOAD_UNKNOWN");
    expect_no_tag(&shop, &ended);
}

#[test]
fn a_registry_that_never_likes_the_place_is_given_up() {
    let Some(timeout) = require("timeout") else { return };
    for status in [416, 404, 400, 409, 500, 302, 204] {
        let shop = Shop::new();
        shop.registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::Answer(Reply::new(status))));
        let ended = shop.push(&[]).under(&timeout, &["60"]).run();
        assert!(matches!(ended.code, Some(1 | 4 | 5)), "{status}: {}", ended.all());
        expect_no_tag(&shop, &ended);
    }
}

#[test]
fn a_registry_that_says_that_it_has_something_else_is_not_believed() {
    for part in ["/blobs/uploads/", "/manifests/sha256:"] {
        let shop = Shop::new();
        shop.registry.misbehave(Rule::to("PUT", part, Mischief::wrong_digest()));
        let ended = shop.push(&[]).run().expect_code(4).expect_said(&digest_of(b"something else"));
        expect_no_tag(&shop, &ended);
    }
    // Of the tag it says it when it is read back: somebody else's, as far as anybody can know.
    let shop = Shop::new();
    shop.registry.misbehave(Rule::to("HEAD", "/manifests/1.0", Mischief::wrong_digest()).after(2));
    shop.push(&[]).run().expect_code(3).expect_said(&digest_of(b"something else"));
}

/// The digest of a layer that is in the store, and its file.
fn layer(shop: &Shop) -> (String, std::path::PathBuf) {
    let built = shop.project.kiln(&["inspect", "store:shop/api", "--json"]).ok().json().to_string();
    let blobs = walkdir::WalkDir::new(shop.project.top().join("store/blobs")).into_iter().filter_map(Result::ok);
    let is_gzip = |path: &std::path::Path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(&[0x1f, 0x8b]));
    let file = blobs.filter(|file| file.file_type().is_file()).map(|file| file.into_path()).find(|path| is_gzip(path));
    let file = file.expect("a layer");
    let digest = digest_of(&fs::read(&file).expect("it is there"));
    assert!(built.contains(&digest), "{built}");
    (digest, file)
}

#[test]
fn a_damaged_blob_does_not_arrive_and_is_made_anew() {
    let shop = Shop::new();
    shop.project.build(&[]);
    let (digest, file) = layer(&shop);
    let mut bytes = fs::read(&file).expect("a blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // Blobs are read-only files.
    fs::remove_file(&file).expect("ours");
    fs::write(&file, &bytes).expect("ours");
    let ended = shop.push(&[]).run().expect_code(4).expect_said(&digest).expect_said("help:");
    expect_no_tag(&shop, &ended);
    shop.registry.store(|store| {
        assert!(store.blob(REPOSITORY, &digest).is_none() && store.blob(REPOSITORY, &digest_of(&bytes)).is_none());
    });
    assert!(!file.exists(), "it is set aside");
    assert_eq!(fs::read_dir(shop.project.top().join("store/aside")).expect("a directory").count(), 1);
    shop.push(&[]).ok();
    assert_eq!(shop.tags(), ["1.0"]);
}

#[test]
fn an_interrupt_in_the_middle_leaves_no_tag() {
    let Some(timeout) = require("timeout") else { return };
    let interrupt = ["--signal=INT", "--preserve-status", "3"];
    let shop = large();
    shop.project.build(&[]);
    shop.registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::StallRequest { after: 1 << 20 }));
    let ended = shop.push(&[]).under(&timeout, &interrupt).run().expect_code(130);
    assert_eq!((ended.stderr.trim_end().lines().last(), ended.text()), (Some("error: interrupted"), ""));
    assert!(shop.writes().iter().any(|call| call.method == "PUT"), "{:#?}", shop.lines());
    assert_eq!(shop.tags(), Vec::<String>::new());
    // While it waits before it tries again.
    let shop = Shop::new();
    shop.project.build(&[]);
    shop.registry.misbehave(Rule::to("PUT", "/manifests/1.0", Mischief::busy(60)));
    shop.push(&[]).under(&timeout, &interrupt).run().expect_code(130);
    assert_eq!(shop.tags(), Vec::<String>::new());
    shop.registry.reset();
    shop.push(&[]).ok();
}
