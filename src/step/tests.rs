//! Steps on trees, and what comes out.

use std::collections::BTreeMap;

use super::*;
use crate::template::{
    Account, Action, Adduser, Command, Copy, Id, Layer, Owner, Run, SourceRef, Span, Step, Target, Write,
};
use crate::tree::testing::*;
use crate::tree::{Changeset, Contents, Tree, dump};

fn epoch() -> crate::base::Epoch {
    crate::base::Epoch::from_seconds(1_000_000_000).expect("a time")
}

fn layer(actions: Vec<Action>) -> Layer {
    let step = |action| Step { span: Span::default(), mtime: None, action };
    Layer {
        name: "test".to_owned(),
        span: Span::default(),
        steps: actions.into_iter().map(step).collect(),
        keep: Vec::new(),
        allow_private_keys: Vec::new(),
        split: None,
    }
}

pub(in crate::step) fn run(
    lower: &Tree,
    sources: &[(&str, &Tree)],
    actions: Vec<Action>,
) -> Result<(Changeset, Inline, Vec<StepWarning>), StepError> {
    let mut inline = Inline::default();
    let none = Inline::default();
    let contents: &dyn Contents = &none;
    let sources =
        sources.iter().map(|(name, tree)| ((*name).to_owned(), SourceTree { tree, times: Times::Machine })).collect();
    let inputs = Inputs { sources, archives: BTreeMap::new(), contents };
    let mut root = lower.clone();
    let evaluated = evaluate(&layer(actions), &mut root, &inputs, &mut inline, epoch());
    let evaluated = evaluated.map_err(|failure| failure.error)?;
    let mut applied = lower.clone();
    applied.apply(&evaluated.changeset);
    assert_eq!(applied, root, "the changeset on the lower tree gives the tree that the steps made");
    Ok((evaluated.changeset, inline, evaluated.warnings))
}

pub(in crate::step) fn write(path_text: &str, content: &str) -> Action {
    Action::Write(Write { path: path(path_text), content: content.into(), owner: None, mode: None })
}

fn copy(source: &str, to: &str, include: &[&str]) -> Action {
    Action::Copy(Copy {
        from: SourceRef { source: source.to_owned(), path: path(""), span: Span::default() },
        to: Target { path: path(to), is_directory: true },
        owner: None,
        mode: None,
        include: include.iter().map(|glob| (*glob).to_owned()).collect(),
        exclude: Vec::new(),
    })
}

fn remove(glob: &str) -> Action {
    Action::Remove { glob: glob.to_owned() }
}

fn adduser(name: &str, id: Option<u32>) -> Action {
    Action::Adduser(Adduser {
        account: Account { name: name.to_owned(), id, system: false },
        group: None,
        home: None,
        shell: None,
        groups: Vec::new(),
        comment: String::new(),
    })
}

fn lines(changeset: &Changeset) -> Vec<String> {
    dump::write(changeset).lines().map(str::to_owned).collect()
}

#[test]
fn every_parent_of_a_change_has_an_entry_that_repeats_it() {
    let mut tmp = directory();
    tmp.mode = 0o1777;
    let lower = tree(&[("lib", symlink("usr/lib")), ("tmp", tmp), ("usr", directory()), ("usr/lib", directory())]);
    let (changes, ..) = run(&lower, &[], vec![write("tmp/x", ""), write("lib/y", "")]).expect("steps");
    let lines = lines(&changes);
    assert_eq!(lines[0], "d 1777 0:0 0 /tmp");
    assert!(lines[1].starts_with("f 0644 0:0 1000000000 /tmp/x "));
    assert_eq!(&lines[2..4], ["d 0755 0:0 0 /usr", "d 0755 0:0 0 /usr/lib"]);
    assert!(lines[4].contains(" /usr/lib/y "), "the link is followed and stays: {lines:?}");
}

#[test]
fn what_is_removed_and_made_again_hides_what_was_there() {
    let lower = tree(&[("a", directory()), ("a/b", file("1")), ("a/c", directory()), ("a/c/d", file("2"))]);
    let (changes, ..) = run(&lower, &[], vec![remove("/a"), write("a/new", "")]).expect("steps");
    let lines = lines(&changes);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.contains(&"w /a/b".to_owned()) && lines.contains(&"w /a/c".to_owned()));
    let (changes, ..) = run(&lower, &[], vec![write("x/y", ""), remove("/x")]).expect("steps");
    assert!(changes.is_empty(), "what the layer made itself leaves no whiteout");
}

#[test]
fn a_glob_that_matches_nothing_and_a_file_written_twice_are_warnings() {
    let actions = vec![remove("*.nothing"), write("a", "1"), write("a", "2")];
    let (_, _, warnings) = run(&Tree::new(), &[], actions).expect("steps");
    assert!(matches!(&warnings[..], [StepWarning::RemovedNothing { .. }, StepWarning::WrittenTwice { .. }]));
}

