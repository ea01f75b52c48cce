//! The reference of all keys in Markdown, made from the table of keys. `templates/REFERENCE.md` holds it.

use std::fmt::Write as _;

use super::grammar::{ACTIONS, Key, Need, Shape, State, TABLE};

const INTRODUCTION: &str = "\
# Templates: every key

This is what `kiln schema --reference` prints. A key means the same wherever it stands. \"Not built yet\" marks what this
version knows and refuses.

";

/// A section for each place with its keys, and the actions with what goes with them. Keys that are not built yet are
/// marked so.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (place, keys) in TABLE {
        let title = place.title();
        let _ = write!(text, "## {}{}\n\n", title[..1].to_uppercase(), &title[1..]);
        text.push_str("| key | takes | what it does | example |\n|--|--|--|--|\n");
        keys.iter().for_each(|key| row(&mut text, key));
        text.push('\n');
    }
    text.push_str("## Actions\n\nA step has exactly one action.\n\n| action | goes with | needs |\n|--|--|--|\n");
    for action in ACTIONS {
        let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let needs: Vec<String> = action.needs.iter().map(|group| list(group).join(" or ")).collect();
        let modifiers = list(action.modifiers).join(", ");
        let _ = writeln!(text, "| `{}` | {modifiers} | {} |", action.name, needs.join(", "));
    }
    text
}

fn row(text: &mut String, key: &Key) {
    let required = if key.need == Need::Required { " (required)" } else { "" };
    let takes = match key.shape {
        Shape::Table(place) | Shape::Tables(place) | Shape::Named(place) => {
            format!("{}: {}", key.shape.describe(), place.title())
        }
        shape => shape.describe(),
    };
    let cell = |text: &str| text.replace('|', "\\|");
    let _ = writeln!(
        text,
        "| `{}`{}{required} | {} | {} | `{}` |",
        key.name,
        mark(key.state),
        cell(&takes),
        cell(key.doc),
        cell(key.example)
    );
}

fn mark(state: State) -> &'static str {
    match state {
        State::Now => "",
        State::Later => " (not built yet)",
    }
}
