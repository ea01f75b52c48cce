//! Channels: tags that move forward only, with a record of every move.

use serde_json::{Value, json};

use crate::harness::{Ended, Program, Project};
use crate::registry::{Mischief, Refusal, Registry, Rule, TagRule};
use crate::server::Server;

const REPOSITORY: &str = "acme/shop/api";

/// An image whose channels these are.
fn template(publish: &str) -> String {
    format!(
        "[image]\nname = 'shop/api'\nversion = '1.8.1'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
         created = '2026-02-01T00:00:00Z'\n[[layer]]\nname = 'app'\nwrite = '/app'\ntext = 'app'\n[publish]\n{publish}\n"
    )
}

/// A project and a registry that creates a tag only if it is not there.
struct Shop {
    project: Project,
    registry: Registry,
}

impl Shop {
    fn new() -> Self {
        Self::with("channels = ['{major}.{minor}', 'latest', 'edge']")
    }

    fn with(publish: &str) -> Self {
        let registry = Registry::start();
        registry.configure(|settings| settings.honours_if_none_match = true);
        Self { project: Project::new(&template(publish)), registry }
    }

    fn place(&self) -> String {
        format!("{}/{REPOSITORY}", self.registry.place())
    }

    fn latest(&self) -> String {
        format!("{}:latest", self.place())
    }

    /// `kiln push . PLACE --version VERSION`, with little patience.
    fn push(&self, version: &str) -> Program {
        self.project.kiln(&["push", ".", &self.place(), "--version", version]).env("KILN_ATTEMPTS", "2")
    }

    fn channel(&self, args: &[&str]) -> Program {
        self.project.kiln(&["channel"]).args(args).env("KILN_ATTEMPTS", "2")
    }

    fn log(&self, channel: &str) -> Vec<Value> {
        let ended = self.channel(&["log", &format!("{}:{channel}", self.place()), "--json"]).ok();
        ended.json().as_array().expect("a list").clone()
    }

    /// The versions that a channel had, the newest first.
    fn versions(&self, channel: &str) -> Vec<String> {
        self.log(channel).iter().map(|entry| entry["version"].as_str().expect("a version").to_owned()).collect()
    }

    fn tag(&self, tag: &str) -> Option<String> {
        self.registry.store(|store| store.tag(REPOSITORY, tag).map(str::to_owned))
    }

    /// Writes a tag as another program would.
    fn write_tag(&self, tag: &str, digest: &str) {
        self.registry.store(|store| {
            store.tags.insert((REPOSITORY.to_owned(), tag.to_owned()), digest.to_owned());
        });
    }

    fn writes(&self) -> Vec<String> {
        self.registry.calls().iter().filter(|call| !call.reads()).map(ToString::to_string).collect()
    }
}

#[test]
fn a_push_moves_channels_forward_only() {
    let shop = Shop::new();
    shop.push("1.8.1").ok().expect_said("`latest` is new and holds 1.8.1").expect_said("`1.8` is new");
    shop.push("1.9.0").ok().expect_said("`latest` moved from 1.8.1").expect_said("`1.9` is new");
    let late = shop.push("1.8.2").ok();
    let (new, old) = (shop.tag("1.9.0").expect("a release"), shop.tag("1.8.2").expect("a release"));
    let line = format!(
        "`latest` holds 1.9.0 ({}), which is further on than 1.8.2 ({}): not moved",
        &new["sha256:".len()..][..12],
        &old["sha256:".len()..][..12]
    );
    late.expect_said(&line).expect_said("`1.8` moved from 1.8.1");
    let held = ["latest", "edge", "1.9", "1.8"].map(|tag| shop.tag(tag));
    assert_eq!(held, [Some(new.clone()), Some(new.clone()), Some(new), Some(old)]);
    assert_eq!(
        (shop.versions("latest"), shop.versions("1.8")),
        (vec!["1.9.0".into(), "1.8.1".into()], vec!["1.8.2".into(), "1.8.1".into()])
    );
    assert_eq!(shop.registry.offences(), [""; 0]);
}

