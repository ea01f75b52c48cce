//! Other people's programs read what kiln writes, and see the same files in it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use ocipkg::image::{Image, OciArchive, OciDir};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Ended, Program, Project, require, require_root};
use crate::sample::{self, CAPABILITY};

/// A program of somebody else, with what such programs need: a path, a home and a place for temporary files.
fn tool(path: impl AsRef<Path>, project: &Project) -> Program {
    let path = path.as_ref();
    Program::new(path)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", project.top().join("home"))
        .env("TMPDIR", project.top())
        .env("LC_ALL", "C.UTF-8")
        .cwd(project.path(""))
}

/// One platform of the sample, with these outputs.
fn built(codec: &str, outputs: &[&str]) -> Project {
    let project = sample::project(codec);
    let outputs = outputs.iter().flat_map(|output| ["-o", *output]);
    project.kiln(&["build", "--platform", "linux/amd64"]).args(outputs).ok();
    project
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line for each file below a directory: everything that a layer says about it.
fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(|entry| entry.expect("it can be read"));
    entries.map(|entry| (entry.path().strip_prefix(root).expect("below").to_owned(), line(entry.path()))).collect()
}

fn line(path: &Path) -> String {
    let meta = std::fs::symlink_metadata(path).expect("it is there");
    let kind = if meta.is_dir() {
        "directory".to_owned()
    } else if meta.is_symlink() {
        format!("link to {}", std::fs::read_link(path).expect("a link").display())
    } else if meta.file_type().is_fifo() {
        "fifo".to_owned()
    } else {
        let bytes = std::fs::read(path).expect("a file");
        format!("file {} {}", meta.nlink(), sha256(&bytes))
    };
    format!("{:o} {}:{} {} {kind} {}", meta.mode() & 0o7777, meta.uid(), meta.gid(), meta.mtime(), attributes(path))
}

/// The extended attributes of a file that are an image's, not the machine's.
fn attributes(path: &Path) -> String {
    let path = CString::new(path.as_os_str().as_bytes()).expect("a path holds no zero byte");
    let mut names = vec![0; 1 << 12];
    let length = rustix::fs::llistxattr(&path, &mut names[..]).expect("attributes can be listed");
    let mut lines = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = std::str::from_utf8(name).expect("a name in ASCII");
        if name == "security.capability" || name.starts_with("user.") && !name.starts_with("user.rootlesscontainers") {
            let mut value = vec![0; 1 << 12];
            let length = rustix::fs::lgetxattr(&path, name, &mut value[..]).expect("it was listed");
            lines.push(format!("{name}={:02x?}", &value[..length]));
        }
    }
    lines.sort();
    lines.join(" ")
}

#[track_caller]
fn assert_same(one: &BTreeMap<PathBuf, String>, other: &BTreeMap<PathBuf, String>) {
    assert!(one.len() > 10, "the sample has more files: {one:#?}");
    let paths: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    for path in paths {
        assert_eq!(one.get(path), other.get(path), "{}", path.display());
    }
}

/// What umoci makes of `oci:out`.
fn unpacked(project: &Project, umoci: &Path) -> PathBuf {
    tool(umoci, project).args(["unpack", "--image", "out:1.0", "bundle"]).ok();
    project.path("bundle/rootfs")
}

#[test]
fn umoci_unpacks_what_the_template_says() {
    let Some(umoci) = require("umoci") else { return };
    if !require_root() {
        return;
    }
    for codec in ["gzip", "none"] {
        let project = built(codec, &["oci:out"]);
        let root = unpacked(&project, &umoci);
        let files = listing(&root);
        let expect = |path: &str, expected: &str| {
            let found = files.get(Path::new(path)).unwrap_or_else(|| panic!("{path} is missing: {files:#?}"));
            assert!(found.starts_with(expected), "{path}: {found}, expected {expected}");
        };
        let epoch = 1_767_225_600;
        expect("tmp", &format!("1777 0:0 {epoch} directory"));
        expect("etc/hostname", &format!("600 0:0 {epoch} file"));
        expect("etc/machine", &format!("644 0:0 {epoch} file 1 {}", sha256(b"x86_64\n")));
        expect("srv/app", &format!("755 1000:500 {epoch} directory"));
        expect("srv/app/bin/run", &format!("755 1000:500 {epoch} file 1 {}", sha256(b"#!/bin/sh\necho run\n")));
        expect("srv/app/data/sub/grüße", &format!("644 1000:500 {epoch} file"));
        expect("srv/app/data/empty", &format!("644 1000:500 {epoch} file 1 {}", sha256(b"")));
        expect("srv/current", &format!("777 0:0 {epoch} link to app/bin"));
        expect("opt/bin", "750 12:13 1700000000 directory");
        expect("opt/bin/su", "4755 0:1 1700000000 file 2");
        expect("opt/bin/su-link", "4755 0:1 1700000000 file 2");
        expect("opt/latest", "777 34:35 1700000000 link to bin/serve");
        expect(&format!("opt/{}file", "long/".repeat(60)), "640 3000000:3000001 1700000000 file");
        let serve = &files[Path::new("opt/bin/serve")];
        assert!(serve.contains(&format!("security.capability={CAPABILITY:02x?}")), "{serve}");
        assert!(serve.contains("user.note=[68, 69]"), "{serve}");
        assert!(!files.contains_key(Path::new("etc/removed")), "removed in a later layer");
        let note: i64 = files[Path::new("tmp/note")].split(' ').nth(2).and_then(|t| t.parse().ok()).expect("a time");
        assert!(note < epoch && note > epoch - (1 << 25), "a time from the content: {note}");
        let passwd = std::fs::read_to_string(root.join("etc/passwd")).expect("made by adduser");
        assert!(passwd.contains("app:x:1000:1000:"), "{passwd}");
    }
}

