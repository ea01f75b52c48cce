//! Nothing panics, whatever the text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SITE: &str = include_str!("../../../templates/site/kiln.toml");
const PACKAGES: &str = "[image]\nname = 'x'\n[repositories.debian]\nkind = 'debian'\nsuite = ['a', 'b/c']\nmirror = 'file:/x'\nkeyring = 'k'\n[[layer]]\nname = 'l'\npackages = ['a=1*', 'b-', 'c:d', '?priority(required)']\nrepository = 'debian'\nscripts = 'run'\n";
const ODD: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    ".",
    ",",
    "\n",
    "\\",
    "\\u0000",
    "${",
    "}",
    "$${",
    "${a}",
    "é\u{1f525}",
    "\0",
    "[[layer]]\n",
    "[layer.step]\n",
    "step = 1\n",
    "copy = 'x'\n",
    "include = ['kiln.toml', 'x']\n",
    "1979-05-27T07:32Z",
    "0xffffffffffffffffff",
    "nan",
    "..",
    "name = []\n",
    "[variables]\na = '${a}'\n",
    "\r\n",
    "#",
    "\t",
    "[[sources]]\n",
];

/// All that can be done with a text.
fn everything(text: &str) {
    let set = BTreeMap::from([("root".to_owned(), "${".to_owned())]);
    let mut read = |path: &str| if path == "x" { Ok(SITE.to_owned()) } else { Ok(text.to_owned()) };
    let parsed = parse("kiln.toml", &mut read);
    let mut findings = parsed.findings;
    if let Some(document) = parsed.document {
        findings.extend(document.template(&"linux/arm/v6".parse().expect("a platform"), &set, Some(text)).1);
    }
    for style in [Style::Plain, Style::Color] {
        let shown = render(&findings, &parsed.files, style);
        assert_eq!(shown.is_empty(), findings.is_empty());
    }
}

/// Puts `piece` over `cut` characters of the text.
fn splice(text: &str, at: usize, cut: usize, piece: &str) -> String {
    let at = at % (text.chars().count() + 1);
    let (before, after): (String, String) = (text.chars().take(at).collect(), text.chars().skip(at + cut).collect());
    before + piece + &after
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn changed_templates(changes in prop::collection::vec((any::<usize>(), 0..40_usize, 0..ODD.len()), 1..6)) {
        let change = |text: String, (at, cut, odd): &(usize, usize, usize)| splice(&text, *at, *cut, ODD[*odd]);
        everything(&changes.iter().fold(SITE.to_owned(), change));
        everything(&changes.iter().fold(INIT.to_owned(), change));
        everything(&changes.iter().fold(PACKAGES.to_owned(), change));
    }

    #[test]
    fn changed_values(key in 0..400_usize, value in 0..7_usize) {
        let keys: Vec<&str> = grammar::TABLE.iter().flat_map(|(_, keys)| keys.iter().map(|key| key.name)).collect();
        let value = ["1", "-1.5", "true", "''", "[[], {}]", "{ x = [{}] }", "1979-05-27"][value];
        for header in ["", "[image]", "[sources.a]", "[[layer]]", "[[layer]]\n[[layer.step]]", "[config]", "[config.healthcheck]", "[[test]]", "[stage.a]", "[repositories.a]"] {
            everything(&format!("{header}\n{} = {value}\n", keys[key % keys.len()]));
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        everything(&text);
    }
}

#[test]
fn texts_that_are_hard_on_recursion() {
    for text in [
        "[".repeat(50_000),
        "a.".repeat(50_000) + "a=1",
        "a={".repeat(50_000),
        format!("a={}{}", "[".repeat(70), "]".repeat(70)),
    ] {
        everything(&text);
    }
}
