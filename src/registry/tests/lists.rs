//! What is written again and again: lists and channels; and lists that do not end.

use super::push::{INDEX, artifact, client, document, repository};
use super::*;
use crate::base::hash::digest_of;
use crate::image::Links;
use crate::registry::{Channel, Manifest, Repository, Tag};
use crate::transport::testing::{Mischief, Reply, Rule};

/// A registry without the referrers API that holds a subject, and the fallback tag of that.
fn old() -> (Registry, Manifest, String) {
    let (registry, subject) = (Registry::start(), document("subject"));
    registry.configure(|settings| settings.has_referrers = false);
    registry.store(|store| store.put_manifest("a/b", "1", INDEX, &subject.bytes));
    let tag = Tag::fallback(&subject.digest).to_string();
    (registry, subject, tag)
}

fn attach(registry: &Registry, subject: &Manifest, artifact: &Manifest) -> Result<Vec<BlobDigest>, RegistryError> {
    let transport = transport();
    client(&transport, &quiet).attach(&repository(registry, "a/b"), &subject.digest, std::slice::from_ref(artifact))
}

/// What is listed under a tag.
fn listed(registry: &Registry, tag: &str) -> Vec<BlobDigest> {
    let bytes = registry.store(|store| store.manifest("a/b", tag).expect("a list").1.1.clone());
    Links::of(&bytes).expect("an index").manifests.iter().map(|entry| entry.digest).collect()
}

fn puts(registry: &Registry, tag: &str) -> usize {
    registry.calls_of(&format!("manifests/{tag}")).iter().filter(|call| call.method == "PUT").count()
}

#[test]
fn a_list_that_is_null_is_begun() {
    let (registry, subject, tag) = old();
    let null = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":null}}"#);
    registry.store(|store| store.put_manifest("a/b", &tag, INDEX, null.as_bytes()));
    let ours = artifact(&subject, "ours");
    assert_eq!(attach(&registry, &subject, &ours).expect("attached"), [ours.digest]);
    assert_eq!(listed(&registry, &tag), [ours.digest]);
}

#[test]
fn what_others_list_while_a_write_fails_stays() {
    for mischief in [Mischief::Vanish, Mischief::Answer(Reply::new(503))] {
        let (registry, subject, tag) = old();
        let (ours, theirs) = (artifact(&subject, "ours"), artifact(&subject, "theirs"));
        // Somebody else is faster, and our first write is lost.
        let entry = crate::registry::write::attach::descriptor(&theirs);
        let list = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string();
        let (mut list, at) = (Some(list), tag.clone());
        registry.on_call(move |call, store| {
            if call.method == "PUT"
                && call.target.ends_with(&at)
                && let Some(list) = list.take()
            {
                store.put_manifest("a/b", "theirs", INDEX, &theirs.bytes);
                store.put_manifest("a/b", &at, INDEX, list.as_bytes());
            }
        });
        registry.misbehave(Rule::to("PUT", &tag, mischief).times(1));
        attach(&registry, &subject, &ours).expect("attached");
        assert_eq!(listed(&registry, &tag), [artifact(&subject, "theirs").digest, ours.digest]);
    }
}

#[test]
fn a_list_whose_answer_was_lost_is_not_written_again() {
    let (registry, subject, tag) = old();
    registry.misbehave(Rule::to("PUT", &tag, Mischief::ActThenVanish).times(1));
    attach(&registry, &subject, &artifact(&subject, "ours")).expect("attached");
    assert_eq!(puts(&registry, &tag), 1, "{:?}", registry.lines());
    // A registry that never takes it is given up, after as many attempts as anything.
    let (registry, subject, tag) = old();
    registry.misbehave(Rule::to("PUT", &tag, Mischief::Vanish));
    let error = attach(&registry, &subject, &artifact(&subject, "ours")).expect_err("never taken");
    assert!(matches!(&error, RegistryError::Transport { .. }) && error.is_unavailable(), "{error:?}");
    assert_eq!(puts(&registry, &tag), 3, "{:?}", registry.lines());
}

#[test]
fn what_is_listed_and_gone_is_written_again() {
    let (registry, subject, tag) = old();
    let ours = artifact(&subject, "ours");
    let entry = crate::registry::write::attach::descriptor(&ours);
    let list = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string();
    registry.store(|store| store.put_manifest("a/b", &tag, INDEX, list.as_bytes()));
    assert_eq!(attach(&registry, &subject, &ours).expect("attached"), [ours.digest]);
    assert!(registry.store(|store| store.manifest("a/b", &ours.digest.to_string()).is_some()));
    assert_eq!(attach(&registry, &subject, &ours).expect("there"), []);
}

#[test]
fn a_channel_is_looked_at_before_it_is_written_again() {
    for (mischief, expected) in [(Mischief::ActThenVanish, 1), (Mischief::Vanish, 2)] {
        let (registry, image) = (Registry::start(), document("image"));
        registry.misbehave(Rule::to("PUT", "manifests/stable", mischief).times(1));
        let transport = transport();
        let channel = Channel::declared("stable".parse().expect("a tag"));
        client(&transport, &quiet).move_channel(&repository(&registry, "a/b"), &channel, &image).expect("moved");
        assert_eq!(puts(&registry, "stable"), expected, "{:?}", registry.lines());
        let held = registry.store(|store| store.tag("a/b", "stable").map(str::to_owned));
        assert_eq!(held, Some(image.digest.to_string()));
    }
}

#[test]
fn another_digest_than_the_one_that_was_asked_for_is_not_it() {
    let (registry, digest) = served();
    registry.misbehave(Rule::to("HEAD", "manifests", Mischief::wrong_digest()));
    let transport = transport();
    let error = client(&transport, &quiet).standing(&repository(&registry, "a/b"), &digest).expect_err("another");
    assert!(
        matches!(&error, RegistryError::Digest { found, .. } if *found == digest_of(b"something else")),
        "{error:?}"
    );
    assert!(error.is_mismatch());
}

#[test]
fn a_list_that_leads_in_a_circle_is_no_list() {
    let (registry, _) = served();
    let link = "</v2/a/b/tags/list?last=1>; rel=\"next\"".to_owned();
    registry.misbehave(Rule::on("tags/list", Mischief::Header { name: "Link".to_owned(), value: link }));
    let transport = transport();
    let at: Repository = repository(&registry, "a/b");
    let error = client(&transport, &quiet).tags(&at).expect_err("endless");
    assert!(matches!(&error, RegistryError::Endless { what: "tags", .. }), "{error:?}");
    assert!(error.is_unavailable() && error.hint().is_some());
    assert_eq!(registry.calls_of("tags/list").len(), 2, "{:?}", registry.lines());
}
