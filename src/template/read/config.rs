//! `[config]`.

use crate::template::finding::Kind;
use crate::template::form::{self, Form};
use crate::template::model::{Config, Healthcheck};
use crate::template::span::Span;
use crate::template::value::{Node, Table, Value};

use super::Reader;

pub(super) fn config(reader: &mut Reader<'_>, table: &Table, root: &Table) -> Config {
    let header = root.get("config").map_or(Span::default(), |node| node.span);
    let owner = |text: &str| form::owner(text).map(|_| text.to_owned());
    let signal = |text: &str| form::is_signal(text).then(|| text.to_owned());
    let mut path = |key: &str, node: &Node| Some(reader.image_path(key, node, Form::AbsoluteImagePath)?.0.to_string());
    let workdir = table.get("workdir").and_then(|node| path("workdir", node));
    let volumes = match table.get("volumes").map(|node| &node.value) {
        Some(Value::Array(items)) => items.iter().filter_map(|item| path("volumes", item)).collect(),
        _ => Vec::new(),
    };
    Config {
        entrypoint: reader.strings(table, "entrypoint"),
        cmd: reader.strings(table, "cmd"),
        env: reader.map(table, "env"),
        user: reader.word_at(table, "user", Form::Owner, owner),
        workdir,
        ports: reader.words(table, "ports", Form::Port, form::port),
        volumes,
        labels: reader.map(table, "labels"),
        stop_signal: reader.word_at(table, "stop-signal", Form::Signal, signal),
        healthcheck: table.table("healthcheck").map(|inner| {
            let span = table.get("healthcheck").map_or(header, |node| node.span);
            healthcheck(reader, inner, span)
        }),
    }
}

fn healthcheck(reader: &mut Reader<'_>, table: &Table, span: Span) -> Healthcheck {
    let test = reader.strings(table, "test");
    match (&test, table.get("test")) {
        (Some(test), Some(node)) if !is_test(test) => {
            let found = format!("[{}]", test.join(", "));
            reader.bad("test", node.span, Form::Healthcheck, &found, None);
        }
        (None, None) => {
            let example = "test = [\"CMD\", \"app\", \"ping\"]".to_owned();
            let kind = Kind::MissingKey { keys: vec!["test"], whose: "`config.healthcheck`".to_owned(), example };
            reader.report(span, kind);
        }
        _ => {}
    }
    Healthcheck {
        test: test.unwrap_or_default(),
        interval_ns: reader.word_at(table, "interval", Form::Duration, form::duration),
        timeout_ns: reader.word_at(table, "timeout", Form::Duration, form::duration),
        start_period_ns: reader.word_at(table, "start-period", Form::Duration, form::duration),
        retries: reader.number(table, "retries"),
    }
}

fn is_test(test: &[String]) -> bool {
    match test.split_first().map(|(first, rest)| (first.as_str(), rest.len())) {
        Some(("CMD", rest)) => rest > 0,
        Some(("CMD-SHELL", rest)) => rest == 1,
        Some(("NONE", rest)) => rest == 0,
        _ => false,
    }
}
