//! Bases from people who mean harm: layers that lie, registries that fail, and passwords that must stay where they are.

use std::fs;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tar::EntryType;

use crate::foreign::{Layer, Tar, good, header, on, push, push_all, write_layout};
use crate::harness::{Ended, Project};
use crate::recorded::{self, Attack};
use crate::registry::access::basic;
use crate::registry::{Access, Mischief, Registry, Reply, Rule};

/// A frame of 64 KiB that holds two GiB of zeros (RFC 8878, section 3.1.1.2: blocks that repeat one byte), as the content
/// of a file.
fn bomb() -> Attack {
    const BLOCK: u32 = 128 << 10;
    const BLOCKS: u32 = 16 << 10;
    let header = header(EntryType::Regular, "zeros", "", u64::from(BLOCK) * u64::from(BLOCKS));
    // The magic number, no options, a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    frame.extend_from_slice(&(512_u32 << 3).to_le_bytes()[..3]);
    frame.extend_from_slice(header.as_bytes());
    for _ in 0..BLOCKS {
        frame.extend_from_slice(&(BLOCK << 3 | 1 << 1).to_le_bytes()[..3]);
        frame.push(0);
    }
    // The end marker of the tar in the last block of the frame.
    frame.extend_from_slice(&(1024_u32 << 3 | 1 << 1 | 1).to_le_bytes()[..3]);
    frame.push(0);
    let layer = Layer::new(b"never known", frame, "+zstd");
    Attack { name: "bomb".to_owned(), layer, exit: 1, says: "a bomb: ".to_owned() }
}

/// Every path below a directory.
fn paths(directory: &Path) -> Vec<String> {
    let all = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter();
    all.map(|entry| entry.expect("readable").path().display().to_string()).collect()
}

#[test]
fn hostile_layers_of_a_base_are_refused_and_leave_nothing() {
    let honest = Project::new(&on("oci:base"));
    write_layout(&honest.path("base"), &[good()]);
    let expected = honest.build(&[]);
    for Attack { name, layer, exit, says } in recorded::all().into_iter().chain([bomb()]) {
        eprintln!("{name}");
        let project = Project::new(&on("oci:base"));
        write_layout(&project.path("base"), std::slice::from_ref(&layer));
        let before = paths(&project.path(""));
        project.kiln(&["build", "-o", "rootfs:kiln-out"]).run().expect_code(exit).expect_said(&says);
        let lock = project.path("kiln.lock").display().to_string();
        let after: Vec<_> = paths(&project.path("")).into_iter().filter(|path| *path != lock).collect();
        assert_eq!(before, after, "{name}");
        let top = fs::read_dir(project.top()).expect("readable").count();
        assert_eq!(top, 3, "{name}: home, project and store: {:?}", paths(project.top()));
        // The same again: a failure is not remembered as a success.
        project.kiln(&["build"]).run().expect_code(exit).expect_said(&says);
        write_layout(&project.path("base"), &[good()]);
        fs::remove_file(&lock).ok();
        assert_eq!(project.build(&["-o", "rootfs:kiln-out"]), expected, "{name}");
        assert_eq!(project.read("kiln-out/etc/name"), b"good\n");
        project.kiln(&["store", "check"]).ok();
    }
}

#[test]
fn of_two_layers_that_fail_at_once_the_first_is_named() {
    let bad = |name: &str| Tar::new().directory("a/").file(name, "").layer();
    let (first, second) = (bad("../first"), bad("../second"));
    let (first_digest, registry) = (first.digest.clone(), Registry::start());
    let base = push_all(&registry, &[good(), first, second]);
    for late in [None, Some(first_digest)] {
        registry.reset();
        // The second one has failed for a while when the first arrives.
        let silence = std::time::Duration::from_millis(500);
        let slow = late.map(|layer| Rule::on(&layer, Mischief::Slow { after: 10, silence }));
        slow.into_iter().for_each(|rule| registry.misbehave(rule));
        let ended = Project::new(&on(&base)).kiln(&["build"]).run().expect_code(1).expect_said("`../first` contains");
        assert!(!ended.stderr.contains("../second"), "{}", ended.all());
    }
}

#[test]
fn a_link_in_one_layer_leads_the_next_one_nowhere() {
    let project = Project::new(&on("oci:base"));
    let outside = project.top().join("outside");
    fs::create_dir(&outside).expect("a directory");
    let target = outside.to_str().expect("text");
    write_layout(
        &project.path("base"),
        &[Tar::new().symlink("a", target).layer(), Tar::new().file("a/y", "y").layer()],
    );
    let ended = project.kiln(&["build", "-o", "rootfs:kiln-out", "-o", "rootfs-tar:out.tar"]).ok();
    assert_eq!(fs::read_dir(&outside).expect("readable").count(), 0, "{}", ended.all());
    // Links are followed inside the root, so nobody who unpacks this is led out of it.
    let entries = listed(&project.read("out.tar"));
    assert!(!entries.iter().any(|entry| entry.starts_with("a/")), "{entries:?}");
    assert_eq!(project.read(&format!("kiln-out{target}/y")), b"y");
}