#[test]
fn the_root_tree_is_what_umoci_unpacks() {
    let Some(umoci) = require("umoci") else { return };
    let Some(gnu_tar) = require("tar") else { return };
    if !require_root() {
        return;
    }
    let project = built("gzip", &["oci:out", "rootfs:root", "rootfs-tar:root.tar"]);
    let expected = listing(&unpacked(&project, &umoci));
    assert_same(&expected, &listing(&project.path("root")));
    std::fs::create_dir(project.path("from-tar")).expect("a directory");
    let extract = ["-xpf", "root.tar", "-C", "from-tar", "--numeric-owner", "--xattrs", "--xattrs-include=*"];
    tool(gnu_tar, &project).args(extract).ok();
    assert_same(&expected, &listing(&project.path("from-tar")));
}

#[test]
fn skopeo_copies_and_inspects_each_form() {
    let Some(skopeo) = require("skopeo") else { return };
    for codec in ["gzip", "zstd", "none"] {
        let project = built(codec, &["oci:out", "oci-archive:oci.tar", "docker-archive:docker.tar"]);
        let skopeo = |args: &[&str]| tool(&skopeo, &project).args(args).ok();
        for image in ["oci:out:1.0", "oci-archive:oci.tar", "docker-archive:docker.tar"] {
            let config = skopeo(&["inspect", "--config", image]).json();
            assert_eq!(config["config"]["User"], "app", "{codec} {image}");
            assert_eq!(config["config"]["Entrypoint"][0], "/srv/current/run", "{codec} {image}");
            assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(3), "{codec} {image}");
            let target = format!("dir:{codec}-{}", image.replace([':', '/'], "-"));
            skopeo(&["--insecure-policy", "copy", image, &target]);
        }
        let seen = skopeo(&["inspect", "oci:out:1.0"]).json();
        let built = project.build(&["--platform", "linux/amd64"]);
        assert_eq!(seen["Digest"], built, "{codec}");
        assert_eq!(seen["Architecture"], "amd64", "{codec}");
    }
}

#[test]
fn skopeo_copies_every_platform() {
    let Some(skopeo) = require("skopeo") else { return };
    let project = sample::project("gzip");
    let digest = project.build(&["-o", "oci:out"]);
    let skopeo = |args: &[&str]| tool(&skopeo, &project).args(args).ok();
    skopeo(&["--insecure-policy", "copy", "--all", "--preserve-digests", "oci:out:1.0", "dir:all"]);
    assert_eq!(format!("sha256:{}", sha256(&project.read("all/manifest.json"))), digest);
    for architecture in ["amd64", "arm64"] {
        let seen = skopeo(&["--override-arch", architecture, "inspect", "--config", "oci:out:1.0"]).json();
        assert_eq!(seen["architecture"], architecture);
    }
}

