//! `[[layer.step]]`: one action with its modifiers.

use crate::template::finding::Kind;
use crate::template::form::{self, Form};
use crate::template::grammar::{self, nearest};
use crate::template::inline;
use crate::template::model::{
    Account, Action, Adduser, Copy, Extract, ExtractOwner, GroupName, Id, Mtime, Owner, SourceRef, Step, Write,
};
use crate::template::unit::UnitName;
use crate::template::value::{Entry, Node, Table, Value};

use super::Reader;
use super::layer::SourceNames;
use super::packages;
use super::run;

/// `None` if something is wrong, which then was reported.
pub(super) fn step(
    reader: &mut Reader<'_>,
    table: &Table,
    mtime: Option<Mtime>,
    sources: &SourceNames,
) -> Option<Step> {
    let entry = table.entries.iter().find(|entry| grammar::action(&entry.key.text).is_some())?;
    let node = &entry.node;
    let action = match entry.key.text.as_str() {
        "copy" => copy(reader, table, node, sources).map(Action::Copy),
        "write" => write(reader, table, node).map(Action::Write),
        "directory" => directory(reader, table, node),
        "symlink" => symlink(reader, table, node),
        "extract" => extract(reader, table, node, sources).map(Action::Extract),
        "adduser" => adduser(reader, table, entry).map(Action::Adduser),
        "addgroup" => account(reader, table, entry, "gid").map(Action::Addgroup),
        "remove" => reader.glob("remove", node).map(|glob| Action::Remove { glob }),
        "packages" => packages::packages(reader, table, node, sources).map(Action::Packages),
        "run" => run::run(reader, table, node, sources).map(|run| Action::Run(Box::new(run))),
        "script" => run::script(reader, table, node, sources).map(|run| Action::Run(Box::new(run))),
        "enable" => enable(reader, node),
        // The table has no other.
        _ => None,
    }?;
    Some(Step { span: entry.key.span, mtime, action })
}

fn copy(reader: &mut Reader<'_>, table: &Table, node: &Node, sources: &SourceNames) -> Option<Copy> {
    let from = source_ref(reader, "copy", node, sources);
    let to = table.get("to").and_then(|node| reader.image_path("to", node, Form::ImagePath));
    let copy = Copy {
        owner: owner(reader, table),
        mode: mode(reader, table),
        include: reader.globs(table, "include"),
        exclude: reader.globs(table, "exclude"),
        from: from?,
        to: to.map(|(path, text)| form::target(&text, path))?,
    };
    Some(copy)
}

fn write(reader: &mut Reader<'_>, table: &Table, node: &Node) -> Option<Write> {
    let path = reader.image_path("write", node, Form::FilePath);
    let content = match (table.get("text"), table.get("base64")) {
        (Some(text), _) => reader.text("text", text).map(String::into_bytes),
        (None, Some(text)) => reader.word("base64", text, Form::Base64, inline::base64),
        (None, None) => None,
    };
    let (owner, mode) = (owner(reader, table), mode(reader, table));
    Some(Write { path: path?.0, content: content?, owner, mode })
}

fn directory(reader: &mut Reader<'_>, table: &Table, node: &Node) -> Option<Action> {
    let path = reader.image_path("directory", node, Form::FilePath);
    let (owner, mode) = (owner(reader, table), mode(reader, table));
    Some(Action::Directory { path: path?.0, owner, mode })
}

fn symlink(reader: &mut Reader<'_>, table: &Table, node: &Node) -> Option<Action> {
    let path = reader.image_path("symlink", node, Form::FilePath);
    let good = |text: &str| (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned());
    let target = reader.word_at(table, "target", Form::LinkTarget, good);
    let owner = owner(reader, table);
    Some(Action::Symlink { path: path?.0, target: target?, owner })
}

fn extract(reader: &mut Reader<'_>, table: &Table, node: &Node, sources: &SourceNames) -> Option<Extract> {
    let from = source_ref(reader, "extract", node, sources);
    let to = table.get("to").and_then(|node| reader.image_path("to", node, Form::ImagePath));
    let owner = |text: &str| match text {
        "keep" => Some(ExtractOwner::Keep),
        _ => form::owner(text).map(ExtractOwner::Given),
    };
    let owner = reader.word_at(table, "owner", Form::Owner, owner);
    let include = reader.globs(table, "include");
    let exclude = reader.globs(table, "exclude");
    let strip = reader.number(table, "strip").unwrap_or(0);
    Some(Extract { from: from?, to: to?.0, strip, owner, include, exclude })
}

