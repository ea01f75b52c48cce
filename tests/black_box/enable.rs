//! `enable` against the program that it stands for.

use std::collections::BTreeMap;
use std::path::Path;

use crate::harness::{Program, Project, require};

/// Unit files, with what is special about each in its `[Install]` section.
const UNITS: &[(&str, &str)] = &[
    (
        "a.service",
        "WantedBy=multi-user.target\nRequiredBy=\"foo.target\"\nAlias=alias.service\nAlso=b.socket gone.service",
    ),
    ("b.socket", "WantedBy=x.target \\\n# a note\n y.target\nWantedBy=z.target"),
    ("getty@.service", "WantedBy=getty.target\nAlias=autovt@.service\nDefaultInstance=tty1"),
    ("plain@.service", "WantedBy=getty.target of-%i.target %j.target"),
    ("re-set.service", "WantedBy=a.target\nWantedBy=\nRequiredBy=%p.target %N.target"),
    ("nothing.service", ""),
];

const ENABLED: &[&str] = &[
    "a.service",
    "getty@.service",
    "getty@tty9.service",
    "plain@x-y.service",
    "re-set.service",
    "nothing.service",
    "other.service",
    "own.service",
];

/// Each link below a directory, with what it points to.
fn links(root: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("it can be read"));
    let links = entries.filter(|entry| entry.path_is_symlink()).map(|entry| {
        let name = entry.path().strip_prefix(root).expect("below").display().to_string();
        (name, std::fs::read_link(entry.path()).expect("a link").display().to_string())
    });
    links.collect()
}

#[test]
fn systemctl_makes_the_same_links() {
    let Some(systemctl) = require("systemctl") else { return };
    let units: Vec<String> = ENABLED.iter().map(|unit| format!("\"{unit}\"")).collect();
    let project = Project::new(&format!(
        "[image]\nname = \"x\"\nepoch = \"2026-01-01T00:00:00Z\"\n[sources.root]\npath = \"root\"\n\
         [[layer]]\nname = \"units\"\ncopy = \"root\"\nto = \"/\"\n[[layer]]\nname = \"enabled\"\nenable = [{}]\n",
        units.join(", ")
    ));
    let system = "root/usr/lib/systemd/system";
    for (name, install) in UNITS {
        project.write(&format!("{system}/{name}"), format!("[Unit]\nDescription=x\n\n[Install]\n{install}\n"));
    }
    std::os::unix::fs::symlink("a.service", project.path(&format!("{system}/other.service"))).expect("a link");
    project.write("root/etc/systemd/system/own.service", "[Install]\nWantedBy=multi-user.target\n");
    project.write("root/etc/systemd/system/own.service.d/more.conf", "[Install]\nWantedBy=more.target\n");
    project.kiln(&["build", "-o", "rootfs:ours"]).ok();
    let theirs = project.path("root");
    let ended = Program::new(systemctl)
        .args([format!("--root={}", theirs.display()), "enable".to_owned()])
        .args(ENABLED)
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .run();
    let ended = ended.expect_code(0);
    let (ours, theirs) = (links(&project.path("ours")), links(&theirs));
    assert!(ours.len() > 15, "{ours:?}");
    assert_eq!(ours, theirs, "{}", ended.all());
}

#[test]
fn units_of_the_base_are_read() {
    let project = Project::new(
        "[image]\nname = \"x\"\nepoch = \"2026-01-01T00:00:00Z\"\n[[layer]]\nname = \"unit\"\n\
         write = \"/usr/lib/systemd/system/a.service\"\ntext = \"[Install]\\nWantedBy=b.target\\n\"\n",
    );
    project.kiln(&["build", "-o", "oci:base"]).ok();
    let enabled = |unit: &str| {
        project.write(
            "kiln.toml",
            format!(
                "[image]\nname = \"x\"\nepoch = \"2026-01-01T00:00:00Z\"\n[base]\nimage = \"oci:base\"\n[[layer]]\nname = \"on\"\n\
                 enable = [\"{unit}\"]\n"
            ),
        );
        project.kiln(&["build", "-o", "rootfs:out"]).run()
    };
    enabled("a.service").expect_code(0);
    let expected = ("b.target.wants/a.service".to_owned(), "/usr/lib/systemd/system/a.service".to_owned());
    assert_eq!(links(&project.path("out/etc/systemd/system")), BTreeMap::from([expected]));
    let unknown = enabled("aa.service").expect_code(1);
    unknown.expect_said("did you mean `a.service`?").expect_said("kiln.toml:8:1");
}
