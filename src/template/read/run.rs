//! `run` and `script`: commands, and what they are given.

use crate::base::ImagePath;
use crate::template::finding::Kind;
use crate::template::form::{self, Form};
use crate::template::model::{Command, Mount, Run};
use crate::template::span::Span;
use crate::template::value::{Entry, Node, Table, Value};

use super::Reader;
use super::layer::SourceNames;
use super::step::source_ref;

/// The sandbox mounts these itself: what else is mounted there would hide the kernel's files or be hidden by them.
const OF_THE_KERNEL: [&str; 3] = ["proc", "dev", "sys"];

/// `None` if something is wrong, which then was reported; the same for all below.
pub(super) fn run(reader: &mut Reader<'_>, table: &Table, node: &Node, sources: &SourceNames) -> Option<Run> {
    let command = command(reader, node, table.entry("shell"));
    with_surroundings(reader, table, command, sources)
}

pub(super) fn script(reader: &mut Reader<'_>, table: &Table, node: &Node, sources: &SourceNames) -> Option<Run> {
    let from = source_ref(reader, "script", node, sources);
    let args = reader.words(table, "args", Form::Argument, form::argument);
    let command = from.map(|from| Command::Script { from, args });
    with_surroundings(reader, table, command, sources)
}

fn with_surroundings(
    reader: &mut Reader<'_>,
    table: &Table,
    command: Option<Command>,
    sources: &SourceNames,
) -> Option<Run> {
    let (mounts, mut targets) = mounts(reader, table, sources);
    let caches = caches(reader, table, &mut targets);
    reader.duplicates("mount target", &targets);
    let workdir = table.get("workdir").and_then(|node| reader.image_path("workdir", node, Form::AbsoluteImagePath));
    let run = Run {
        env: reader.map(table, "env"),
        workdir: workdir.map(|(path, _)| path),
        user: reader.word_at(table, "user", Form::Owner, form::owner),
        network: reader.flag(table, "network"),
        mounts,
        caches,
        secrets: secrets(reader, table),
        timeout_s: reader.word_at(table, "timeout", Form::Duration, form::seconds),
        memory_bytes: reader.word_at(table, "memory", Form::Size, form::size),
        cpus: reader.number(table, "cpus"),
        command: command?,
    };
    Some(run)
}

/// A string for the shell, or a list that is executed as it is.
pub(super) fn command(reader: &mut Reader<'_>, node: &Node, shell: Option<&Entry>) -> Option<Command> {
    if matches!(node.value, Value::Array(_)) {
        if let Some(entry) = shell {
            let kind = Kind::Conflict { first: "run = [..]".to_owned(), second: "shell".to_owned() };
            reader.report_with(entry.key.span, kind, (node.span, "a list is executed without a shell"));
        }
        return argv(reader, "run", node).map(Command::Argv);
    }
    let good = |text: &str| form::argument(text).filter(|text| !text.trim().is_empty());
    let text = reader.word("run", node, Form::Command, good);
    let shell = match shell {
        Some(entry) => reader.word("shell", &entry.node, Form::Shell, form::shell),
        None => form::shell(form::SHELL),
    };
    Some(Command::Shell { shell: shell?, text: text? })
}

/// A program and its arguments.
pub(super) fn argv(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Vec<String>> {
    let Value::Array(items) = &node.value else { return None };
    let words: Option<Vec<String>> =
        items.iter().map(|item| reader.word(key, item, Form::Argument, form::argument)).collect();
    let words = words?;
    if words.first().is_none_or(String::is_empty) {
        let found = if items.is_empty() { "[]" } else { "" };
        reader.bad(key, node.span, Form::Command, found, Some("names no program".to_owned()));
        return None;
    }
    Some(words)
}

/// The mounts, and their targets with the places where they were named.
pub(super) fn mounts(
    reader: &mut Reader<'_>,
    table: &Table,
    sources: &SourceNames,
) -> (Vec<Mount>, Vec<(String, Span)>) {
    let (mut mounts, mut targets) = (Vec::new(), Vec::new());
    for (_, inner) in table.tables("mounts") {
        let from = inner.get("from").and_then(|node| source_ref(reader, "from", node, sources));
        let Some(node) = inner.get("to") else { continue };
        let Some(to) = target(reader, "to", node) else { continue };
        targets.push((to.to_string(), node.span));
        let writable = reader.flag(inner, "writable");
        mounts.extend(from.map(|from| Mount { from, to, writable }));
    }
    (mounts, targets)
}

fn caches(reader: &mut Reader<'_>, table: &Table, targets: &mut Vec<(String, Span)>) -> Vec<ImagePath> {
    let mut caches = Vec::new();
    for node in table.get("cache").map_or(&[][..], Node::one_or_several) {
        let Some(path) = target(reader, "cache", node) else { continue };
        targets.push((path.to_string(), node.span));
        caches.push(path);
    }
    caches
}

/// Where something may be mounted.
fn target(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<ImagePath> {
    let (path, text) = reader.image_path(key, node, Form::FilePath)?;
    let top = path.as_bytes().split(|b| *b == b'/').next().unwrap_or_default();
    if let Some(name) = OF_THE_KERNEL.iter().find(|name| name.as_bytes() == top) {
        let why = format!("`/{name}` is the kernel's while the command runs");
        reader.bad(key, node.span, Form::FilePath, &text, Some(why));
        return None;
    }
    Some(path)
}

fn secrets(reader: &mut Reader<'_>, table: &Table) -> Vec<String> {
    let mut secrets = Vec::new();
    for node in table.get("secrets").map_or(&[][..], Node::one_or_several) {
        secrets.extend(reader.word("secrets", node, Form::SecretId, form::secret_id).map(|id| (id, node.span)));
    }
    reader.duplicates("secret", &secrets);
    secrets.into_iter().map(|(id, _)| id).collect()
}
