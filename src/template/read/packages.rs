//! `[repositories.NAME]` and `packages`: what is installed, and where it comes from.

use std::collections::BTreeMap;

use crate::packages::{Request, Wish};
use crate::template::finding::Kind;
use crate::template::form::{self, Form};
use crate::template::grammar::{self, KINDS, SCRIPTS, SPLITS, nearest};
use crate::template::model::{Distribution, Keyring, Packages, Repository, Scripts, Split};
use crate::template::span::Span;
use crate::template::value::{Entry, Node, Table};

use super::Reader;
use super::layer::SourceNames;
use super::origin::{Directories, address, path};

/// The component that is taken if none is named.
const COMPONENT: &str = "main";

/// All repositories.
pub(super) fn repositories(
    reader: &mut Reader<'_>,
    root: &Table,
    directories: Directories<'_>,
) -> BTreeMap<String, Repository> {
    let mut repositories = BTreeMap::new();
    for entry in root.table("repositories").map_or(&[][..], |table| &table.entries) {
        if let Some(table) = entry.node.as_table() {
            repositories.insert(entry.key.text.clone(), repository(reader, table, entry, directories));
        }
    }
    repositories
}

/// A repository that cannot be read stays, so that references to it are not reported as well.
fn repository(reader: &mut Reader<'_>, table: &Table, entry: &Entry, directories: Directories<'_>) -> Repository {
    let kind = |text: &str| (text == "debian").then_some(Distribution::Debian);
    let distribution = reader.word_at(table, "kind", Form::Choice(KINDS), kind).unwrap_or(Distribution::Debian);
    let part =
        |key, form| move |reader: &mut Reader<'_>, node: &Node| reader.word(key, node, form, form::repository_part);
    let suites = list(reader, table, "suite", Form::Suite, part("suite", Form::Suite));
    let components = list(reader, table, "components", Form::Component, part("components", Form::Component));
    let mirrors = list(reader, table, "mirror", Form::Mirror, |reader, node| {
        address(reader, "mirror", node, Form::Mirror, form::mirror)
    });
    let directory = directories.of(entry.key.span).to_owned();
    Repository {
        span: entry.key.span,
        distribution,
        suites: texts(suites.unwrap_or_default()),
        components: components.map_or_else(|| vec![COMPONENT.to_owned()], texts),
        snapshot: reader.time(table, "snapshot"),
        mirrors: texts(mirrors.unwrap_or_default()),
        keyring: path(reader, table, "keyring").map(|path| Keyring { path, directory }),
    }
}