/// Mounts the image by podman or buildah with a storage driver and looks at /tmp.
fn mounted(program: &Path, driver: &str) {
    let project = built("gzip", &["oci:out"]);
    let (root, run) = (project.top().join("storage"), project.top().join("run"));
    let storage = |args: &[&str]| -> Ended {
        let program = tool(program, &project).args([Path::new("--root"), &root, Path::new("--runroot"), &run]);
        program.args(["--storage-driver", driver]).args(args).run()
    };
    let is_podman = program.ends_with("podman");
    let pull = storage(&["pull", "oci:out:1.0"]);
    if pull.code != Some(0) && pull.stderr.contains("overlay") {
        return crate::harness::skip(&format!("the {driver} driver does not work here: {}", pull.stderr.trim()));
    }
    let image = pull.expect_code(0).last_line().to_owned();
    let name = if is_podman { image.clone() } else { storage(&["from", &image]).expect_code(0).last_line().to_owned() };
    let noun: &[&str] = if is_podman { &["image"] } else { &[] };
    let at = |verb: &str| storage(&[noun, &[verb, &name]].concat()).expect_code(0).last_line().to_owned();
    let at_path = PathBuf::from(at("mount"));
    let found = [sample::mode(&at_path.join("tmp")), sample::mode(&at_path.join("opt/bin/su"))];
    let (note, removed) = (at_path.join("tmp/note").is_file(), at_path.join("etc/removed").exists());
    at("umount");
    assert_eq!(found, [0o1777, 0o4755], "{driver}: modes of /tmp and of a set-user-ID file");
    assert!(note && !removed, "{driver}: what the last layer wrote is there, what it removed is not");
}

#[test]
fn a_directory_of_a_lower_layer_keeps_its_mode_when_mounted() {
    if !require_root() {
        return;
    }
    for program in ["podman", "buildah"] {
        if let Some(program) = require(program) {
            mounted(&program, "overlay");
            mounted(&program, "vfs");
        }
    }
}

/// An image on a base that umoci made: its own layer, and a whiteout and a directory's mode across both.
#[test]
fn podman_mounts_an_image_on_the_base_of_another_builder() {
    let (Some(umoci), Some(podman), Some(gnu_tar)) = (require("umoci"), require("podman"), require("tar")) else {
        return;
    };
    if !require_root() {
        return;
    }
    let project = Project::new(
        "[image]\nname = 'x'\nversion = '1'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
         [base]\nimage = 'oci:base:1'\n[[layer]]\nname = 'own'\n[[layer.step]]\nwrite = '/lib/own'\ntext = 'own'\n\
         [[layer.step]]\nremove = '/etc/gone'\n[[layer.step]]\nwrite = '/tmp/own'\ntext = ''\n\
         [[layer.step]]\nadduser = 'app'\n",
    );
    project.write("root/usr/lib/theirs", "theirs");
    project.write("root/etc/gone", "");
    project.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    project.write("root/tmp/theirs", "");
    std::os::unix::fs::symlink("usr/lib", project.path("root/lib")).expect("a link");
    let sticky = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    std::fs::set_permissions(project.path("root/tmp"), sticky).expect("a mode");
    let umoci = |args: &[&str]| tool(&umoci, &project).args(args).ok();
    umoci(&["init", "--layout", "base"]);
    umoci(&["new", "--image", "base:1"]);
    // What umoci's own `insert` writes has no end, and no program for tars reads it without a complaint.
    tool(gnu_tar, &project).args(["--owner=0", "--group=0", "-cf", "root.tar", "-C", "root", "."]).ok();
    umoci(&["raw", "add-layer", "--image", "base:1", "root.tar"]);
    let config = ["--architecture", "amd64", "--os", "linux", "--config.env", "THEIRS=1"];
    umoci(&[&["config", "--image", "base:1"][..], &config].concat());
    project.build(&["-o", "oci:out"]);
    let (root, run) = (project.top().join("storage"), project.top().join("run"));
    let podman = |args: &[&str]| -> Ended {
        let program = tool(&podman, &project).args([Path::new("--root"), &root, Path::new("--runroot"), &run]);
        program.args(["--storage-driver", "vfs"]).args(args).ok()
    };
    let image = podman(&["pull", "oci:out:1"]).last_line().to_owned();
    let seen = podman(&["image", "inspect", &image]).json();
    assert!(seen[0]["Config"]["Env"].to_string().contains("THEIRS=1"), "{seen}");
    assert_eq!(seen[0]["RootFS"]["Layers"].as_array().map(Vec::len), Some(2), "{seen}");
    let at = PathBuf::from(podman(&["image", "mount", &image]).last_line());
    let read = |path: &str| std::fs::read_to_string(at.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(std::fs::read_link(at.join("lib")).expect("a link"), Path::new("usr/lib"));
    assert_eq!((read("usr/lib/theirs").as_str(), read("usr/lib/own").as_str()), ("theirs", "own"));
    assert_eq!((at.join("etc/gone").exists(), sample::mode(&at.join("tmp"))), (false, 0o1777));
    assert!(read("etc/passwd").contains("root:x:0:0") && read("etc/passwd").contains("app:x:1000:1000"));
    podman(&["image", "umount", &image]);
}

/// The JSON file of a blob in `out`.
fn blob(digest: &Value) -> String {
    format!("out/blobs/{}", digest.as_str().expect("a digest").replace(':', "/"))
}

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_slice(&project.read(path)).expect(path)
}

