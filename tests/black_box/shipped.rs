//! The template that holds kiln itself: built twice alike, and what is in it runs with nothing around it.

use std::path::{Path, PathBuf};

use crate::harness::{Program, Project, require, require_root, skip};

/// The template, with the static program that `templates/kiln/make-binary` puts there.
fn template() -> Option<PathBuf> {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/kiln");
    if !template.join("bin/kiln").is_file() {
        skip("there is no static kiln: templates/kiln/make-binary makes it");
        return None;
    }
    Some(template)
}

/// Builds a template in the directory, home and store of a project of its own.
fn build(template: &Path, outputs: &[&str]) -> (Project, String) {
    let project = Project::empty();
    let template = template.to_str().expect("a path in UTF-8");
    let digest = project.build(&[&[template], outputs].concat());
    (project, digest)
}

#[test]
fn the_kiln_template_is_the_same_twice_and_runs_alone() {
    let Some(template) = template() else { return };
    let (project, digest) = build(&template, &["-o", "rootfs:root", "-o", "oci:out"]);
    let (_, again) = build(&template, &[]);
    assert_eq!(digest, again);
    let own = std::fs::read(template.join("bin/kiln")).expect("it is there");
    assert!(project.read("root/kiln") == own, "the program in the image is the one that was made");
    let config = project.kiln(&["inspect", "oci:out", "--json"]).ok().json();
    assert_eq!(config["images"][0]["config"]["config"]["Entrypoint"], serde_json::json!(["/kiln"]));
    let version = format!("kiln {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Program::new(project.path("root/kiln")).args(["--version"]).ok().text(), version);
    // With nothing but itself: no C library, no loader, no /proc.
    if let (Some(chroot), true) = (require("chroot"), require_root()) {
        let root = project.path("root");
        let alone = Program::new(chroot).args([root.as_path(), Path::new("/kiln"), Path::new("--version")]);
        assert_eq!(alone.ok().text(), version);
    }
}

#[test]
fn the_static_kiln_builds_what_the_tested_one_builds() {
    let Some(template) = template() else { return };
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/site");
    let (_, expected) = build(&site, &[]);
    let project = Project::empty();
    let built = project.kiln_at(&template.join("bin/kiln"), &["build"]).args([site]).ok();
    assert_eq!(built.digest(), expected);
}

#[test]
fn the_web_template_is_a_server_made_of_nothing() {
    if !require_root() {
        return;
    }
    // It ships without a lock, and gets one here.
    let Some(project) = crate::minbase::on_debian("web", "") else { return };
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/web");
    for file in ["kiln.toml", "www/index.html"] {
        project.write(file, std::fs::read(template.join(file)).expect("it is there"));
    }
    project.kiln(&["build", "--locked"]).run().expect_code(4).expect_said("kiln lock");
    project.kiln(&["lock"]).ok().expect_said("packages nginx-light");
    let digest = project.build(&["--locked", "-o", "oci:out"]);
    let files = project.kiln(&["inspect", "oci:out", "--files"]).ok();
    for path in
        ["/usr/sbin/nginx", "/etc/nginx/sites-enabled/default", "/var/www/html/index.html", "/var/lib/dpkg/status"]
    {
        assert!(files.text().contains(path), "{path}: {}", files.text());
    }
    for path in ["/usr/sbin/policy-rc.d", "dpkg-new", "status-old", "dpkg.log", "/var/lib/apt"] {
        assert!(!files.text().contains(path), "{path}: {}", files.text());
    }
    let tests = project.kiln(&["test", "--locked"]).ok();
    assert!(tests.all().contains("2 tests: 2 passed"), "{}", tests.all());
    assert_eq!(project.build(&["--locked", "--no-cache"]), digest);
}
