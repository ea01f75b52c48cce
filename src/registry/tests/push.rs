//! Blobs, manifests and what refers to them, written to a registry that misbehaves.

use std::io::{self, Read};

use super::*;
use crate::base::hash::digest_of;
use crate::registry::write::blob::{Arrived, BlobSource, Damaged, Parcel};
use crate::registry::{Created, Indexed, Listed, Manifest, Race, Repository, Tag};
use crate::transport::TransportError;
use crate::transport::testing::{Broken, Mischief, Refusal, Reply, Rule, TagRule};

pub(super) struct Bytes(pub(super) Vec<u8>);

impl BlobSource for Bytes {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.as_slice()))
    }
}

fn large() -> Bytes {
    Bytes((0..3_000_000_u32).map(|at| (at * 7 % 251) as u8).collect())
}

pub(super) fn repository(registry: &Registry, name: &str) -> Repository {
    Repository { registry: registry.place(), name: name.to_owned() }
}

pub(super) fn client<'a>(transport: &'a Transport, watch: crate::transport::Watch<'a>) -> Client<'a> {
    Client::new(transport, &Files::default(), watch).expect("a client")
}

pub(super) fn push(registry: &Registry, bytes: &Bytes, from: &[Repository]) -> Result<Arrived, RegistryError> {
    let transport = transport();
    let parcel = Parcel { digest: digest_of(&bytes.0), size_bytes: bytes.0.len() as u64, source: bytes };
    client(&transport, &quiet).push_blob(&repository(registry, "a/b"), &parcel, from)
}

fn has(registry: &Registry, bytes: &Bytes) -> bool {
    registry.store(|store| store.blob("a/b", &digest_of::<BlobDigest>(&bytes.0).to_string()).is_some())
}

/// What was asked of a repository; before the first of it, what the server speaks is found out.
fn methods(registry: &Registry) -> Vec<String> {
    registry.calls_of("/a/b/").into_iter().map(|call| call.method).collect()
}

/// Bytes of bodies that came.
fn came(registry: &Registry) -> u64 {
    registry.calls().iter().map(|call| call.length).sum()
}

#[test]
fn a_blob_goes_in_two_requests() {
    for bytes in [large(), Bytes(Vec::new()), Bytes(vec![1])] {
        let registry = Registry::start();
        assert_eq!(push(&registry, &bytes, &[]).expect("sent"), Arrived::Sent);
        assert!(has(&registry, &bytes));
        assert_eq!(methods(&registry), ["POST", "PUT"], "{:?}", registry.lines());
        assert_eq!(registry.offences(), [""; 0]);
    }
}

#[test]
fn a_blob_of_another_repository_is_mounted() {
    let (registry, bytes) = (Registry::start(), large());
    registry.store(|store| store.put_blob_in("other", &bytes.0));
    let (other, third) = (repository(&registry, "other"), repository(&registry, "third"));
    let elsewhere = Repository { registry: "r.example.org".to_owned(), name: "x".to_owned() };
    let from = [elsewhere, third.clone(), other.clone()];
    assert_eq!(push(&registry, &bytes, &from).expect("mounted"), Arrived::Mounted(other));
    assert!(has(&registry, &bytes) && came(&registry) == 0, "{:?}", registry.lines());
    // What cannot be mounted is sent in the upload that was opened for it.
    let (registry, bytes) = (Registry::start(), large());
    let third = Repository { registry: registry.place(), ..third };
    assert_eq!(push(&registry, &bytes, &[third]).expect("sent"), Arrived::Sent);
    assert_eq!(methods(&registry), ["POST", "PUT"], "{:?}", registry.lines());
}

#[test]
fn a_cut_upload_goes_on_where_the_registry_is() {
    let (registry, bytes) = (Registry::start(), large());
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::CutRequest { after: 1_000_000 }).times(1));
    push(&registry, &bytes, &[]).expect("sent in the end");
    assert!(has(&registry, &bytes));
    assert!(came(&registry) < 3_100_000, "{} bytes: {:?}", came(&registry), registry.lines());
    assert_eq!(registry.offences(), [""; 0]);
}