/// Digests of the image manifests in `out`.
fn manifests(project: &Project) -> Vec<Value> {
    let index = json(project, "out/index.json");
    let listed = json(project, &blob(&index["manifests"][0]["digest"]));
    let platforms = listed["manifests"].as_array().expect("an index of two platforms");
    platforms.iter().map(|manifest| manifest["digest"].clone()).collect()
}

#[test]
fn tar_programs_list_each_layer() {
    let (Some(gnu_tar), Some(bsdtar)) = (require("tar"), require("bsdtar")) else { return };
    for codec in ["gzip", "zstd", "none"] {
        let project = sample::project(codec);
        project.build(&["-o", "oci:out"]);
        let mut all = String::new();
        for manifest in manifests(&project) {
            for layer in json(&project, &blob(&manifest))["layers"].as_array().expect("layers") {
                let file = blob(&layer["digest"]);
                let flag: &[&str] = match codec {
                    "gzip" => &["--gzip"],
                    "zstd" => &["--zstd"],
                    _ => &[],
                };
                let gnu = tool(&gnu_tar, &project).args(flag).args(["--quoting-style=literal", "-tf", &file]).ok();
                let bsd = tool(&bsdtar, &project).args(["-tf", &file]).ok();
                assert_eq!(gnu.text(), bsd.text(), "{codec}");
                assert_eq!(gnu.stderr, "", "{codec}: GNU tar has nothing to complain about");
                assert_eq!(bsd.stderr, "", "{codec}: nor has bsdtar");
                all.push_str(gnu.text());
            }
        }
        for name in ["tmp/\n", "srv/app/data/sub/grüße\n", "opt/bin/su-link\n", "etc/.wh.removed\n"] {
            assert!(all.contains(name), "{codec}: {name:?} is listed: {all}");
        }
        assert!(!all.contains("./"), "{codec}: no names with a leading dot: {all}");
    }
}

#[test]
fn the_json_is_as_the_image_specification_says() {
    let Some(python) = require("python3") else { return };
    let schemas = std::env::var_os("KILN_SCHEMAS").map_or_else(
        || PathBuf::from("/usr/share/gocode/src/github.com/opencontainers/image-spec/schema"),
        PathBuf::from,
    );
    if !schemas.is_dir() {
        return crate::harness::skip("the image specification's schemas are not installed");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/validate");
    for codec in ["gzip", "zstd", "none"] {
        let project = sample::project(codec);
        project.build(&["-o", "oci:out"]);
        let validate = |kind: &str, file: &str| {
            tool(&python, &project).args([&script]).env("KILN_SCHEMAS", &schemas).args([kind, file]).ok();
        };
        validate("image-layout", "out/oci-layout");
        validate("image-index", "out/index.json");
        let index = json(&project, "out/index.json");
        validate("image-index", &blob(&index["manifests"][0]["digest"]));
        for manifest in manifests(&project) {
            validate("image-manifest", &blob(&manifest));
            validate("config", &blob(&json(&project, &blob(&manifest))["config"]["digest"]));
        }
    }
}

#[test]
fn ocipkg_opens_the_layout_and_the_archive() {
    let project = built("gzip", &["oci:out", "oci-archive:oci.tar"]);
    let directory = OciDir::new(&project.path("out")).expect("ocipkg opens the directory");
    let archive = OciArchive::new(&project.path("oci.tar")).expect("ocipkg opens the archive");
    let read: [Box<dyn Image>; 2] = [Box::new(directory), Box::new(archive)];
    for mut image in read {
        let manifest = image.get_manifest().expect("a manifest");
        assert_eq!(manifest.layers().len(), 3);
        for descriptor in manifest.layers().iter().chain([manifest.config()]) {
            let bytes = image.get_blob(descriptor.digest()).expect("the blob is there");
            assert_eq!(bytes.len() as u64, descriptor.size());
            assert_eq!(format!("sha256:{}", sha256(&bytes)), descriptor.digest().to_string());
        }
        let config = image.get_blob(manifest.config().digest()).expect("the config is there");
        let config: Value = serde_json::from_slice(&config).expect("the config is JSON");
        assert_eq!(config["config"]["User"], "app");
        assert_eq!(config["history"].as_array().map(Vec::len), Some(3));
    }
}
