//! Outputs: written, replaced if they are kiln's own, refused if they are anything else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::Project;
use crate::sample;

/// Every output that is a file or directory, with the place where it is.
const OUTPUTS: [(&str, &str); 5] = [
    ("oci:out", "out"),
    ("oci-archive:oci.tar", "oci.tar"),
    ("docker-archive:docker.tar", "docker.tar"),
    ("rootfs:root", "root"),
    ("rootfs-tar:root.tar", "root.tar"),
];

/// A small image of one platform whose content is a variable.
pub(crate) const SMALL: &str = r#"
[image]
name = "test/small"
version = "1"
platforms = ["linux/amd64"]
epoch = "2026-01-01T00:00:00Z"
created = "2026-01-01T00:00:00Z"

[variables]
word = "one"

[sources.app]
path = "app"

[[layer]]
name = "files"
copy = "app"
to = "/srv/"

[[layer]]
name = "word"
write = "/etc/word"
text = "${word}\n"
"#;

pub(crate) fn small() -> Project {
    let project = Project::new(SMALL);
    project.write("app/file", "hello\n");
    project
}

/// Every file below a path with its content.
fn content(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(path).into_iter().map(|entry| entry.expect("it can be read").into_path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
}

fn build_all(project: &Project, more: &[&str]) -> crate::harness::Ended {
    let outputs = OUTPUTS.iter().flat_map(|(output, _)| ["-o", *output]);
    project.kiln(&["build"]).args(outputs).args(more).ok()
}

#[test]
fn all_are_written_then_up_to_date_then_replaced() {
    let project = small();
    let first = build_all(&project, &[]);
    let before: Vec<_> = OUTPUTS.iter().map(|(_, path)| content(&project.path(path))).collect();
    assert!(before.iter().all(|files| !files.is_empty()), "each output holds something");
    let again = build_all(&project, &[]);
    let replaced = build_all(&project, &["--set", "word=two"]);
    for (at, (output, path)) in OUTPUTS.iter().enumerate() {
        assert!(first.stderr.contains(&format!("{output}: written")), "{}", first.all());
        assert!(again.stderr.contains(&format!("{output}: is up to date")), "{}", again.all());
        assert!(replaced.stderr.contains(&format!("{output}: replaced")), "{}", replaced.all());
        assert_ne!(content(&project.path(path)), before[at], "{output} holds the new image");
    }
    assert_eq!(first.digest(), again.digest());
    assert_ne!(first.digest(), replaced.digest());
    assert_eq!(project.read("root/etc/word"), b"two\n");
    build_all(&project, &[]);
    let back: Vec<_> = OUTPUTS.iter().map(|(_, path)| content(&project.path(path))).collect();
    assert!(back == before, "the first image again: the same bytes in each output");
}

#[test]
fn an_output_that_somebody_changed_is_refused() {
    let changes = ["out/index.json", "oci.tar", "docker.tar", "root/etc/word", "root.tar"];
    for ((output, path), changed) in OUTPUTS.iter().zip(changes) {
        let project = small();
        project.build(&["-o", output]);
        let mut bytes = project.read(changed);
        bytes.push(b'\n');
        project.write(changed, bytes);
        refused(&project, output, path);
    }
}

#[test]
fn a_file_that_somebody_added_to_a_directory_is_not_lost() {
    for (output, path) in [OUTPUTS[0], OUTPUTS[3]] {
        let project = small();
        project.build(&["-o", output]);
        project.write(&format!("{path}/mine"), "of value\n");
        refused(&project, output, path);
    }
}

#[test]
fn what_is_somebody_elses_is_refused() {
    for (output, path) in OUTPUTS {
        let project = small();
        let is_directory = output.starts_with("oci:") || output.starts_with("rootfs:");
        project.write(&if is_directory { format!("{path}/mine") } else { path.to_owned() }, "of value\n");
        refused(&project, output, path);
    }
}

#[track_caller]
fn refused(project: &Project, output: &str, path: &str) {
    let before = content(&project.path(path));
    let build = project.kiln(&["build", "--set", "word=two", "-o", output]).run().expect_code(3);
    assert!(build.stderr.contains(path) && build.stderr.contains("help:"), "{}", build.all());
    assert!(content(&project.path(path)) == before, "{output} was refused and yet changed");
}

#[test]
fn a_link_is_followed_to_kilns_own_output_and_to_nothing_else() {
    for (output, path) in OUTPUTS {
        let project = small();
        let (transport, _) = output.split_once(':').expect("all have a kind");
        let through = format!("{transport}:link");
        std::os::unix::fs::symlink(path, project.path("link")).expect("a link");
        let nowhere = project.kiln(&["build", "-o", &through]).run().expect_code(3);
        assert!(nowhere.stderr.contains("`link` is a symbolic link to nothing"), "{}", nowhere.all());
        project.build(&["-o", output]);
        let before = content(&project.path(path));
        project.kiln(&["build", "-o", &through]).ok().expect_said("is up to date");
        project.kiln(&["build", "--set", "word=two", "-o", &through]).ok().expect_said("replaced");
        assert_ne!(content(&project.path(path)), before, "{output} holds the new image");
        assert!(project.path("link").is_symlink(), "{output}: the link is still one");
        project.kiln(&["build", "-o", output]).ok().expect_said("replaced");
    }
    let project = small();
    project.write("mine", "of value\n");
    std::os::unix::fs::symlink("mine", project.path("link")).expect("a link");
    refused(&project, "oci-archive:link", "link");
}

#[test]
fn one_refused_output_does_not_keep_the_others_back() {
    let project = small();
    project.write("oci.tar", "of value\n");
    project.kiln(&["build", "-o", "oci-archive:oci.tar", "-o", "rootfs:root"]).run().expect_code(3);
    assert_eq!(project.read("oci.tar"), b"of value\n");
    assert_eq!(project.read("root/etc/word"), b"one\n");
}

#[test]
fn an_archive_on_stdout_is_the_archive_in_a_file() {
    let project = small();
    project.build(&["-o", "docker-archive:docker.tar"]);
    let piped = project.kiln(&["build", "-o", "docker-archive:-"]).ok();
    assert!(piped.stdout == project.read("docker.tar"), "stdout holds the archive and nothing else");
}

#[test]
fn several_platforms_do_not_fit_into_outputs_of_one() {
    let project = sample::project("gzip");
    for (output, path) in [("docker-archive:docker.tar", "docker.tar"), ("rootfs:root", "root")] {
        let build = project.kiln(&["build", "-o", output]).run().expect_code(2).expect_said("--platform");
        assert!(!project.path(path).exists(), "{}", build.all());
        assert!(!build.stderr.contains("built,"), "it is said before anything is built: {}", build.all());
    }
    project.build(&["-o", "oci-archive:oci.tar"]);
}

#[test]
fn no_output_enters_the_image() {
    let project = Project::new(&SMALL.replace("path = \"app\"", "path = \".\""));
    let first = project.build(&["-o", "oci:out", "-o", "rootfs:root", "-o", "oci-archive:oci.tar"]);
    assert_eq!(project.build(&["-o", "oci:out", "-o", "rootfs:root", "-o", "oci-archive:oci.tar"]), first);
    assert!(!project.path("root/srv/out").exists() && !project.path("root/srv/root").exists());
}

#[test]
fn no_output_of_an_earlier_build_enters_the_image() {
    let project = Project::new(&SMALL.replace("path = \"app\"", "path = \".\""));
    let first = project.build(&["-o", "oci:out", "-o", "rootfs:root", "-o", "oci-archive:oci.tar"]);
    assert_eq!(project.build(&["-o", "oci:out"]), first, "if only one of them is named");
    assert_eq!(project.build(&[]), first, "if none is named");
}
