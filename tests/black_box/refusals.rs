//! Each way in which the pipeline ends a command, by its name in `kiln::pipeline::Error`, with its code and its advice.

use crate::harness::Project;
use crate::outputs::{SMALL, small};

/// Runs `arguments` and expects `code` and `words` for the variant `name`.
fn refused(project: &Project, name: &str, arguments: &[&str], code: i32, words: &str) {
    let ended = project.kiln(arguments).run();
    eprintln!("{name}");
    ended.expect_code(code).expect_said(words);
}

#[test]
fn every_refusal_of_the_pipeline_has_its_code_and_says_why() {
    let project = small();
    project.build(&["-o", "oci:out"]);
    refused(&project, "NoTemplate", &["build", "nowhere"], 1, "kiln init");
    refused(&project, "NoSuchSource", &["plan", "--files", "nothing"], 1, "no source `nothing`");
    refused(&project, "RegistryNotBuiltYet", &["inspect", "registry.example.org/a:1"], 1, "not built yet");
    refused(&project, "NoSuchPlatform", &["build", "--platform", "linux/s390x"], 1, "linux/s390x");
    project.write("kiln.toml", SMALL.replace("epoch", "# epoch"));
    refused(&project, "Locked", &["build", "--locked"], 4, "kiln lock");
}

#[test]
fn two_platforms_are_not_compared_without_a_choice() {
    let template = SMALL.replace("platforms = [\"linux/amd64\"]", "platforms = [\"linux/amd64\", \"linux/arm64\"]");
    let project = small();
    project.write("kiln.toml", template);
    project.build(&["-o", "oci:out"]);
    refused(&project, "ChoosePlatform", &["diff", "oci:out", "oci:out"], 1, "--platform");
}

#[test]
fn a_step_that_cannot_be_done_is_told_at_its_place() {
    let project = small();
    project.write("kiln.toml", format!("{SMALL}\n[[layer]]\nname = \"bad\"\nwrite = \"/etc/.wh.x\"\ntext = \"\"\n"));
    refused(&project, "Told", &["build"], 1, "kiln.toml:");
}