fn adduser(reader: &mut Reader<'_>, table: &Table, entry: &Entry) -> Option<Adduser> {
    let account = account(reader, table, entry, "uid");
    let group = table.get("group").and_then(|node| group(reader, "group", node));
    let groups = table.get("groups").map_or(&[][..], Node::one_or_several).iter();
    let groups = groups.filter_map(|node| self::group(reader, "groups", node)).collect();
    let field = |text: &str| (form::is_line(text) && !text.contains(':')).then(|| text.to_owned());
    let absolute = |text: &str| if text.starts_with('/') { field(text) } else { None };
    Some(Adduser {
        group,
        groups,
        home: reader.word_at(table, "home", Form::AbsoluteImagePath, absolute),
        shell: reader.word_at(table, "shell", Form::AbsoluteImagePath, absolute),
        comment: reader.word_at(table, "comment", Form::Line, field).unwrap_or_default(),
        account: account?,
    })
}

fn account(reader: &mut Reader<'_>, table: &Table, entry: &Entry, number: &str) -> Option<Account> {
    let good = |text: &str| form::is_account_name(text).then(|| text.to_owned());
    let name = reader.word(&entry.key.text, &entry.node, Form::AccountName, good)?;
    Some(Account { name, id: reader.number(table, number), system: reader.flag(table, "system") })
}

fn group(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<GroupName> {
    match node.value {
        Value::Integer(number) => {
            number.and_then(|number| u32::try_from(number).ok()).map(|id| GroupName(Id::Number(id)))
        }
        _ => reader.word(key, node, Form::AccountName, form::group),
    }
}

fn enable(reader: &mut Reader<'_>, node: &Node) -> Option<Action> {
    let mut units = Vec::new();
    for item in node.one_or_several() {
        let Some(text) = reader.text("enable", item) else { continue };
        if UnitName::parse(&text).is_none() {
            let why = (!text.contains('.')).then(|| format!("has no kind; did you mean `{text}.service`?"));
            reader.bad("enable", item.span, Form::UnitName, &text, why);
        }
        units.push((text, item.span));
    }
    if node.one_or_several().is_empty() {
        reader.bad("enable", node.span, Form::UnitName, "[]", Some("names no unit".to_owned()));
    }
    reader.duplicates("unit", &units);
    Some(Action::Enable { units: units.into_iter().map(|(name, _)| name).collect() })
}

fn owner(reader: &mut Reader<'_>, table: &Table) -> Option<Owner> {
    reader.word_at(table, "owner", Form::Owner, form::owner)
}

fn mode(reader: &mut Reader<'_>, table: &Table) -> Option<u16> {
    reader.word_at(table, "mode", Form::Mode, form::mode)
}

pub(super) fn source_ref(reader: &mut Reader<'_>, key: &str, node: &Node, sources: &SourceNames) -> Option<SourceRef> {
    let text = reader.text(key, node)?;
    let Some((name, path)) = form::source_ref(&text) else {
        let why = text.contains('/').then(|| "a source has a name, which is not its path".to_owned());
        reader.bad(key, node.span, Form::SourceRef, &text, why);
        return None;
    };
    let path = reader.path(key, node, Form::SourceRef, path)?;
    let name = name.to_owned();
    if sources.elsewhere.contains(&name) {
        let platform = reader.platform.map(ToString::to_string).unwrap_or_default();
        reader.report(node.span, Kind::SourceElsewhere { name, platform });
        return None;
    }
    if !sources.here.contains(&name) && !sources.stages.contains(&name) {
        let known: Vec<String> = sources.here.iter().chain(&sources.stages).cloned().collect();
        let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
        reader.report(node.span, Kind::UnknownSource { name, nearest, known });
        return None;
    }
    Some(SourceRef { source: name, path, span: node.span })
}
