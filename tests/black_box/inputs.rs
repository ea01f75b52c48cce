//! Bases, downloads, commits, stages: what comes from outside, and the lock that pins it.

use std::fs;
use std::path::Path;

use crate::harness::{Program, Project, require};
use crate::server::Server;

const HEAD: &str =
    "[image]\nname = 'shop/api'\nversion = '1'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n";

/// A project with a small base image in every form beside its template.
fn with_base() -> Project {
    let project = Project::empty();
    project.write(
        "base.kiln.toml",
        format!(
            "{}[[layer]]\nname = 'users'\nadduser = 'app'\nuid = 1234\n[[layer]]\nname = 'dirs'\n\
             [[layer.step]]\ndirectory = '/usr/lib'\n[[layer.step]]\nsymlink = '/lib'\ntarget = 'usr/lib'\n\
             [[layer.step]]\ndirectory = '/tmp'\nmode = '1777'\n\
             [config]\nenv = {{ PATH = '/bin', BASE = '1' }}\nentrypoint = ['/old']\ncmd = ['--old']\nlabels = {{ a = '1' }}\n",
            HEAD.replace("shop/api", "base")
        ),
    );
    let outputs = ["oci:base", "oci-archive:base.oci.tar", "docker-archive:base.docker.tar"];
    let args = outputs.iter().flat_map(|output| ["-o", output]);
    project.kiln(&["build", "base.kiln.toml"]).args(args).ok();
    project
}

fn on(base: &str) -> String {
    format!(
        "{HEAD}[base]\nimage = '{base}'\n[[layer]]\nname = 'files'\n[[layer.step]]\nwrite = '/lib/x'\ntext = 'x'\nowner = 'app'\n\
         [[layer.step]]\nwrite = '/tmp/y'\ntext = 'y'\n[config]\nenv = {{ MINE = '2' }}\nentrypoint = ['/new']\n"
    )
}

#[test]
fn a_base_in_every_form_gives_the_same_files() {
    let project = with_base();
    let mut lists = Vec::new();
    for base in ["oci:base:1", "oci-archive:base.oci.tar", "docker-archive:base.docker.tar", "store:base:1"] {
        project.write("kiln.toml", on(base));
        fs::remove_file(project.path("kiln.lock")).ok();
        fs::remove_dir_all(project.path("out")).ok();
        project.build(&["-o", "oci:out"]);
        let lock = String::from_utf8(project.read("kiln.lock")).expect("text");
        assert!(lock.contains(&format!("[[image]]\nimage = \"{base}\"\nplatform = \"linux/amd64\"\n")), "{lock}");
        lists.push(project.kiln(&["inspect", "oci:out", "--files"]).ok().text().to_owned());
        let config = project.kiln(&["inspect", "oci:out", "--json"]).ok().json();
        let shown = config.to_string();
        for expected in ["PATH=/bin", "BASE=1", "MINE=2", "\"/new\""] {
            assert!(shown.contains(expected), "{expected} in {shown}");
        }
        assert!(!shown.contains("--old"), "an entrypoint clears the command of the base: {shown}");
    }
    let files = |list: &str| list.lines().filter(|line| line.contains(" /")).map(str::to_owned).collect::<Vec<_>>();
    assert!(lists.iter().all(|list| files(list) == files(&lists[0])), "{lists:?}");
    let all = lists[0].as_str();
    assert!(all.contains("/usr/lib/x"), "written at the real place, behind the link: {all}");
    assert!(all.lines().any(|line| line.contains("1777") && line.ends_with("/tmp")), "{all}");
}

#[test]
fn the_layers_of_a_base_stay_as_they_are() {
    let project = with_base();
    project.write("kiln.toml", on("oci:base"));
    project.build(&["-o", "oci:out"]);
    let layers = |image: &str| {
        let json = project.kiln(&["inspect", image, "--json"]).ok().json().to_string();
        let parts = json.split("\"digest\":\"").skip(1).map(|part| part[..71].to_owned());
        parts.collect::<Vec<_>>()
    };
    let (base, built) = (layers("oci:base"), layers("oci:out"));
    let shared = built.iter().filter(|digest| base.contains(digest)).count();
    assert!(shared >= 2, "{base:?}\n{built:?}");
    for blob in fs::read_dir(project.path("base/blobs/sha256")).expect("a layout").flatten() {
        let other = project.path("out/blobs/sha256").join(blob.file_name());
        if other.exists() {
            assert_eq!(fs::read(blob.path()).ok(), fs::read(other).ok());
        }
    }
}

