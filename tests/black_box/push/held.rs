//! What was published stays: other content under a name that is taken, immutable tags, races, and the name in the store.

use super::{MADE, MADE_LATER, REPOSITORY, Shop, pushed};
use crate::harness::Ended;
use crate::registry::store::digest_of;
use crate::registry::{Mischief, Refusal, Reply, Rule, Same, TagRule};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// How immutable tags are defended.
const REFUSALS: [Refusal; 5] =
    [Refusal::TagInvalid, Refusal::Denied, Refusal::Conflict, Refusal::AlreadyExists, Refusal::PreconditionFailed];

/// An index without images: something else that a tag can hold.
const OTHER: &[u8] = br#"{"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#;

/// Somebody else gives the tag to something else right before kiln does.
fn overtake(shop: &Shop) {
    shop.registry.on_call(|call, store| {
        if call.method == "PUT" && call.path().ends_with("/manifests/1.0") {
            store.put_manifest(REPOSITORY, "1.0", INDEX, OTHER);
        }
    });
}

#[track_caller]
fn expect_race(ended: Ended) -> Ended {
    let ended = ended.expect_code(3).expect_said("somebody else pushed it");
    ended.expect_said(&digest_of(OTHER)).expect_said("raise the version")
}

#[test]
fn other_content_under_the_same_name_is_refused_before_anything_is_written() {
    let shop = Shop::new();
    let first = pushed(&shop.push(&[]).ok());
    shop.change();
    // Another machine, which does not know what was published here.
    let wanted = shop.project.kiln(&["build"]).env("KILN_STORE", shop.project.top().join("other")).ok().digest();
    shop.registry.reset();
    let refused = shop.push_from("other", &[]).run().expect_code(3);
    let refused = refused.expect_said(&format!("{}:1.0", shop.place())).expect_said("raise the version");
    let refused = refused.expect_said(&format!("{first} (made {MADE})"));
    refused.expect_said(&format!("{wanted} (made {MADE_LATER})")).expect_said("kiln diff");
    assert!(shop.writes().is_empty(), "{:#?}", shop.lines());
    assert_eq!(shop.tag("1.0"), Some(first));
}

#[test]
fn one_name_of_several_that_is_taken_keeps_all_of_them() {
    let shop = Shop::new();
    shop.push(&["--tag", "taken"]).ok();
    shop.change();
    shop.replace("'1.0'", "'1.1'");
    let refused = shop.push(&["--tag", "taken"]).run().expect_code(3);
    refused.expect_said(":taken").expect_said("raise the version");
    assert_eq!(shop.tags(), ["1.0", "taken"]);
}

#[test]
fn what_is_there_is_compared_although_it_says_nothing_of_itself() {
    let shop = Shop::new();
    shop.registry.store(|store| store.put_manifest(REPOSITORY, "1.0", INDEX, OTHER));
    let refused = shop.push(&[]).run().expect_code(3).expect_said(&digest_of(OTHER));
    let refused = refused.expect_said(&format!("(made {MADE})"));
    assert!(shop.writes().is_empty(), "{:#?} {}", shop.lines(), refused.all());
}

#[test]
fn an_immutable_tag_is_created_once_and_found_again() {
    for refusal in REFUSALS {
        for same in [Same::Accepted, Same::Refused] {
            let shop = Shop::new();
            shop.registry.configure(|settings| settings.tag_rule = TagRule::Immutable { refusal, same });
            let first = pushed(&shop.push(&[]).ok());
            shop.push_from("fresh", &[]).ok();
            shop.change();
            shop.push_from("other", &[]).run().expect_code(3).expect_said(&first);
            assert_eq!(shop.tag("1.0"), Some(first));
        }
    }
}

/// Where even the fallback tag cannot move, what is known goes up in one.
#[test]
fn a_registry_where_no_tag_moves_takes_the_record_as_well() {
    let shop = Shop::new();
    shop.registry.configure(|settings| {
        settings.tag_rule = TagRule::immutable(Refusal::TagInvalid);
        settings.has_referrers = false;
    });
    shop.push(&[]).ok();
    assert_eq!(shop.tags().len(), 2);
    shop.push_from("fresh", &["--tag", "more"]).ok();
    assert_eq!(shop.tags().len(), 3);
}

