//! Steps that run something: what they become, and what is found in them.

use super::*;
use crate::base::ImagePath;
use crate::template::form::Form;
use crate::template::stages::references;

const START: &str =
    "[image]\nname = 'x'\n[sources.app]\npath = 'app'\n[[layer]]\nname = 'first'\ncopy = 'app'\nto = '/x'\n";

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect("a path")
}

/// The one error in a layer with these keys.
fn error(step: &str) -> Kind {
    error_in(&format!("{START}[[layer]]\nname = 'l'\n{step}"))
}

/// The one error in a template.
pub(super) fn error_in(text: &str) -> Kind {
    let (findings, files) = check(text);
    let shown = render(&findings, &files, Style::Plain);
    let mut errors = findings.into_iter().filter(|finding| finding.severity() == Severity::Error);
    let first = errors.next().unwrap_or_else(|| panic!("nothing is found in\n{text}"));
    assert_eq!(errors.next(), None, "{shown}");
    first.kind
}

#[test]
fn commands_are_read() {
    let text = r#"
[image]
name = "x"
[sources.app]
path = "app"
[[stage.tools.layer]]
name = "l"
run = "make"
[stage.tools]
env = { CFLAGS = "-O2" }
[[layer]]
name = "l"
keep = ["/var/log/dpkg.log"]
allow-private-keys = ["/etc/test.key"]
[[layer.step]]
run = "make install"
env = { A = "${platform.arch}" }
workdir = "/src"
user = "app:0"
network = true
mounts = [{ from = "app:src", to = "/src/" }, { from = "tools:usr", to = "/t", writable = true }]
cache = ["/var/cache/pip"]
secrets = ["token"]
timeout = "10m"
memory = "2G"
cpus = 2
[[layer.step]]
run = ["make", ""]
[[layer.step]]
run = "x"
shell = "/bin/bash -euo pipefail -c"
[[layer.step]]
script = "app:setup.sh"
args = ["--fast"]
[[layer]]
name = "units"
enable = ["nginx.service", "getty@tty1.service"]
"#;
    let mut template = template(text);
    assert_eq!(template.stages["tools"].env["CFLAGS"], "-O2");
    let layer = &template.layers[0];
    assert_eq!(
        (&layer.keep[..], &layer.allow_private_keys[..]),
        (&["/var/log/dpkg.log".to_owned()][..], &["/etc/test.key".to_owned()][..])
    );
    let runs: Vec<Run> = layer
        .steps
        .iter()
        .map(|step| if let Action::Run(run) = &step.action { (**run).clone() } else { panic!("{step:?}") })
        .collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let first = &runs[0];
    assert_eq!(first.command, Command::Shell { shell: words(&["/bin/sh", "-ec"]), text: "make install".to_owned() });
    assert_eq!((first.env["A"].as_str(), first.workdir.as_ref()), ("amd64", Some(&path("src"))));
    assert_eq!(first.user, Some(Owner { user: Id::Name("app".to_owned()), group: Some(Id::Number(0)) }));
    let mounts: Vec<_> =
        first.mounts.iter().map(|mount| (mount.from.source.as_str(), &mount.to, mount.writable)).collect();
    assert_eq!(mounts, [("app", &path("src"), false), ("tools", &path("t"), true)]);
    assert_eq!((&first.caches[..], &first.secrets[..]), (&[path("var/cache/pip")][..], &words(&["token"])[..]));
    assert_eq!(
        (first.network, first.timeout_s, first.memory_bytes, first.cpus),
        (true, Some(600), Some(2 << 30), Some(2))
    );
    assert_eq!(runs[1].command, Command::Argv(words(&["make", ""])));
    assert!(matches!(&runs[2].command, Command::Shell { shell, .. } if shell.len() == 4));
    assert!(
        matches!(&runs[3].command, Command::Script { from, args } if from.path == path("setup.sh") && args[..] == words(&["--fast"]))
    );
    assert_eq!(references(&template.layers).map(|of| of.source.as_str()).collect::<Vec<_>>(), ["app", "tools", "app"]);
    let units = &template.layers[1].steps[0].action;
    assert!(matches!(units, Action::Enable { units } if units == &words(&["nginx.service", "getty@tty1.service"])));
    assert!(template.used().contains(&"tools"));
    template.each_reference(|reference| reference.source.push('2'));
    assert!(references(&template.layers).all(|of| of.source.ends_with('2')));
}

