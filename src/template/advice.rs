//! Longer advice about keys, made from the table of all keys.

use super::finding::at;
use super::grammar::{ACTIONS, ORIGINS, Place, State, action, one_of};

/// What to do about a key that is not known where it stands.
pub(super) fn unknown_key_hint(
    key: &str,
    place: Place,
    belongs: &[Place],
    above_line: Option<usize>,
    nearest: Option<&str>,
) -> Option<String> {
    if let (Some(line), Some(place)) = (above_line, belongs.first()) {
        let whose = if *place == Place::Layer { "the layer" } else { place.title() };
        return Some(format!("`{key}` belongs to {whose}: move it above line {line}"));
    }
    if nearest.is_some() && belongs.is_empty() {
        return None;
    }
    if !belongs.is_empty() {
        let titles: Vec<&str> = belongs.iter().map(|place| place.title()).collect();
        return Some(format!("`{key}` is a key of {}", titles.join(", ")));
    }
    if place == Place::Step {
        return Some(format!("the actions are {}", actions()));
    }
    let built = place.own_keys().iter().filter(|key| key.state == State::Now);
    Some(format!("the keys {} are {}", at(place), listed(built.map(|key| key.name))))
}

/// All actions.
pub(super) fn actions() -> String {
    listed(ACTIONS.iter().map(|action| action.name))
}

/// "`a`, `b`"
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What to write where there is none of a kind that is named.
pub(super) fn known_or_example(kinds: &str, known: &[String], example: String) -> String {
    if known.is_empty() { example } else { format!("the {kinds} are {}", listed(known.iter().map(String::as_str))) }
}

/// The lines of a repository of that name.
pub(super) fn repository_example(name: &str) -> String {
    format!("add a repository: `[repositories.{name}]` and below it `kind = \"debian\"` and `suite = \"bookworm\"`")
}

/// What to do about a key that does not go with the action or the origin beside it.
pub(super) fn modifier_hint(modifier: &str, name: &str) -> String {
    if let Some((_, keys)) = ORIGINS.iter().find(|(origin, _)| *origin == name) {
        let others = ORIGINS.iter().filter(|(_, keys)| keys.contains(&modifier));
        let others: Vec<&str> = others.map(|(origin, _)| *origin).collect();
        return format!("a source with `{name}` takes {}; `{modifier}` goes with {}", one_of(keys), one_of(&others));
    }
    let takes = action(name).map_or(&[][..], |action| action.modifiers);
    let others = ACTIONS.iter().filter(|other| other.takes(modifier));
    let others: Vec<&str> = others.map(|other| other.name).collect();
    let takes = listed(takes.iter().copied());
    format!("`{name}` takes {takes}; `{modifier}` goes with {}", one_of(&others))
}