#[test]
fn an_upload_that_is_forgotten_begins_again_and_says_so() {
    let (registry, bytes) = (Registry::start(), large());
    registry.configure(|settings| {
        settings.broken = Broken::Forget;
        settings.ignores_content_range = true;
    });
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::CutRequest { after: 1_000_000 }).times(1));
    let told = std::sync::Mutex::new(Vec::new());
    let watch = |news: News| match news {
        News::Said(text) => told.lock().expect("no panic").push(text),
        News::Retry(notice) => told.lock().expect("no panic").push(notice.to_string()),
        _ => {}
    };
    let transport = transport();
    let parcel = Parcel { digest: digest_of(&bytes.0), size_bytes: bytes.0.len() as u64, source: &bytes };
    client(&transport, &watch).push_blob(&repository(&registry, "a/b"), &parcel, &[]).expect("sent in the end");
    assert!(has(&registry, &bytes));
    let told = told.lock().expect("no panic").clone();
    assert!(told.len() == 2 && told[0].contains("trying again") && told[1].contains("begins again"), "{told:?}");
}

#[test]
fn an_upload_that_has_more_than_there_is_begins_again() {
    let (registry, bytes) = (Registry::start(), large());
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::CutRequest { after: 1_000_000 }).times(1));
    let endless = Reply::new(204).with("Range", format!("0-{}", u64::MAX));
    registry.misbehave(Rule::to("GET", "uploads", Mischief::Answer(endless)).times(1));
    push(&registry, &bytes, &[]).expect("sent in the end");
    assert!(has(&registry, &bytes), "{:?}", registry.lines());
}

#[test]
fn a_token_for_writing_is_asked_for_where_no_scope_is_named() {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/other", br#"{"token":"t"}"#));
    let challenge = Reply::new(401).with("WWW-Authenticate", format!("Bearer realm=\"{}\"", registry.url("/other")));
    registry.misbehave(Rule::to("POST", "uploads", Mischief::Answer(challenge)).times(1));
    push(&registry, &large(), &[]).expect("sent");
    assert_eq!(registry.calls_of("/other")[0].query("scope").as_deref(), Some("repository:a/b:pull,push"));
}

#[test]
fn a_registry_that_always_cuts_is_given_up() {
    let (registry, bytes) = (Registry::start(), large());
    registry.configure(|settings| settings.broken = Broken::Forget);
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::CutRequest { after: 2_000_000 }));
    let error = push(&registry, &bytes, &[]).expect_err("never whole");
    assert!(error.is_unavailable() && !has(&registry, &bytes), "{error:?}");
    let bodies = registry.calls().iter().filter(|call| call.length > 0).count();
    assert_eq!(bodies, 3, "as often as is tried: {:?}", registry.lines());
}

#[test]
fn an_answer_that_was_lost_is_no_reason_to_send_again() {
    let (registry, bytes) = (Registry::start(), large());
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::ActThenVanish).times(1));
    push(&registry, &bytes, &[]).expect("it was there");
    assert!(has(&registry, &bytes) && came(&registry) == 3_000_000, "{:?}", registry.lines());
}

#[test]
fn a_registry_that_wants_pieces_gets_them() {
    let bytes = Bytes(vec![7; 40_000_000]);
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::Answer(Reply::new(413))).times(1));
    push(&registry, &bytes, &[]).expect("sent in pieces");
    assert!(has(&registry, &bytes));
    assert_eq!(methods(&registry), ["POST", "PUT", "POST", "PATCH", "PATCH", "PUT"], "{:?}", registry.lines());
    // The smallest piece that it takes is more than ours.
    let registry = Registry::start();
    registry.configure(|settings| settings.chunk_min_bytes = Some(30_000_000));
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::Answer(Reply::new(413))).times(1));
    push(&registry, &bytes, &[]).expect("sent in pieces");
    assert_eq!(registry.offences(), [""; 0]);
}

