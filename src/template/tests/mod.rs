//! Whole templates: what is found, how it reads, what comes out, that nothing panics.

mod any_input;
mod expect;
mod fetch;
mod findings;
mod packages;
mod provision;
mod rendered;
mod values;

use std::collections::BTreeMap;
use std::io;

use super::*;

/// All findings for two platforms, and what is needed to show them.
fn check(text: &str) -> (Vec<Finding>, Files) {
    check_files(&[("kiln.toml", text)], &BTreeMap::new(), None)
}

fn check_files(files: &[(&str, &str)], set: &BTreeMap<String, String>, version: Option<&str>) -> (Vec<Finding>, Files) {
    let mut read = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    let parsed = parse("shop/kiln.toml", &mut read);
    let mut findings = parsed.findings;
    if let Some(document) = &parsed.document {
        for platform in ["linux/amd64", "linux/arm64"] {
            let platform = platform.parse().expect("a platform");
            findings.extend(document.template(&platform, set, version).1);
        }
    }
    finding::sort(&mut findings);
    (findings, parsed.files)
}

/// The template for linux/amd64; nothing may be found, not even a warning.
fn template(text: &str) -> Template {
    let (findings, files) = check(text);
    assert_eq!(render(&findings, &files, Style::Plain), "");
    let document = parse("kiln.toml", &mut |_: &str| Ok(text.to_owned())).document.expect("it is TOML");
    let platform = "linux/amd64".parse().expect("a platform");
    document.template(&platform, &BTreeMap::new(), Some("2")).0
}
