//! `kiln push` against the strict registry: in which order things go, what goes at all, and what is never done.

mod base;
mod held;
mod names;
mod parts;
mod rights;
mod servers;
mod trouble;

use std::collections::BTreeSet;

use crate::harness::{Ended, Program, Project};
use crate::registry::{Call, Registry};

/// The repository that most tests push to.
const REPOSITORY: &str = "acme/shop/api";

/// When the image says that it was made, and when that of [`Shop::change`] does.
const MADE: &str = "2026-02-01T00:00:00Z";
const MADE_LATER: &str = "2026-03-01T00:00:00Z";

/// An image of two layers.
fn template(platforms: &str) -> String {
    format!(
        "[image]\nname = 'shop/api'\nversion = '1.0'\nplatforms = [{platforms}]\nepoch = '2026-01-01T00:00:00Z'\n\
         created = '{MADE}'\n[[layer]]\nname = 'low'\nwrite = '/low'\ntext = 'low'\n\
         [[layer]]\nname = 'top'\nwrite = '/top'\ntext = 'one'\n"
    )
}

/// A project and a registry.
struct Shop {
    project: Project,
    registry: Registry,
}

impl Shop {
    /// For one platform.
    fn new() -> Self {
        Self::with(&template("'linux/amd64'"))
    }

    /// For two.
    fn of_two() -> Self {
        Self::with(&template("'linux/amd64', 'linux/arm64'"))
    }

    fn with(template: &str) -> Self {
        Self { project: Project::new(template), registry: Registry::start() }
    }

    /// Where it goes, without a tag.
    fn place(&self) -> String {
        format!("{}/{REPOSITORY}", self.registry.place())
    }

    /// `kiln push . PLACE`, with little patience.
    fn push(&self, args: &[&str]) -> Program {
        self.push_to(&self.place(), args)
    }

    fn push_to(&self, place: &str, args: &[&str]) -> Program {
        self.project.kiln(&["push", ".", place]).args(args).env("KILN_ATTEMPTS", "2")
    }

    /// The same with another store, as on another machine.
    fn push_from(&self, store: &str, args: &[&str]) -> Program {
        self.push(args).env("KILN_STORE", self.project.top().join(store))
    }

    /// The template says something else.
    fn replace(&self, from: &str, to: &str) {
        let text = String::from_utf8(self.project.read("kiln.toml")).expect("text");
        assert!(text.contains(from), "{text}");
        self.project.write("kiln.toml", text.replace(from, to));
    }

    /// Another content, made at another time, under the same version.
    fn change(&self) {
        self.replace("'one'", "'two'");
        self.replace(MADE, MADE_LATER);
    }

    /// What a tag holds.
    fn tag(&self, tag: &str) -> Option<String> {
        self.registry.store(|store| store.tag(REPOSITORY, tag).map(str::to_owned))
    }

    /// The tags that are there; each holds something whole.
    fn tags(&self) -> Vec<String> {
        self.registry.store(|store| {
            let tags: Vec<String> = store.tags_of(REPOSITORY).into_iter().map(str::to_owned).collect();
            for tag in &tags {
                assert_eq!(store.missing(REPOSITORY, tag), BTreeSet::new(), "{tag} holds something incomplete");
            }
            tags
        })
    }

    /// What was asked beside the one question whether it speaks TLS.
    fn lines(&self) -> Vec<String> {
        self.registry.lines().into_iter().filter(|line| line != "GET /v2/ -> 200").collect()
    }

    /// What was written.
    fn writes(&self) -> Vec<Call> {
        self.registry.calls().into_iter().filter(|call| !call.reads()).collect()
    }

    /// How many blobs a store has.
    fn blobs(&self, store: &str) -> usize {
        let files = walkdir::WalkDir::new(self.project.top().join(store).join("blobs"));
        files.into_iter().filter_map(Result::ok).filter(|file| file.file_type().is_file()).count()
    }

    /// What nobody should ask a registry was not asked.
    fn assert_decent(&self) {
        assert_eq!(self.registry.offences(), Vec::<String>::new(), "{:#?}", self.registry.lines());
    }
}

/// The digest in the name on stdout, which is the only one.
#[track_caller]
fn pushed(ended: &Ended) -> String {
    let text = ended.text();
    assert_eq!(text.lines().count(), 1, "{}", ended.all());
    text.trim_end().split_once('@').expect("a digest").1.to_owned()
}

/// Where the first line is that holds all of the words.
#[track_caller]
fn position(lines: &[String], words: &[&str]) -> usize {
    let fits = |line: &String| words.iter().all(|word| line.contains(word));
    lines.iter().position(fits).unwrap_or_else(|| panic!("no {words:?} in {lines:#?}"))
}

