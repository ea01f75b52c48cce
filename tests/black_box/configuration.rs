//! The files that configure kiln: which count, what they open, and that no digest moves with them.

use std::fs;
use std::path::Path;

use crate::foreign::{good, on, push};
use crate::harness::{Ended, Project};
use crate::registry::{Registry, tls};

/// Writes the user's configuration.
fn write_users(project: &Project, text: &str) {
    let directory = project.top().join("home/.config/kiln");
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join("config.toml"), text).expect("written");
}

/// The digest of the template on another store, so that everything comes from outside again.
fn anew(project: &Project, args: &[&str]) -> Ended {
    fs::remove_dir_all(project.top().join("store")).ok();
    project.kiln(&["build", "--locked"]).args(args).run()
}

#[test]
fn a_mirror_gives_the_same_image_and_the_lock_keeps_the_name() {
    let (origin, mirror) = (Registry::start(), Registry::start());
    push(&mirror, &good());
    let (name, layer) = push(&origin, &good());
    let project = Project::new(&on(&name));
    let digest = project.build(&[]);
    let lock = project.read("kiln.lock");
    let config = format!("[mirrors]\n'{}' = ['{}']\n", origin.place(), mirror.place());
    project.write("kiln.config.toml", &config);
    origin.reset();
    assert_eq!(anew(&project, &[]).digest(), digest);
    assert_eq!((origin.calls_of(&layer).len(), mirror.calls_of(&layer).len()), (0, 1));
    // A lock that is made through it does not know it.
    fs::remove_file(project.path("kiln.lock")).expect("it is there");
    fs::remove_dir_all(project.top().join("store")).expect("it is there");
    project.kiln(&["lock"]).ok();
    assert!(origin.calls_of("/manifests/").is_empty() && !mirror.calls_of("/manifests/").is_empty());
    assert_eq!(project.read("kiln.lock"), lock);
    // The project's file goes over the user's, and one above counts as well.
    write_users(&project, &format!("[mirrors]\n'{}' = ['nowhere.invalid']\n", origin.place()));
    assert_eq!(anew(&project, &[]).digest(), digest);
    fs::rename(project.path("kiln.config.toml"), project.top().join("kiln.config.toml")).expect("moved");
    mirror.reset();
    assert_eq!(anew(&project, &[]).digest(), digest);
    assert!(!mirror.calls().is_empty());
}

#[test]
fn a_project_file_is_no_part_of_an_image() {
    let template = "[image]\nname = 'x'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
                    [sources.all]\npath = '.'\n[[layer]]\nname = 'all'\ncopy = 'all'\nto = '/'\n";
    let project = Project::new(template);
    let digest = project.build(&[]);
    project.write("kiln.config.toml", "jobs = 1\n");
    assert_eq!(project.build(&["-o", "rootfs:kiln-out"]), digest);
    assert!(!project.path("kiln-out/kiln.config.toml").exists());
    let files = project.kiln(&["plan", "--files", "all"]).ok();
    assert!(!files.text().contains("kiln.config.toml"), "{}", files.all());
}

#[test]
fn flags_go_over_variables_over_the_project_over_the_user() {
    let project =
        Project::new("[image]\nname = 'x'\n[[layer]]\nname = 'x'\nwrite = '/x'\ntext = ''\nmtime = 'content'\n");
    write_users(&project, "store = 'of-user'\njobs = 2\n");
    let home = project.top().join("home");
    let there = |path: &Path| path.join("blobs").is_dir();
    let build = || crate::harness::Program::new(crate::harness::kiln_binary()).args(["build"]).env("HOME", &home);
    let run = |program: crate::harness::Program| program.cwd(project.path("")).ok();
    run(build());
    assert!(there(&home.join(".config/kiln/of-user")), "from the directory of the file");
    project.write("kiln.config.toml", "store = '../of-project'\n");
    run(build());
    assert!(there(&project.top().join("of-project")));
    run(build().env("KILN_STORE", project.top().join("of-variable")));
    assert!(there(&project.top().join("of-variable")));
    run(build()
        .env("KILN_STORE", project.top().join("not-this"))
        .args(["--store".as_ref(), project.top().join("of-flag").as_os_str()]));
    assert!(there(&project.top().join("of-flag")) && !project.top().join("not-this").exists());
}

#[test]
fn a_client_certificate_is_shown_to_who_asks() {
    let registry = Registry::start_for_known();
    let (name, _) = push(&registry, &good());
    let project = Project::new(&on(&name));
    let path = |path: std::path::PathBuf| path.display().to_string();
    let (authority, (cert, key)) = (path(tls::authority()), tls::identity());
    let (cert, key) = (path(cert), path(key));
    let unknown = project.kiln(&["build", "--ca", &authority]).run();
    unknown.expect_code(5).expect_said("--client-cert FILE");
    project.kiln(&["build", "--ca", &authority, "--client-cert", &cert]).run().expect_code(2);
    let flags = ["--ca", &authority, "--client-cert", &cert, "--client-key", &key];
    let digest = project.kiln(&["build"]).args(flags).ok().digest();
    for verb in [&["inspect", &name][..], &["lock"], &["update"], &["plan"], &["vendor", "inputs"]] {
        project.kiln(verb).args(flags).ok();
    }
    let host = registry.place();
    write_users(&project, &format!("[client-certificate]\n'{host}' = {{ cert = '{cert}', key = '{key}' }}\n"));
    project.write("kiln.config.toml", format!("ca = ['{authority}']\n"));
    assert_eq!(anew(&project, &[]).digest(), digest);
    project.write("kiln.config.toml", "");
    write_users(&project, "");
    let variables = [("KILN_CA", &authority), ("KILN_CLIENT_CERT", &cert), ("KILN_CLIENT_KEY", &key)];
    let by_variables =
        variables.iter().fold(project.kiln(&["build"]), |program, (name, value)| program.env(name, value));
    fs::remove_dir_all(project.top().join("store")).expect("it is there");
    assert_eq!(by_variables.ok().digest(), digest);
}

