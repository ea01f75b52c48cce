//! What is found out about registries of all kinds, and what is left behind.

use std::sync::Arc;

use super::*;
use crate::base::Class;
use crate::registry::Files;
use crate::transport::testing::{Access, Broken, Mischief, Refusal, Registry, Reply, Right, Rule, Settings, TagRule};
use crate::transport::{Retries, Transport};

const REPOSITORY: &str = "a/b";

fn run(registry: &Registry, mount_from: Option<&str>) -> Result<Findings, PublishError> {
    run_until(registry, mount_from, &AtomicBool::new(false))
}

fn run_until(
    registry: &Registry,
    mount_from: Option<&str>,
    interrupted: &AtomicBool,
) -> Result<Findings, PublishError> {
    let settings = crate::transport::Settings {
        retries: Retries { attempts: 1, ..Retries::default() },
        ..crate::transport::Settings::default()
    };
    let transport = Transport::new(settings, Arc::default()).expect("a client");
    let client = Client::new(&transport, &Files::default(), &|_| {}).expect("a client");
    let repository = |name: &str| Repository { registry: registry.place(), name: name.to_owned() };
    let (to, from) = (repository(REPOSITORY), mount_from.map(repository));
    let probe = Probe { repository: &to, mount_from: from.as_ref(), tag: ProbeTag::fresh() };
    probe.run(&client, interrupted)
}

/// A registry of this kind, and what is found out about it.
fn found(change: impl FnOnce(&mut Settings)) -> (Registry, Findings) {
    let registry = Registry::start();
    registry.configure(change);
    let findings = run(&registry, None).expect("found out");
    assert_eq!(findings.all.len(), 8, "{findings:?}");
    (registry, findings)
}

fn of(findings: &Findings, ability: Ability) -> &Finding {
    findings.all.iter().find(|finding| finding.ability == ability).expect("found out")
}

fn verdict(findings: &Findings, ability: Ability) -> Verdict {
    of(findings, ability).verdict
}

/// Whether nothing is there any more.
fn is_empty(registry: &Registry) -> bool {
    registry.store(|store| {
        store.tags.is_empty() && store.manifests.is_empty() && store.blobs.is_empty() && store.uploads.open() == 0
    })
}

#[test]
fn a_registry_that_can_do_everything_is_left_as_it_was() {
    let registry = Registry::start();
    registry.configure(|settings| settings.honours_if_none_match = true);
    let findings = run(&registry, Some("c")).expect("found out");
    for finding in &findings.all {
        let expected = if finding.ability == Ability::ImmutableTags { Verdict::No } else { Verdict::Yes };
        assert_eq!(finding.verdict, expected, "{finding:?}");
    }
    assert_eq!(of(&findings, Ability::ManifestSize).bytes, Some(4 * 1024 * 1024 - 1024));
    assert_eq!(of(&findings, Ability::Chunks).bytes, Some(64 * 1024));
    assert!(of(&findings, Ability::Resume).detail.contains("byte 1048576"), "{findings:?}");
    let advice = of(&findings, Ability::ImmutableTags).advice.as_deref().expect("advice");
    assert!(advice.contains("make the repository immutable") && advice.contains("the first one wins"), "{advice}");
    assert!(is_empty(&registry) && findings.left.is_empty(), "{findings:?}");
    assert_eq!(registry.offences(), [""; 0]);
}

#[test]
fn nothing_but_throw_away_tags_is_written() {
    let (registry, findings) = found(|settings| settings.refuses_deletion = true);
    let tags = registry.store(|store| store.tags_of(REPOSITORY).iter().map(ToString::to_string).collect::<Vec<_>>());
    assert!(tags.len() == 1 && tags[0].starts_with(ProbeTag::PREFIX), "{tags:?}");
    assert_eq!(verdict(&findings, Ability::Deletion), Verdict::No);
    let kinds: Vec<&str> = findings.left.iter().map(|left| left.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "tag").count(), 1, "{kinds:?}");
    assert!(
        kinds.contains(&"manifest") && kinds.contains(&"blob") && findings.left[0].why.contains("405"),
        "{findings:?}"
    );
    assert_eq!(verdict(&findings, Ability::Mount), Verdict::Untested);
}

