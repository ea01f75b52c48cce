//! Blobs that are read while they come.

use super::*;
use crate::base::hash::digest_of;
use crate::registry::{BlobSource, RemoteBlob};
use crate::transport::testing::{Access, Mischief, Reply, Rule};

fn read(registry: &Registry, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let repository = name(registry, "a/b").repository;
    let blob = RemoteBlob { client: &client, repository, digest: digest_of(bytes), size_bytes: bytes.len() as u64 };
    let mut all = Vec::new();
    blob.open()?.read_to_end(&mut all).map(|_| all)
}

fn served(bytes: &[u8]) -> Registry {
    let registry = Registry::start();
    registry.store(|store| store.put_blob(bytes));
    registry
}

fn large() -> Vec<u8> {
    (0..3_000_000_u32).map(|at| (at * 7 % 251) as u8).collect()
}

#[test]
fn a_stream_that_is_cut_goes_on_where_it_was() {
    let bytes = large();
    for mischief in [Mischief::Cut { after: 1_000_000 }, Mischief::Vanish, Mischief::Answer(Reply::new(503))] {
        let registry = served(&bytes);
        registry.misbehave(Rule::on("/blobs/", mischief).times(2));
        assert_eq!(read(&registry, &bytes).expect("it comes in the end"), bytes);
    }
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 1_000_000 }).times(1));
    read(&registry, &bytes).expect("it comes in the end");
    let asked: Vec<_> =
        registry.calls_of("/blobs/").iter().map(|call| call.header("range").map(str::to_owned)).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].is_none() && asked[1].as_deref().is_some_and(|range| range.starts_with("bytes=")), "{asked:?}");
}

#[test]
fn a_server_without_ranges_is_read_to_where_we_were() {
    let bytes = large();
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 1_000_000 }).times(1));
    registry.misbehave(Rule::on("/blobs/", Mischief::NoRange));
    assert_eq!(read(&registry, &bytes).expect("it comes in the end"), bytes);
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed() {
    let bytes = large();
    let registry = served(&bytes);
    registry.require(Access::tokens_with_uses(1));
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 1_000_000 }).after(1).times(1));
    assert_eq!(read(&registry, &bytes).expect("it comes in the end"), bytes);
}

#[test]
fn a_registry_that_always_cuts_is_given_up() {
    let bytes = large();
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 0 }));
    let error = read(&registry, &bytes).expect_err("it never comes");
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<RegistryError>());
    assert!(cause.is_some_and(RegistryError::is_unavailable), "{error:?}");
}