#[test]
fn blobs_go_first_then_manifests_then_what_refers_to_them_then_the_tag() {
    let shop = Shop::of_two();
    let ended = shop.push(&[]).ok();
    let digest = pushed(&ended);
    assert_eq!(ended.text(), format!("{}:1.0@{digest}\n", shop.place()));
    let lines = shop.lines();
    assert_eq!(lines[0], format!("HEAD /v2/{REPOSITORY}/manifests/1.0 -> 404"));
    let writes: Vec<String> = shop.writes().iter().map(ToString::to_string).collect();
    let kind = |line: &String| match line {
        line if line.contains("/blobs/") => 0,
        line if line.contains("/manifests/sha256:") => 1,
        _ => 2,
    };
    let kinds: Vec<i32> = writes.iter().map(kind).collect();
    assert!(kinds.is_sorted(), "{writes:#?}");
    // Two configs, two layers that both platforms share, and the empty blob of the record.
    assert_eq!(
        writes.iter().filter(|line| line.starts_with("PUT") && line.contains("/blobs/")).count(),
        5,
        "{writes:#?}"
    );
    let manifests: Vec<&String> = writes.iter().filter(|line| line.contains("/manifests/")).collect();
    assert_eq!(manifests.len(), 5, "two images, the index, the record of the plan, the tag: {manifests:#?}");
    let index = position(&lines, &["PUT", "/manifests/", &digest[..19]]);
    let record = position(&lines, &["GET", "/referrers/", &digest[..19]]);
    assert!(lines[index + 1..record].iter().all(|line| !line.starts_with("PUT")), "{lines:#?}");
    let tag = format!("/v2/{REPOSITORY}/manifests/1.0 -> ");
    let end = [format!("HEAD {tag}404"), format!("PUT {tag}201"), format!("HEAD {tag}200")];
    assert_eq!(lines[lines.len() - 3..], end, "{lines:#?}");
    assert_eq!((shop.tag("1.0"), shop.tags()), (Some(digest), vec!["1.0".to_owned()]));
    shop.assert_decent();
}

#[test]
fn a_second_push_is_one_question() {
    let shop = Shop::new();
    let first = shop.push(&[]).ok();
    let question = [format!("HEAD /v2/{REPOSITORY}/manifests/1.0 -> 200")];
    let named = ["push", "store:shop/api", &shop.place()];
    for again in
        [shop.push(&[]), shop.project.kiln(&named), shop.project.kiln(&["push", "store:shop/api:1.0", &shop.place()])]
    {
        shop.registry.reset();
        let again = again.ok();
        assert_eq!((again.text(), shop.lines()), (first.text(), question.to_vec()));
    }
}

#[test]
fn a_name_of_the_store_is_pushed_as_it_is() {
    let shop = Shop::of_two();
    let digest = shop.project.build(&[]);
    let ended = shop.project.kiln(&["push", "store:shop/api:1.0", &format!("{}:named", shop.place())]).ok();
    assert_eq!(ended.text(), format!("{}:named@{digest}\n", shop.place()));
    assert_eq!(shop.tags(), ["named"]);
    shop.assert_decent();
    shop.project.kiln(&["push", "store:shop/other", &shop.place()]).run().expect_code(1).expect_said("shop/other");
}

#[test]
fn what_a_registry_has_of_an_image_is_not_sent_again() {
    let shop = Shop::new();
    shop.push(&[]).ok();
    shop.registry.reset();
    shop.replace("'1.0'", "'1.1'");
    shop.replace("'one'", "'two'");
    let ended = shop.push(&[]).ok().expect_said("2 there already");
    let puts = shop.writes().iter().filter(|call| call.method == "PUT" && call.target.contains("/blobs/")).count();
    assert_eq!(puts, 2, "the config and one layer: {:#?} {}", shop.lines(), ended.all());
    assert_eq!(shop.tags(), ["1.0", "1.1"]);
}

/// A template whose plan is published needs no layer: neither here nor anywhere.
#[test]
fn what_is_published_by_the_same_plan_is_not_built() {
    for has_referrers in [true, false] {
        let shop = Shop::of_two();
        shop.registry.configure(|settings| settings.has_referrers = has_referrers);
        let first = shop.push(&["--tag", "plan"]).ok();
        let fallback = shop.tags().iter().filter(|tag| tag.starts_with("sha256-")).count();
        assert_eq!(fallback, usize::from(!has_referrers));
        shop.registry.reset();
        let again = shop.push_from("fresh", &["--tag", "plan"]).ok();
        again.expect_said("nothing is built").expect_said("nothing was sent");
        assert!(shop.writes().is_empty(), "{:#?}", shop.lines());
        assert_eq!((shop.blobs("fresh"), shop.blobs("store") > 0), (0, true));
        let same = shop.push_from("other", &["--tag", "plan"]).ok();
        assert_eq!(same.text(), first.text());
    }
}