/// One string or several, each once and at least one; `None` if the key is not there.
fn list(
    reader: &mut Reader<'_>,
    table: &Table,
    key: &'static str,
    form: Form,
    mut read: impl FnMut(&mut Reader<'_>, &Node) -> Option<String>,
) -> Option<Vec<(String, Span)>> {
    let node = table.get(key)?;
    let items = node.one_or_several();
    if items.is_empty() {
        reader.bad(key, node.span, form, "[]", Some("names none".to_owned()));
    }
    let found: Vec<_> = items.iter().filter_map(|item| Some((read(reader, item)?, item.span))).collect();
    reader.duplicates(key.trim_end_matches('s'), &found);
    Some(found)
}

fn texts(found: Vec<(String, Span)>) -> Vec<String> {
    found.into_iter().map(|(text, _)| text).collect()
}

/// `None` if something is wrong, which then was reported.
pub(super) fn packages(reader: &mut Reader<'_>, table: &Table, node: &Node, names: &SourceNames) -> Option<Packages> {
    let requests = requests(reader, node);
    let repositories = chosen(reader, table, node, names);
    let scripts = |text: &str| match text {
        "run" => Some(Scripts::Run),
        "refuse" => Some(Scripts::Refuse),
        _ => None,
    };
    let scripts = match table.get("scripts") {
        Some(node) => reader.word("scripts", node, Form::Choice(SCRIPTS), scripts),
        None => Some(Scripts::Run),
    };
    let recommends = reader.flag(table, "recommends");
    Some(Packages { requests: requests?, repositories: repositories?, recommends, scripts: scripts? })
}

/// How the packages of a layer are spread. A step that does something else belongs to none of the layers that it becomes.
pub(super) fn split(reader: &mut Reader<'_>, table: &Table) -> Option<Split> {
    let entry = table.entry("split")?;
    for step in table.tables("step").map(|(_, step)| step).chain([table]) {
        for other in &step.entries {
            if let Some(action) = grammar::action(&other.key.text).filter(|action| action.name != "packages") {
                let kind = Kind::NotSplit { action: action.name };
                reader.report_with(other.key.span, kind, (entry.key.span, "spreads packages"));
            }
        }
    }
    let origin = |text: &str| (text == "origin").then_some(Split::Origin);
    reader.word("split", &entry.node, Form::Choice(SPLITS), origin)
}

/// What is asked for: one thing of each package.
fn requests(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Request>> {
    let items = node.one_or_several();
    if items.is_empty() {
        reader.bad("packages", node.span, Form::Packages, "[]", Some("names no package".to_owned()));
    }
    let mut found: Vec<(Request, Span)> = Vec::new();
    for item in items {
        let Some(text) = reader.text("packages", item) else { continue };
        match Request::parse(&text) {
            Ok(request) => {
                let first = found.iter().find_map(|(other, span)| Some((collision(other, &request)?, *span)));
                if let Some((kind, span)) = first {
                    reader.report_with(item.span, kind, (span, "the first"));
                }
                found.push((request, item.span));
            }
            Err(error) => reader.report(item.span, Kind::BadRequest { error }),
        }
    }
    let all_read = !items.is_empty() && found.len() == items.len();
    if all_read && found.iter().all(|(request, _)| request.wish == Wish::LeaveOut) {
        let words: Vec<String> = found.iter().map(|(request, _)| request.to_string()).collect();
        let why = "asks for none: a dash only keeps a package out of what the others need".to_owned();
        reader.bad("packages", node.span, Form::Packages, &words.join(", "), Some(why));
        return None;
    }
    all_read.then(|| found.into_iter().map(|(request, _)| request).collect())
}

/// What is wrong with two requests for one package.
fn collision(first: &Request, second: &Request) -> Option<Kind> {
    let is_one = match (&first.wish, &second.wish) {
        (Wish::Priority(first), Wish::Priority(second)) => first == second,
        _ => first.name == second.name && first.architecture == second.architecture,
    };
    let is_left_out = |request: &Request| request.wish == Wish::LeaveOut;
    is_one.then(|| {
        if is_left_out(first) == is_left_out(second) {
            let name = if first == second { first.to_string() } else { first.name.clone() };
            Kind::Duplicate { what: "package", name }
        } else {
            Kind::Conflict { first: first.to_string(), second: second.to_string() }
        }
    })
}

/// The names of the repositories that a step takes from: those that it names, else all.
fn chosen(reader: &mut Reader<'_>, table: &Table, node: &Node, names: &SourceNames) -> Option<Vec<String>> {
    let known = &names.repositories;
    let chosen = list(reader, table, "repository", Form::Repository, |reader, node| {
        let good = |text: &str| form::is_name(text).then(|| text.to_owned());
        let name = reader.word("repository", node, Form::Repository, good)?;
        if !known.contains(&name) {
            let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
            reader.report(node.span, Kind::UnknownRepository { name, nearest, known: known.clone() });
            return None;
        }
        Some(name)
    });
    match chosen {
        Some(chosen) => Some(texts(chosen)).filter(|chosen| !chosen.is_empty()),
        None if known.is_empty() => {
            reader.report(node.span, Kind::NoRepository);
            None
        }
        None => Some(known.clone()),
    }
}
