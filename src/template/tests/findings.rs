//! Each kind of finding is made by some template.

use std::collections::BTreeMap;

use super::*;
use crate::template::finding::Whence;
use crate::template::form::Form;
use crate::template::grammar::Place;

const IMAGE: &str = "[image]\nname = 'x'\n";
const SOURCE: &str = "[sources.app]\npath = 'app'\n";
const LAYER: &str = "[[layer]]\nname = 'l'\n";

/// Asserts that exactly one error is found, and that it is of that kind.
macro_rules! finds {
    ($text:expr, $kind:pat $(if $guard:expr)?) => {{
        let (findings, files) = check(&$text);
        let errors: Vec<_> = findings.iter().filter(|finding| finding.severity() == Severity::Error).collect();
        let shown = render(&findings, &files, Style::Plain);
        assert!(matches!(errors[..], [Finding { kind: $kind, .. }] $(if $guard)?), "{shown}\n{findings:?}");
    }};
}

/// The same for a warning.
macro_rules! warns {
    ($text:expr, $kind:pat) => {{
        let (findings, _) = check(&$text);
        assert!(matches!(findings[..], [Finding { kind: $kind, .. }]), "{findings:?}");
        assert_eq!(findings[0].severity(), Severity::Warning);
    }};
}

#[test]
fn text_that_is_not_a_template() {
    finds!("[image", Kind::Syntax { .. });
    finds!("[image]\nname = 'x'\nname = 'y'", Kind::Syntax { .. });
    finds!("", Kind::MissingKey { keys, .. } if keys == &["name"]);
    warns!(format!("{IMAGE}annotations = {{ a = 'x', }}"), Kind::Toml11 { .. });
    warns!(format!("{IMAGE}epoch = 2026-01-01 00:00Z"), Kind::Toml11 { what: "a time without seconds" });
    let (findings, _) = check_files(&[], &BTreeMap::new(), None);
    assert!(
        matches!(&findings[..], [Finding { kind: Kind::Unreadable { path, .. }, span: None, .. }] if path == "shop/kiln.toml")
    );
}

#[test]
fn keys_in_the_wrong_place() {
    finds!(format!("{IMAGE}plattforms = []"), Kind::UnknownKey { nearest: Some("platforms"), .. });
    finds!(format!("{IMAGE}cmd = []"), Kind::UnknownKey { belongs, .. } if belongs == &[Place::Config]);
    let keep = format!("{LAYER}[[layer.step]]\ndirectory = '/x'\n[[layer.step]]\ndirectory = '/y'\nkeep = []\n{IMAGE}");
    finds!(keep, Kind::UnknownKey { belongs, above_line: Some(3), .. } if belongs == &[Place::Layer]);
    let include = format!("# first\n{IMAGE}{LAYER}directory = '/x'\ninclude = ['x']\ntext = 'x'");
    let (findings, _) = check(&include);
    assert!(findings.iter().any(|f| matches!(f.kind, Kind::WrongModifier { modifier: "include", .. })));
    let include = format!("# first\n{IMAGE}[config]\ninclude = ['x']");
    finds!(include, Kind::UnknownKey { belongs, above_line: Some(2), .. } if belongs == &[Place::Top]);
}

#[test]
fn keys_of_later_versions() {
    finds!(format!("{IMAGE}[base]\nimage = 'debian'\nverify = 'key.pub'"), Kind::NotBuilt { key: "verify" });
    finds!(format!("{IMAGE}[publish]\nregistry = 'r.example.org/x'\nkey = 'y'"), Kind::NotBuilt { key: "key" });
    finds!(format!("{IMAGE}{SOURCE}{LAYER}only = 'x'\ncopy = 'app'\nto = '/x'"), Kind::NotBuilt { key: "only" });
}

