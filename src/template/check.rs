//! What can be said about one file from the table of keys alone: unknown keys, wrong types, steps that are not one action.

use super::finding::{Finding, Kind};
use super::form::{Form, is_name};
use super::grammar::{self, CHECKS, Key, Need, ORIGINS, Place, Shape, State, Word, nearest};
use super::span::Span;
use super::value::{Entry, Node, Table, Value};

/// Adds what is wrong with the tables of one file to `findings`.
pub(super) fn structure(text: &str, root: &Table, findings: &mut Vec<Finding>) {
    let mut check = Check { text, findings };
    let first_header = root.entries.iter().map(|entry| entry.node.span).filter(|span| check.is_header(*span)).min();
    let whole = Span { end: 0, ..first_header.unwrap_or_default() };
    check.table(
        &Within { place: Place::Top, span: Span { start: 0, ..whole }, above: None, header: first_header },
        root,
    );
    check.duplicate_layers(root);
}

/// A table, and the one that it stands in.
struct Within<'a> {
    place: Place,
    span: Span,
    above: Option<&'a Within<'a>>,
    /// The first header inside of it: a key of this table has to stand above it.
    header: Option<Span>,
}

struct Check<'a> {
    text: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn report(&mut self, span: Span, kind: Kind) {
        self.findings.push(Finding::new(span, kind));
    }

    fn source(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    fn is_header(&self, span: Span) -> bool {
        let line = self.text.get(..span.start).and_then(|before| before.rsplit('\n').next());
        self.source(span).starts_with('[') && line.is_some_and(|line| line.trim().is_empty())
    }

    fn table(&mut self, within: &Within<'_>, table: &Table) {
        let place = within.place;
        let action = self.action_of(within, table);
        let mut later_found = false;
        for entry in &table.entries {
            let Some(key) = place.key(&entry.key.text) else {
                self.unknown_key(within, entry);
                continue;
            };
            match key.state {
                State::Later if later_found && place != Place::Top => {}
                State::Later => {
                    later_found = true;
                    self.report(entry.key.span, Kind::NotBuilt { key: key.name });
                }
                State::Now => self.value(within, key.name, key.shape, &entry.node),
            }
        }
        match place {
            _ if later_found => {}
            Place::Step => self.step(within, table, action),
            Place::Layer => self.layer(within, table, action),
            Place::Source => self.origin(within, table),
            Place::Base => self.base(within, table),
            Place::Test => self.test(within, table),
            Place::Match => self.matcher(within, table),
            _ => {}
        }
        // These two may get their required keys from an include.
        if !matches!(place, Place::Image | Place::Healthcheck) {
            self.required(within, table);
        }
    }

    fn unknown_key(&mut self, within: &Within<'_>, entry: &Entry) {
        let (key, place) = (&entry.key.text, within.place);
        let mut belongs = Place::that_have(key);
        let mut outer = within.above;
        let mut above_line = None;
        while let Some(table) = outer {
            let own = table.place.own_keys().iter().find(|own| own.name == key);
            if own.is_some_and(|own| !matches!(own.shape, Shape::Table(_) | Shape::Tables(_) | Shape::Named(_))) {
                belongs = vec![table.place];
                above_line = table.header.map(|header| line(self.text, header.start));
                break;
            }
            outer = table.above;
        }
        let nearest = if above_line.is_some() { None } else { nearest(key, place.keys().map(|key| key.name)) };
        let kind = Kind::UnknownKey { key: key.clone(), place, nearest, belongs, above_line };
        self.report(entry.key.span, kind);
    }

    fn required(&mut self, within: &Within<'_>, table: &Table) {
        let missing = |key: &&Key| {
            let required = key.need == Need::Required && key.state == State::Now;
            required && table.get(key.name).is_none() && !is_misspelt(within.place, table, &[key.name])
        };
        for key in within.place.own_keys().iter().filter(missing) {
            let example = format!("{} = {}", key.name, key.example);
            let whose = if within.place == Place::Layer { "the layer" } else { within.place.title() };
            let kind = Kind::MissingKey { keys: vec![key.name], whose: whose.to_owned(), example };
            self.report(within.span, kind);
        }
    }

    /// The action of a step or layer; two are a finding.
    fn action_of(&mut self, within: &Within<'_>, table: &Table) -> Option<&'static grammar::Action> {
        if !matches!(within.place, Place::Step | Place::Layer) {
            return None;
        }
        let action = |entry: &Entry| Some((grammar::action(&entry.key.text)?, entry.key.span));
        let mut actions = table.entries.iter().filter_map(action);
        let (first, first_span) = actions.next()?;
        for (second, span) in actions {
            let kind = Kind::TwoActions { first: first.name, second: second.name };
            self.findings.push(Finding::new(span, kind).with(first_span, "the first action"));
        }
        Some(first)
    }

    fn step(&mut self, within: &Within<'_>, table: &Table, action: Option<&'static grammar::Action>) {
        match action {
            Some(action) => self.modifiers(within, table, action),
            // An unknown key, which was reported, was probably meant to be the action.
            None if table.entries.iter().any(|entry| within.place.key(&entry.key.text).is_none()) => {}
            None => self.report(within.span, Kind::NoAction { whose: "the step".to_owned() }),
        }
    }

    fn layer(&mut self, within: &Within<'_>, table: &Table, action: Option<&'static grammar::Action>) {
        let of_step = |entry: &&Entry| {
            let name = &entry.key.text;
            Place::Step.key(name).is_some() && !Place::Layer.own_keys().iter().any(|own| own.name == name)
        };
        let inline = table.entries.iter().find(of_step);
        match (inline, table.get("step"), action) {
            (Some(entry), Some(_), _) => {
                self.report(entry.key.span, Kind::KeyBesideSteps { key: entry.key.text.clone() });
            }
            (None, Some(node), _) if !matches!(&node.value, Value::Array(steps) if steps.is_empty()) => {}
            (_, _, Some(action)) => self.modifiers(within, table, action),
            _ if table.entries.iter().any(|entry| within.place.key(&entry.key.text).is_none()) => {}
            _ => {
                let name = table.get("name").and_then(Node::as_str);
                let whose = name.map_or("the layer".to_owned(), |name| format!("the layer `{name}`"));
                self.report(within.span, Kind::NoAction { whose });
            }
        }
    }

    fn modifiers(&mut self, within: &Within<'_>, table: &Table, action: &'static grammar::Action) {
        for entry in &table.entries {
            let name = &entry.key.text;
            let of_layer = within.place == Place::Layer && Place::Layer.own_keys().iter().any(|own| own.name == name);
            let is_action = grammar::action(name).is_some();
            let Some(key) = Place::Step.key(name) else { continue };
            if !of_layer && !is_action && !action.takes(name) {
                self.report(entry.key.span, Kind::WrongModifier { modifier: key.name, action: action.name });
            }
        }
        for group in action.needs {
            let mut found = table.entries.iter().filter(|entry| group.contains(&entry.key.text.as_str()));
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => self.conflict(first, second),
                (None, _) if is_misspelt(within.place, table, group) => {}
                (None, _) => self.missing(table, action, group),
                _ => {}
            }
        }
    }

    fn missing(&mut self, table: &Table, action: &grammar::Action, group: &[&'static str]) {
        let Some(entry) = table.entry(action.name) else { return };
        let example =
            Place::Step.key(group[0]).map_or_else(String::new, |key| format!("{} = {}", key.name, key.example));
        let whose = format!("`{}`", self.source(Span { end: entry.node.span.end, ..entry.key.span }));
        self.report(entry.key.span, Kind::MissingKey { keys: group.to_vec(), whose, example });
    }

    fn conflict(&mut self, first: &Entry, second: &Entry) {
        let kind = Kind::Conflict { first: first.key.text.clone(), second: second.key.text.clone() };
        self.findings.push(Finding::new(second.key.span, kind).with(first.key.span, "the first"));
    }

    /// A source comes from one place, and has no key that belongs to another kind of place.
    fn origin(&mut self, within: &Within<'_>, table: &Table) {
        let mut origins = ORIGINS.iter().filter_map(|(origin, keys)| Some((*origin, *keys, table.entry(origin)?)));
        let Some((origin, keys, entry)) = origins.next() else {
            let names: Vec<&'static str> = ORIGINS.iter().map(|(name, _)| *name).collect();
            if !is_misspelt(within.place, table, &names) {
                let (whose, example) = ("the source".to_owned(), "path = \"www\"".to_owned());
                self.report(within.span, Kind::MissingKey { keys: names, whose, example });
            }
            return;
        };
        if let Some((_, _, second)) = origins.next() {
            return self.conflict(entry, second);
        }
        for entry in &table.entries {
            let of_others = ORIGINS.iter().flat_map(|(_, keys)| *keys).find(|key| **key == entry.key.text);
            if let Some(modifier) = of_others.filter(|key| !keys.contains(key)) {
                self.report(entry.key.span, Kind::WrongModifier { modifier, action: origin });
            }
        }
    }

    fn base(&mut self, within: &Within<'_>, table: &Table) {
        match (table.entry("image"), table.entry("stage")) {
            (Some(image), Some(stage)) => self.conflict(image, stage),
            (None, None) if !is_misspelt(within.place, table, &["image", "stage"]) => {
                let (whose, example) = ("the base".to_owned(), "image = \"debian:bookworm\"".to_owned());
                self.report(within.span, Kind::MissingKey { keys: vec!["image", "stage"], whose, example });
            }
            _ => {}
        }
    }

    /// A test looks at one thing, and has no key that belongs to the other.
    fn test(&mut self, within: &Within<'_>, table: &Table) {
        let mut found = CHECKS.iter().filter_map(|(name, keys)| Some((*keys, table.entry(name)?)));
        let Some((keys, first)) = found.next() else {
            let names: Vec<&'static str> = CHECKS.iter().map(|(name, _)| *name).collect();
            if !is_misspelt(within.place, table, &names) {
                let (whose, example) = ("the test".to_owned(), "run = [\"app\", \"--version\"]".to_owned());
                self.report(within.span, Kind::MissingKey { keys: names, whose, example });
            }
            return;
        };
        if let Some((_, second)) = found.next() {
            return self.conflict(first, second);
        }
        let of_any = |entry: &&Entry| CHECKS.iter().any(|(_, keys)| keys.contains(&entry.key.text.as_str()));
        for entry in table.entries.iter().filter(of_any).filter(|entry| !keys.contains(&entry.key.text.as_str())) {
            self.conflict(first, entry);
        }
        let of_file = |entry: &&Entry| keys.contains(&entry.key.text.as_str()) && entry.key.text != "exists";
        if let Some(absent) = table.entry("exists").filter(|entry| entry.node.value == Value::Bool(false))
            && let Some(other) = table.entries.iter().find(of_file)
        {
            let kind = Kind::Conflict { first: "exists = false".to_owned(), second: other.key.text.clone() };
            self.findings.push(Finding::new(other.key.span, kind).with(absent.key.span, "there is no file to look at"));
        }
    }

    /// What an output has to be is said in one way.
    fn matcher(&mut self, within: &Within<'_>, table: &Table) {
        let known = |entry: &&Entry| within.place.key(&entry.key.text).is_some();
        let mut found = table.entries.iter().filter(known);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => self.conflict(first, second),
            (None, _) if table.entries.is_empty() => {
                let keys = within.place.own_keys().iter().map(|key| key.name).collect();
                let (whose, example) = ("the table".to_owned(), "contains = \"ok\"".to_owned());
                self.report(within.span, Kind::MissingKey { keys, whose, example });
            }
            _ => {}
        }
    }

    fn duplicate_layers(&mut self, root: &Table) {
        let name = |(_, layer): (&Node, &Table)| {
            layer.get("name").and_then(|node| Some((node.as_str()?.to_owned(), node.span)))
        };
        let names: Vec<_> = root.tables("layer").filter_map(name).collect();
        duplicates("layer", &names, self.findings);
    }

    fn value(&mut self, within: &Within<'_>, name: &str, shape: Shape, node: &Node) {
        match (shape, &node.value) {
            (Shape::Either(shapes), value) => match shapes.iter().find(|shape| fits(shape, value)) {
                Some(shape) => self.value(within, name, *shape, node),
                None => self.wrong_type(name, shape, node),
            },
            (shape, value) if !fits(&shape, value) => self.wrong_type(name, shape, node),
            (Shape::Integer(from, to), Value::Integer(number))
                if !number.is_some_and(|number| (from..=to).contains(&number)) =>
            {
                let found = self.source(node.span).to_owned();
                let kind = Kind::BadValue { key: name.to_owned(), form: Form::Number(from, to), found, why: None };
                self.report(node.span, kind);
            }
            (Shape::List(shape), Value::Array(items)) => {
                items.iter().for_each(|item| self.value(within, name, *shape, item));
            }
            (Shape::Map(shape), Value::Table(table)) => {
                table.entries.iter().for_each(|entry| self.value(within, &entry.key.text, *shape, &entry.node));
            }
            (Shape::ByPlatform, Value::Table(table)) => {
                table.entries.iter().for_each(|entry| self.value(within, &entry.key.text, Shape::Text, &entry.node));
            }
            (Shape::Table(place), Value::Table(table)) => self.inner(within, place, None, node, table),
            (Shape::Named(place), Value::Table(table)) => self.named(within, place, table),
            (Shape::Tables(place), Value::Array(items)) => {
                let first = items.first().map(|item| item.span).filter(|span| self.is_header(*span));
                for item in items {
                    if let Some(table) = item.as_table() {
                        self.inner(within, place, first, item, table);
                    }
                }
            }
            _ => {}
        }
    }

    /// A table in a table. Keys of the outer one have to stand above `first`, the first of its kind.
    fn inner(&mut self, within: &Within<'_>, place: Place, first: Option<Span>, node: &Node, table: &Table) {
        let header = first.or(Some(node.span)).filter(|span| self.is_header(*span));
        let outer_header = if within.place == Place::Top { within.header } else { header };
        let outer = Within { place: within.place, span: within.span, above: within.above, header: outer_header };
        self.table(&Within { place, span: node.span, above: Some(&outer), header: None }, table);
    }

    fn named(&mut self, within: &Within<'_>, place: Place, table: &Table) {
        for entry in &table.entries {
            let name = &entry.key.text;
            if !is_name(name) {
                let kind =
                    Kind::BadValue { key: place.title().to_owned(), form: Form::Name, found: name.clone(), why: None };
                self.report(entry.key.span, kind);
            }
            match &entry.node.value {
                Value::Table(inner) => self.inner(within, place, None, &entry.node, inner),
                _ => self.wrong_type(name, Shape::Named(place), &entry.node),
            }
        }
    }

    fn wrong_type(&mut self, name: &str, shape: Shape, node: &Node) {
        let expected = match shape {
            Shape::Named(_) if !matches!(node.value, Value::Table(_)) => "a table".to_owned(),
            shape => shape.describe(),
        };
        let advice = self.advice(name, shape, node);
        self.report(node.span, Kind::WrongType { key: name.to_owned(), expected, found: node.describe(), advice });
    }

    /// What to write instead, if that can be seen.
    fn advice(&self, name: &str, shape: Shape, node: &Node) -> Option<String> {
        let written = self.source(node.span);
        Some(match (shape, &node.value) {
            (Shape::Tables(_), Value::Table(_)) => format!("write `[[{name}]]`, in double brackets"),
            (Shape::Table(_), Value::Array(_)) => format!("write `[{name}]`, in single brackets"),
            (Shape::Word(Word::Mode), Value::Integer(_)) => {
                format!("write the octal digits in quotes: `{name} = \"{:0>4}\"`", written.trim_start_matches("0o"))
            }
            (Shape::Text | Shape::Word(_) | Shape::ByPlatform, Value::Integer(_) | Value::Float | Value::Bool(_)) => {
                format!("write it in quotes: `\"{written}\"`")
            }
            (Shape::Bool | Shape::Integer(..), Value::String(text)) => {
                format!("write it without quotes: `{text}`")
            }
            (Shape::List(Shape::Text), Value::String(text))
                if text.contains(' ') && !text.contains(['"', '\'', '\\']) =>
            {
                let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{word}\"")).collect();
                format!("write a list, one string for each word: `{name} = [{}]`", words.join(", "))
            }
            (Shape::List(Shape::Text | Shape::Word(_)), Value::String(_)) => {
                format!("write a list: `{name} = [{written}]`")
            }
            (Shape::Text | Shape::Word(_), Value::Array(items)) if items.len() == 1 => {
                format!("write one string: `{name} = {}`", self.source(items[0].span))
            }
            (Shape::Named(Place::Source), Value::String(_)) => format!("write `{name} = {{ path = {written} }}`"),
            _ => return None,
        })
    }
}