#[test]
fn a_build_takes_only_what_the_lock_names() {
    let project = with_base();
    project.write("kiln.toml", on("oci:base"));
    project.kiln(&["build", "--locked"]).run().expect_code(4).expect_said("image oci:base (linux/amd64)");
    assert!(!project.path("kiln.lock").exists());
    let first = project.build(&["-o", "oci:first"]);
    // The base is another one now: the lock does not care as long as the store has what it names.
    project.write(
        "base.kiln.toml",
        format!("{}[[layer]]\nname = 'x'\nadduser = 'app'\n", HEAD.replace("shop/api", "base")),
    );
    fs::remove_dir_all(project.path("base")).expect("it is there");
    project.kiln(&["build", "base.kiln.toml", "-o", "oci:base"]).ok();
    assert_eq!(project.build(&["--locked"]), first);
    let fresh = project.top().join("fresh");
    let said = project.kiln(&["build", "--locked", "--store"]).args([&fresh]).run().expect_code(4);
    said.expect_said("is not what the lock says any more").expect_said("kiln update");
    let moved = project.kiln(&["update", "base", "--summary", "markdown"]).ok();
    assert!(moved.text().starts_with("| entry | old | new |\n"), "{}", moved.all());
    assert_ne!(project.build(&[]), first);
    project.kiln(&["update", "bsae"]).run().expect_code(2).expect_said("did you mean `base`?");
    project.write("kiln.toml", format!("{HEAD}[[layer]]\nname = 'x'\nwrite = '/x'\ntext = ''\n"));
    project.kiln(&["lock"]).ok().expect_said("image oci:base (linux/amd64): dropped");
    assert!(!String::from_utf8(project.read("kiln.lock")).expect("text").contains("[[image]]"));
}

fn git(project: &Project, args: &[&str]) {
    let Some(git) = require("git") else { return };
    let config = ["-c", "user.name=Kiln", "-c", "user.email=kiln@example.org", "-c", "init.defaultBranch=main"];
    Program::new(git)
        .args(config)
        .args(args)
        .env("HOME", project.top())
        .env("GIT_COMMITTER_DATE", "2024-02-03T04:05:06Z")
        .env("GIT_AUTHOR_DATE", "2024-02-03T04:05:06Z")
        .cwd(project.path(""))
        .ok();
}

/// A template that takes a download, a commit, an image and a stage.
fn everything(project: &Project) -> String {
    project.write("tool/bin/tool", "#!/bin/sh\n");
    Program::new("/usr/bin/env")
        .args(["tar", "cf", "tool.tar", "-C", "tool", "bin"])
        .env("PATH", "/usr/bin:/bin")
        .cwd(project.path(""))
        .ok();
    project.write("lib/src/x.c", "int x;\n");
    git(project, &["init", "-q", "lib"]);
    git(project, &["-C", "lib", "add", "-A"]);
    git(project, &["-C", "lib", "commit", "-qm", "one"]);
    let here = project.path("");
    format!(
        "{HEAD}[base]\nstage = 'ground'\n[sources.tool]\nurl = 'file://{here}tool.tar'\n[sources.lib]\ngit = 'file://{here}lib'\nrev = 'main'\nsubdir = 'src'\n\
         [sources.other]\nimage = 'oci:base'\ninclude = ['etc/**']\n\
         [stage.ground]\nbase.image = 'oci:base'\n[[stage.ground.layer]]\nname = 'ground'\nwrite = '/ground'\ntext = 'g'\n\
         [stage.build]\n[[stage.build.layer]]\nname = 'unpack'\nextract = 'tool'\nto = '/opt/'\n\
         [stage.unused]\nbase.image = 'oci:nowhere'\n[[stage.unused.layer]]\nname = 'u'\nwrite = '/u'\ntext = ''\n\
         [[layer]]\nname = 'lib'\ncopy = 'lib'\nto = '/usr/src/'\n[[layer]]\nname = 'tool'\ncopy = 'build:/opt/bin/tool'\nto = '/bin/'\n\
         [[layer]]\nname = 'etc'\ncopy = 'other'\nto = '/other/'\n",
        here = here.display()
    )
}

#[test]
fn downloads_commits_images_and_stages_come_together() {
    let project = with_base();
    project.write("kiln.toml", everything(&project));
    let first = project.build(&["-o", "rootfs-tar:out.tar"]);
    let lock = String::from_utf8(project.read("kiln.lock")).expect("text");
    assert!(lock.contains("[[git]]") && lock.contains("[[url]]") && !lock.contains("nowhere"), "{lock}");
    let list = Program::new("/usr/bin/env")
        .args(["tar", "tvf", "out.tar"])
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC")
        .cwd(project.path(""))
        .ok();
    let list = list.text();
    for (path, time) in [("usr/src/x.c", "2024-02-03 04:05"), ("ground", "2026-01-01 00:00")] {
        assert!(list.lines().any(|line| line.contains(time) && line.ends_with(path)), "{path}: {list}");
    }
    for path in ["bin/tool", "other/etc/passwd", "usr/lib/", "lib -> usr/lib"] {
        assert!(list.lines().any(|line| line.ends_with(path)), "{path}: {list}");
    }
    let plan = project.kiln(&["plan"]).ok();
    assert!(plan.text().contains("ground/ground") && plan.text().contains("base oci:base"), "{}", plan.all());
    // Whatever happens outside, the lock and the store give the same.
    for gone in ["lib", "base"] {
        fs::remove_dir_all(project.path(gone)).expect("it is there");
    }
    fs::remove_file(project.path("tool.tar")).expect("it is there");
    assert_eq!(project.build(&["--offline", "--locked"]), first);
}

