//! What can be said about the names in a whole template before a platform is chosen: variables that are unknown, unused
//! or made of themselves, sources and repositories that no step uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Platform;

use super::files::Files;
use super::finding::{Finding, Kind, Whence, any_error};
use super::form::{Form, is_name};
use super::grammar::nearest;
use super::span::Span;
use super::value::{Node, Table, Value};
use super::variables::{self, BUILT_IN, Part};

/// Adds what is wrong with the names in `root` to `findings`.
pub(super) fn check(root: &Table, files: &Files, findings: &mut Vec<Finding>) {
    let none = Table::default();
    let table = root.table("variables").unwrap_or(&none);
    definitions(table, findings);
    let used = used_variables(root, table, files, findings);
    cycles(table, findings);
    // Beside an error, what seems unused may only be misspelt.
    if !any_error(findings) {
        unused_variables(table, &used, findings);
        unused_sources(root, findings);
        unused_repositories(root, findings);
    }
}

fn definitions(table: &Table, findings: &mut Vec<Finding>) {
    let mut bad = |span: Span, form: Form, found: &str, key: &str| {
        let kind = Kind::BadValue { key: key.to_owned(), form, found: found.to_owned(), why: None };
        findings.push(Finding::new(span, kind));
    };
    for entry in &table.entries {
        if !is_name(&entry.key.text) {
            bad(entry.key.span, Form::Name, &entry.key.text, "variables");
        }
        if let Value::Table(by_platform) = &entry.node.value {
            for inner in &by_platform.entries {
                if inner.key.text.parse::<Platform>().is_err() {
                    bad(inner.key.span, Form::Platform, &inner.key.text, &entry.key.text);
                }
            }
        }
    }
}

fn used_variables(root: &Table, table: &Table, files: &Files, findings: &mut Vec<Finding>) -> BTreeSet<String> {
    let known: BTreeSet<&str> = table.entries.iter().map(|entry| entry.key.text.as_str()).chain(BUILT_IN).collect();
    let mut used = BTreeSet::new();
    for entry in root.entries.iter().filter(|entry| entry.key.text != "include") {
        entry.node.each_string(&mut |text, span| {
            for part in variables::parts(text) {
                match part {
                    Part::Literal(_) => {}
                    Part::Variable(name) if known.contains(name) => drop(used.insert(name.to_owned())),
                    Part::Variable(name) => {
                        let span = within(files, span, &format!("${{{name}}}"));
                        findings.push(Finding::new(span, unknown(name, &known, Whence::Template)));
                    }
                    Part::Open => findings.push(Finding::new(within(files, span, "${"), Kind::OpenVariable)),
                }
            }
        });
    }
    used
}

fn unused_variables(table: &Table, used: &BTreeSet<String>, findings: &mut Vec<Finding>) {
    for entry in &table.entries {
        let name = &entry.key.text;
        if !used.contains(name) {
            findings.push(Finding::new(entry.key.span, Kind::UnusedVariable { name: name.clone() }));
        }
    }
}

fn unknown(name: &str, known: &BTreeSet<&str>, whence: Whence) -> Kind {
    let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
    Kind::UnknownVariable { name: name.to_owned(), nearest, whence }
}

/// Findings for values that were set for no variable.
pub(super) fn check_set(root: &Table, set: &BTreeMap<String, String>, findings: &mut Vec<Finding>) {
    let entries = root.table("variables").map_or(&[][..], |table| &table.entries);
    let known: BTreeSet<&str> = entries.iter().map(|entry| entry.key.text.as_str()).collect();
    for name in set.keys().filter(|name| !known.contains(name.as_str())) {
        findings.push(Finding::without_place(unknown(name, &known, Whence::Set)));
    }
}

/// The place of `needle` in the string at `span`, or the whole string if escapes hide it.
fn within(files: &Files, span: Span, needle: &str) -> Span {
    match files.text(span).find(needle) {
        Some(offset) => Span { start: span.start + offset, end: span.start + offset + needle.len(), ..span },
        None => span,
    }
}

