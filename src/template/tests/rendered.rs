//! How findings read.

use super::*;

fn rendered(text: &str) -> String {
    let (findings, files) = check(text);
    render(&findings, &files, Style::Plain)
}

#[test]
fn all_findings_come_at_once_in_the_order_of_the_text() {
    let text = r#"[image]
name = "Shop"
[sources.app]
path = "app"
[[layer]]
name = "app"
[[layer.step]]
copy = "ap"
too = "/srv"
keep = ["/var"]
[[layer.step]]
directory = "/data"
remove = "/tmp/**"
"#;
    let expected = r#"error: `name` takes a repository name like `shop/api`, found `Shop`
 --> shop/kiln.toml:2:8
  |
2 | name = "Shop"
  |        ^^^^^^ not a repository name
  |
  = help: lower-case letters, digits, and between them `.`, `_`, `__` or dashes; parts separated by `/`; no registry, no tag

error: there is no source `ap`
 --> shop/kiln.toml:8:8
  |
8 | copy = "ap"
  |        ^^^^ did you mean `app`?
  |
  = help: the sources and stages are `app`

error: unknown key `too` in `[[layer.step]]`
 --> shop/kiln.toml:9:1
  |
9 | too = "/srv"
  | ^^^ did you mean `to`?

error: unknown key `keep` in `[[layer.step]]`
  --> shop/kiln.toml:10:1
   |
10 | keep = ["/var"]
   | ^^^^ belongs to `[[layer]]`
   |
   = help: `keep` belongs to the layer: move it above line 7

error: a step has one action, found `directory` and `remove`
  --> shop/kiln.toml:13:1
   |
12 | directory = "/data"
   | --------- the first action
13 | remove = "/tmp/**"
   | ^^^^^^ the second action
   |
   = help: give `remove` a `[[layer.step]]` of its own; a layer may have many
"#;
    assert_eq!(rendered(text), expected);
}

#[test]
fn tokens_of_the_user_stay_on_their_line() {
    let shown = rendered("[image]\nname = \"a\\nerror: b\\u001b[31m\"");
    assert!(!shown.contains("\nerror: b") && !shown.contains('\u{1b}'), "{shown}");
}

const SET: &str = "[image]\nname = \"${word}\"\n[variables]\nword = \"one\"\n";

#[test]
fn findings_without_a_place_are_shown() {
    let (findings, files) = check_files(&[], &BTreeMap::new(), None);
    let shown = render(&findings, &files, Style::Plain);
    assert!(shown.starts_with("error: cannot read the template `shop/kiln.toml`: there is no such file\n"), "{shown}");
    let shown = |name: &str| {
        let (findings, files) = check_files(&[("kiln.toml", SET)], &[(name.to_owned(), String::new())].into(), None);
        render(&findings, &files, Style::Plain)
    };
    let near = shown("wrod");
    assert!(near.ends_with("error: there is no variable `wrod`\n  help: did you mean `--set word=...`?\n"), "{near}");
    let far = shown("frobnicate");
    assert!(far.ends_with("\n  help: `--set` gives another value to a variable of `[variables]`\n"), "{far}");
}