#[test]
fn two_directories_of_a_repository_are_of_one_commit() {
    let project = with_base();
    let one = everything(&project);
    project.write("kiln.toml", &one);
    project.kiln(&["lock"]).ok();
    project.write("lib/doc/x.md", "x\n");
    git(&project, &["-C", "lib", "add", "-A"]);
    git(&project, &["-C", "lib", "commit", "-qm", "two"]);
    // `doc` is not in the commit that the lock names, and the lock is what counts.
    let here = project.path("");
    let second = format!(
        "[sources.doc]\ngit = 'file://{}lib'\nrev = 'main'\n[[layer]]\nname = 'doc'\ncopy = 'doc'\nto = '/doc/'\n",
        here.display()
    );
    project.write("kiln.toml", format!("{one}{second}"));
    project.build(&["-o", "rootfs:out"]);
    assert!(project.path("out/doc/src/x.c").exists() && !project.path("out/doc/doc").exists());
    let commits = |lock: &str| {
        let commits: Vec<String> =
            lock.lines().filter(|line| line.starts_with("commit = ")).map(str::to_owned).collect();
        assert!(commits.len() == 2 && commits[0] == commits[1], "{lock}");
        commits[0].clone()
    };
    let read = || String::from_utf8(project.read("kiln.lock")).expect("text");
    let before = commits(&read());
    project.kiln(&["update", "lib", "doc"]).ok();
    assert_ne!(commits(&read()), before);
}

#[test]
fn vendored_inputs_are_enough_for_a_machine_without_a_network() {
    let project = with_base();
    project.write("kiln.toml", everything(&project));
    let first = project.build(&[]);
    project.kiln(&["vendor", "inputs"]).ok().expect_said("3 inputs");
    for gone in ["lib", "base"] {
        fs::remove_dir_all(project.path(gone)).expect("it is there");
    }
    fs::remove_file(project.path("tool.tar")).expect("it is there");
    let fresh = project.top().join("fresh");
    let build = |more: &[&str]| project.kiln(&["build", "--offline", "--locked", "--store"]).args([&fresh]).args(more);
    // Error::Input: what cannot be had, with its name and its line.
    let missing = build(&[]).run();
    assert!(matches!(missing.code, Some(1 | 4 | 5)), "{}", missing.all());
    assert!(missing.stderr.contains("kiln.toml:"), "{}", missing.all());
    // Error::Arrived: what is no request's.
    build(&["--vendor", "nowhere"]).run().expect_code(1).expect_said("cannot read the vendored inputs `nowhere`");
    let again = build(&["--vendor", "inputs", "-o", "oci:again"]).ok();
    assert_eq!(again.digest(), first);
    let Some(skopeo) = require("skopeo") else { return };
    Program::new(skopeo).args(["inspect", "oci:again"]).env("HOME", project.top()).cwd(project.path("")).ok();
}

#[test]
fn each_platform_gets_its_own_files_and_the_index_stays_the_same() {
    let project = Project::new(
        "[image]\nname = 'x'\nplatforms = ['linux/arm64', 'linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
         [variables]\ntriple = { 'linux/amd64' = 'x86_64', 'linux/arm64' = 'aarch64' }\n\
         [sources.bin]\npath = 'bin/${platform.arch}'\n[stage.b]\nruns-on = 'linux/amd64'\n[[stage.b.layer]]\nname = 's'\n\
         write = '/triple'\ntext = '${triple}'\n[[layer]]\nname = 'bin'\ncopy = 'bin'\nto = '/bin/'\n\
         [[layer]]\nname = 't'\ncopy = 'b:/triple'\nto = '/'\n[[layer]]\nname = 'arm'\nwhen = 'linux/arm64'\nwrite = '/arm'\ntext = ''\n",
    );
    project.write("bin/amd64/tool", "intel");
    project.write("bin/arm64/tool", "arm");
    let whole = project.build(&["-o", "oci:out"]);
    for (platform, tool, triple) in [("linux/amd64", "intel", "x86_64"), ("linux/arm64", "arm", "aarch64")] {
        let out = format!("rootfs:{}", platform.replace('/', "-"));
        project.build(&["--platform", platform, "-o", &out]);
        let read = |path: &str| {
            String::from_utf8(project.read(&format!("{}/{path}", platform.replace('/', "-")))).expect("text")
        };
        assert_eq!((read("bin/tool").as_str(), read("triple").as_str()), (tool, triple));
    }
    assert_eq!(project.build(&[]), whole);
    let cycle = "[stage.a]\nbase.stage = 'b'\n[stage.b]\nbase.stage = 'a'\n[base]\nstage = 'a'\n";
    project.write("kiln.toml", format!("{HEAD}{cycle}"));
    project.kiln(&["build"]).run().expect_code(1).expect_said("needs itself: `a` -> `b` -> `a`");
}

