//! `[sources.NAME] fetch`: what it becomes, what it needs, and what is found in it.

use super::provision::error_in;
use super::*;
use crate::base::ImagePath;
use crate::template::form::Form as Wanted;

const START: &str = "[image]\nname = 'x'\n[base]\nimage = 'debian'\n[sources.app]\npath = 'app'\n";

/// A template that uses `wheels`, which is fetched by a source with these keys.
fn fetched(keys: &str) -> String {
    let layer = "[[layer]]\nname = 'l'\ncopy = 'wheels'\nto = '/x'\n[[layer]]\nname = 'm'\ncopy = 'app'\nto = '/x'\n";
    format!("{START}{layer}[sources.wheels]\n{keys}")
}

#[test]
fn a_fetch_is_read_with_what_it_needs() {
    let stage = "[[stage.build.layer]]\nname = 'l'\nrun = 'x'\nmounts = [{ from = 'app', to = '/a' }]\n[[stage.tools.layer]]\nname = 'l'\ndirectory = '/x'\n";
    let keys = "fetch = ['pip', 'download']\nin = 'build'\nmounts = [{ from = 'app:r.txt', to = '/in/r.txt' }, { from = 'tools', to = '/t' }]\ninclude = ['*.whl']\n";
    let template = template(&fetched(&format!("{keys}{stage}")));
    let SourceFrom::Fetch(fetch) = &template.sources["wheels"].from else { panic!("{:?}", template.sources) };
    assert_eq!(
        (&fetch.command[..], fetch.in_stage.as_deref()),
        (&["pip".to_owned(), "download".to_owned()][..], Some("build"))
    );
    assert_eq!(fetch.mounts[0].to, ImagePath::parse(b"in/r.txt").expect("a path"));
    assert_eq!(template.needed(), ["app", "build", "tools", "wheels"]);
    assert_eq!(template.used(), ["wheels", "app"], "what only the fetch needs is not used");
    assert_eq!(template.needed_by("wheels"), ["app", "build", "tools", "wheels"]);
}

#[test]
fn a_fetch_runs_in_the_base_unless_it_is_told_otherwise() {
    let in_base = fetched("fetch = ['x']").replace("image = 'debian'", "stage = 'build'");
    let stage = "\n[[stage.build.layer]]\nname = 'l'\n";
    let template = template(&format!("{in_base}{stage}directory = '/x'"));
    assert_eq!(template.needed(), ["build", "wheels", "app"]);
    let cycle = error_in(&format!("{in_base}{stage}copy = 'wheels'\nto = '/x'"));
    assert!(matches!(cycle, Kind::StageCycle { through, .. } if through == ["build", "wheels", "build"]));
    let without = fetched("fetch = ['x']").replace("[base]\nimage = 'debian'\n", "");
    assert!(matches!(error_in(&without), Kind::MissingKey { keys, .. } if keys == ["in"]));
}

#[test]
fn fetches_that_cannot_be_done() {
    let error = |keys: &str| error_in(&fetched(keys));
    assert!(matches!(error("fetch = []"), Kind::BadValue { form: Wanted::Command, .. }));
    assert!(matches!(error("fetch = 'pip download'"), Kind::WrongType { .. }));
    assert!(matches!(error("fetch = ['x']\nurl = 'https://x/y'"), Kind::Conflict { .. }));
    assert!(matches!(error("fetch = ['x']\nrev = 'main'"), Kind::WrongModifier { modifier: "rev", action: "fetch" }));
    assert!(matches!(error("path = 'x'\nin = 'build'"), Kind::WrongModifier { modifier: "in", action: "path" }));
    assert!(matches!(error("fetch = ['x']\nin = 'build'"), Kind::UnknownStage { name, .. } if name == "build"));
    let mount = |from: &str, to: &str| error(&format!("fetch = ['x']\nmounts = [{{ from = '{from}', to = '{to}' }}]"));
    assert!(matches!(mount("ap", "/x"), Kind::UnknownSource { nearest: Some(nearest), .. } if nearest == "app"));
    assert!(matches!(mount("app", "/out/x"), Kind::BadValue { form: Wanted::FilePath, .. }));
    assert!(matches!(mount("app", "/dev/x"), Kind::BadValue { form: Wanted::FilePath, .. }));
    assert!(matches!(mount("wheels", "/x"), Kind::StageCycle { name, .. } if name == "wheels"));
    let twice = "fetch = ['x']\nmounts = [{ from = 'app', to = '/a' }, { from = 'app', to = '/a' }]";
    assert!(matches!(error(twice), Kind::Duplicate { what: "mount target", .. }));
}