/// The entries of a tar in order, with what is in each or where it leads.
fn listed(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar").map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        let link = entry.link_name().expect("a link").map(|link| format!("-> {}", link.display()));
        format!("{} {text}{}", entry.path().expect("a path").display(), link.unwrap_or_default()).trim_end().to_owned()
    });
    entries.collect()
}

#[test]
fn whiteouts_and_hard_links_of_a_base_are_applied() {
    let project = Project::new(&on("oci:base"));
    let low = Tar::new()
        .directory("bin/")
        .file("bin/tool", "tool")
        .hard_link("bin/twin", "bin/tool")
        .directory("etc/")
        .file("etc/gone", "")
        .file("etc/kept", "kept")
        .directory("lib/")
        .file("lib/hidden", "one file")
        .hard_link("lib/left", "lib/hidden")
        .directory("opt/")
        .directory("opt/old/")
        .file("opt/old/file", "")
        .directory("sbin/")
        .file("sbin/changed", "before")
        .hard_link("sbin/same", "sbin/changed")
        .directory("srv/")
        .directory("srv/gone/")
        .file("srv/gone/file", "");
    let high = Tar::new()
        .file("etc/.wh.gone", "")
        .file("lib/.wh.hidden", "")
        .directory("opt/")
        .file("opt/.wh..wh..opq", "")
        .file("opt/new", "new")
        .file("sbin/changed", "after")
        .file("srv/.wh.gone", "")
        .file("srv/.wh.never-there", "");
    write_layout(&project.path("base"), &[low.layer(), Layer::gzip(&high.bytes())]);
    project.build(&["-o", "rootfs-tar:kiln-out.tar"]);
    let expected = [
        "bin/",
        "bin/tool tool",
        "bin/twin -> bin/tool",
        "etc/",
        "etc/kept kept",
        "lib/",
        "lib/left one file",
        "opt/",
        "opt/new new",
        "sbin/",
        "sbin/changed after",
        "sbin/same before",
        "srv/",
        "x x",
    ];
    assert_eq!(listed(&project.read("kiln-out.tar")), expected);
}

const USER: &str = "kim";
const PASSWORD: &str = "hunter2&of many?/words+";

/// A project on a base in a registry, with docker's file for it.
fn logged_in(registry: &Registry, base: &str, password: &str) -> Project {
    let project = Project::new(&on(base));
    let auth = basic(USER, password);
    let auth = auth.trim_start_matches("Basic ");
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.place());
    fs::create_dir(project.top().join("docker")).expect("a directory");
    fs::write(project.top().join("docker/config.json"), config).expect("written");
    project
}

fn run(project: &Project, args: &[&str]) -> Ended {
    project.kiln(args).env("DOCKER_CONFIG", project.top().join("docker")).run()
}

/// Which forms of a secret are in these bytes: plain, escaped for an address or JSON, in base64 wherever it begins.
fn forms_in(bytes: &[u8], secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let escaped = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    forms.push(secret.chars().map(escaped).collect());
    forms.push(secret.chars().map(escaped).collect::<String>().replace("%20", "+"));
    for before in 0..3 {
        let encoded = BASE64_STANDARD.encode([&b"..."[..before], secret.as_bytes()].concat());
        // The first and the last letters are those of what is around it too.
        let inner = encoded.trim_end_matches('=');
        forms.push(inner[if before == 0 { 0 } else { before + 1 }..inner.len() - 1].to_owned());
    }
    let holds = |form: &String| bytes.windows(form.len()).any(|part| part == form.as_bytes());
    forms.into_iter().filter(holds).collect()
}