pub(crate) fn skopeo(project: &Project, args: &[&str]) {
    let Some(skopeo) = require("skopeo") else { return };
    Program::new(skopeo).args(args).env("HOME", project.top()).env("PATH", "/usr/bin:/bin").cwd(project.path("")).ok();
}

/// The tree that mmdebstrap makes of Debian's own packages, through every transport and a real registry.
#[test]
fn a_debian_base_comes_from_a_registry_and_from_every_file() {
    let project = Project::empty();
    let (Some(umoci), Some(registry)) = (require("umoci"), Server::docker_registry(project.top())) else { return };
    if crate::distribution::make_layout(&project.path(""), &[]).is_none() {
        return;
    }
    let tool = |program: &Path, args: &[&str]| {
        Program::new(program)
            .args(args)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", project.top())
            .cwd(project.path(""))
            .ok();
    };
    let name = format!("{}/debian:12", registry.place());
    skopeo(&project, &["copy", "-q", "--dest-tls-verify=false", "oci:debian:12", &format!("docker://{name}")]);
    skopeo(&project, &["copy", "-q", "oci:debian:12", "oci-archive:debian.oci.tar:12"]);
    skopeo(&project, &["copy", "-q", "oci:debian:12", "docker-archive:debian.docker.tar:debian:12"]);
    let same = project.kiln(&["diff", &name, "oci:debian:12", "--check"]).ok();
    let seen = project.kiln(&["inspect", &name, "--json"]).ok();
    assert!(seen.text().contains("sha256:"), "{}{}", seen.all(), same.all());
    let mut lists = Vec::new();
    for base in [name.as_str(), "oci:debian:12", "oci-archive:debian.oci.tar:12", "docker-archive:debian.docker.tar"] {
        let layer = "[[layer]]\nname = 'low'\n[[layer.step]]\nwrite = '/lib/kiln'\ntext = 'x'\n[[layer.step]]\nwrite = '/tmp/y'\ntext = 'y'\n\
                     [[layer.step]]\nadduser = 'app'\n";
        project.write("kiln.toml", format!("{HEAD}[base]\nimage = '{base}'\n{layer}"));
        fs::remove_dir_all(project.path("out")).ok();
        fs::remove_file(project.path("kiln.lock")).ok();
        let digest = project.build(&["-o", "oci:out:1"]);
        assert_eq!(project.build(&["--offline", "--locked"]), digest);
        let list = project.kiln(&["inspect", "oci:out", "--files"]).ok().text().to_owned();
        lists.push(list.lines().filter(|line| line.contains(" /")).map(str::to_owned).collect::<Vec<_>>());
    }
    assert!(lists.iter().all(|list| *list == lists[0]), "every transport gives the same files");
    let has = |words: &[&str]| lists[0].iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(has(&["/usr/lib/kiln"]) && has(&["/lib", "usr/lib"]) && has(&["1777", "/tmp"]));
    // Other people's tools make the same of it.
    tool(&umoci, &["unpack", "--image", "out:1", "bundle"]);
    let root = project.path("bundle/rootfs");
    assert_eq!(fs::read_link(root.join("lib")).expect("a link"), Path::new("usr/lib"));
    assert_eq!(fs::read(root.join("usr/lib/kiln")).expect("a file"), b"x");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(root.join("tmp")).expect("there").permissions());
    assert_eq!(mode & 0o7777, 0o1777);
    skopeo(
        &project,
        &["copy", "-q", "--dest-tls-verify=false", "oci:out:1", &format!("docker://{}/built:1", registry.place())],
    );
    drop(registry);
    project.write(
        "kiln.toml",
        format!("{HEAD}[base]\nimage = '{name}'\n[[layer]]\nname = 'x'\nwrite = '/x'\ntext = ''\n"),
    );
    fs::remove_file(project.path("kiln.lock")).expect("it is there");
    let fresh = project.top().join("fresh");
    project.kiln(&["build", "--store"]).args([fresh]).run().expect_code(5).expect_said("kiln.toml:");
}
