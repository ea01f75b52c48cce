//! Repositories that were made to do harm, and object stores that lie.

use super::testing::*;
use super::*;
use crate::base::Class;

fn entry(mode: &str, name: &str, id: &str) -> Vec<u8> {
    let id: Vec<u8> = (0..20).filter_map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).ok()).collect();
    [format!("{mode} {name}\0").as_bytes(), &id].concat()
}

/// The error for a commit whose root is a tree with these bytes.
fn error_of(world: &World, tree: &[u8]) -> GitError {
    let tree = world.object("r", "tree", tree);
    let commit = world.commit_tree("r", &tree);
    world.error(&world.request("r"), &commit)
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let world = World::new();
    world.repository("r", &[]);
    let blob = world.object("r", "blob", b"x");
    let inner = world.object("r", "tree", &entry("100644", "..", &blob));
    let long = "x".repeat(300);
    for (tree, shown) in [
        (entry("100644", "..", &blob), "/.."),
        (entry("100644", ".git", &blob), "/.git"),
        (entry("100644", ".GIT", &blob), "/.GIT"),
        (entry("100644", "a/b", &blob), "/a/b"),
        (entry("40000", "dir", &inner), "dir/.."),
        (entry("100644", &long, &blob), &format!("/{}", &long[..120])),
        ([entry("100644", "a", &blob), entry("40000", "a", &inner)].concat(), "/a"),
    ] {
        let error = error_of(&world, &tree);
        assert!(matches!(&error, GitError::Name { path, .. } if path == shown), "{shown}: {}", whole(&error));
    }
}

#[test]
fn objects_that_are_not_what_they_should_be_are_refused() {
    let world = World::new();
    world.repository("r", &[]);
    let empty = world.object("r", "blob", b"");
    let long = world.object("r", "blob", &[b'x'; 5000]);
    let of_tree = |tree: &[u8]| match error_of(&world, tree) {
        GitError::Object { source, .. } => source,
        error => panic!("{}", whole(&error)),
    };
    assert!(matches!(of_tree(&entry("120000", "l", &empty)), ObjectFlaw::Form(_)));
    assert!(matches!(of_tree(&entry("120000", "l", &long)), ObjectFlaw::TooLarge { size_bytes: 5000, .. }));
}

/// A git whose `cat-file` gives other bytes than it has.
fn lying(edit: &str) -> (World, ObjectId) {
    let mut world = World::new();
    let commit = world.repository("r", &[("a", "hello small"), ("b", &"hello large ".repeat(200))]);
    world.program(&format!(
        "case \"$*\" in *--batch*) git \"$@\" | LC_ALL=C sed -u '{edit}' ;; *) exec git \"$@\" ;; esac"
    ));
    (world, commit)
}

#[test]
fn an_object_store_that_lies_is_noticed() {
    for edit in
        ["s/hello small/jello small/", "s/hello large/jello large/", "s/100644 a/100755 a/", "s/1700000000/1700000001/"]
    {
        let (world, commit) = lying(edit);
        let error = world.error(&world.request("r"), &commit);
        assert!(matches!(error, GitError::Object { source: ObjectFlaw::Hash, .. }), "{edit}: {}", whole(&error));
        assert_eq!(error.class(), Class::Mismatch);
    }
    let (world, commit) = lying("s/^[0-9a-f]* blob .*/x missing/");
    let error = world.error(&world.request("r"), &commit);
    assert!(matches!(error, GitError::Object { source: ObjectFlaw::Missing, .. }), "{}", whole(&error));
    let (world, commit) = lying("s/ tree [0-9]*$/ blob 5/");
    let error = world.error(&world.request("r"), &commit);
    assert!(matches!(error, GitError::Object { source: ObjectFlaw::Kind { .. }, .. }), "{}", whole(&error));
    for edit in ["s/$/ x/", "s/ commit [0-9]*$/\\xff commit/", "s/^[0-9a-f]* commit/\\xff commit/"] {
        let (world, commit) = lying(edit);
        let error = world.error(&world.request("r"), &commit);
        assert!(matches!(error, GitError::Object { source: ObjectFlaw::Form(_), .. }), "{edit}: {}", whole(&error));
    }
}

#[test]
fn a_git_that_dies_is_noticed() {
    for body in ["echo 'fatal: tired' >&2", "read id; echo $id commit 500; echo short; echo 'fatal: tired' >&2"] {
        let mut world = World::new();
        let commit = world.repository("r", &[]);
        world.program(&format!("case \"$*\" in *--batch*) {body} ;; *) exec git \"$@\" ;; esac"));
        let error = world.error(&world.request("r"), &commit);
        assert_eq!(error.to_string(), "git cannot read what it fetched: fatal: tired");
    }
    let mut world = World::new();
    let commit = world.repository("r", &[]);
    world.program("case \"$*\" in *init*) echo 'fatal: full' >&2; exit 1 ;; *) exec git \"$@\" ;; esac");
    assert_eq!(world.error(&world.request("r"), &commit).to_string(), "git cannot make a repository: fatal: full");
}

#[test]
fn a_git_that_stays_and_is_silent_is_given_up() {
    // At once, in the middle of a line, in the middle of an object, and behind it; then one that closes its pipe and stays.
    let halves = ["true", "printf half", "echo $id commit 500; echo short", "git cat-file commit $id >&2; exec >&-"];
    for half in halves {
        let mut world = World::new();
        let commit = world.repository("r", &[]);
        world.stall = std::time::Duration::from_millis(300);
        let pid = world.at("pid");
        world.program(&format!(
            "case \"$*\" in *--batch*) sleep 1000 >&2 & echo $! > {}; read id; {half}; wait ;; *) exec git \"$@\" ;; esac",
            pid.display()
        ));
        let error = world.error(&world.request("r"), &commit);
        let expected = if half.ends_with(">&-") { "Git" } else { "Silent" };
        assert!(format!("{error:?}").starts_with(expected), "{half}: {}", whole(&error));
        gone(&world);
    }
}

#[test]
fn replaced_objects_are_not_taken() {
    let world = World::new();
    let commit = world.repository("r", &[("a", "real")]);
    let other = world.commit("r", &[("a", "other")]);
    world.git("r", &["replace", &commit.to_string(), &other.to_string()]);
    let (_, files) = world.read(&world.request("r"), &commit).expect("a commit");
    assert_eq!(files["/a"], b"real");
}