#[test]
fn a_channel_comes_after_everything_else_and_its_entry_before_its_tag() {
    let shop = Shop::with("channels = ['latest']");
    shop.push("1.8.1").ok();
    let writes = shop.writes();
    let release = writes.iter().position(|line| line.contains("/manifests/1.8.1 ")).expect("the release");
    let last: Vec<&str> =
        writes[release + 1..].iter().map(|line| line.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(last, ["ch-latest-000001 -> 201", "latest -> 201"], "{writes:#?}");
    // Nothing is written when there is nothing to do, from here or from a machine that has built nothing.
    for store in ["store", "fresh"] {
        shop.registry.reset();
        let again = shop.push("1.8.1").env("KILN_STORE", shop.project.top().join(store)).args(["-v"]).ok();
        again.expect_said("nothing was sent").expect_said("`latest` holds 1.8.1");
        assert_eq!(shop.writes(), [""; 0]);
        assert_eq!(shop.registry.calls_of("/manifests/latest").len(), 1, "{:#?}", shop.registry.lines());
    }
}

#[test]
fn a_prerelease_moves_neither_latest_nor_what_is_named_by_a_version() {
    let shop = Shop::new();
    let ended = shop.push("2.0.0-rc.1").ok();
    ended.expect_said("`latest` stays: 2.0.0-rc.1 is a pre-release").expect_said("`edge` is new and holds 2.0.0-rc.1");
    assert_eq!((shop.tag("latest"), shop.tag("2.0")), (None, None));
    assert_eq!(shop.tag("edge"), shop.tag("2.0.0-rc.1"));
    shop.push("1.9.0").ok().expect_said("`edge` holds 2.0.0-rc.1").expect_said("`latest` is new");
    shop.push("2.0.0").ok();
    assert_eq!((shop.versions("edge")[0].as_str(), shop.versions("latest")[0].as_str()), ("2.0.0", "2.0.0"));
}

#[test]
fn programs_are_told_what_became_of_each_channel() {
    let shop = Shop::with("channels = ['latest', '{year}']");
    shop.push("1.8.1").ok();
    let told = shop.push("1.9.0").args(["--json"]).ok().json();
    let (old, new) = (shop.tag("1.8.1"), shop.tag("1.9.0"));
    let holds = json!({ "version": "1.9.0", "digest": new });
    let moved = json!({
        "channel": "latest",
        "outcome": "moved",
        "number": 2,
        "from": { "version": "1.8.1", "digest": old },
        "holds": holds,
        "mended": null,
    });
    let channels = &told["destinations"][0]["channels"];
    assert_eq!((&channels[0], &channels[1]["outcome"]), (&moved, &json!("unnamed")), "{told:#}");
    let again = shop.push("1.8.1").args(["--json"]).ok().json();
    let channel = &again["destinations"][0]["channels"][0];
    assert_eq!((&channel["outcome"], &channel["holds"]), (&json!("ahead"), &holds), "{again:#}");
}

#[test]
fn a_channel_is_set_back_with_a_reason_and_the_log_shows_it() {
    let shop = Shop::with("channels = ['latest']");
    shop.push("1.8.1").ok();
    shop.push("1.8.2").ok();
    let old = shop.tag("1.8.1").expect("a release");
    shop.channel(&["set", &shop.latest(), &old]).run().expect_code(2).expect_said("--reason");
    let ended = shop.channel(&["set", &shop.latest(), &old, "--reason", "the checkout of 1.8.2 is broken"]).ok();
    assert_eq!(ended.text(), format!("{}@{old}\n", shop.latest()));
    ended.expect_said("`latest` moved from 1.8.2").expect_said("to 1.8.1");
    assert_eq!(shop.tag("latest"), Some(old.clone()));
    let log = shop.channel(&["log", &shop.latest()]).ok();
    let lines: Vec<&str> = log.text().lines().collect();
    assert_eq!(lines.len(), 3, "{}", log.all());
    let new = shop.tag("1.8.2").expect("a release");
    assert!(
        lines[0].starts_with("3  20")
            && lines[0].ends_with(&format!("1.8.1  {new} -> {old}  the checkout of 1.8.2 is broken")),
        "{}",
        log.all()
    );
    assert!(
        lines[2].starts_with("1  20") && lines[2].ends_with(&format!("1.8.1  nothing -> {old}  push")),
        "{}",
        log.all()
    );
    let entries = shop.log("latest");
    assert_eq!((&entries[0]["number"], &entries[0]["from"], &entries[0]["to"]), (&json!(3), &json!(new), &json!(old)));
    // What is further on moves it again, from where it is.
    shop.push("1.8.3").ok().expect_said("moved from 1.8.1");
}

#[test]
fn what_is_set_is_there_and_no_release() {
    let shop = Shop::with("channels = ['latest']");
    shop.push("1.8.1").ok();
    let digest = shop.tag("1.8.1").expect("a release");
    let reason = ["--reason", "no"];
    let release = format!("{}:1.8.1", shop.place());
    let set = |name: &str, digest: &str| shop.channel(&["set", name, digest]).args(reason);
    shop.registry.reset();
    set(&release, &digest).run().expect_code(3).expect_said("is the tag of a release");
    set(&shop.latest(), &format!("sha256:{}", "0".repeat(64))).run().expect_code(5).expect_said("does not have");
    set(&shop.latest(), &digest).args(["--version", "9"]).run().expect_code(4).expect_said("says that it is 1.8.1");
    set(&shop.latest(), "1.8.1").run().expect_code(2).expect_said("sha256");
    for name in [&shop.place(), "latest", "oci:x:latest", &format!("{}@{digest}", shop.place())] {
        set(name, &digest).run().expect_code(2).expect_said("HOST/REPOSITORY:CHANNEL");
    }
    set(&format!("{}:ch-latest-000001", shop.place()), &digest).run().expect_code(1).expect_said("cannot be a channel");
    shop.channel(&["log", &format!("{}:other", shop.place())]).run().expect_code(1).expect_said("no channel");
    shop.channel(&["log", &release]).run().expect_code(3).expect_said("has no record");
    assert_eq!((shop.writes(), shop.tag("1.8.1")), (Vec::new(), Some(digest)));
    let down = { Registry::start().place() };
    shop.channel(&["log", &format!("{down}/x:latest")]).run().expect_code(5);
}

#[test]
fn a_tag_of_somebody_else_is_refused_after_the_release_is_published() {
    let shop = Shop::with("channels = ['edge', 'stable']");
    let index = "application/vnd.oci.image.index.v1+json";
    let empty = format!(r#"{{"schemaVersion":2,"mediaType":"{index}","manifests":[]}}"#);
    let other = shop.registry.store(|store| store.put_manifest(REPOSITORY, "stable", index, empty.as_bytes()));
    let ended = shop.push("1.8.1").run().expect_code(3);
    let published = format!("`{}:1.8.1` is published, but its channel `stable` did not move", shop.place());
    let advice = format!("kiln channel set {}:stable DIGEST --reason TEXT", shop.place());
    let ended = ended.expect_said(&published).expect_said("has no record").expect_said(&advice);
    assert!(ended.text().contains(":1.8.1@sha256:"), "the release is told all the same: {}", ended.all());
    assert_eq!(shop.tag("stable"), Some(other));
    assert_eq!(shop.tag("edge"), shop.tag("1.8.1"), "one that cannot move keeps no other back");
    let digest = shop.tag("1.8.1").expect("a release");
    let stable = format!("{}:stable", shop.place());
    shop.channel(&["set", &stable, &digest, "--reason", "kiln moves it now"]).ok();
    shop.push("1.8.2").ok().expect_said("`stable` moved from 1.8.1");
    // What kiln created is a release's, whatever it is called, and becomes no channel.
    shop.push("1.8.3").args(["--tag", "winter"]).ok();
    let winter = format!("{}:winter", shop.place());
    let refused = shop.channel(&["set", &winter, &digest, "--reason", "no"]).run().expect_code(3);
    refused.expect_said("is the tag of a release");
    assert_eq!(shop.tag("winter"), shop.tag("1.8.3"));
}

#[test]
fn a_release_is_never_called_like_a_channel() {
    let shop = Shop::with("channels = ['{major}.{minor}', 'latest']\norder = 'debian'");
    shop.push("1.8").run().expect_code(3).expect_said("`1.8` is a channel of the template");
    shop.push("1.8.1").args(["--tag", "latest"]).run().expect_code(3).expect_said("`latest` is a channel");
    let shop = Shop { project: Project::new(&template("channels = ['latest']")), ..shop };
    shop.push("nightly").run().expect_code(1).expect_said("`nightly` is no version in the order `semver`");
    assert!(shop.registry.calls().is_empty(), "{:#?}", shop.registry.lines());
}

#[test]
fn only_what_has_its_version_as_a_tag_in_a_registry_has_channels() {
    let shop = Shop::with("channels = ['latest']");
    let own = format!("{}:own", shop.place());
    shop.project
        .kiln(&["push", ".", &own, "oci:layout", "-v"])
        .ok()
        .expect_said("no channel moves")
        .expect_said("only registries have");
    assert_eq!((shop.tag("latest"), shop.tag("own").is_some()), (None, true));
    let index = String::from_utf8(shop.project.read("layout/index.json")).expect("text");
    assert!(!index.contains("latest") && index.contains("1.8.1"), "{index}");
}

#[test]
fn a_record_that_was_changed_is_found() {
    let shop = Shop::with("channels = ['latest']");
    for version in ["1.8.1", "1.8.2", "1.8.3"] {
        shop.push(version).ok();
    }
    let entries = [1, 2, 3].map(|number| shop.tag(&format!("ch-latest-00000{number}")).expect("an entry"));
    let releases = ["1.8.1", "1.8.2", "1.8.3"].map(|version| shop.tag(version).expect("a release"));
    let fails = |tag: &str, digest: &str, said: &str| {
        let before = shop.tag(tag).expect("it is there");
        shop.write_tag(tag, digest);
        let ended = shop.channel(&["log", &shop.latest()]).run().expect_code(4).expect_said(said);
        assert_eq!(ended.text(), "", "{}", ended.all());
        shop.write_tag(tag, &before);
    };
    fails("ch-latest-000002", &entries[0], "says that it is another entry");
    fails("ch-latest-000002", &releases[0], "is not entry 2");
    fails("latest", &releases[1], "behind entry 3");
    // One entry was exchanged for another one that is whole.
    let forged = shop.registry.store(|store| {
        let (media_type, bytes) = store.manifest(REPOSITORY, &entries[1]).expect("an entry").1.clone();
        let text = String::from_utf8(bytes).expect("text").replace("\"push\"", "\"pull\"");
        store.put_manifest(REPOSITORY, "", &media_type, text.as_bytes())
    });
    fails("ch-latest-000002", &forged, "entry 3 of the record");
    shop.registry.store(|store| store.tags.remove(&(REPOSITORY.to_owned(), "ch-latest-000002".to_owned())));
    shop.channel(&["log", &shop.latest()]).run().expect_code(4).expect_said("has a hole: entry 2 is not there");
}

#[test]
fn eight_pushers_at_once_end_at_the_highest_version() {
    let shop = Shop::with("channels = ['latest']");
    let versions: Vec<String> = (0..8).map(|at| format!("1.{}.0", at * 5 % 8)).collect();
    let ended: Vec<Ended> = std::thread::scope(|scope| {
        let runs = versions.iter().enumerate();
        let runs = runs.map(|(at, version)| {
            let store = shop.project.top().join(format!("store-{at}"));
            scope.spawn(|| shop.push(version).env("KILN_STORE", store).run())
        });
        runs.collect::<Vec<_>>().into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    for ended in ended {
        ended.expect_code(0);
    }
    assert_eq!(shop.tag("latest"), shop.tag("1.7.0"));
    let entries = shop.log("latest");
    let numbers: Vec<u64> = entries.iter().rev().filter_map(|entry| entry["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=entries.len() as u64).collect::<Vec<_>>());
    let order = shop.versions("latest");
    assert!(order[0] == "1.7.0" && order.iter().rev().is_sorted(), "{order:?}");
}

#[test]
fn where_no_tag_moves_the_release_is_published_and_the_channel_is_told() {
    let shop = Shop::with("channels = ['latest']");
    shop.push("1.8.1").ok();
    shop.registry.configure(|settings| settings.tag_rule = TagRule::immutable(Refusal::TagInvalid));
    for version in ["1.8.2", "1.8.3"] {
        let ended = shop.push(version).run().expect_code(3).expect_said("is published, but its channel `latest`");
        ended.expect_said("does not let").expect_said("exception for channels");
        assert!(shop.tag(version).is_some());
    }
    shop.registry.configure(|settings| settings.movable = vec!["latest".to_owned()]);
    shop.push("1.8.3").ok().expect_said("was behind its record").expect_said("moved from 1.8.2");
}

#[test]
fn a_channel_that_fails_is_moved_by_the_next_push() {
    let shop = Shop::with("channels = ['latest']");
    shop.registry.misbehave(Rule::to("PUT", "/manifests/latest", Mischief::Vanish));
    let ended = shop.push("1.8.1").run().expect_code(5);
    ended.expect_said("1.8.1` is published, but its channel `latest` did not move");
    shop.registry.reset();
    shop.channel(&["log", &shop.latest()]).run().expect_code(4).expect_said("holds nothing").expect_said("next push");
    shop.push("1.8.1").ok().expect_said("`latest` was behind its record and is set to 1.8.1");
    assert_eq!((shop.tag("latest"), shop.versions("latest")), (shop.tag("1.8.1"), vec!["1.8.1".to_owned()]));
}

#[test]
fn parts_that_are_joined_move_channels_as_one_machine_does() {
    let shop = Shop::with("channels = ['latest']");
    let text = String::from_utf8(shop.project.read("kiln.toml")).expect("text");
    shop.project.write("kiln.toml", text.replace("['linux/amd64']", "['linux/amd64', 'linux/arm64']"));
    for (file, platform) in [("a.json", "linux/amd64"), ("b.json", "linux/arm64")] {
        let part = format!("--part={file}");
        shop.project.kiln(&["push", ".", &shop.place(), &part, "--platform", platform]).ok();
    }
    assert_eq!(shop.tag("latest"), None);
    shop.project.kiln(&["push", "--parts", "a.json", "b.json"]).ok().expect_said("`latest` is new and holds 1.8.1");
    assert_eq!(shop.tag("latest"), shop.tag("1.8.1"));
}

#[test]
fn servers_of_other_people_keep_channels_and_their_records() {
    let project = Project::new(&template("channels = ['latest']"));
    for server in [Server::docker_registry(project.top()), Server::ferro()].into_iter().flatten() {
        let place = format!("{}/{REPOSITORY}", server.place());
        let latest = format!("{place}:latest");
        let digests = ["1.8.1", "1.8.2"].map(|version| {
            let ended = project.kiln(&["push", ".", &place, "--version", version]).ok();
            ended.text().trim_end().rsplit_once('@').expect("a digest").1.to_owned()
        });
        project.kiln(&["push", ".", &place, "--version", "1.8.0"]).ok().expect_said("further on than 1.8.0");
        project.kiln(&["channel", "set", &latest, &digests[0], "--reason", "back"]).ok();
        let log = project.kiln(&["channel", "log", &latest, "--json"]).ok().json();
        let held: Vec<&str> = log.as_array().expect("a list").iter().filter_map(|entry| entry["to"].as_str()).collect();
        assert_eq!(held, [&digests[0], &digests[1], &digests[0]], "{log:#}");
        let inspected = project.kiln(&["inspect", &latest, "--json"]).ok();
        assert!(inspected.text().contains(&digests[0]), "{}", inspected.all());
    }
}
