//! Who may push, what a token is good for, and who never hears a password.

use super::{REPOSITORY, Shop};
use crate::harness::Ended;
use crate::registry::access::{Access, basic};
use crate::registry::{Mischief, Registry, Reply, Right, Rule};

const USER: &str = "kim";
const PASSWORD: &str = "correct horse battery staple";

/// A registry that wants to know who asks, and a home that knows.
fn guarded(access: Access) -> Shop {
    let shop = Shop::new();
    shop.registry.require(access);
    know(&shop, &shop.registry);
    shop
}

fn by_password() -> Access {
    Access::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() }
}

fn know(shop: &Shop, registry: &Registry) {
    let auth = basic(USER, PASSWORD).replace("Basic ", "");
    let text = serde_json::json!({ "auths": { registry.place(): { "auth": auth } } }).to_string();
    let file = shop.project.top().join("home/.docker/config.json");
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    std::fs::write(file, text).expect("written");
}

/// Nothing that was said holds the password in any form.
#[track_caller]
fn assert_silent(ended: &Ended) {
    let said = format!("{}{}", ended.text(), ended.stderr);
    let encoded = basic(USER, PASSWORD).replace("Basic ", "");
    for secret in [PASSWORD, encoded.as_str()] {
        assert!(!said.contains(secret), "{}", ended.all());
    }
}

#[test]
fn those_who_may_push_do_and_others_are_told_what_to_do() {
    for access in [by_password(), Access::tokens_for(USER, PASSWORD)] {
        let shop = guarded(access);
        let ended = shop.push(&["-v"]).ok();
        assert_silent(&ended);
        let nobody = shop.push_to(&format!("{}/other", shop.registry.place()), &[]);
        let nobody = nobody.env("HOME", shop.project.top().join("nobody")).run().expect_code(5);
        nobody.expect_said(&format!("kiln login {}", shop.registry.place()));
    }
}

#[test]
fn who_may_only_read_is_told_so() {
    for access in [Access::Open, by_password(), Access::tokens_for(USER, PASSWORD)] {
        let shop = guarded(access);
        shop.registry.configure(|settings| settings.rights = [(REPOSITORY.to_owned(), Right::Read)].into());
        let refused = shop.push(&["-v"]).run().expect_code(5).expect_said("does not let us write");
        assert_silent(&refused);
        refused.expect_said("help:").expect_said("kiln login");
        assert_eq!(shop.tags(), Vec::<String>::new());
    }
}

/// Those of the large vendors that make no repository for whoever pushes.
#[test]
fn a_repository_that_has_to_be_made_first_is_told_as_such() {
    let shop = Shop::new();
    let reply = Reply::error(404, "NAME_UNKNOWN", "the repository does not exist");
    shop.registry.misbehave(Rule::to("POST", "/blobs/uploads/", Mischief::Answer(reply)));
    let refused = shop.push(&[]).run().expect_code(5).expect_said("the repository does not exist");
    refused.expect_said(&format!("the repository `{}`", shop.place())).expect_said("help: check the name");
}

#[test]
fn tokens_that_expire_in_the_middle_are_renewed() {
    // The last of four blobs, so that no other thread has just got its token.
    for (part, before) in [("/blobs/uploads/", 3), ("/manifests/sha256:", 0), ("/manifests/1.0", 0)] {
        let shop = guarded(Access::tokens_for(USER, PASSWORD));
        shop.registry.misbehave(Rule::to("PUT", part, Mischief::ExpireTokens).after(before).times(1));
        shop.push(&[]).ok();
        assert_eq!(shop.tags(), ["1.0"]);
        shop.assert_decent();
    }
}

