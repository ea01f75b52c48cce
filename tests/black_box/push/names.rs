//! Where a push goes, under which names, and what it tells.

use serde_json::{Value, json};

use super::{REPOSITORY, Shop, pushed, template};
use crate::registry::Registry;

#[test]
fn tags_are_the_destinations_own_the_version_and_those_asked_for() {
    let shop = Shop::new();
    let ended = shop.push(&["--tag", "a", "--tag", "b", "--tag", "a"]).ok();
    let names: Vec<&str> =
        ended.text().lines().filter_map(|line| line.rsplit_once('@')?.0.rsplit_once(':')).map(|it| it.1).collect();
    assert_eq!((names, shop.tags()), (vec!["1.0", "a", "b"], vec!["1.0".to_owned(), "a".to_owned(), "b".to_owned()]));
    let own = shop.push_to(&format!("{}:own", shop.place()), &[]).ok();
    assert_eq!(own.text().lines().count(), 1);
    assert_eq!(shop.tags(), ["1.0", "a", "b", "own"]);
    let said = shop.push(&["--version", "2.0"]).ok();
    assert!(said.text().contains(":2.0@"), "{}", said.all());
    assert_ne!(shop.tag("2.0"), shop.tag("1.0"), "the version is in the image");
    shop.push(&["--tag", "-x"]).run().expect_code(2);
    shop.push(&["--version", "1.0+2"]).run().expect_code(1).expect_said("1.0+2").expect_said("at most 128");
}

#[test]
fn the_tag_of_a_plan_needs_no_version() {
    let shop = Shop::new();
    shop.replace("version = '1.0'\n", "");
    let refused = shop.push(&[]).run().expect_said("help:");
    assert!(matches!(refused.code, Some(1 | 2)) && shop.writes().is_empty(), "{}", refused.all());
    let ended = shop.push(&["--tag", "plan", "--json"]).ok();
    let told = ended.json();
    let plan = told["plan"].as_str().expect("a plan").trim_start_matches("sha256:").to_owned();
    let tag = format!("p-{}", &plan[..12]);
    assert_eq!(shop.tags(), std::slice::from_ref(&tag));
    let name = format!("{}:{tag}@{}", shop.place(), shop.tag(&tag).expect("a tag"));
    assert_eq!(told["destinations"][0]["names"], json!([{ "name": name, "created": true }]));
    // Another content is another plan and another tag: nothing is in its way.
    shop.change();
    shop.push(&["--tag", "plan"]).ok();
    assert_eq!(shop.tags().len(), 2);
}

#[test]
fn the_template_says_where_to() {
    let shop = Shop::new();
    let text = format!("{}[publish]\nregistry = '{}/acme'\n", template("'linux/amd64'"), shop.registry.place());
    shop.project.write("kiln.toml", &text);
    for arguments in [&["push"][..], &["push", "."], &["push", "kiln.toml"]] {
        let ended = shop.project.kiln(arguments).ok();
        assert_eq!(ended.text(), format!("{}:1.0@{}\n", shop.place(), pushed(&ended)));
    }
    assert_eq!(shop.tags(), ["1.0"]);
    // A destination that is given is the only one.
    shop.project.kiln(&["push", &format!("{}/other", shop.registry.place())]).ok();
    assert!(shop.registry.store(|store| store.tag("other", "1.0").is_some()));
    shop.project.write("kiln.toml", template("'linux/amd64'"));
    shop.project.kiln(&["push"]).run().expect_code(1).expect_said("help:").expect_said("[publish]");
    for word in ["127.0.0.1:1/X", "shop/api:1", &format!("127.0.0.1:1/x@sha256:{}", "0".repeat(64))] {
        shop.project.kiln(&["push", ".", word]).run().expect_code(2).expect_said(word);
    }
}

#[test]
fn of_several_destinations_each_is_tried() {
    let shop = Shop::new();
    let (other, third) = (Registry::start(), Registry::start());
    // One has something else under the name, one is not there.
    let held = Shop { project: crate::harness::Project::new(&template("'linux/amd64'")), registry: third };
    held.change();
    held.push(&[]).ok();
    let down = { Registry::start().place() };
    let places = [format!("{down}/x"), held.place(), format!("{}/x", other.place())];
    let ended = shop.push(&[&places[0], &places[1], &places[2], "--json"]).run().expect_code(5);
    ended.expect_said(&down);
    let ended = shop.push(&[&places[1], &places[2], "--json"]).run().expect_code(3);
    let told = ended.json();
    let done: Vec<&str> =
        told["destinations"].as_array().expect("a list").iter().filter_map(|it| it["place"].as_str()).collect();
    assert_eq!(done, [shop.place(), places[2].clone()]);
    ended.expect_said(&format!("{}:1.0", held.place()));
    assert_eq!((shop.tags(), other.store(|store| store.tag("x", "1.0").is_some())), (vec!["1.0".to_owned()], true));
}

#[test]
fn programs_are_told_what_was_done() {
    let shop = Shop::of_two();
    let files = ["--metadata-file", "metadata.json", "--digest-file", "digest", "--json"];
    let ended = shop.push(&files).ok();
    let told = ended.json();
    assert_eq!(serde_json::from_slice::<Value>(&shop.project.read("metadata.json")).expect("JSON"), told);
    let digest = shop.tag("1.0").expect("a tag");
    assert_eq!(String::from_utf8(shop.project.read("digest")).expect("text"), format!("{digest}\n"));
    assert_eq!((&told["digest"], &told["name"], &told["version"]), (&json!(digest), &json!("shop/api"), &json!("1.0")));
    let platforms: Vec<&str> =
        told["platforms"].as_array().expect("a list").iter().filter_map(|it| it["platform"].as_str()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    let there = &told["destinations"][0];
    let blobs = there["blobs"].as_array().expect("a list");
    assert!(
        blobs.len() == 5 && blobs.iter().all(|blob| blob["how"] == "sent" && blob["size_bytes"].is_u64()),
        "{told:#}"
    );
    assert_eq!(
        (there["manifests"].as_array().map(Vec::len), there["attached"].as_array().map(Vec::len)),
        (Some(3), Some(1))
    );
    shop.registry.store(|store| {
        for blob in blobs {
            let found = store.blob(REPOSITORY, blob["digest"].as_str().expect("a digest")).expect("it is there");
            assert_eq!(Some(found.size), blob["size_bytes"].as_u64());
        }
    });
    let again = shop.push(&files).ok().json();
    let there = &again["destinations"][0];
    assert_eq!((&again["digest"], &there["blobs"], &there["manifests"]), (&json!(digest), &json!([]), &json!([])));
    assert_eq!(there["names"][0]["created"], json!(false));
}

#[test]
fn a_part_of_the_platforms_is_refused_before_anything_is_written() {
    let shop = Shop::of_two();
    shop.push(&["--platform", "linux/amd64"]).run().expect_code(2).expect_said("2 platforms").expect_said("--part");
    // What was built so is not the image either: `Error::Narrowed`
    shop.project.kiln(&["build", "--platform", "linux/amd64"]).ok();
    let stored = "store:shop/api:1.0";
    let refused = shop.project.kiln(&["push", stored, &shop.place()]).run().expect_code(1);
    refused.expect_said("lacks other platforms").expect_said("--parts");
    assert!(shop.registry.calls().is_empty(), "{:#?}", shop.lines());
}