#[test]
fn immutable_tags_are_known_however_they_are_defended() {
    for refusal in
        [Refusal::TagInvalid, Refusal::Denied, Refusal::Conflict, Refusal::AlreadyExists, Refusal::PreconditionFailed]
    {
        let (_, findings) = found(|settings| settings.tag_rule = TagRule::immutable(refusal));
        assert_eq!(verdict(&findings, Ability::ImmutableTags), Verdict::Yes, "{findings:?}");
        // Nobody can tell whether the condition had a part in it.
        assert_eq!(verdict(&findings, Ability::ConditionalPut), Verdict::Untested, "{findings:?}");
    }
    let (_, findings) = found(|settings| {
        settings.tag_rule = TagRule::immutable(Refusal::Conflict);
        settings.honours_if_none_match = true;
    });
    assert_eq!(verdict(&findings, Ability::ConditionalPut), Verdict::Yes, "{findings:?}");
}

#[test]
fn a_registry_of_the_simple_kind_gets_advice() {
    let (registry, findings) = found(|settings| {
        settings.has_referrers = false;
        settings.broken = Broken::Forget;
        settings.manifest_max_bytes = 3 << 20;
    });
    for ability in [Ability::Referrers, Ability::Resume, Ability::ManifestSize, Ability::ConditionalPut] {
        assert_eq!(verdict(&findings, ability), Verdict::No, "{findings:?}");
    }
    assert_eq!(of(&findings, Ability::ManifestSize).bytes, Some(3 * 1024 * 1024 - 1024));
    assert!(of(&findings, Ability::ManifestSize).detail.contains("4 MiB are refused with 413"), "{findings:?}");
    assert!(of(&findings, Ability::Referrers).advice.as_deref().is_some_and(|it| it.contains("sha256-*")));
    assert!(is_empty(&registry), "{findings:?}");
}

#[test]
fn the_smallest_chunk_is_what_the_registry_says() {
    let (_, findings) = found(|settings| settings.chunk_min_bytes = Some(100_000));
    let chunks = of(&findings, Ability::Chunks);
    assert_eq!((chunks.verdict, chunks.bytes), (Verdict::Yes, Some(100_000)), "{chunks:?}");
    let (_, findings) = found(|settings| settings.chunk_min_bytes = Some(1 << 30));
    assert_eq!(verdict(&findings, Ability::Chunks), Verdict::Untested);
    let registry = Registry::start();
    registry.misbehave(Rule::to("PATCH", "uploads", Mischief::Answer(Reply::error(405, "UNSUPPORTED", "no chunks"))));
    let findings = run(&registry, None).expect("found out");
    let chunks = of(&findings, Ability::Chunks);
    assert!(chunks.verdict == Verdict::No && chunks.detail.contains("405"), "{chunks:?}");
    assert!(is_empty(&registry), "{findings:?}");
}

#[test]
fn mounts_need_a_repository_and_the_right_to_read_it() {
    let registry = Registry::start();
    registry.configure(|settings| settings.never_mounts = true);
    let findings = run(&registry, Some("c")).expect("found out");
    assert_eq!(verdict(&findings, Ability::Mount), Verdict::No);
    assert!(is_empty(&registry), "{findings:?}");
    registry.configure(|settings| {
        settings.rights.insert("c".to_owned(), Right::Nothing);
    });
    let findings = run(&registry, Some("c")).expect("the rest is found out");
    let mount = of(&findings, Ability::Mount);
    assert!(mount.verdict == Verdict::Untested && mount.detail.contains("does not let us"), "{mount:?}");
}

