//! From tables to the [`Template`] of one platform: variables are filled in, strings get their meaning.
//!
//! The structure was checked before, so what has the wrong type is passed over here without a word.

mod config;
mod expect;
mod fetch;
mod layer;
mod origin;
mod packages;
pub(super) mod publish;
mod run;
mod step;

use std::collections::BTreeMap;

use crate::base::glob::Globs;
use crate::base::path::PathError;
use crate::base::{Epoch, ImagePath, Platform};

use super::check;
use super::document::Facts;
use super::finding::{Finding, Kind};
use super::form::{self, Form};
use super::grammar::CODECS;
use super::model::{Compression, Template};
use super::span::Span;
use super::stages;
use super::value::{Node, Table, Value};
use super::variables::{EXPANDED_MAX_BYTES, Scope, Trouble};

/// What every reading function needs: the variables, the platform, and where findings go.
pub(super) struct Reader<'a> {
    scope: &'a Scope,
    platform: Option<&'a Platform>,
    findings: &'a mut Vec<Finding>,
}

/// Reads everything that `facts` does not hold.
pub(super) fn template(reader: &mut Reader<'_>, root: &Table, directories: &[String], facts: Facts) -> Template {
    let none = Table::default();
    let image = root.table("image").unwrap_or(&none);
    let directories = origin::Directories(directories);
    let (mut sources, elsewhere) = origin::sources(reader, root, directories);
    let stages = origin::stage_names(reader, root, &sources);
    let repositories = packages::repositories(reader, root, directories);
    let names = layer::SourceNames {
        here: sources.keys().cloned().collect(),
        stages,
        elsewhere,
        repositories: repositories.keys().cloned().collect(),
    };
    fetch::surroundings(reader, root, &mut sources, &names);
    let stages = origin::stages(reader, root, directories, &names);
    let base = origin::base(reader, root, directories, &names);
    stages::cycles(base.as_ref(), &stages, &sources, reader.findings);
    Template {
        base,
        stages,
        name: facts.name,
        version: facts.version,
        epoch: facts.epoch,
        created: facts.created,
        compression: compression(reader, image),
        annotations: reader.map(image, "annotations"),
        repositories,
        layers: layer::layers(reader, root, &names),
        sources,
        config: root.table("config").map(|table| config::config(reader, table, root)).unwrap_or_default(),
        tests: expect::tests(reader, root),
    }
}