/// Whether an unknown key, which is reported itself, was probably meant to be one of `names`.
fn is_misspelt(place: Place, table: &Table, names: &[&'static str]) -> bool {
    let unknown = table.entries.iter().map(|entry| entry.key.text.as_str()).filter(|key| place.key(key).is_none());
    unknown.into_iter().any(|key| nearest(key, names.iter().copied()).is_some())
}

fn fits(shape: &Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::Word(Word::Time | Word::Mtime), Value::Time(_))
        | (Shape::Text | Shape::Word(_) | Shape::Choice(_) | Shape::ByPlatform, Value::String(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Integer(..), Value::Integer(_))
        | (Shape::List(_), Value::Array(_))
        | (Shape::Map(_) | Shape::ByPlatform | Shape::Table(_) | Shape::Named(_), Value::Table(_)) => true,
        (Shape::Tables(_), Value::Array(items)) => items.iter().all(|item| item.as_table().is_some()),
        (Shape::Either(shapes), value) => shapes.iter().any(|shape| fits(shape, value)),
        _ => false,
    }
}

/// A finding for each name that was there before.
pub(super) fn duplicates(what: &'static str, names: &[(String, Span)], findings: &mut Vec<Finding>) {
    for (index, (name, span)) in names.iter().enumerate() {
        if let Some((_, first)) = names[..index].iter().find(|(other, _)| other == name) {
            let kind = Kind::Duplicate { what, name: name.clone() };
            findings.push(Finding::new(*span, kind).with(*first, "the first"));
        }
    }
}

/// The number of the line that `offset` is in, from 1.
fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::grammar::TABLE;
    use crate::template::span::FileId;
    use crate::template::value;

    #[test]
    fn the_example_of_every_key_has_its_type() {
        for (place, keys) in TABLE {
            for key in *keys {
                let text = format!("{} = {}", key.name, key.example);
                let mut findings = Vec::new();
                let table = value::parse(FileId(0), &text, &mut findings).expect("examples are TOML");
                let within = Within { place: *place, span: Span::default(), above: None, header: None };
                let mut check = Check { text: &text, findings: &mut findings };
                check.value(&within, key.name, key.shape, &table.entries[0].node);
                let wrong =
                    |finding: &Finding| matches!(finding.kind, Kind::WrongType { .. } | Kind::UnknownKey { .. });
                assert!(!findings.iter().any(wrong), "{place:?}: {text}: {findings:?}");
            }
        }
    }
}
