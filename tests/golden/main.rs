//! What the shipped templates give: the files of every layer first, then the diff IDs, then the digests of the compressed
//! blobs, each compared with a file in `fixtures/golden`; and the reference of all keys. `KILN_BLESS=1` writes these files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer than any of these templates takes, in seconds.
const LIMIT: &str = "120";

#[test]
fn the_site_template_is_the_same() {
    compare("site", "templates/site");
}

#[test]
fn every_action_writes_the_same() {
    compare("actions", "fixtures/golden-site");
}

#[test]
fn the_reference_is_what_kiln_prints() {
    let printed = kiln(&["schema".as_ref(), "--reference".as_ref()]);
    same("templates/REFERENCE.md", &printed, "kiln schema --reference: the keys are others");
}

/// One image as text, by what it depends on.
struct Golden {
    /// Layers and files: changes when kiln writes other trees.
    tree: String,
    /// Digests of the tars: changes when kiln writes the same tree as another tar.
    diff_ids: String,
    /// Sizes and digests of what is stored: changes when an encoder does.
    blobs: String,
}

fn compare(name: &str, template: &str) {
    let found = build(template);
    let kinds = [
        ("tree", &found.tree, "the files in the layers differ"),
        ("diff-ids", &found.diff_ids, "the files are the same, the tars that hold them differ"),
        ("blobs", &found.blobs, "the tars are the same, their compressed form or the config differs"),
    ];
    for (kind, text, meaning) in kinds {
        same(&format!("fixtures/golden/{name}.{kind}.txt"), text, &format!("{template}: {meaning}"));
    }
}

/// Compares a text with a file of the project, or writes that.
fn same(file: &str, text: &str, meaning: &str) {
    let path = root().join(file);
    if std::env::var_os("KILN_BLESS").is_some() {
        fs::write(&path, text).expect("the project's directory can be written to");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{meaning}\n--- {file}\n+++ this build\n{}\nIf this is meant, run the test with KILN_BLESS=1.",
        difference(&expected, text)
    );
}

fn build(template: &str) -> Golden {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = directory.path().join("store");
    let output = format!("oci:{}", directory.path().join("out").display());
    kiln(&[
        "build".as_ref(),
        root().join(template).as_ref(),
        "--store".as_ref(),
        &store,
        "-o".as_ref(),
        output.as_ref(),
    ]);
    let seen = kiln(&["inspect".as_ref(), output.as_ref(), "--files".as_ref(), "--store".as_ref(), &store]);
    split(&seen)
}

/// Runs kiln with an empty environment and gives what it prints.
fn kiln(arguments: &[&Path]) -> String {
    let output = Command::new("/usr/bin/timeout")
        .arg(LIMIT)
        .arg(env!("CARGO_BIN_EXE_kiln"))
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .output()
        .expect("timeout is part of every system that builds this");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Parts what `kiln inspect --files` prints by what each line depends on.
fn split(seen: &str) -> Golden {
    let mut golden = Golden { tree: String::new(), diff_ids: String::new(), blobs: String::new() };
    for line in seen.lines() {
        let text = line.trim_start();
        let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        if starts(&["diff ID "]) {
            push(&mut golden.diff_ids, line);
        } else if starts(&["sha256:", "manifest ", "config ", "blob "]) {
            push(&mut golden.blobs, line);
        } else if starts(&["layer ", "linux/"]) {
            // The last column is a compressed size.
            push(&mut golden.blobs, line);
            push(&mut golden.diff_ids, unsized_line(line));
            push(&mut golden.tree, unsized_line(line));
        } else {
            push(&mut golden.tree, line);
        }
    }
    golden
}

fn unsized_line(line: &str) -> &str {
    let separator = if line.starts_with("linux/") { ", " } else { "  " };
    line.rsplit_once(separator).map_or(line, |(before, _)| before)
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The lines that differ, between what both begin and end with.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("@@ line {}\n", head + 1);
    old[head..old.len() - tail].iter().for_each(|line| push(&mut text, &format!("-{line}")));
    new[head..new.len() - tail].iter().for_each(|line| push(&mut text, &format!("+{line}")));
    text
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
