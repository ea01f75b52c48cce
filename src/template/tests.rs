//! Whole templates: what is found, how it reads, that nothing panics.

use std::collections::BTreeMap;

use super::*;

fn look(text: &str) -> String {
    let parsed = parse("shop/kiln.toml", &mut |_: &str| Ok(text.to_owned()));
    let mut findings = parsed.findings;
    if let Some(document) = &parsed.document {
        for platform in ["linux/amd64", "linux/arm64"] {
            let platform = platform.parse().expect("a platform");
            findings.extend(document.template(&platform, &BTreeMap::new(), None).1);
        }
    }
    finding::sort(&mut findings);
    render(&findings, &parsed.files, Style::Plain)
}

#[test]
fn look_at() {
    for entry in std::fs::read_dir("/tmp/tmpl-look").expect("dir") {
        let path = entry.expect("e").path();
        println!("======== {}\n{}", path.display(), look(&std::fs::read_to_string(&path).expect("t")));
    }
}