#[test]
fn commands_that_cannot_be_run() {
    let bad = |step: &str, wanted: Form| {
        let found = error(step);
        assert!(matches!(found, Kind::BadValue { form, .. } if form == wanted), "{step}: {found:?}");
    };
    bad("run = ' '", Form::Command);
    bad("run = []", Form::Command);
    bad("run = ['', 'x']", Form::Command);
    bad("run = ['x', \"\\u0000\"]", Form::Argument);
    bad("run = 'x'\nshell = 'bash'", Form::Shell);
    bad("run = 'x'\ntimeout = '0s'", Form::Duration);
    bad("run = 'x'\nmemory = '2GB'", Form::Size);
    bad("run = 'x'\nsecrets = ['../x']", Form::SecretId);
    bad("run = 'x'\nworkdir = 'x'", Form::AbsoluteImagePath);
    bad("run = 'x'\nuser = 'a b'", Form::Owner);
    bad("run = 'x'\nenv.'A=B' = ''", Form::EnvName);
    bad("run = 'x'\nenv.A = \"\\u0000\"", Form::EnvValue);
    bad("run = 'x'\ncpus = 0", Form::Number(1, 4096));
    bad("run = 'x'\nallow-private-keys = ['[a']", Form::Glob);
    bad("enable = ['nginx']", Form::UnitName);
    bad("enable = ['a/b.service']", Form::UnitName);
    bad("enable = ['nginx.conf']", Form::UnitName);
    bad("enable = []", Form::UnitName);
    bad("script = 'app:x'\nargs = [\"\\u0000\"]", Form::Argument);
    assert!(matches!(error("run = ['x']\nshell = '/bin/sh'"), Kind::Conflict { .. }));
    assert!(matches!(error("run = 'x'\nsecrets = ['a', 'a']"), Kind::Duplicate { what: "secret", .. }));
    assert!(matches!(error("enable = ['a.service', 'a.service']"), Kind::Duplicate { what: "unit", .. }));
    assert!(matches!(error("enable = ['a.service']\nmode = '0755'"), Kind::WrongModifier { action: "enable", .. }));
    assert!(matches!(error("script = 'ap:x'"), Kind::UnknownSource { nearest: Some(nearest), .. } if nearest == "app"));
}

#[test]
fn modifiers_of_commands_go_with_commands_only() {
    for modifier in ["network = true", "cache = ['/x']", "timeout = '1m'", "args = ['x']", "secrets = ['x']"] {
        let found = error(&format!("directory = '/x'\n{modifier}"));
        assert!(matches!(found, Kind::WrongModifier { action: "directory", .. }), "{modifier}: {found:?}");
    }
    assert!(matches!(error("run = 'x'\nargs = []"), Kind::WrongModifier { modifier: "args", action: "run" }));
    assert!(matches!(
        error("script = 'app:x'\nshell = '/x'"),
        Kind::WrongModifier { modifier: "shell", action: "script" }
    ));
    assert!(matches!(error("run = 'x'\nscript = 'app:x'"), Kind::TwoActions { .. }));
}

#[test]
fn places_that_nothing_can_be_mounted_at() {
    for (key, place) in [
        ("mounts", "/"),
        ("mounts", "/proc"),
        ("mounts", "/dev/x"),
        ("mounts", "/sys/x"),
        ("mounts", "x"),
        ("cache", "/"),
        ("cache", "/proc/x"),
    ] {
        let value = if key == "cache" { format!("'{place}'") } else { format!("{{ from = 'app', to = '{place}' }}") };
        let found = error(&format!("run = 'x'\n{key} = [{value}]"));
        assert!(matches!(found, Kind::BadValue { form: Form::FilePath, .. }), "{key} {place}: {found:?}");
    }
    let mount = |mounts: &str| error(&format!("run = 'x'\nmounts = [{mounts}]"));
    let twice = mount("{ from = 'app', to = '/a' }, { from = 'app:b', to = '/a/' }");
    assert!(matches!(twice, Kind::Duplicate { what: "mount target", .. }));
    let both = error("run = 'x'\nmounts = [{ from = 'app', to = '/a' }]\ncache = ['/a']");
    assert!(matches!(both, Kind::Duplicate { what: "mount target", .. }));
    assert!(matches!(mount("{ from = 'ap', to = '/a' }"), Kind::UnknownSource { .. }));
    assert!(matches!(mount("{ to = '/a' }"), Kind::MissingKey { keys, .. } if keys == ["from"]));
    assert!(matches!(mount("{ from = 'app' }"), Kind::MissingKey { keys, .. } if keys == ["to"]));
}

#[test]
fn a_stage_that_only_mounts_itself_is_a_cycle() {
    let text = format!(
        "{START}[[stage.a.layer]]\nname = 'l'\nrun = 'x'\nmounts = [{{ from = 'a', to = '/a' }}]\n[[layer]]\nname = 'l'\ncopy = 'a'\nto = '/y'"
    );
    assert!(matches!(error_in(&text), Kind::StageCycle { name, .. } if name == "a"));
}