#[test]
fn a_damaged_blob_never_arrives() {
    let registry = Registry::start();
    let bytes = large();
    let parcel = Parcel { digest: digest_of(b"something else"), size_bytes: 3_000_000, source: &bytes };
    let transport = transport();
    let pushed = client(&transport, &quiet).push_blob(&repository(&registry, "a/b"), &parcel, &[]);
    let error = pushed.expect_err("damaged");
    let RegistryError::Transport { source, .. } = &error else { panic!("{error:?}") };
    let TransportError::Source { source, .. } = &**source else { panic!("{error:?}") };
    assert!(source.get_ref().is_some_and(|cause| cause.is::<Damaged>()), "{error:?}");
    assert!(came(&registry) < 3_000_000, "{:?}", registry.lines());
}

#[test]
fn what_a_registry_says_it_got_is_compared() {
    let (registry, bytes) = (Registry::start(), large());
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::wrong_digest()));
    let error = push(&registry, &bytes, &[]).expect_err("another digest");
    assert!(matches!(&error, RegistryError::KeptOther { .. }) && error.is_mismatch(), "{error:?}");
    let registry = Registry::start();
    let invalid = Reply::error(400, "DIGEST_INVALID", "not what was announced");
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::Answer(invalid)));
    let error = push(&registry, &bytes, &[]).expect_err("never right");
    assert!(matches!(&error, RegistryError::NotTheBlob { .. }) && error.hint().is_some(), "{error:?}");
    let registry = Registry::start();
    registry.misbehave(Rule::to("POST", "uploads", Mischief::Without { name: "Location".to_owned() }));
    let error = push(&registry, &bytes, &[]).expect_err("nowhere to send it");
    assert!(matches!(&error, RegistryError::NoUpload { .. }) && error.is_unavailable(), "{error:?}");
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed() {
    let (registry, bytes) = (Registry::start(), large());
    registry.require(crate::transport::testing::Access::tokens());
    registry.misbehave(Rule::to("PUT", "uploads", Mischief::ExpireTokens).times(1));
    push(&registry, &bytes, &[]).expect("sent in the end");
    assert!(has(&registry, &bytes), "{:?}", registry.lines());
}

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An index without images: it leads nowhere, so it can be pushed alone.
fn index(note: &str) -> Vec<u8> {
    let index =
        serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": { "note": note } });
    index.to_string().into_bytes()
}

pub(super) fn document(note: &str) -> Manifest {
    let bytes = index(note);
    Manifest { digest: digest_of(&bytes), media_type: INDEX.into(), bytes }
}

fn tag(text: &str) -> Tag {
    text.parse().expect("a tag")
}

fn create(registry: &Registry, note: &str) -> Result<Created, RegistryError> {
    let transport = transport();
    let (client, repository) = (client(&transport, &quiet), repository(registry, "a/b"));
    client.push_manifest(&repository, &document(note))?;
    client.create_tag(&repository, &tag("1"), &document(note))
}

#[test]
fn a_tag_is_created_once() {
    let registry = Registry::start();
    assert_eq!(create(&registry, "first").expect("created"), Created::Now);
    assert_eq!(create(&registry, "first").expect("there"), Created::AlreadyThere);
    let error = create(&registry, "second").expect_err("taken");
    let RegistryError::TagHeld { held, wanted, race: Race::None, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*held, *wanted), (document("first").digest, document("second").digest));
    assert!(error.is_refusal() && error.hint().is_some());
    let written = registry.calls().into_iter().filter(|call| call.method == "PUT" && call.target.ends_with("/1"));
    assert_eq!(written.count(), 1, "{:?}", registry.lines());
}

#[test]
fn a_race_for_a_tag_is_told() {
    for rule in [
        TagRule::Movable,
        TagRule::immutable(Refusal::TagInvalid),
        TagRule::immutable(Refusal::Denied),
        TagRule::immutable(Refusal::Conflict),
        TagRule::immutable(Refusal::AlreadyExists),
        TagRule::immutable(Refusal::PreconditionFailed),
    ] {
        let registry = Registry::start();
        registry.configure(|settings| settings.tag_rule = rule);
        // Somebody else is faster between our look and our write; or right after it, where tags move.
        registry.on_call(move |call, store| {
            let ours = call.method == "PUT" && call.target.ends_with("/manifests/1");
            let after = call.method == "HEAD" && store.tag("a/b", "1").is_some();
            if ours || (after && rule == TagRule::Movable) {
                store.put_manifest("a/b", "1", INDEX, &index("theirs"));
            }
        });
        let error = create(&registry, "ours").expect_err("lost");
        assert!(matches!(&error, RegistryError::TagHeld { race: Race::Lost, .. }), "{rule:?}: {error:?}");
    }
}