/// A template with one download from a server that wants a token.
fn with_download(registry: &Registry) -> Project {
    registry.store(|store| store.put_file("/tool", b"tool"));
    Project::new(&format!(
        "[image]\nname = 'x'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n[sources.tool]\nurl = '{}'\n\
         [[layer]]\nname = 'x'\ncopy = 'tool'\nto = '/bin/'\n",
        registry.url("/tool")
    ))
}

#[test]
fn tokens_come_from_variables_and_files_and_show_nowhere() {
    const TOKEN: &str = "hunter2-of-the-token";
    let registry = Registry::start();
    let project = with_download(&registry);
    let host = registry.place();
    let sent = || registry.calls().last().and_then(|call| call.header("authorization").map(str::to_owned));
    project.write("kiln.config.toml", format!("[tokens]\n'{host}' = {{ env = 'TOOL_TOKEN' }}\n"));
    let unset = project.kiln(&["build"]).run().expect_code(1);
    unset.expect_said("`TOOL_TOKEN`, which is not set").expect_said("kiln.toml:");
    assert!(registry.calls().is_empty(), "nothing is asked for without it");
    let built = project.kiln(&["build", "-v"]).env("TOOL_TOKEN", TOKEN).ok();
    assert_eq!(sent().as_deref(), Some(format!("Bearer {TOKEN}").as_str()));
    project.write("token", format!("{TOKEN}\n"));
    project.write("kiln.config.toml", format!("[tokens]\n'{host}' = {{ file = 'token' }}\n"));
    registry.reset();
    assert_eq!(anew(&project, &["-v"]).digest(), built.digest());
    assert_eq!(sent().as_deref(), Some(format!("Bearer {TOKEN}").as_str()));
    let lock = String::from_utf8(project.read("kiln.lock")).expect("text");
    let said = format!("{}{}", built.text(), built.stderr);
    assert!(!said.contains(TOKEN) && !lock.contains(TOKEN) && !lock.contains("TOOL_TOKEN"));
}

#[test]
fn mistakes_in_a_file_are_shown_with_their_place() {
    let project = Project::new(&on("oci:base"));
    project.write("kiln.config.toml", "# mine\njob = 2\n");
    write_users(&project, "[tokens]\n'example.org' = 'hunter2'\n");
    for verb in ["build", "plan", "lock", "check"] {
        let said = project.kiln(&[verb]).run().expect_code(1);
        for words in ["unknown key `job` in a configuration", "kiln.config.toml:2:1", "^^^", "did you mean `jobs`?"] {
            assert!(said.stderr.contains(words), "{words}: {}", said.all());
        }
        assert!(said.stderr.contains("config.toml:2: the token for `example.org`"), "{}", said.all());
        assert!(!said.stderr.contains("hunter2"), "{}", said.all());
    }
    // Help and completions do not depend on it.
    for verb in [&["completions", "bash"][..], &["schema"], &["build", "--help"]] {
        project.kiln(verb).ok();
    }
    let help = project.kiln(&["--help"]).ok();
    assert!(help.text().contains("kiln.config.toml"), "{}", help.all());
}

#[test]
fn plain_http_can_be_allowed_by_a_file() {
    let template = on("registry.invalid:5000/a/b:1");
    let project = Project::new(&template);
    let refused = project.kiln(&["build"]).env("https_proxy", "http://127.0.0.1:1").run().expect_code(5);
    assert!(refused.stderr.contains("https://registry.invalid:5000/"), "{}", refused.all());
    project.write("kiln.config.toml", "insecure-registries = ['registry.invalid:5000']\n");
    let plain = project.kiln(&["build"]).env("http_proxy", "http://127.0.0.1:1").run().expect_code(5);
    assert!(plain.stderr.contains("http://registry.invalid:5000/"), "{}", plain.all());
}

#[test]
fn a_registry_may_have_an_ipv6_address() {
    // Many a machine that runs tests has no IPv6, which is nobody's mistake.
    let Some(registry) = Registry::start_on_ipv6() else { return };
    let (name, _) = push(&registry, &good());
    assert!(name.starts_with("[::1]:"), "{name}");
    let project = Project::new(&on(&name));
    let digest = project.build(&["-o", "oci:out"]);
    let lock = String::from_utf8(project.read("kiln.lock")).expect("text");
    assert!(lock.contains(&format!("image = \"{name}\"")), "{lock}");
    assert_eq!(anew(&project, &[]).digest(), digest);
    project.kiln(&["inspect", &name]).ok();
    project.kiln(&["inspect", "[::1]/nothing:1"]).run().expect_code(5);
}