#[test]
fn only_what_is_selected_is_copied_with_its_directories() {
    let source = tree(&[("a", directory()), ("a/x.css", file("")), ("b", directory()), ("b/y.html", file(""))]);
    let (changes, ..) = run(&Tree::new(), &[("s", &source)], vec![copy("s", "srv", &["*.html"])]).expect("steps");
    let paths: Vec<String> = changes.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["/srv", "/srv/b", "/srv/b/y.html"]);
    let nothing = run(&Tree::new(), &[("s", &source)], vec![copy("s", "srv", &["*.nothing"])]);
    assert!(matches!(nothing, Err(StepError::NothingSelected { .. })));
    let missing = run(&Tree::new(), &[], vec![copy("s", "srv", &[])]);
    assert!(matches!(missing, Err(StepError::NotInSource { .. })));
}

#[test]
fn files_and_directories_do_not_take_each_others_place() {
    let lower = tree(&[("d", directory()), ("f", file("")), ("loop", symlink("loop"))]);
    let at = |actions| run(&lower, &[], actions);
    assert!(matches!(at(vec![write("d", "")]), Err(StepError::DirectoryInTheWay { .. })));
    let directory = Action::Directory { path: path("f"), owner: None, mode: None };
    assert!(matches!(at(vec![directory]), Err(StepError::NotADirectory { .. })));
    assert!(matches!(at(vec![write("loop/x", "")]), Err(StepError::Resolve(_))));
    assert!(matches!(at(vec![write("d/.wh.f", "")]), Err(StepError::WhiteoutName { .. })));
    assert!(matches!(at(vec![write(".wh.d/x", "")]), Err(StepError::WhiteoutName { .. })));
    assert!(matches!(at(vec![remove("a[b")]), Err(StepError::Glob(_))));
}

#[test]
fn a_command_is_left_to_the_sandbox() {
    let step = Run::new(Command::Argv(vec!["true".to_owned()]));
    assert!(matches!(run(&Tree::new(), &[], vec![Action::Run(Box::new(step))]), Err(StepError::NeedsSandbox)));
}

#[test]
fn accounts_are_written_as_adduser_does() {
    let (changes, inline, _) =
        run(&Tree::new(), &[], vec![adduser("app", None), adduser("web", Some(1500))]).expect("steps");
    let passwd = changes.nodes().find(|(at, _)| **at == path("etc/passwd")).map(|(_, node)| node.kind.clone());
    let Some(crate::tree::Kind::File { content, .. }) = passwd else { panic!("a file") };
    let text = String::from_utf8_lossy(inline.get(&content).expect("kept")).into_owned();
    assert_eq!(text, "app:x:1000:1000::/home/app:/usr/sbin/nologin\nweb:x:1500:1500::/home/web:/usr/sbin/nologin\n");
}

#[test]
fn accounts_that_cannot_be_are_refused() {
    let at = |actions| run(&Tree::new(), &[], actions).err();
    assert!(matches!(at(vec![adduser("a", None), adduser("a", None)]), Some(StepError::AccountExists { .. })));
    assert!(matches!(at(vec![adduser("a", Some(7)), adduser("b", Some(7))]), Some(StepError::IdTaken { .. })));
    assert!(matches!(at(vec![adduser("a:b", None)]), Some(StepError::BadField { .. })));
    let owned = |user: &str, group: Option<&str>| {
        let name = |text: &str| Id::Name(text.to_owned());
        let owner = Some(Owner { user: name(user), group: group.map(name) });
        Action::Write(Write { path: path("x"), content: Vec::new(), owner, mode: None })
    };
    let near = at(vec![adduser("webapp", None), owned("webap", None)]);
    assert!(matches!(near, Some(StepError::UnknownUser { nearest: Some(nearest), .. }) if nearest == "webapp"));
    assert!(matches!(at(vec![owned("root", Some("staff"))]), Some(StepError::UnknownGroup { .. })));
    let damaged = vec![write("etc/passwd", "app:x:many:1::/:/bin/sh\n"), owned("app", None)];
    assert!(matches!(at(damaged), Some(StepError::DamagedAccounts { line: 1, .. })));
    let unreadable = run(&tree(&[("etc", directory()), ("etc/passwd", file("lost"))]), &[], vec![adduser("a", None)]);
    assert!(matches!(unreadable, Err(StepError::Content(_))));
}

#[test]
fn all_system_numbers_given_away_are_said_to_be() {
    let taken: String = (100..1000).map(|id| format!("g{id}:x:{id}:\n")).collect();
    let account = Account { name: "one".to_owned(), id: None, system: true };
    let result = run(&Tree::new(), &[], vec![write("etc/group", &taken), Action::Addgroup(account)]);
    assert!(matches!(result, Err(StepError::NoFreeId { .. })));
}