/// Fails if a secret is in what was said, in the lock or in a file of the store, packed ones included.
#[track_caller]
fn expect_no_trace(project: &Project, said: &[&Ended], secrets: &[&str]) {
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for ended in said {
        places.push(("stdout".to_owned(), ended.stdout.clone()));
        places.push(("stderr".to_owned(), ended.stderr.clone().into_bytes()));
    }
    for top in [project.path(""), project.top().join("store"), project.top().join("home")] {
        for entry in walkdir::WalkDir::new(top).into_iter().map(|entry| entry.expect("readable")) {
            places.push(("a name".to_owned(), entry.path().display().to_string().into_bytes()));
            if entry.file_type().is_file() {
                let bytes = fs::read(entry.path()).expect("readable");
                let mut unpacked = zstd::decode_all(&bytes[..]).unwrap_or_default();
                flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).ok();
                places.push((entry.path().display().to_string(), [bytes, unpacked].concat()));
            }
        }
    }
    for secret in secrets {
        for (place, bytes) in &places {
            let found = forms_in(bytes, secret);
            assert!(found.is_empty(), "{found:?} in {place}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn a_password_is_nowhere_but_in_its_file_and_on_its_way() {
    for access in
        [Access::tokens_for(USER, PASSWORD), Access::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() }]
    {
        let registry = Registry::start();
        let (base, layer) = push(&registry, &good());
        registry.require(access);
        let project = logged_in(&registry, &base, PASSWORD);
        let built = run(&project, &["build", "-v", "-o", "oci:kiln-out"]).expect_code(0);
        let plan = run(&project, &["plan", "--json"]).expect_code(0);
        assert!(!registry.calls_of(&layer).is_empty());
        let sent = registry.calls().iter().any(|call| call.header("authorization") == Some(&basic(USER, PASSWORD)));
        assert!(sent, "the password was needed");
        // What is searched for would be found.
        let file = fs::read(project.top().join("docker/config.json")).expect("readable");
        assert_eq!(forms_in(&file, PASSWORD).len(), 1);
        expect_no_trace(&project, &[&built, &plan], &[PASSWORD, "token-1"]);
    }
}

#[test]
fn a_wrong_password_is_not_shown_and_the_way_to_log_in_is() {
    const WRONG: &str = "not the right one/&+";
    for access in
        [Access::tokens_for(USER, PASSWORD), Access::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() }]
    {
        let registry = Registry::start();
        let (base, _) = push(&registry, &good());
        registry.require(access);
        let project = logged_in(&registry, &base, WRONG);
        let login = format!("kiln login {}", registry.place());
        let refused = run(&project, &["build", "-v"]).expect_code(5).expect_said(&login);
        expect_no_trace(&project, &[&refused], &[WRONG, PASSWORD]);
    }
}

#[test]
fn another_host_gets_the_blobs_request_and_no_password() {
    for access in
        [Access::tokens_for(USER, PASSWORD), Access::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() }]
    {
        let (registry, storage) = (Registry::start(), Registry::start());
        let (base, layer) = push(&registry, &good());
        registry.require(access);
        storage.store(|store| store.put_file("/storage", &good().blob));
        let to = format!("{}?sig=signed-for-an-hour", storage.url("/storage"));
        registry.misbehave(Rule::on(&layer, Mischief::Redirect { status: 307, to }));
        let project = logged_in(&registry, &base, PASSWORD);
        let built = run(&project, &["build", "-v"]).expect_code(0);
        assert!(registry.calls_of(&layer).iter().all(|call| call.header("authorization").is_some()));
        let calls = storage.calls();
        assert!(!calls.is_empty() && calls.iter().all(|call| call.header("authorization").is_none()), "{calls:?}");
        expect_no_trace(&project, &[&built], &[PASSWORD, "signed-for-an-hour"]);
        // Not even if it asks.
        storage.reset();
        let ask = Reply::new(401).with("WWW-Authenticate", "Basic realm=\"tell me\"");
        storage.misbehave(Rule::on("/storage", Mischief::Answer(ask)));
        let project = logged_in(&registry, &base, PASSWORD);
        let refused = run(&project, &["build", "-v"]).expect_code(5);
        let calls = storage.calls();
        assert!(!calls.is_empty() && calls.iter().all(|call| call.header("authorization").is_none()), "{calls:?}");
        expect_no_trace(&project, &[&refused], &[PASSWORD, "signed-for-an-hour"]);
    }
}

#[test]
fn a_registry_that_stumbles_once_gives_the_same_image() {
    let registry = Registry::start();
    let content: String = (0..60_000_u32).map(|number| format!("{number}\n")).collect();
    let (base, layer) = push(&registry, &Tar::new().file("numbers", &content).layer());
    let expected = Project::new(&on(&base)).build(&[]);
    let busy = Reply::error(429, "TOOMANYREQUESTS", "slow down").with("Retry-After", "0");
    let broken = Reply::error(500, "UNKNOWN", "a bad day");
    let faults = [
        ("cut", layer.as_str(), Mischief::Cut { after: 100_000 }),
        ("vanished", &layer, Mischief::Vanish),
        ("429 on the layer", &layer, Mischief::Answer(busy.clone())),
        ("429 on the manifest", "/manifests/", Mischief::Answer(busy)),
        ("500 on the layer", &layer, Mischief::Answer(broken.clone())),
        ("500 on the manifest", "/manifests/", Mischief::Answer(broken)),
    ];
    for (name, part, fault) in faults {
        registry.reset();
        registry.misbehave(Rule::on(part, fault).times(1));
        assert_eq!(Project::new(&on(&base)).build(&[]), expected, "{name}");
        let calls = registry.calls_of(part);
        assert!(calls.len() >= 2, "{name}: {calls:?}");
        let resumed = calls.iter().any(|call| call.header("range") == Some("bytes=100000-"));
        assert_eq!(resumed, name == "cut", "{name}: {calls:?}");
    }
    // One that always sends another byte is not tried for ever, and not believed.
    registry.reset();
    registry.misbehave(Rule::on(&layer, Mischief::Flip));
    Project::new(&on(&base)).kiln(&["build"]).run().expect_code(4).expect_said("other content than expected");
}
