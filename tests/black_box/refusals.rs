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
    refused(&project, "NoSuchPlatform", &["build", "--platform", "linux/s390x"], 1, "linux/s390x");
    project.write("kiln.toml", SMALL.replace("epoch", "# epoch"));
    refused(&project, "Locked", &["build", "--locked"], 4, "kiln lock");
}

#[test]
fn a_layer_that_is_not_what_its_digest_says_is_named() {
    for codec in ["gzip", "zstd", "none"] {
        let project = small();
        project.write("kiln.toml", SMALL.replace("[variables]", &format!("compression = \"{codec}\"\n[variables]")));
        let built = project.kiln(&["build", "--json", "-o", "oci:out", "-o", "oci-archive:oci.tar"]).ok().json();
        let digest = built["layers"][0]["digest"].as_str().expect("a digest");
        let blob = format!("out/blobs/{}", digest.replace(':', "/"));
        let good = project.read(&blob);
        let spoiled = [
            // A bit of the file's content, where a plain tar has no checksum of its own.
            good.iter().enumerate().map(|(at, byte)| if at == good.len() / 2 { byte ^ 1 } else { *byte }).collect(),
            good[..good.len() - 1].to_vec(),
            [&good[..], b"\0"].concat(),
            Vec::new(),
        ];
        let message = format!("cannot read the layer {digest}");
        for bytes in spoiled {
            // A new file: the old one may be the store's too.
            std::fs::remove_file(project.path(&blob)).expect("it is there");
            project.write(&blob, bytes);
            refused(&project, "ReadLayer", &["inspect", "oci:out", "--files"], 1, &message);
            refused(&project, "ReadLayer", &["diff", "oci:out", "oci-archive:oci.tar"], 1, &message);
        }
        std::fs::remove_file(project.path(&blob)).expect("it is there");
        project.write(&blob, good);
        project.kiln(&["diff", "--check", "oci:out", "oci-archive:oci.tar"]).ok();
    }
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
