//! Names that lead to commits, and those that do not.

use super::testing::*;
use super::*;
use crate::base::Class;

#[test]
fn branches_tags_and_commits_lead_to_commits() {
    let world = World::new();
    let first = world.repository("r", &[("a", "1")]);
    world.git("r", &["tag", "light"]);
    world.git("r", &["tag", "-a", "-m", "x", "heavy"]);
    world.git("r", &["branch", "feature/x"]);
    world.git("r", &["update-ref", "refs/other/thing", &first.to_string()]);
    let second = world.commit("r", &[("a", "2")]);
    for rev in ["light", "heavy", "feature/x", "refs/heads/feature/x", "refs/tags/heavy", "refs/other/thing"] {
        assert_eq!(world.resolve("r", rev).expect(rev), first, "{rev}");
    }
    assert_eq!(world.resolve("r", "main").expect("a branch"), second);
    assert_eq!(world.resolve("r", "HEAD").expect("a HEAD"), second);
    assert_eq!(resolve(&world.request("r"), &world.terms()).expect("a HEAD"), second);
    assert_ne!(world.id("r", "heavy"), first);
}

#[test]
fn a_full_commit_id_needs_nobody() {
    let mut world = World::new();
    world.set_program("/nonexistent/git");
    world.network = Network::Offline;
    let text = "0123456789ABCDEF0123456789abcdef01234567";
    let request = GitRequest { rev: Some(text.to_owned()), ..request("https://example.org/x") };
    assert_eq!(resolve(&request, &world.terms()).expect("an id").to_string(), text.to_lowercase());
}

#[test]
fn a_branch_and_a_tag_of_one_name_must_agree() {
    let world = World::new();
    let first = world.repository("r", &[]);
    world.git("r", &["tag", "-a", "-m", "x", "both"]);
    world.git("r", &["branch", "both"]);
    assert_eq!(world.resolve("r", "both").expect("the same commit"), first);
    let second = world.commit("r", &[("a", "")]);
    world.git("r", &["branch", "-f", "both"]);
    let error = world.resolve("r", "both").expect_err("two commits");
    assert!(matches!(&error, GitError::Ambiguous { branch, tag, .. } if (*branch, *tag) == (second, first)), "{error}");
    assert_eq!(error.hint().as_deref(), Some("write `refs/heads/both` or `refs/tags/both`"));
    assert_eq!(world.resolve("r", "refs/tags/both").expect("the tag"), first);
}

#[test]
fn wrong_names_are_answered_with_near_ones() {
    let world = World::new();
    world.repository("r", &[]);
    ["release-1.0", "release-1.1", "other"].iter().for_each(|name| drop(world.git("r", &["tag", name])));
    let error = world.resolve("r", "release-1.2").expect_err("no such tag");
    assert_eq!(error.hint().as_deref(), Some("did you mean `release-1.0`, `release-1.1`?"));
    assert_eq!(error.to_string(), format!("`{}` has no branch or tag `release-1.2`", world.url("r")));
    let error = world.resolve("r", "zzz").expect_err("no such tag");
    assert!(matches!(&error, GitError::NoSuchRev { nearest, .. } if nearest.is_empty()));
    assert_eq!(error.hint(), Some(format!("`git ls-remote {}` lists what it has", world.url("r"))));
    assert!(matches!(world.resolve("r", "refs/tags/none"), Err(GitError::NoSuchRev { .. })));
    // Globs are no names.
    assert!(matches!(world.resolve("r", "rel*"), Err(GitError::NoSuchRev { .. })));
    assert!(matches!(world.resolve("r", "refs/tags/rel*"), Err(GitError::NoSuchRev { .. })));
}

#[test]
fn abbreviated_commits_are_answered_with_the_full_id() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    world.git("r", &["tag", "-a", "-m", "x", "heavy"]);
    let start = commit.to_string()[..10].to_owned();
    let error = world.resolve("r", &start).expect_err("not a full id");
    assert!(matches!(&error, GitError::Abbreviated { full: Some(full), .. } if *full == commit), "{error}");
    assert_eq!(error.hint(), Some(format!("write the whole id: `{commit}`")));
    let error = world.resolve("r", "0000000").expect_err("not a full id");
    assert_eq!(error.hint().as_deref(), Some("`git rev-parse 0000000` gives the whole id in a clone"));
    world.git("r", &["branch", "20240101"]);
    assert_eq!(world.resolve("r", "20240101").expect("a branch with digits for a name"), commit);
}

#[test]
fn an_empty_repository_has_no_head() {
    let world = World::new();
    std::fs::create_dir(world.at("r")).expect("a directory");
    world.git("r", &["init", "-q"]);
    assert!(matches!(resolve(&world.request("r"), &world.terms()), Err(GitError::NoHead { .. })));
}

#[test]
fn what_cannot_be_reached_is_said_without_secrets() {
    let world = World::new();
    let error = resolve(&world.request("none"), &world.terms()).expect_err("nothing is there");
    assert!(matches!(&error, GitError::Unreachable { said, .. } if said.contains("does not appear to be")), "{error}");
    assert_eq!(error.class(), Class::Unavailable);
    // Nothing listens there.
    let error = resolve(&request("http://me:s3cr3t%21@127.0.0.1:1/x?key=s3cond"), &world.terms()).expect_err("refused");
    let text = format!("{error} {error:?} {:?}", error.hint());
    assert!(text.contains("http://***@127.0.0.1:1/x"), "{text}");
    assert!(!text.contains("s3c") && !text.contains("me:"), "{text}");
}

#[test]
fn offline_only_files_are_asked() {
    let mut world = World::new();
    let commit = world.repository("r", &[]);
    world.write("config", "[url \"http://127.0.0.1:1/\"]\n insteadOf = file:///elsewhere/\n");
    world.network = Network::Offline;
    assert_eq!(world.resolve("r", "main").expect("a file"), commit);
    let error = resolve(&request("https://example.org/x"), &world.terms()).expect_err("no network");
    assert_eq!(
        error.to_string(),
        "`HEAD` of `https://example.org/x` is not known, and cannot be asked for while offline"
    );
    let error = world.error(&request("https://example.org/x"), &commit);
    assert!(matches!(&error, GitError::Offline { what, .. } if *what == commit.to_string()), "{error}");
    let error = resolve(&request("file:///elsewhere/x"), &world.terms()).expect_err("it is on a network");
    assert!(matches!(&error, GitError::Unreachable { said, .. } if said.contains("'http' not allowed")), "{error}");
}

#[test]
fn urls_that_are_not_followed_are_named() {
    let mut world = World::new();
    world.set_program("/nonexistent/git");
    for url in ["ext::sh -c true", "-uX", "../x", "ssh://-oProxyCommand=x/y"] {
        let error = resolve(&request(url), &world.terms()).expect_err("not followed");
        assert!(matches!(&error, GitError::Address { url: shown, .. } if shown.to_string() == url), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_list_of_refs_that_cannot_be_is_refused() {
    let mut world = World::new();
    world.program("echo 'no id\trefs/heads/x'");
    let error = world.resolve("r", "x").expect_err("no refs");
    assert!(matches!(&error, GitError::Answer { found, .. } if found.contains("no id")), "{error}");
    world.program("yes | head -c 70000000");
    let error = world.resolve("r", "x").expect_err("no end");
    assert!(matches!(&error, GitError::Answer { found, .. } if found.contains("more than")), "{error}");
}