/// Each blob is in another repository: what one thread is given for its mount must not be taken by the next.
#[test]
fn mounts_from_several_repositories_at_once_do_not_take_each_others_rights() {
    let shop = guarded(Access::tokens_for(USER, PASSWORD));
    let layers: Vec<String> =
        (0..8).map(|n| format!("[[layer]]\nname = 'l{n}'\nwrite = '/l{n}'\ntext = '{n}'\n")).collect();
    let head = "[image]\nname = 'shop/api'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
        created = '2026-01-01T00:00:00Z'\n";
    for (number, layer) in layers.iter().enumerate() {
        shop.project.write("kiln.toml", format!("{head}version = '{number}'\n{layer}"));
        shop.push_to(&format!("{}/from-{number}", shop.registry.place()), &[]).ok();
    }
    shop.project.write("kiln.toml", format!("{head}version = 'all'\n{}", layers.concat()));
    let told = shop.push(&["--json"]).ok().json();
    let blobs = told["destinations"][0]["blobs"].as_array().expect("a list");
    let mounted = blobs.iter().filter(|blob| blob["how"] == "mounted").count();
    assert_eq!(mounted, layers.len() + 1, "all layers and the empty blob of the record: {told:#}");
}

#[test]
fn a_mount_asks_for_both_repositories() {
    let shop = guarded(Access::tokens_for(USER, PASSWORD));
    shop.push(&[]).ok();
    shop.registry.reset();
    let told = shop.push_to(&format!("{}/other", shop.registry.place()), &["--json"]).ok().json();
    let blobs = told["destinations"][0]["blobs"].as_array().expect("a list");
    assert!(blobs.iter().all(|blob| blob["how"] == "mounted"), "{told:#}");
    let asked: Vec<Vec<String>> = shop.registry.calls_of("/token").iter().map(|call| call.queries("scope")).collect();
    let both = |scopes: &Vec<String>| {
        scopes.iter().any(|scope| scope.starts_with("repository:other:") && scope.contains("push"))
            && scopes.iter().any(|scope| scope.starts_with(&format!("repository:{REPOSITORY}:pull")))
    };
    assert!(asked.iter().any(both), "{asked:#?}");
}

/// An upload that goes on elsewhere, as with stores behind registries: what authorises us does not go along.
#[test]
fn another_host_hears_neither_password_nor_token() {
    for access in [by_password(), Access::tokens_for(USER, PASSWORD)] {
        let shop = guarded(access);
        let other = Registry::start();
        let location = other.url("/v2/x/blobs/uploads/upload-1");
        shop.registry.misbehave(Rule::to("POST", "/blobs/uploads/", Mischief::lying_location(&location)));
        let ended = shop.push(&["-v"]).run();
        assert!(matches!(ended.code, Some(1 | 5)) && shop.tag("1.0").is_none(), "{}", ended.all());
        assert_silent(&ended);
        let heard = other.calls();
        assert!(!heard.is_empty() && heard.iter().all(|call| call.header("authorization").is_none()), "{heard:#?}");
    }
}

/// Nor does it hear them if it asks for them.
#[test]
fn another_host_that_asks_for_a_password_does_not_get_it() {
    for access in [by_password(), Access::tokens_for(USER, PASSWORD)] {
        for asks in [by_password(), Access::tokens()] {
            let shop = guarded(match &access {
                Access::Basic { .. } => by_password(),
                _ => Access::tokens_for(USER, PASSWORD),
            });
            let other = Registry::start();
            other.require(asks);
            let location = other.url("/v2/x/blobs/uploads/upload-1");
            shop.registry.misbehave(Rule::to("POST", "/blobs/uploads/", Mischief::lying_location(&location)));
            let ended = shop.push(&["-v"]).run().expect_code(5);
            assert_silent(&ended);
            let heard = other.calls();
            assert!(!heard.is_empty() && heard.iter().all(|call| call.header("authorization").is_none()), "{heard:#?}");
        }
    }
}

#[test]
fn a_registry_that_repeats_what_it_heard_is_not_repeated() {
    let encoded = basic(USER, PASSWORD);
    for (status, said) in [(400, encoded.as_str()), (403, encoded.as_str()), (500, encoded.as_str())] {
        let shop = guarded(by_password());
        let reply = Reply::error(status, "UNKNOWN", &format!("you sent {said}"));
        shop.registry.misbehave(Rule::to("PUT", "/manifests/", Mischief::Answer(reply)));
        let ended = shop.push(&["-v"]).run();
        assert!(matches!(ended.code, Some(1 | 3 | 5)), "{}", ended.all());
        assert_silent(&ended);
    }
}