#[test]
fn what_is_said_is_compared_with_what_is_seen() {
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", "manifests", Mischief::silent_subject()));
    let findings = run(&registry, None).expect("found out");
    assert_eq!(verdict(&findings, Ability::Referrers), Verdict::Partly);
    // A registry that takes everything and does nothing.
    let registry = Registry::start();
    registry.misbehave(Rule::to("DELETE", "", Mischief::Answer(Reply::new(202))));
    let findings = run(&registry, None).expect("found out");
    let deletion = of(&findings, Ability::Deletion);
    assert!(deletion.verdict == Verdict::No && deletion.detail.contains("and keeps it"), "{deletion:?}");
    let registry = Registry::start();
    let moves = Rule::to("PUT", &format!("manifests/{}", ProbeTag::PREFIX), Mischief::Answer(Reply::new(201)));
    registry.misbehave(moves.after(1));
    let findings = run(&registry, None).expect("found out");
    let immutable = of(&findings, Ability::ImmutableTags);
    assert!(immutable.verdict == Verdict::Yes && immutable.detail.contains("although"), "{immutable:?}");
}

#[test]
fn a_condition_is_refused_where_nobody_knows_it() {
    let registry = Registry::start();
    let tag = format!("manifests/{}", ProbeTag::PREFIX);
    let unknown = Reply::error(400, "UNSUPPORTED", "no conditions");
    registry.misbehave(Rule::to("PUT", &tag, Mischief::Answer(unknown.clone())).times(1));
    let findings = run(&registry, None).expect("found out");
    let conditional = of(&findings, Ability::ConditionalPut);
    assert!(conditional.verdict == Verdict::No && conditional.detail.contains("not there"), "{conditional:?}");
    assert_eq!(verdict(&findings, Ability::ImmutableTags), Verdict::No);
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", &tag, Mischief::Answer(unknown)));
    let findings = run(&registry, None).expect("found out");
    assert_eq!(verdict(&findings, Ability::ImmutableTags), Verdict::Untested, "{findings:?}");
    assert!(is_empty(&registry), "{findings:?}");
}

#[test]
fn one_thing_that_fails_leaves_the_others() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("referrers", Mischief::Answer(Reply::error(500, "UNKNOWN", "out of order"))));
    let findings = run(&registry, None).expect("found out");
    let referrers = of(&findings, Ability::Referrers);
    assert!(referrers.verdict == Verdict::Untested && referrers.detail.contains("500"), "{referrers:?}");
    assert_eq!(verdict(&findings, Ability::Chunks), Verdict::Yes);
    assert!(is_empty(&registry), "{findings:?}");
}

#[test]
fn without_a_first_image_nothing_is_found_out() {
    let registry = Registry::start();
    registry.require(Access::Basic { user: "kim".to_owned(), password: "hunter2".to_owned() });
    assert_eq!(run(&registry, None).expect_err("not let in").class(), Class::Unavailable);
    let registry = Registry::start();
    registry.configure(|settings| settings.manifest_max_bytes = 10);
    let error = run(&registry, None).expect_err("not taken");
    assert!(matches!(&error, PublishError::NotTaken { told, .. } if told.starts_with("413")), "{error:?}");
    assert!(error.class() == Class::Unavailable && error.hint().is_some() && is_empty(&registry), "{error:?}");
}

#[test]
fn who_stops_it_learns_what_is_left() {
    let registry = Registry::start();
    let error = run_until(&registry, None, &AtomicBool::new(true)).expect_err("stopped");
    assert!(matches!(&error, PublishError::Interrupted) && is_empty(&registry), "{error:?}");
    registry.configure(|settings| settings.refuses_deletion = true);
    let error = run_until(&registry, None, &AtomicBool::new(true)).expect_err("stopped");
    assert!(matches!(&error, PublishError::Abandoned { left, .. } if left.len() > 2), "{error:?}");
    assert!(error.class() == Class::Interrupted && error.to_string().contains("left"), "{error}");
}
