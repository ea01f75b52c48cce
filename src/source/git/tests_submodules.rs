//! Repositories inside repositories.

use super::address::{AddressFlaw, Transport};
use super::fetch::{Repository, Wanted};
use super::program::Asker;
use super::testing::*;
use super::*;
use crate::base::Class;

fn taking(world: &World, name: &str) -> GitRequest {
    GitRequest { submodules: Submodules::Take, ..world.request(name) }
}

/// Puts `child` at `at` of the repository `parent`, with any url.
fn link(world: &World, parent: &str, at: &str, child: &ObjectId, url: &str) -> ObjectId {
    let modules = world.at(parent).join(".gitmodules").display().to_string();
    world.git(parent, &["config", "-f", &modules, &format!("submodule.{at}.path"), at]);
    world.git(parent, &["config", "-f", &modules, &format!("submodule.{at}.url"), url]);
    world.git(parent, &["add", ".gitmodules"]);
    world.git(parent, &["update-index", "--add", "--cacheinfo", &format!("160000,{child},{at}")]);
    world.git(parent, &["commit", "-q", "-m", "x"]);
    world.id(parent, "HEAD")
}

#[test]
fn submodules_are_taken_at_their_commits() {
    let world = World::new();
    let inner = world.repository("inner", &[("i", "inner")]);
    world.repository("middle", &[("m", "middle")]);
    let middle = link(&world, "middle", "deep/in", &inner, "../inner");
    world.repository("outer", &[("o", "outer")]);
    let outer = link(&world, "outer", "lib", &middle, &world.url("middle"));
    world.commit("inner", &[("i", "newer")]);
    world.commit("middle", &[("m", "newer")]);
    let (read, files) = world.read(&taking(&world, "outer"), &outer).expect("three repositories");
    assert_eq!(names(&read), ["/.gitmodules", "/lib/.gitmodules", "/lib/deep/in/i", "/lib/m", "/o"]);
    assert_eq!((files["/lib/deep/in/i"].as_slice(), files["/lib/m"].as_slice()), (&b"inner"[..], &b"middle"[..]));
    assert_eq!(read.warnings, []);
    let of = |subdir: &str| GitRequest { subdir: Some(path(subdir)), ..taking(&world, "outer") };
    let (read, _) = world.read(&of("lib/deep"), &outer).expect("a directory of a submodule");
    assert_eq!(names(&read), ["/in/i"]);
    let (read, _) = world.read(&of("lib/deep/in"), &outer).expect("a submodule of a submodule");
    assert_eq!(names(&read), ["/i"]);
}