/// From each variable, follows the first variable that it is made of and that leads on; meeting one again is a cycle.
fn cycles(table: &Table, findings: &mut Vec<Finding>) {
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in &table.entries {
        let values = variables::values(&entry.node);
        open.insert(&entry.key.text, values.into_iter().flat_map(variables::names).collect());
    }
    // What is made of nothing open is no part of a cycle; when nothing more can be dropped, every way leads into one.
    loop {
        let names: BTreeSet<&str> = open.keys().copied().collect();
        let before = open.len();
        for others in open.values_mut() {
            others.retain(|name| names.contains(name));
        }
        open.retain(|_, others| !others.is_empty());
        if open.len() == before {
            break;
        }
    }
    let mut reported = BTreeSet::new();
    for start in open.keys() {
        let mut way = vec![*start];
        let again = loop {
            let Some(next) = way.last().and_then(|last| open.get(last)?.first().copied()) else { return };
            match way.iter().position(|name| *name == next) {
                Some(position) => break position,
                None => way.push(next),
            }
        };
        let cycle = &way[again..];
        if let Some(entry) = table.entries.iter().find(|entry| cycle.contains(&entry.key.text.as_str()))
            && reported.insert(entry.key.text.as_str())
        {
            findings.push(Finding::new(entry.key.span, cycle_from(&entry.key.text, cycle)));
        }
    }
}

fn cycle_from(name: &str, cycle: &[&str]) -> Kind {
    let start = cycle.iter().position(|other| *other == name).unwrap_or(0);
    let turned = cycle[start..].iter().chain(&cycle[..start]).chain([&name]);
    Kind::VariableCycle { name: name.to_owned(), through: turned.map(|name| (*name).to_owned()).collect() }
}

/// Sources and stages that stand in no reference. A reference that is misspelt or starts with a variable may mean any of
/// them.
fn unused_sources(root: &Table, findings: &mut Vec<Finding>) {
    let mut used = BTreeSet::new();
    references(root, &mut used);
    let named = |key| root.table(key).map_or(&[][..], |table| &table.entries);
    for entry in named("stage") {
        entry.node.as_table().into_iter().for_each(|stage| references(stage, &mut used));
    }
    for source in named("sources").iter().filter_map(|entry| entry.node.as_table()) {
        used.extend(source.get("in").and_then(Node::as_str));
        mounts(source, &mut used);
    }
    let both = [("source", named("sources")), ("stage", named("stage"))];
    let is_known = |name: &&str| both.iter().any(|(_, entries)| entries.iter().any(|entry| entry.key.text == *name));
    if !used.iter().all(is_known) {
        return;
    }
    for (what, entries) in both {
        for entry in entries.iter().filter(|entry| !used.contains(entry.key.text.as_str())) {
            let kind = Kind::UnusedSource { what, name: entry.key.text.clone() };
            findings.push(Finding::new(entry.key.span, kind));
        }
    }
}

/// The names in the references of an image or a stage.
fn references<'a>(table: &'a Table, used: &mut BTreeSet<&'a str>) {
    used.extend(table.table("base").and_then(|base| base.get("stage")?.as_str()));
    for step in steps(table) {
        let references = ["copy", "extract", "script"].into_iter().filter_map(|action| step.get(action));
        used.extend(references.filter_map(Node::as_str).map(source_of));
        mounts(step, used);
    }
}

/// The tables of an image or a stage that an action may stand in.
fn steps(table: &Table) -> impl Iterator<Item = &Table> {
    table.tables("layer").flat_map(|(_, layer)| layer.tables("step").map(|(_, step)| step).chain([layer]))
}

/// Repositories that no step takes packages from. One that names none takes from all.
fn unused_repositories(root: &Table, findings: &mut Vec<Finding>) {
    let named = |key| root.table(key).map_or(&[][..], |table| &table.entries);
    let (repositories, stages) =
        (named("repositories"), named("stage").iter().filter_map(|entry| entry.node.as_table()));
    let mut used = BTreeSet::new();
    for step in stages.chain([root]).flat_map(steps).filter(|step| step.get("packages").is_some()) {
        let Some(node) = step.get("repository") else { return };
        node.each_string(&mut |name, _| {
            used.insert(name);
        });
    }
    // What starts with a variable may mean any of them.
    if !used.iter().all(|name| repositories.iter().any(|entry| entry.key.text == *name)) {
        return;
    }
    for entry in repositories.iter().filter(|entry| !used.contains(entry.key.text.as_str())) {
        let kind = Kind::UnusedSource { what: "repository", name: entry.key.text.clone() };
        findings.push(Finding::new(entry.key.span, kind));
    }
}

fn mounts<'a>(table: &'a Table, used: &mut BTreeSet<&'a str>) {
    let from = table.tables("mounts").filter_map(|(_, mount)| mount.get("from")?.as_str());
    used.extend(from.map(source_of));
}

fn source_of(reference: &str) -> &str {
    reference.split(':').next().unwrap_or(reference)
}
