//! Any text as a template: parsing, reading for a platform and the messages end without a panic, and twice the same.
#![no_main]

use std::collections::BTreeMap;
use std::io;

use kiln::base::Platform;
use kiln::template::{Parsed, Style, parse, render};
use libfuzzer_sys::fuzz_target;

/// Stands between the template and the files that it includes, in the order in which they are asked for.
const NEXT_FILE: &str = "\n#---\n";

fuzz_target!(|text: &str| {
    let said = everything_said(text);
    assert_eq!(said, everything_said(text), "the same template was read in two ways");
});

fn everything_said(text: &str) -> String {
    let Parsed { files, findings, document } = parse_files(text);
    let mut said = render(&findings, &files, Style::Plain) + &render(&findings, &files, Style::Color);
    let Some(document) = document else {
        return said;
    };
    let set = document.variable_names().into_iter().take(1).map(|name| (name.to_owned(), "set".to_owned())).collect();
    for set in [BTreeMap::new(), set] {
        let (facts, findings) = document.facts(&set, None);
        said += &format!("{facts:?}\n{}", render(&findings, &files, Style::Plain));
        for architecture in ["x86_64", "aarch64"] {
            let (template, findings) = document.template(&Platform::linux_on(architecture), &set, Some("1.2.3"));
            said += &format!("{template:?}\n{}", render(&findings, &files, Style::Plain));
        }
    }
    said
}

fn parse_files(text: &str) -> Parsed {
    let mut parts = text.split(NEXT_FILE);
    parse("kiln.toml", &mut |_| parts.next().map(str::to_owned).ok_or(io::ErrorKind::NotFound.into()))
}
