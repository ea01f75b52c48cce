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
    let names: Vec<String> = built.map(|key| format!("`{}`", key.name)).collect();
    Some(format!("the keys {} are {}", at(place), names.join(", ")))
}

/// The actions that are built.
pub(super) fn actions() -> String {
    let built = ACTIONS.iter().filter(|action| action.state == State::Now);
    built.map(|action| format!("`{}`", action.name)).collect::<Vec<_>>().join(", ")
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
    let takes = takes.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    format!("`{name}` takes {takes}; `{modifier}` goes with {}", one_of(&others))
}