#[test]
fn a_skipped_submodule_is_an_empty_directory() {
    let world = World::new();
    world.repository("r", &[]);
    let commit = link(&world, "r", "lib", &"01".repeat(20).parse().expect("an id"), "../none");
    let (read, _) = world.read(&world.request("r"), &commit).expect("a commit");
    assert!(shown(&read).ends_with("d 0755 0:0 1700000000 /lib\n"));
    assert_eq!(read.warnings, [Warning::SubmoduleSkipped { path: path("lib") }]);
    let request = GitRequest { subdir: Some(path("lib/x")), ..world.request("r") };
    let error = world.error(&request, &commit);
    assert!(matches!(error, GitError::NotADirectory { found: "submodule", .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("take it with `submodules = true`"));
}

#[test]
fn hostile_urls_of_submodules_run_nothing() {
    let world = World::new();
    let ran = world.at("ran");
    world.write("config", "[protocol \"ext\"]\n allow = always\n");
    let command = format!("touch {}", ran.display());
    let commit = "01".repeat(20).parse().expect("an id");
    for url in [
        format!("ext::sh -c '{command}'"),
        format!("-u{command}"),
        format!("--upload-pack={command}"),
        format!("ssh://-oProxyCommand={command}/x"),
        format!("-oProxyCommand={command}:x"),
        "../../../../../../../../../../x".to_owned(),
    ] {
        world.repository("r", &[]);
        let head = link(&world, "r", "lib", &commit, &url);
        let error = world.error(&taking(&world, "r"), &head);
        let GitError::Submodule { path: at, source } = &error else { panic!("{error}") };
        assert!(matches!(**source, GitError::Address { .. }) && *at == path("lib"), "{}", whole(&error));
        assert!(!ran.exists(), "{url}");
        std::fs::remove_dir_all(world.at("r")).expect("a directory");
    }
}

#[test]
fn a_submodule_that_cannot_be_had_is_named() {
    let world = World::new();
    world.repository("r", &[]);
    let head = link(&world, "r", "lib", &"01".repeat(20).parse().expect("an id"), "../none");
    let error = world.error(&taking(&world, "r"), &head);
    assert_eq!(error.to_string(), "cannot take the submodule `/lib`");
    assert_eq!(error.class(), Class::Unavailable);
    world.git("r", &["rm", "-q", "--cached", ".gitmodules"]);
    world.git("r", &["commit", "-q", "-m", "x"]);
    let error = world.error(&taking(&world, "r"), &world.id("r", "HEAD"));
    assert!(
        matches!(&error, GitError::Submodule { source, .. } if matches!(**source, GitError::NoSubmoduleUrl { .. }))
    );
    assert_eq!(error.class(), Class::Failed);
}

#[test]
fn git_says_what_is_wrong_with_gitmodules() {
    let world = World::new();
    world.repository("r", &[]);
    link(&world, "r", "lib", &"01".repeat(20).parse().expect("an id"), "../none");
    world.write("r/.gitmodules", "[submodule\n");
    world.git("r", &["add", ".gitmodules"]);
    world.git("r", &["commit", "-q", "-m", "x"]);
    let error = world.error(&taking(&world, "r"), &world.id("r", "HEAD"));
    assert!(matches!(&error, GitError::Git { said, .. } if said.contains("bad config line 1")), "{error}");
}

#[test]
fn includes_of_gitmodules_are_not_followed() {
    let world = World::new();
    let child = world.repository("child", &[]);
    world.repository("r", &[("include", "")]);
    let included = format!("[submodule \"x\"]\n path = lib\n url = {}\n", world.url("child"));
    world.write("included", included);
    world.write("r/.gitmodules", format!("[include]\n path = {}\n", world.at("included").display()));
    world.git("r", &["add", ".gitmodules"]);
    world.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{child},lib")]);
    world.git("r", &["commit", "-q", "-m", "x"]);
    let error = world.error(&taking(&world, "r"), &world.id("r", "HEAD"));
    assert!(whole(&error).ends_with("`.gitmodules` gives no url for the submodule `/lib`"), "{}", whole(&error));
}

#[test]
fn submodules_come_to_an_end() {
    let world = World::new();
    let mut commit = world.repository("r0", &[("a", "")]);
    for number in 1..11 {
        let name = format!("r{number}");
        world.repository(&name, &[]);
        commit = link(&world, &name, "s", &commit, &format!("../r{}", number - 1));
    }
    let mut error = world.error(&taking(&world, "r10"), &commit);
    while let GitError::Submodule { source, .. } = error {
        error = *source;
    }
    assert!(matches!(&error, GitError::TooManySubmodules { path: at } if *at == path("s/s/s/s/s/s/s/s/s")), "{error}");
}

#[test]
fn a_repository_from_a_network_reads_no_files_of_this_machine() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    let asker = Asker::Parent(Transport::Network);
    let url = world.url("r");
    let wanted = Wanted { url: &url, commit: &commit, rev: None, asker };
    let error = Repository::fetch(&wanted, &world.terms(), &world.at("scratch")).expect_err("a local submodule");
    assert!(matches!(error, GitError::Address { source: AddressFlaw::Local, .. }), "{error}");
    // What the user's settings make of its url is git's to decide, which forbids it unless the user allows it.
    world.write("config", format!("[url \"{url}\"]\n insteadOf = https://example.org/r\n"));
    let wanted = Wanted { url: "https://example.org/r", ..wanted };
    let error = Repository::fetch(&wanted, &world.terms(), &world.at("scratch")).expect_err("a local submodule");
    assert!(matches!(&error, GitError::Unreachable { said, .. } if said.contains("'file' not allowed")), "{error}");
    let wanted = Wanted { asker: Asker::Template, ..wanted };
    assert!(Repository::fetch(&wanted, &world.terms(), &world.at("scratch")).is_ok());
}