#[test]
fn a_lost_race_is_refused_and_told_as_one() {
    for refusal in REFUSALS {
        let shop = Shop::new();
        shop.registry.configure(|settings| settings.tag_rule = TagRule::immutable(refusal));
        overtake(&shop);
        expect_race(shop.push(&[]).run());
        assert_eq!(shop.tag("1.0"), Some(digest_of(OTHER)));
    }
    let shop = Shop::new();
    shop.registry.configure(|settings| settings.honours_if_none_match = true);
    overtake(&shop);
    expect_race(shop.push(&[]).run());
    assert_eq!(shop.tag("1.0"), Some(digest_of(OTHER)));
}

/// Of a registry that lets tags move, and somebody who came after us.
#[test]
fn a_tag_that_is_another_when_it_is_read_back_is_a_lost_race() {
    let shop = Shop::new();
    let mut puts = 0;
    shop.registry.on_call(move |call, store| {
        if call.path().ends_with("/manifests/1.0") {
            puts += usize::from(call.method == "PUT");
            if call.method == "HEAD" && puts == 1 {
                store.put_manifest(REPOSITORY, "1.0", INDEX, OTHER);
            }
        }
    });
    expect_race(shop.push(&[]).run());
    assert_eq!(shop.writes().iter().filter(|call| call.path().ends_with("/manifests/1.0")).count(), 1);
}

#[test]
fn a_registry_that_was_faster_with_the_same_is_no_race() {
    for refusal in REFUSALS {
        let shop = Shop::new();
        shop.registry.configure(|settings| settings.tag_rule = TagRule::Immutable { refusal, same: Same::Refused });
        shop.registry.on_call(|call, store| {
            if call.method == "PUT" && call.path().ends_with("/manifests/1.0") {
                let digest = digest_of(&call.body);
                let (_, (media_type, bytes)) = store.manifest(REPOSITORY, &digest).expect("by digest first");
                let (media_type, bytes) = (media_type.clone(), bytes.clone());
                store.put_manifest(REPOSITORY, "1.0", &media_type, &bytes);
            }
        });
        shop.push(&[]).ok();
    }
}

#[test]
fn a_tag_that_the_registry_does_not_want_is_told_with_its_words() {
    for status in [400, 403, 409, 412] {
        let shop = Shop::new();
        let reply = Reply::error(status, "DENIED", "tags begin with a v here");
        shop.registry.misbehave(Rule::to("PUT", "/manifests/1.0", Mischief::Answer(reply)));
        let refused = shop.push(&[]).run().expect_code(3).expect_said("tags begin with a v here");
        refused.expect_said(&format!("{status}")).expect_said("help:");
        assert_eq!(shop.tags(), Vec::<String>::new());
    }
}

#[test]
fn an_answer_that_was_lost_is_no_race() {
    let shop = Shop::new();
    shop.registry.misbehave(Rule::to("PUT", "/manifests/1.0", Mischief::ActThenVanish).times(1));
    shop.push(&[]).ok();
    let puts = shop.writes().iter().filter(|call| call.path().ends_with("/manifests/1.0")).count();
    assert_eq!(puts, 1, "somebody looks before it is written again: {:#?}", shop.lines());
}

#[test]
fn what_was_pushed_cannot_be_built_into_something_else_here() {
    let shop = Shop::new();
    let first = shop.project.build(&[]);
    shop.replace("'one'", "'before'");
    assert_ne!(shop.project.build(&[]), first, "a name moves as long as it is not published");
    let digest = pushed(&shop.push(&[]).ok());
    shop.replace("'before'", "'after'");
    shop.project.kiln(&["build"]).run().expect_code(3).expect_said("shop/api:1.0").expect_said(&digest);
    shop.registry.reset();
    shop.push(&[]).run().expect_code(3).expect_said("shop/api:1.0");
    assert!(shop.writes().is_empty(), "{:#?}", shop.lines());
    shop.replace("'after'", "'before'");
    assert_eq!(shop.project.build(&[]), digest);
    shop.replace("'before'", "'after'");
    shop.replace("'1.0'", "'1.1'");
    shop.push(&[]).ok();
}
