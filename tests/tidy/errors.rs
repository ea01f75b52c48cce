//! Each error variant is produced by a test: its name occurs in test code.

use std::collections::BTreeSet;
use std::fs;

use crate::settle;
use crate::sources::{self, Role, Source};

/// Variants that no test can produce, and why.
const GAPS: &[(&str, &str)] = &[
    ("CodecError::Encode", "the encoders fail only when memory runs out"),
    ("Error::NotRun", "no verb packs a layer whose commands it has not run"),
    ("Error::Residue", "what a step wrote is read from a file that this process holds open"),
    ("Error::Search", "what a step wrote is read from a file that this process holds open"),
    ("SandboxError::NoMode", "a machine without any way cannot be made without its administrator"),
];

/// One variant of a public error enum.
struct Variant {
    at: String,
    /// `StoreError::Damaged`.
    name: String,
    /// `Damaged`, as a test that has it from a `use` or from `{:?}` writes it.
    short: String,
}

#[test]
fn every_error_variant_is_named_in_a_test() {
    let all = sources::all();
    let tests = test_code(&all);
    let known = |name: &str| GAPS.iter().any(|(gap, _)| *gap == name);
    let complaints = all
        .iter()
        .flat_map(variants)
        .filter(|variant| !known(&variant.name) && !tests.contains(variant.short.as_str()))
        .map(|variant| format!("{}: no test names `{}`: write one that produces it", variant.at, variant.name))
        .collect();
    settle(complaints);
}

#[test]
fn every_gap_is_a_gap() {
    let all = sources::all();
    let tests = test_code(&all);
    let open: Vec<Variant> =
        all.iter().flat_map(variants).filter(|variant| !tests.contains(variant.short.as_str())).collect();
    let complaints = GAPS
        .iter()
        .filter(|(gap, _)| !open.iter().any(|variant| variant.name == *gap))
        .map(|(gap, _)| format!("tests/tidy/errors.rs: `{gap}` is no gap any more: remove it"))
        .collect();
    settle(complaints);
}

/// The words of all test code, except for this file.
fn test_code(all: &[Source]) -> BTreeSet<String> {
    let mut text = String::new();
    for source in all {
        for line in source.lines.iter().filter(|line| line.role == Role::Test) {
            text.push_str(&line.code);
            text.push('\n');
        }
    }
    for path in sources::rust_files(&sources::root().join("tests")) {
        if !path.ends_with("tidy/errors.rs") {
            text.push_str(&fs::read_to_string(&path).expect("a test of the project can be read"));
        }
    }
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
}

/// The variants of the public error enums of a file, and of the findings about templates.
fn variants(source: &Source) -> Vec<Variant> {
    let mut found = Vec::new();
    let mut open: Option<&str> = None;
    for line in source.product() {
        if let Some(name) = line.code.strip_prefix("pub enum ").and_then(|rest| rest.split([' ', '<']).next()) {
            let finding = name == "Kind" && source.path == "src/template/finding.rs";
            open = (name.ends_with("Error") || finding).then_some(name);
        } else if line.code.starts_with('}') {
            open = None;
        } else if let (Some(owner), Some(rest)) = (open, line.code.strip_prefix("    ")) {
            let variant: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            if variant.starts_with(|c: char| c.is_ascii_uppercase()) {
                found.push(Variant { at: source.at(line), name: format!("{owner}::{variant}"), short: variant });
            }
        }
    }
    found
}