fn compression(reader: &mut Reader<'_>, image: &Table) -> Compression {
    let Some(node) = image.get("compression") else { return Compression::default() };
    let table = node.as_table();
    let Some(codec) = table.map_or(Some(node), |table| table.get("codec")) else { return Compression::default() };
    let level = table.and_then(|table| table.entry("level"));
    let plain = |text: &str| match text {
        "gzip" => Some((Compression::Gzip, 0, 12)),
        "zstd" => Some((Compression::Zstd, 1, 22)),
        "none" => Some((Compression::None, 0, 0)),
        _ => None,
    };
    let Some((plain, from, to)) = reader.word("compression", codec, Form::Choice(CODECS), plain) else {
        return Compression::default();
    };
    let Some(entry) = level else { return plain };
    if plain == Compression::None {
        let kind = Kind::Conflict { first: "none".to_owned(), second: "level".to_owned() };
        reader.report(entry.key.span, kind);
    }
    let Value::Integer(Some(number)) = entry.node.value else { return plain };
    if !(from..=to).contains(&number) && plain != Compression::None {
        reader.bad("level", entry.node.span, Form::Number(from, to), &number.to_string(), None);
    }
    match (plain, u8::try_from(number)) {
        (Compression::Gzip, Ok(level)) => Compression::GzipLevel(level),
        (Compression::Zstd, Ok(level)) => Compression::ZstdLevel(level),
        _ => plain,
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(scope: &'a Scope, platform: Option<&'a Platform>, findings: &'a mut Vec<Finding>) -> Self {
        Self { scope, platform, findings }
    }

    pub(super) fn report(&mut self, span: Span, kind: Kind) {
        self.findings.push(Finding::new(span, kind));
    }

    pub(super) fn report_with(&mut self, span: Span, kind: Kind, related: (Span, &'static str)) {
        self.findings.push(Finding::new(span, kind).with(related.0, related.1));
    }

    pub(super) fn report_without_place(&mut self, kind: Kind) {
        self.findings.push(Finding::without_place(kind));
    }

    pub(super) fn duplicates(&mut self, what: &'static str, names: &[(String, Span)]) {
        check::duplicates(what, names, self.findings);
    }

    fn bad(&mut self, key: &str, span: Span, form: Form, found: &str, why: Option<String>) {
        self.report(span, Kind::BadValue { key: key.to_owned(), form, found: found.to_owned(), why });
    }

    /// A string with its variables filled in.
    fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        let text = match &node.value {
            Value::String(text) => text,
            Value::Time(text) => return Some(text.clone()),
            _ => return None,
        };
        let kind = match self.scope.expand(text) {
            Ok(text) => return Some(text),
            Err(Trouble::Known) => return None,
            Err(Trouble::TooLong) => Kind::TooLong { limit_bytes: EXPANDED_MAX_BYTES },
            Err(Trouble::DependsOnPlatform(name)) => Kind::DependsOnPlatform { key: key.to_owned(), name },
            Err(Trouble::NoValue(name)) => {
                Kind::NoValue { name, platform: self.platform.map(Platform::to_string).unwrap_or_default() }
            }
        };
        self.report(node.span, kind);
        None
    }

    /// A string with a form of its own; `parse` says whether it has it.
    pub(super) fn word<T>(
        &mut self,
        key: &str,
        node: &Node,
        form: Form,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key, node)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.bad(key, node.span, form, &text, None);
        }
        parsed
    }

    /// The same under a key of a table.
    fn word_at<T>(&mut self, table: &Table, key: &str, form: Form, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.word(key, table.get(key)?, form, parse)
    }

    pub(super) fn time(&mut self, table: &Table, key: &str) -> Option<Epoch> {
        let node = table.get(key)?;
        let text = self.text(key, node)?;
        match text.parse::<Epoch>() {
            Ok(time) => Some(time),
            Err(_) => {
                self.bad(key, node.span, Form::Time, &text, None);
                None
            }
        }
    }

    /// A path in the image, written from its root.
    fn image_path(&mut self, key: &str, node: &Node, form: Form) -> Option<(ImagePath, String)> {
        let text = self.text(key, node)?;
        if !text.starts_with('/') {
            self.bad(key, node.span, form, &text, Some("does not start with `/`".to_owned()));
            return None;
        }
        let path = self.path(key, node, form, &text)?;
        if path.is_root() && form == Form::FilePath {
            self.bad(key, node.span, form, &text, Some("this is the root of the image".to_owned()));
            return None;
        }
        Some((path, text))
    }

    fn path(&mut self, key: &str, node: &Node, form: Form, text: &str) -> Option<ImagePath> {
        match ImagePath::parse(text.as_bytes()) {
            Ok(path) => return Some(path),
            Err(PathError::Parent { found }) => self.report(node.span, Kind::ParentInPath { found }),
            Err(PathError::Zero { .. }) => {
                self.bad(key, node.span, form, text, Some("contains a zero byte".to_owned()))
            }
            Err(PathError::TooLong { .. }) => {
                let why = "longer than Linux allows (255 bytes a name, 4095 a path)".to_owned();
                self.bad(key, node.span, form, text, Some(why));
            }
        }
        None
    }

    fn flag(&self, table: &Table, key: &str) -> bool {
        matches!(table.get(key).map(|node| &node.value), Some(Value::Bool(true)))
    }

    fn number(&self, table: &Table, key: &str) -> Option<u32> {
        match table.get(key).map(|node| &node.value) {
            Some(Value::Integer(Some(number))) => u32::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A list of strings; `None` if it is not there.
    fn strings(&mut self, table: &Table, key: &str) -> Option<Vec<String>> {
        match &table.get(key)?.value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.text(key, item)).collect()),
            _ => None,
        }
    }

    /// A list of strings with a form of their own; empty if it is not there.
    fn words<T>(&mut self, table: &Table, key: &str, form: Form, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let items = table.get(key).map_or(&[][..], Node::one_or_several);
        items.iter().filter_map(|item| self.word(key, item, form, &parse)).collect()
    }

    /// A table of strings; no name may be empty.
    fn map(&mut self, table: &Table, key: &str) -> BTreeMap<String, String> {
        let form = if key == "env" { Form::EnvName } else { Form::Label };
        let good = |name: &str| !name.is_empty() && form::is_line(name) && !(key == "env" && name.contains('='));
        let mut map = BTreeMap::new();
        for entry in table.table(key).map_or(&[][..], |table| &table.entries) {
            if !good(&entry.key.text) {
                self.bad(key, entry.key.span, form, &entry.key.text, None);
            }
            let Some(value) = self.text(&entry.key.text, &entry.node) else { continue };
            if key == "env" && value.contains('\0') {
                self.bad(&entry.key.text, entry.node.span, Form::EnvValue, &value, None);
            }
            map.insert(entry.key.text.clone(), value);
        }
        map
    }

    fn globs(&mut self, table: &Table, key: &str) -> Vec<String> {
        let items = table.get(key).map_or(&[][..], Node::one_or_several);
        items.iter().filter_map(|item| self.glob(key, item)).collect()
    }

    fn glob(&mut self, key: &str, node: &Node) -> Option<String> {
        let text = self.text(key, node)?;
        if text.split('/').any(|part| part == "..") {
            self.report(node.span, Kind::ParentInPath { found: text });
            return None;
        }
        let why = match Globs::new(&[&text]) {
            Ok(_) if !text.is_empty() => return Some(text),
            Ok(_) => "is empty".to_owned(),
            Err(error) => error.reason,
        };
        self.bad(key, node.span, Form::Glob, &text, Some(why));
        None
    }

    /// What `when` says; yes without it. Without a platform nothing is left out.
    fn is_for_this_platform(&mut self, table: &Table) -> bool {
        let Some(node) = table.get("when") else { return true };
        let items = node.one_or_several().iter();
        let platforms: Vec<Platform> =
            items.filter_map(|item| self.word("when", item, Form::Platform, form::platform)).collect();
        self.platform.is_none_or(|platform| platforms.contains(platform))
    }
}
