//! Repositories and the packages that come from them: what they become, and what is found in them.

use std::collections::BTreeMap;

use super::provision::error_in;
use super::*;
use crate::packages::{Request, Wish};
use crate::template::form::Form as Wanted;

const START: &str = "[image]\nname = 'x'\n[repositories.debian]\nkind = 'debian'\nsuite = 'bookworm'\n";
const LAYER: &str = "[[layer]]\nname = 'l'\npackages = ['nginx-light']\n";

/// The one error in a step with these keys.
fn error(step: &str) -> Kind {
    error_in(&format!("{START}[[layer]]\nname = 'l'\n{step}"))
}

/// The one error in a template with another repository, which has these keys.
fn error_of(repository: &str) -> Kind {
    error_in(&format!("{START}[repositories.other]\n{repository}\n{LAYER}"))
}

fn packages(template: &Template, layer: usize) -> &Packages {
    match &template.layers[layer].steps[0].action {
        Action::Packages(packages) => packages,
        other => panic!("{other:?}"),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn repositories_are_read() {
    let text = r#"
[image]
name = "x"
[variables]
suite = "bookworm"
[repositories.debian]
kind = "debian"
suite = ["${suite}", "${suite}-security", "jessie/updates"]
components = ["main", "non-free-firmware"]
snapshot = 2026-11-01T00:00:00Z
mirror = ["https://mirror.example.org/debian/", "file:///srv/debian"]
keyring = "keys/debian.asc"
[repositories.own]
kind = "debian"
suite = "stable"
mirror = "http://example.org/own"
[[layer]]
name = "l"
packages = ["own-tool"]
"#;
    let template = template(text);
    let debian = &template.repositories["debian"];
    assert_eq!((debian.distribution, debian.suites.len()), (Distribution::Debian, 3));
    assert_eq!(debian.suites[1], "bookworm-security");
    assert_eq!(debian.components, words(&["main", "non-free-firmware"]));
    assert_eq!(debian.snapshot.map(|time| time.to_string()).as_deref(), Some("2026-11-01T00:00:00Z"));
    assert_eq!(debian.mirrors, words(&["https://mirror.example.org/debian/", "file:///srv/debian"]));
    let keyring = Keyring { path: "keys/debian.asc".to_owned(), directory: String::new() };
    assert_eq!(debian.keyring, Some(keyring));
    let own = &template.repositories["own"];
    assert_eq!((own.suites.clone(), own.components.clone()), (words(&["stable"]), words(&["main"])));
    assert_eq!((own.snapshot, own.keyring.as_ref(), own.mirrors.len()), (None, None, 1));
}

#[test]
fn a_keyring_is_beside_the_file_that_names_it() {
    let main = format!("include = ['sub/debian.toml']\n[image]\nname = 'x'\n{LAYER}");
    let included = "[repositories.debian]\nkind = 'debian'\nsuite = 'bookworm'\nkeyring = 'k.asc'\n";
    let mut read = |path: &str| Ok(if path == "kiln.toml" { main.clone() } else { included.to_owned() });
    let document = parse("kiln.toml", &mut read).document.expect("it is TOML");
    let (template, _) = document.template(&"linux/amd64".parse().expect("a platform"), &BTreeMap::new(), None);
    let keyring = template.repositories["debian"].keyring.clone().expect("a keyring");
    assert_eq!((keyring.path.as_str(), keyring.directory.as_str()), ("k.asc", "sub"));
}

#[test]
fn what_is_asked_for_is_read() {
    let other = "[repositories.other]\nkind = 'debian'\nsuite = 'sid'\n";
    let text = format!(
        r#"{START}{other}{LAYER}
[[layer]]
name = "m"
[[layer.step]]
packages = ["curl=7.88*", "libc6:i386", "libc6-", "?priority(${{level}})", "?priority(important)"]
repository = "debian"
recommends = true
scripts = "refuse"
[[layer]]
name = "n"
packages = ["a"]
repository = ["other", "debian"]
[variables]
level = "required"
"#
    );
    let template = template(&text);
    let first = packages(&template, 0);
    assert_eq!(first.requests, [Request::parse("nginx-light").expect("a request")]);
    assert_eq!((first.recommends, first.scripts), (false, Scripts::Run));
    assert_eq!(first.repositories, words(&["debian", "other"]), "without `repository` it is all");
    let second = packages(&template, 1);
    let shown: Vec<String> = second.requests.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["curl=7.88*", "libc6:i386", "libc6-", "?priority(required)", "?priority(important)"]);
    assert!(matches!(second.requests[0].wish, Wish::Version(_)));
    assert_eq!((second.recommends, second.scripts), (true, Scripts::Refuse));
    assert_eq!(second.repositories, words(&["debian"]));
    assert_eq!(packages(&template, 2).repositories, words(&["other", "debian"]));
}

#[test]
fn repositories_that_cannot_be_read() {
    let bad = |text: &str, wanted: Wanted| {
        let found = error_of(text);
        assert!(matches!(found, Kind::BadValue { form, .. } if form == wanted), "{text}: {found:?}");
    };
    let good = |text: &str| format!("kind = 'debian'\nsuite = 'sid'\n{text}");
    bad("kind = 'rpm'\nsuite = 'sid'", Wanted::Choice(&["debian"]));
    for suite in ["''", "'a b'", "'../x'", "'/x'", "'x/'", "'.'", "[]", "['sid', '-x']"] {
        bad(&format!("kind = 'debian'\nsuite = {suite}"), Wanted::Suite);
    }
    bad(&good("components = []"), Wanted::Component);
    bad(&good("components = ['?x']"), Wanted::Component);
    bad(&good("snapshot = 'today'"), Wanted::Time);
    for mirror in ["'ftp://x/debian'", "'x/debian'", "'https://x/debian?y'", "'https://x y'", "[]"] {
        bad(&good(&format!("mirror = {mirror}")), Wanted::Mirror);
    }
    bad(&good("keyring = ''"), Wanted::LocalPath);
    assert!(matches!(error_of("suite = 'sid'"), Kind::MissingKey { keys, .. } if keys == ["kind"]));
    assert!(matches!(error_of("kind = 'debian'"), Kind::MissingKey { keys, .. } if keys == ["suite"]));
    assert!(matches!(error_of(&good("mirror = 'https://me:secret@x/d'")), Kind::PasswordInAddress { key: "mirror" }));
    assert!(matches!(error_of(&good("component = 'x'")), Kind::UnknownKey { nearest: Some("components"), .. }));
    let twice = |key: &str| match error_of(&format!("kind = 'debian'\n{key}")) {
        Kind::Duplicate { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(twice("suite = ['a', 'a']"), "suite");
    assert_eq!(twice("suite = 'a'\ncomponents = ['main', 'main']"), "component");
    assert_eq!(twice("suite = 'a'\nmirror = ['http://x/', 'http://x/']"), "mirror");
}

#[test]
fn steps_that_cannot_be_done() {
    assert!(matches!(error("packages = []"), Kind::BadValue { form: Wanted::Packages, .. }));
    let only_left_out = error("packages = ['a-', 'b-']");
    assert!(
        matches!(only_left_out, Kind::BadValue { form: Wanted::Packages, why: Some(why), .. } if why.contains("dash"))
    );
    assert!(matches!(error("packages = 'nginx'"), Kind::WrongType { .. }));
    assert!(matches!(error("packages = ['a']\nrecommends = 'yes'"), Kind::WrongType { .. }));
    let refuse = Wanted::Choice(&["run", "refuse"]);
    assert!(matches!(error("packages = ['a']\nscripts = 'no'"), Kind::BadValue { form, .. } if form == refuse));
    assert!(matches!(error("packages = ['a']\nowner = 'x'"), Kind::WrongModifier { action: "packages", .. }));
    assert!(matches!(error("run = 'x'\nrecommends = true"), Kind::WrongModifier { modifier: "recommends", .. }));
    for word in ["", "a b", "a=", "/x", "?priority(extra)", "?priority(required)-"] {
        let found = error(&format!("packages = ['a', '{word}']"));
        assert!(matches!(&found, Kind::BadRequest { error } if error.found == word), "{word}: {found:?}");
        assert!(found.hint().is_some_and(|hint| hint.contains("name-")));
    }
}

#[test]
fn a_package_is_asked_for_once() {
    let twice = |list: &str| match error(&format!("packages = [{list}]")) {
        Kind::Duplicate { what: "package", name } => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(twice("'a', 'b', 'a'"), "a");
    assert_eq!(twice("'a=1*', 'a=2*'"), "a");
    assert_eq!(twice("'?priority(required)', '?priority(required)'"), "?priority(required)");
    let both = error("packages = ['a', 'a-']");
    assert!(matches!(both, Kind::Conflict { first, second } if (first.as_str(), second.as_str()) == ("a", "a-")));
}

#[test]
fn repositories_that_are_not_there() {
    let named = |name: &str| error(&format!("packages = ['a']\nrepository = {name}"));
    let near = named("'debain'");
    assert!(matches!(&near, Kind::UnknownRepository { nearest: Some(nearest), .. } if nearest == "debian"));
    assert_eq!(near.hint().as_deref(), Some("the repositories are `debian`"));
    assert!(matches!(named("['debian', 'x']"), Kind::UnknownRepository { nearest: None, .. }));
    assert!(matches!(named("['debian', 'debian']"), Kind::Duplicate { what: "repository", .. }));
    assert!(matches!(named("'a b'"), Kind::BadValue { form: Wanted::Repository, .. }));
    assert!(matches!(named("[]"), Kind::BadValue { form: Wanted::Repository, .. }));
    let none = error_in(&format!("[image]\nname = 'x'\n{LAYER}"));
    assert!(matches!(none, Kind::NoRepository));
    assert!(none.hint().is_some_and(|hint| hint.contains("[repositories.debian]")));
    let none = error_in(&format!("[image]\nname = 'x'\n{LAYER}repository = 'own'"));
    assert!(none.hint().is_some_and(|hint| hint.contains("[repositories.own]")));
}

#[test]
fn repositories_that_nothing_uses() {
    let unused = |text: &str| {
        let (findings, _) = check(&format!("{START}[repositories.own]\nkind = 'debian'\nsuite = 'x'\n{text}"));
        let name = |finding: &Finding| match &finding.kind {
            Kind::UnusedSource { what: "repository", name } => name.clone(),
            other => panic!("{other:?}"),
        };
        assert!(findings.iter().all(|finding| finding.severity() == Severity::Warning));
        findings.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(unused(""), ["debian", "own"]);
    assert_eq!(unused(LAYER), [""; 0], "a step that names none takes from all");
    assert_eq!(unused(&format!("{LAYER}repository = 'own'")), ["debian"]);
    assert_eq!(unused(&format!("{LAYER}repository = ['own', 'debian']")), [""; 0]);
    assert_eq!(unused(&format!("{LAYER}repository = '${{which}}'\n[variables]\nwhich = 'own'")), [""; 0]);
    let stage = "[[stage.a.layer]]\nname = 'l'\npackages = ['a']\nrepository = 'own'\n";
    let layer = "[[layer]]\nname = 'l'\ncopy = 'a'\nto = '/x'\n";
    assert_eq!(unused(&format!("{stage}{layer}")), ["debian"]);
}

#[test]
fn a_layer_of_packages_can_be_spread() {
    let layer = |keys: &str| format!("{START}[[layer]]\nname = 'l'\nsplit = 'origin'\n{keys}");
    assert_eq!(template(&layer("packages = ['a']")).layers[0].split, Some(Split::Origin));
    assert_eq!(template(&format!("{START}{LAYER}")).layers[0].split, None);
    let steps = "[[layer.step]]\npackages = ['a']\n[[layer.step]]\npackages = ['b']\n";
    assert_eq!(template(&layer(steps)).layers[0].split, Some(Split::Origin));
    let other = error_in(&layer(&format!("{steps}[[layer.step]]\nrun = 'x'\n")));
    assert!(matches!(other, Kind::NotSplit { action: "run" }));
    let inline = error_in(&format!("{START}{LAYER}[[layer]]\nname = 'm'\nsplit = 'origin'\ndirectory = '/x'"));
    assert!(matches!(inline, Kind::NotSplit { action: "directory" }));
    let source = error("split = 'source'\npackages = ['a']");
    assert!(matches!(source, Kind::BadValue { form: Wanted::Choice(["origin"]), .. }));
}

#[test]
fn the_word_that_asks_for_nothing_is_shown() {
    let (findings, files) = check(&format!("{START}[[layer]]\nname = 'l'\npackages = ['nginx', 'lib c']\n"));
    let expected = "error: `lib c` does not ask for a package: expected the name of a package
 --> shop/kiln.toml:8:22
  |
8 | packages = ['nginx', 'lib c']
  |                      ^^^^^^^
  |
  = help: write `name`, `name=1.2*` for a version, `name-` to leave it out, or `?priority(required)` for all packages of that priority
";
    assert_eq!(render(&findings, &files, Style::Plain), expected);
}
