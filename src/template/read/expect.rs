//! `[[test]]`.

use crate::base::shell::quoted;
use crate::template::form::{self, Form};
use crate::template::grammar::FORMS;
use crate::template::model::Command;
use crate::template::model::expect::{Check, Expected, Form as ImageForm, Port, Protocol, Test, number_names, regex};
use crate::template::value::{Node, Table, Value};

use super::Reader;
use super::run::command;

/// All tests. Those that cannot be read are left out.
pub(super) fn tests(reader: &mut Reader<'_>, root: &Table) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut named = Vec::new();
    for (node, table) in root.tables("test") {
        let good = |text: &str| (!text.trim().is_empty() && form::is_line(text)).then(|| text.to_owned());
        let name = reader.word_at(table, "name", Form::LayerName, good);
        let span = table.get("name").map_or(node.span, |name| name.span);
        named.extend(name.clone().map(|name| (name, span)));
        let form = reader.word_at(table, "in", Form::Choice(FORMS), image_form);
        let timeout_s = reader.word_at(table, "timeout", Form::Duration, form::seconds);
        let check = match (table.get("run"), table.get("file")) {
            (Some(node), None) => run(reader, table, node),
            (None, Some(node)) => file(reader, table, node),
            // Both or neither, which the structure check has said.
            _ => None,
        };
        tests.extend(check.map(|check| Test {
            name: name.unwrap_or_else(|| describe(&check)),
            span,
            form,
            timeout_s,
            check,
        }));
    }
    reader.duplicates("test", &named);
    number_names(&mut tests);
    tests
}

fn run(reader: &mut Reader<'_>, table: &Table, node: &Node) -> Option<Check> {
    let command = command(reader, node, None);
    let service = reader.word_at(table, "service", Form::ServicePort, service);
    let exit = reader.number(table, "exit").and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
    let stdout = expected(reader, table, "stdout");
    let stderr = expected(reader, table, "stderr");
    Some(Check::Run { command: command?, service, exit, stdout, stderr })
}

fn file(reader: &mut Reader<'_>, table: &Table, node: &Node) -> Option<Check> {
    let path = reader.image_path("file", node, Form::AbsoluteImagePath);
    let exists = table.get("exists").is_none() || reader.flag(table, "exists");
    let mode = reader.word_at(table, "mode", Form::Mode, form::mode);
    let owner = reader.word_at(table, "owner", Form::Owner, form::owner);
    let contains = table.get("contains").and_then(|node| reader.text("contains", node));
    let sha256 = reader.word_at(table, "sha256", Form::Sha256, form::sha256);
    Some(Check::File { path: path?.0, exists, mode, owner, contains, sha256 })
}

fn expected(reader: &mut Reader<'_>, table: &Table, key: &str) -> Option<Expected> {
    let node = table.get(key)?;
    let Value::Table(inner) = &node.value else { return reader.text(key, node).map(Expected::Exact) };
    if let Some(node) = inner.get("regex") {
        let pattern = reader.text("regex", node)?;
        if let Err(why) = regex(&pattern) {
            reader.bad("regex", node.span, Form::Regex, &pattern, Some(why));
        }
        return Some(Expected::Regex(pattern));
    }
    match (inner.get("exact"), inner.get("contains")) {
        (Some(node), _) => reader.text("exact", node).map(Expected::Exact),
        (None, Some(node)) => reader.text("contains", node).map(Expected::Contains),
        (None, None) => None,
    }
}

/// A port that can be waited for.
fn service(text: &str) -> Option<Port> {
    let port = form::port(text)?;
    let (number, protocol) = port.split_once('/')?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    Some(Port { number: number.parse().ok()?, protocol })
}

fn image_form(text: &str) -> Option<ImageForm> {
    match text {
        "container" => Some(ImageForm::Container),
        "machine" => Some(ImageForm::Machine),
        _ => None,
    }
}

/// A name for a test that has none.
fn describe(check: &Check) -> String {
    match check {
        Check::File { path, .. } => format!("file {path}"),
        Check::Run { command: Command::Argv(words), .. } => quoted(words),
        Check::Run { command: Command::Shell { text, .. }, .. } => {
            text.trim().lines().next().unwrap_or_default().to_owned()
        }
        Check::Run { command: Command::Script { from, .. }, .. } => from.source.clone(),
    }
}
