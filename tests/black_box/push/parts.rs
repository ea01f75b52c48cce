//! An image that several machines build, one platform each.

use serde_json::Value;

use super::{REPOSITORY, Shop, pushed};
use crate::harness::Program;

const PLATFORMS: [(&str, &str); 2] = [("amd64", "linux/amd64"), ("arm64", "linux/arm64")];

/// What each machine does: it has a store of its own and leaves a file.
fn part(shop: &Shop, (name, platform): (&str, &str), args: &[&str]) -> Program {
    let (file, store) = (format!("--part=part-{name}.json"), format!("store-{name}"));
    shop.push_from(&store, &[&file, "--platform", platform]).args(args)
}

/// What the last one does, on a machine of its own.
fn join(shop: &Shop, files: &[&str]) -> Program {
    let store = shop.project.top().join("store-join");
    shop.project.kiln(&["push", "--parts"]).args(files).env("KILN_STORE", store).env("KILN_ATTEMPTS", "2")
}

const FILES: [&str; 2] = ["part-arm64.json", "part-amd64.json"];

#[test]
fn parts_become_what_one_machine_would_have_made() {
    for has_referrers in [true, false] {
        let shop = Shop::of_two();
        shop.registry.configure(|settings| settings.has_referrers = has_referrers);
        for platform in PLATFORMS {
            let ended = part(&shop, platform, &["--tag", "plan", "--tag", "x"]).ok();
            assert!(!ended.text().contains(":1.0@"), "{}", ended.all());
            assert_eq!(shop.tag("1.0"), None);
        }
        let parts: Vec<String> = shop.tags();
        assert!(parts.len() == 2 && parts.iter().all(|tag| tag.starts_with("part-")), "{parts:?}");
        shop.registry.reset();
        let joined = join(&shop, &FILES).ok();
        let sent = shop.writes().iter().filter(|call| call.target.contains("/blobs/")).count();
        assert_eq!(sent, 2, "nothing but the empty blob of the record: {:#?}", shop.lines());
        for tag in &parts {
            assert!(joined.stderr.contains(&format!("{}:{tag}", shop.place())), "{}", joined.all());
        }
        let whole = format!("{}/whole", shop.registry.place());
        let alone = shop.push_to(&whole, &["--tag", "plan", "--tag", "x"]).ok();
        let sorted = |text: String| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let expected = alone.text().replace("/whole:", &format!("/{REPOSITORY}:"));
        assert_eq!(sorted(joined.text().to_owned()), sorted(expected));
        let tags = |repository: &str| {
            let of = |store: &mut crate::registry::Store| {
                store.tags_of(repository).iter().map(|tag| (*tag).to_owned()).collect()
            };
            let mut tags: Vec<String> = shop.registry.store(of);
            tags.retain(|tag| !tag.starts_with("part-"));
            tags
        };
        assert_eq!(tags(REPOSITORY), tags("whole"));
        shop.tags();
        // Whoever has the template finds the record of the whole plan.
        shop.registry.reset();
        let found = shop.push_from("fresh", &["--tag", "plan", "--tag", "x"]).ok();
        found.expect_said("nothing is built");
        // All of it again is nothing.
        shop.registry.reset();
        join(&shop, &FILES).ok();
        assert!(shop.writes().is_empty(), "{:#?}", shop.lines());
        shop.assert_decent();
    }
}

#[test]
fn parts_that_do_not_make_an_image_are_refused_before_anything_is_written() {
    let shop = Shop::of_two();
    PLATFORMS.iter().for_each(|platform| drop(part(&shop, *platform, &[]).ok()));
    shop.project.write("other.json", shop.project.read("part-amd64.json"));
    let text = String::from_utf8(shop.project.read("part-amd64.json")).expect("text");
    shop.project.write("broken.json", &text[..text.len() / 2]);
    shop.project.write("newer.json", text.replace("kiln part 1", "kiln part 2"));
    shop.change();
    part(&shop, PLATFORMS[1], &["--part=changed.json"]).run();
    shop.replace("'1.0'", "'1.1'");
    let arguments = ["--platform", "linux/arm64", "--part=later.json"];
    shop.push_from("store-later", &arguments).ok();
    shop.registry.reset();
    for (files, code, words) in [
        (&["part-amd64.json"][..], 4, "no part is for linux/arm64"),
        (&["part-amd64.json", "later.json"], 4, "is not of the same image"),
        (&["part-amd64.json", "other.json", "part-arm64.json"], 4, "are both for linux/amd64"),
        (&["part-arm64.json", "broken.json"], 4, "is not a part"),
        (&["part-arm64.json", "newer.json"], 4, "kiln part 2"),
        (&["part-arm64.json", "absent.json"], 1, "absent.json"),
    ] {
        join(&shop, files).run().expect_code(code).expect_said(words);
        assert!(shop.writes().is_empty(), "{files:?}: {:#?}", shop.lines());
    }
    assert_eq!(shop.tag("1.0"), None);
}

#[test]
fn a_part_that_the_registry_lost_is_missed() {
    let shop = Shop::of_two();
    PLATFORMS.iter().for_each(|platform| drop(part(&shop, *platform, &[]).ok()));
    let read: Value = serde_json::from_slice(&shop.project.read("part-arm64.json")).expect("JSON");
    let manifest = read["manifest"].as_str().expect("a digest").to_owned();
    shop.registry.store(|store| store.manifests.remove(&(REPOSITORY.to_owned(), manifest.clone())));
    let lost = join(&shop, &FILES).run().expect_code(5).expect_said(&manifest);
    assert!(lost.stderr.contains("help:") && shop.tag("1.0").is_none(), "{}", lost.all());
}

#[test]
fn parts_of_one_platform_and_of_several_places() {
    let shop = Shop::new();
    let second = format!("{}/second", shop.registry.place());
    part(&shop, PLATFORMS[0], &[&second]).ok();
    let joined = join(&shop, &["part-amd64.json"]).ok();
    let whole = shop.push_to(&format!("{}/whole", shop.registry.place()), &[]).ok();
    let digest = pushed(&whole);
    assert_eq!(joined.text(), format!("{}:1.0@{digest}\n{second}:1.0@{digest}\n", shop.place()));
    shop.push_from("store-amd64", &["--part", "oci:out"]).run().expect_code(2).expect_said("oci:out");
    join(&shop, &["part-amd64.json", "--", &second]).run().expect_code(2);
}

#[test]
fn a_name_that_is_taken_is_refused_when_the_parts_are_joined() {
    let shop = Shop::of_two();
    PLATFORMS.iter().for_each(|platform| drop(part(&shop, *platform, &[]).ok()));
    shop.change();
    let other = pushed(&shop.push(&[]).ok());
    join(&shop, &FILES).run().expect_code(3).expect_said(&other).expect_said("raise the version");
    assert_eq!(shop.tag("1.0"), Some(other));
}