#[test]
fn a_tag_that_cannot_be_created_is_a_refusal() {
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", "manifests/1", Mischief::Answer(Reply::error(403, "DENIED", "no"))));
    let error = create(&registry, "first").expect_err("refused");
    assert!(matches!(&error, RegistryError::TagRefused { status: 403, .. }) && error.is_refusal(), "{error:?}");
    // A 400 can be about the tag or about anything else.
    for (code, is_about_tag) in [("TAG_INVALID", true), ("TAG_ALREADY_EXISTS", true), ("MANIFEST_INVALID", false)] {
        let registry = Registry::start();
        registry.misbehave(Rule::to("PUT", "manifests/1", Mischief::Answer(Reply::error(400, code, "not so"))));
        let error = create(&registry, "first").expect_err("refused");
        assert_eq!(matches!(&error, RegistryError::TagRefused { status: 400, .. }), is_about_tag, "{error:?}");
        assert_eq!(error.is_refusal(), is_about_tag, "{error:?}");
        assert!(shown(&error).contains(code), "{error:?}");
    }
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", "manifests/1", Mischief::Answer(Reply::new(201))));
    let error = create(&registry, "first").expect_err("not kept");
    assert!(matches!(&error, RegistryError::TagVanished { .. }) && error.is_unavailable(), "{error:?}");
}

#[test]
fn a_lost_answer_about_a_tag_is_looked_up() {
    for mischief in [Mischief::ActThenVanish, Mischief::Vanish, Mischief::ActThenAnswer(Reply::new(500))] {
        let registry = Registry::start();
        registry.misbehave(Rule::to("PUT", "manifests/1", mischief).times(1));
        assert_eq!(create(&registry, "first").expect("created"), Created::Now);
        assert_eq!(
            registry.store(|store| store.tag("a/b", "1").map(str::to_owned)).expect("there"),
            document("first").digest.to_string()
        );
    }
}

/// An artifact that refers to `subject`.
pub(super) fn artifact(subject: &Manifest, note: &str) -> Manifest {
    let bytes = serde_json::json!({
        "schemaVersion": 2, "mediaType": INDEX, "artifactType": "application/x-note", "manifests": [],
        "annotations": { "note": note },
        "subject": { "mediaType": INDEX, "digest": subject.digest, "size": subject.bytes.len() },
    });
    let bytes = bytes.to_string().into_bytes();
    Manifest { digest: digest_of(&bytes), media_type: INDEX.into(), bytes }
}

#[test]
fn what_refers_to_something_is_found_there() {
    for has_api in [true, false] {
        let registry = Registry::start();
        registry.configure(|settings| {
            settings.has_referrers = has_api;
            settings.referrers_page = Some(1);
            // The tag of the list moves by its nature.
            settings.tag_rule = TagRule::immutable(Refusal::Conflict);
            settings.movable = vec!["sha256-".to_owned()];
        });
        let transport = transport();
        let (client, at) = (client(&transport, &quiet), repository(&registry, "a/b"));
        let subject = document("subject");
        assert_eq!(client.push_manifest(&at, &subject).expect("pushed"), Indexed::Yes);
        let (one, two) = (artifact(&subject, "one"), artifact(&subject, "two"));
        let attach = |artifacts: &[Manifest]| client.attach(&at, &subject.digest, artifacts).expect("attached");
        assert_eq!(attach(std::slice::from_ref(&one)), [one.digest]);
        assert_eq!(attach(&[one.clone(), two.clone()]), [two.digest]);
        assert!(attach(&[one.clone(), two.clone()]).is_empty());
        let found = client.referrers(&at, &subject.digest).expect("a list");
        let mut digests: Vec<BlobDigest> = found.entries.iter().map(|entry| entry.digest).collect();
        digests.sort();
        let mut expected = [one.digest, two.digest];
        expected.sort();
        assert_eq!(digests, expected);
        assert_eq!(found.listed, if has_api { Listed::Api } else { Listed::Tag });
        assert!(found.entries.iter().all(|entry| entry.artifact_type.as_deref() == Some("application/x-note")));
        assert!(found.entries.iter().all(|entry| entry.annotations.contains_key("note")));
    }
}