#[test]
fn values_of_the_wrong_type() {
    let wrong = |text: &str| format!("{IMAGE}{text}");
    finds!(wrong("version = 1.2"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("\"1.2\""));
    finds!(wrong("[layer]\nname = 'x'"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("[[layer]]"));
    finds!(wrong("[[config]]\n"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("`[config]`"));
    finds!(wrong("[config]\nentrypoint = 'a b'"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("[\"a\", \"b\"]"));
    finds!(wrong("[config]\nports = ['80', 90]"), Kind::WrongType { found: "a number", .. });
    finds!(wrong("compression = 3"), Kind::WrongType { expected, .. } if expected.ends_with("or a table"));
    finds!(wrong("[sources]\nx = 'y'"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("path = 'y'"));
    finds!(wrong("[variables]\nx.'linux/amd64' = 1"), Kind::WrongType { .. });
    finds!(format!("{IMAGE}{LAYER}directory = '/x'\nmode = 0o755"), Kind::WrongType { advice: Some(advice), .. } if advice.contains("\"0755\""));
}

#[test]
fn layers_and_steps() {
    let step = |text: &str| format!("{IMAGE}{SOURCE}{LAYER}copy = 'app:y'\nto = '/y'\n[[layer]]\nname = 'm'\n{text}");
    finds!(
        step("[[layer.step]]\ncopy = 'app'\nto = '/x'\nremove = '/y'"),
        Kind::TwoActions { first: "copy", second: "remove" }
    );
    finds!(step("[[layer.step]]\nto = '/x'"), Kind::NoAction { .. });
    finds!(step(""), Kind::NoAction { whose } if whose == "the layer `m`");
    finds!(step("step = []"), Kind::NoAction { .. });
    finds!(step("to = '/x'\n[[layer.step]]\nremove = 'x'"), Kind::KeyBesideSteps { .. });
    finds!(step("copy = 'app'\nto = '/x'\nstrip = 1"), Kind::WrongModifier { modifier: "strip", action: "copy" });
    finds!(step("symlink = '/x'\ntarget = 'y'\nmode = '0777'"), Kind::WrongModifier { modifier: "mode", .. });
    finds!(step("copy = 'app'"), Kind::MissingKey { keys, .. } if keys == &["to"]);
    finds!(step("write = '/x'"), Kind::MissingKey { keys, .. } if keys == &["text", "base64"]);
    finds!(step("write = '/x'\ntext = ''\nbase64 = ''"), Kind::Conflict { .. });
    finds!(format!("{IMAGE}[[layer]]\ndirectory = '/x'"), Kind::MissingKey { keys, .. } if keys == &["name"]);
    finds!(format!("{IMAGE}[sources.x]\nignored = true"), Kind::MissingKey { keys, .. } if keys.contains(&"url"));
    let twice = format!("{IMAGE}{LAYER}directory = '/x'\n{LAYER}directory = '/y'");
    finds!(twice, Kind::Duplicate { what: "layer", name } if name == "l");
    finds!(format!("{IMAGE}platforms = ['linux/arm64', 'linux/arm64/v8']"), Kind::Duplicate { what: "platform", .. });
    finds!(format!("{IMAGE}compression = {{ codec = 'none', level = 1 }}"), Kind::Conflict { .. });
}

#[test]
fn sources_and_references() {
    let copy = |from: &str| format!("{IMAGE}{SOURCE}{LAYER}copy = '{from}'\nto = '/x'");
    finds!(copy("ap"), Kind::UnknownSource { nearest: Some(nearest), .. } if nearest == "app");
    finds!(copy("./app"), Kind::BadValue { form: Form::SourceRef, .. });
    finds!(copy("app:../x"), Kind::ParentInPath { .. });
    let elsewhere = copy("app").replace("path =", "when = 'linux/arm64'\npath =");
    finds!(elsewhere, Kind::SourceElsewhere { platform, .. } if platform == "linux/amd64");
    warns!(format!("{IMAGE}{SOURCE}"), Kind::UnusedSource { .. });
    warns!(copy("app").replace("'app'", "'/app'").replace("copy = '/app'", "copy = 'app'"), Kind::AbsolutePath { .. });
}

#[test]
fn origins_of_sources() {
    let source = |text: &str| format!("{IMAGE}[sources.x]\n{text}\n{LAYER}copy = 'x'\nto = '/x'");
    finds!(source("url = 'https://x/y'\ngit = 'https://x/z'"), Kind::Conflict { .. });
    finds!(source("url = 'https://x/y'\nrev = 'main'"), Kind::WrongModifier { modifier: "rev", action: "url" });
    finds!(source("path = 'x'\nsubdir = 'y'"), Kind::WrongModifier { modifier: "subdir", action: "path" });
    finds!(source("url = 'ftp://x/y'"), Kind::BadValue { form: Form::Url, .. });
    finds!(source("url = 'https://x/y'\nsha256 = 'abc'"), Kind::BadValue { form: Form::Sha256, .. });
    finds!(source("git = '--upload-pack=x'"), Kind::BadValue { form: Form::GitUrl, .. });
    finds!(source("git = 'ext::sh -c x'"), Kind::BadValue { form: Form::GitUrl, .. });
    finds!(source("git = 'https://x/y'\nrev = '-x'"), Kind::BadValue { form: Form::Rev, .. });
    finds!(source("git = 'https://x/y'\nsubdir = '../z'"), Kind::ParentInPath { .. });
    finds!(source("image = 'a b'"), Kind::BadValue { form: Form::ImageRef, .. });
    finds!(source("url = 'https://me:secret@x/y'"), Kind::PasswordInAddress { key: "url" });
    finds!(source("git = 'https://token@x/y'"), Kind::PasswordInAddress { key: "git" });
}

#[test]
fn bases_and_stages() {
    let stage = |text: &str| format!("{IMAGE}{text}\n[[layer]]\nname = 'm'\ncopy = 'a:/x'\nto = '/x'");
    let layer = |of: &str, from: &str| format!("[[stage.{of}.layer]]\nname = 'l'\ncopy = '{from}'\nto = '/x'\n");
    let cycle = stage(&format!("{}{}", layer("a", "b"), layer("b", "a")));
    finds!(cycle, Kind::StageCycle { through, .. } if through == &["a", "b", "a"]);
    finds!(stage("[stage.a]\nbase.stage = 'a'"), Kind::StageCycle { .. });
    finds!(stage("[stage.a]\nbase.stage = 'aa'"), Kind::UnknownStage { nearest: Some(nearest), .. } if nearest == "a");
    finds!(stage("[stage.a]\nbase = {}"), Kind::MissingKey { keys, .. } if keys == &["image", "stage"]);
    finds!(stage("[stage.a]\nbase = { image = 'x', stage = 'b' }"), Kind::Conflict { .. });
    finds!(stage("[sources.a]\npath = 'x'\n[stage.a]\nruns-on = 'linux/amd64'"), Kind::Duplicate { name, .. } if name == "a");
    let unused = stage("[stage.a]\nruns-on = 'linux/amd64'\n[[stage.c.layer]]\nname = 'x'\ndirectory = '/x'");
    warns!(unused, Kind::UnusedSource { what: "stage", .. });
}

#[test]
fn variables() {
    let uses =
        |value: &str, text: &str| format!("{IMAGE}{LAYER}write = '/x'\ntext = '{text}'\n[variables]\na = {value}");
    finds!(uses("'1'", "${aa}"), Kind::UnknownVariable { nearest: Some(nearest), whence: Whence::Template, .. } if nearest == "a");
    finds!(uses("'1'", "${a:-x}"), Kind::OpenVariable);
    finds!(uses("'${b}'\nb = '${c}'\nc = '${b}'", "${a}"), Kind::VariableCycle { name, .. } if name == "b");
    finds!(uses("{ 'linux/arm64' = 'x' }", "${a}"), Kind::NoValue { platform, .. } if platform == "linux/amd64");
    let (findings, _) = check(&uses("{ 'linux' = 'x', 'linux/amd64' = '', 'linux/arm64' = '' }", "${a}"));
    assert!(matches!(findings[..], [Finding { kind: Kind::BadValue { form: Form::Platform, .. }, .. }]));
    finds!(uses("'1'", "${a}").replace("'x'\n[[", "'x${platform.os}'\n[["), Kind::DependsOnPlatform { key, .. } if key == "name");
    let double = (0..30).map(|index| format!("\nv{} = '${{v{index}}}${{v{index}}}'", index + 1)).collect::<String>();
    finds!(uses(&format!("'${{v30}}'\nv0 = 'x'{double}"), "${a}"), Kind::TooLong { .. });
    warns!(uses("'1'", "x"), Kind::UnusedVariable { .. });
    let set = BTreeMap::from([("b".to_owned(), "1".to_owned())]);
    let (findings, _) = check_files(&[("kiln.toml", &uses("'1'", "${a}"))], &set, Some("1+2"));
    assert!(matches!(findings[1].kind, Kind::UnknownVariable { whence: Whence::Set, .. }));
    assert!(matches!(&findings[0].kind, Kind::BadValue { key, .. } if key == "--version"));
}

#[test]
fn includes() {
    let main = format!("include = ['b.toml']\n{IMAGE}");
    let (findings, _) =
        check_files(&[("kiln.toml", &main), ("b.toml", "include = ['kiln.toml']")], &BTreeMap::new(), None);
    assert!(matches!(findings[..], [Finding { kind: Kind::IncludeCycle { .. }, .. }]), "{findings:?}");
    let (findings, files) =
        check_files(&[("kiln.toml", &main), ("b.toml", "[config]\nuser = 'a b'")], &BTreeMap::new(), None);
    assert!(render(&findings, &files, Style::Plain).contains("--> shop/b.toml:2:8"));
}

#[test]
fn values_of_the_wrong_form() {
    let image = |text: &str| format!("{IMAGE}{text}");
    let step = |text: &str| format!("{IMAGE}{SOURCE}{LAYER}copy = 'app'\n{text}");
    let user = |text: &str| format!("{IMAGE}{LAYER}adduser = 'u'\n{text}");
    for (form, text) in [
        (Form::ImageName, "[image]\nname = 'Shop'".to_owned()),
        (Form::Version, image("version = '1+2'")),
        (Form::Time, image("epoch = 'now'")),
        (Form::Platform, image("platforms = ['linux']")),
        (Form::Choice(&["gzip", "zstd", "none"]), image("compression = 'lzma'")),
        (Form::Number(0, 12), image("compression = { codec = 'gzip', level = 13 }")),
        (Form::Label, image("annotations.'' = 'x'")),
        (Form::Name, image("[sources.'a b']\npath = 'x'")),
        (Form::Name, image("[variables]\n'a.b' = 'x'")),
        (Form::LocalPath, image("[sources.a]\npath = ''")),
        (Form::LayerName, image("[[layer]]\nname = ''\ndirectory = '/x'")),
        (Form::Mtime, step("to = '/x'\nmtime = 'now'")),
        (Form::Mode, step("to = '/x'\nmode = '0888'")),
        (Form::Owner, step("to = '/x'\nowner = 'a b'")),
        (Form::Glob, step("to = '/x'\ninclude = ['[a']")),
        (Form::Platform, step("to = '/x'\nwhen = 'amd64'")),
        (Form::ImagePath, step("to = 'x'")),
        (Form::FilePath, image(&format!("{LAYER}directory = '/'"))),
        (Form::Base64, image(&format!("{LAYER}write = '/x'\nbase64 = '%'"))),
        (Form::LinkTarget, image(&format!("{LAYER}symlink = '/x'\ntarget = ''"))),
        (Form::AccountName, image(&format!("{LAYER}addgroup = 'Web Users'"))),
        (Form::AbsoluteImagePath, user("home = 'x'")),
        (Form::Line, user("comment = 'a:b'")),
        (Form::Number(0, 4_294_967_294), user("uid = -1")),
        (Form::Port, image("[config]\nports = ['80/http']")),
        (Form::EnvName, image("[config]\nenv.'A=B' = ''")),
        (Form::Signal, image("[config]\nstop-signal = 'TERM'")),
        (Form::AbsoluteImagePath, image("[config]\nworkdir = 'x'")),
        (Form::Duration, image("[config.healthcheck]\ntest = ['NONE']\ninterval = '5'")),
        (Form::Healthcheck, image("[config.healthcheck]\ntest = ['curl']")),
    ] {
        let (findings, files) = check(&text);
        let of_form = |finding: &&Finding| matches!(finding.kind, Kind::BadValue { form: found, .. } if found == form);
        let shown = render(&findings, &files, Style::Plain);
        assert_eq!(findings.iter().filter(of_form).count(), 1, "{form:?}\n{shown}");
        let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error);
        assert_eq!(errors.count(), 1, "{form:?}\n{shown}");
    }
}
