//! What good templates become.

use std::collections::BTreeMap;

use super::*;
use crate::base::ImagePath;

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect("a path")
}

#[test]
fn the_shipped_templates_have_no_findings() {
    let site = template(include_str!("../../../templates/site/kiln.toml"));
    assert_eq!(site.layers.len(), 3);
    assert_eq!(site.layers[1].steps[0].mtime, Some(Mtime::Content));
    let init = template(INIT);
    assert_eq!(init.layers.len(), 2);
    assert!(INIT.starts_with("#:schema kiln.schema.json\n"));
    assert_eq!(INIT_FILES[0], (init::INIT_NAME, INIT));
    assert!(INIT_FILES.iter().any(|(name, _)| *name == "www/index.html"));
}

#[test]
fn every_action_is_read() {
    let template = template(
        r#"
[image]
name = "shop/api"
version = "1"
epoch = 2026-01-01T00:00:00Z
compression = { codec = "zstd", level = 9 }
[variables]
root = "/srv"
[sources.app]
path = "../shop"
include = ["**/*.py"]
[[layer]]
name = "all"
mtime = "content"
[[layer.step]]
copy = "app:src/"
to = "${root}/app/"
owner = "app:0"
mode = "0640"
mtime = "2026-01-02T00:00:00Z"
[[layer.step]]
write = "${root}/motd"
base64 = "SGkK"
[[layer.step]]
directory = "/data"
mode = "1777"
[[layer.step]]
symlink = "/bin"
target = "usr/bin"
[[layer.step]]
extract = "app:x.tar.gz"
to = "/"
strip = 1
owner = "keep"
[[layer.step]]
adduser = "app"
system = true
groups = ["video", 7]
[[layer.step]]
addgroup = "g"
gid = 5
[[layer.step]]
remove = "/usr/share/doc/**"
[[layer]]
name = "arm only"
when = ["linux/arm64"]
directory = "/arm"
[config]
ports = ["80", "53/udp"]
healthcheck = { test = ["CMD", "true"], interval = "1m30s" }
"#,
    );
    assert_eq!(template.version.as_deref(), Some("2"));
    assert_eq!(template.epoch.map(|time| time.to_string()).as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(template.compression, Compression::ZstdLevel(9));
    assert_eq!(template.config.ports, ["80/tcp", "53/udp"]);
    assert_eq!(template.config.healthcheck.and_then(|check| check.interval_ns), Some(90_000_000_000));
    let [layer] = &template.layers[..] else { panic!("one layer is for this platform") };
    let kinds: Vec<&Action> = layer.steps.iter().map(|step| &step.action).collect();
    let Action::Copy(copy) = kinds[0] else { panic!("copy") };
    assert_eq!((&copy.from.path, &copy.to.path, copy.to.is_directory), (&path("src"), &path("srv/app"), true));
    assert_eq!(copy.owner, Some(Owner { user: Id::Name("app".to_owned()), group: Some(Id::Number(0)) }));
    assert_eq!(copy.mode, Some(0o640));
    assert!(matches!(layer.steps[0].mtime, Some(Mtime::At(_))) && layer.steps[1].mtime == Some(Mtime::Content));
    assert!(matches!(kinds[1], Action::Write(Write { content, .. }) if content == b"Hi\n"));
    assert!(matches!(kinds[2], Action::Directory { mode: Some(0o1777), .. }));
    assert!(matches!(kinds[3], Action::Symlink { target, .. } if target == "usr/bin"));
    assert!(matches!(kinds[4], Action::Extract(Extract { strip: 1, owner: Some(ExtractOwner::Keep), .. })));
    assert!(
        matches!(kinds[5], Action::Adduser(Adduser { account: Account { system: true, .. }, groups, .. }) if groups.len() == 2)
    );
    assert!(matches!(kinds[6], Action::Addgroup(Account { id: Some(5), .. })));
    assert!(matches!(kinds[7], Action::Remove { .. }));
}

#[test]
fn facts_and_digest_do_not_depend_on_where_the_template_is() {
    let text = "[image]\nname = 'x'\nversion = '${v}'\nplatforms = ['linux/arm64', 'linux/amd64']\n[variables]\nv = '1'\nunused = ''";
    let parse_as = |name: &str| parse(name, &mut |_: &str| Ok(text.to_owned())).document.expect("it is TOML");
    let document = parse_as("kiln.toml");
    assert_eq!(document.digest(), parse_as("/home/me/x.kiln.toml").digest());
    assert_eq!(document.variable_names(), ["unused", "v"]);
    let set = BTreeMap::from([("v".to_owned(), "1.2".to_owned())]);
    let (facts, findings) = document.facts(&set, None);
    assert_eq!((facts.version.as_deref(), facts.platforms.len(), findings.len()), (Some("1.2"), 2, 0));
}

#[test]
fn sources_belong_to_the_file_that_names_them() {
    let mut read = |path: &str| {
        Ok(match path {
            "kiln.toml" => "include = ['../common/base.toml']\n[image]\nname = 'x'\n[sources.b]\npath = 'b'",
            _ => "[sources.a]\npath = 'a'\n[[layer]]\nname = 'l'\ncopy = 'a'\nto = '/a'",
        }
        .to_owned())
    };
    let document = parse("shop/kiln.toml", &mut read).document.expect("both are TOML");
    let (template, _) = document.template(&"linux/amd64".parse().expect("a platform"), &BTreeMap::new(), None);
    let directory = |name: &str| match &template.sources[name].from {
        SourceFrom::Path(path) => path.directory.as_str(),
        other => panic!("{other:?}"),
    };
    assert_eq!((directory("a"), directory("b")), ("../common", ""));
}

#[test]
fn the_schema_and_the_reference_hold_every_key() {
    let (schema, text) = (schema(), reference());
    for (place, keys) in grammar::TABLE {
        for key in *keys {
            assert!(schema["definitions"][place.id()]["properties"][key.name].is_object(), "{place:?} {}", key.name);
            assert!(text.contains(&format!("| `{}`", key.name)), "{place:?} {}", key.name);
        }
    }
    assert!(schema["definitions"]["layer"]["properties"]["copy"].is_object());
    assert_eq!(schema["additionalProperties"], serde_json::json!(false));
    assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| line.ends_with('|')));
}