#[test]
fn entries_of_others_survive_under_the_fallback_tag() {
    let registry = Registry::start();
    registry.configure(|settings| settings.has_referrers = false);
    let subject = document("subject");
    let transport = transport();
    let (client, at) = (client(&transport, &quiet), repository(&registry, "a/b"));
    client.push_manifest(&at, &subject).expect("pushed");
    std::thread::scope(|scope| {
        for note in 0..6 {
            let (client, at, subject) = (&client, &at, &subject);
            scope.spawn(move || {
                client.attach(at, &subject.digest, &[artifact(subject, &note.to_string())]).expect("attached")
            });
        }
    });
    // A writer that was overwritten has looked and written again: all but the last look are proven.
    let found = client.referrers(&at, &subject.digest).expect("a list").entries;
    assert!(!found.is_empty() && found.len() <= 6);
    let lost: Vec<Manifest> = (0..6).map(|note| artifact(&subject, &note.to_string())).collect();
    client.attach(&at, &subject.digest, &lost).expect("put back");
    assert_eq!(client.referrers(&at, &subject.digest).expect("a list").entries.len(), 6);
}

#[test]
fn something_else_under_the_fallback_tag_is_named() {
    let registry = Registry::start();
    registry.configure(|settings| settings.has_referrers = false);
    let subject = document("subject");
    registry.store(|store| {
        let tag = Tag::fallback(&subject.digest).to_string();
        store.put_manifest("a/b", &tag, MANIFEST, &manifest("no index"))
    });
    let transport = transport();
    let error =
        client(&transport, &quiet).referrers(&repository(&registry, "a/b"), &subject.digest).expect_err("no list");
    assert!(matches!(&error, RegistryError::NotAFallback { .. }) && error.hint().is_some(), "{error:?}");
}

#[test]
fn a_list_that_others_always_overwrite_is_given_up() {
    let registry = Registry::start();
    registry.configure(|settings| settings.has_referrers = false);
    let subject = document("subject");
    let tag = Tag::fallback(&subject.digest).to_string();
    registry.on_call(move |call, store| {
        if call.method == "GET" && call.target.ends_with(&tag) {
            let empty = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
            store.put_manifest("a/b", &tag, "application/vnd.oci.image.index.v1+json", empty);
        }
    });
    let transport = transport();
    let (client, at) = (client(&transport, &quiet), repository(&registry, "a/b"));
    let error = client.attach(&at, &subject.digest, &[artifact(&subject, "x")]).expect_err("crowded");
    assert!(matches!(&error, RegistryError::Crowded { .. }) && error.is_unavailable(), "{error:?}");
}

#[test]
fn tags_are_listed_page_by_page() {
    let registry = Registry::start();
    registry.configure(|settings| settings.tags_page = Some(2));
    registry.store(|store| {
        for tag in ["1", "2", "3", "4", "5"] {
            store.put_manifest("a/b", tag, MANIFEST, &manifest(tag));
        }
    });
    let transport = transport();
    let client = client(&transport, &quiet);
    let tags = client.tags(&repository(&registry, "a/b")).expect("a list").expect("there");
    assert_eq!(tags, ["1", "2", "3", "4", "5"]);
    assert_eq!(client.tags(&repository(&registry, "none")).expect("an answer"), None);
    registry.misbehave(Rule::on("tags/list", Mischief::Answer(Reply::new(200).body("application/json", "[]"))));
    let error = client.tags(&repository(&registry, "a/b")).expect_err("no list");
    assert!(matches!(&error, RegistryError::NotAList { what: "tags", .. }), "{error:?}");
}
