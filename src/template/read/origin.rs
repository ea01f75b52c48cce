//! `[base]`, `[sources.NAME]` and `[stage.NAME]`: where things come from.

use std::collections::BTreeMap;

use crate::template::files::{beside, tidy};
use crate::template::finding::Kind;
use crate::template::form::{self, Form};
use crate::template::grammar::nearest;
use crate::template::model::{Base, BaseFrom, GitSource, PathSource, Source, SourceFrom, Stage, UrlSource};
use crate::template::span::Span;
use crate::template::value::{Entry, Node, Table};

use super::Reader;
use super::fetch;
use super::layer::{SourceNames, layers};

/// The files of a template, as far as paths in it depend on them.
#[derive(Clone, Copy)]
pub(super) struct Directories<'a>(pub(super) &'a [String]);

impl<'a> Directories<'a> {
    /// Of the file that something was written in, from the main template's.
    pub(super) fn of(self, span: Span) -> &'a str {
        self.0.get(usize::from(span.file.0)).map_or("", String::as_str)
    }
}

/// The sources of this platform, and the names of those that only others have.
pub(super) fn sources(
    reader: &mut Reader<'_>,
    root: &Table,
    directories: Directories<'_>,
) -> (BTreeMap<String, Source>, Vec<String>) {
    let (mut sources, mut elsewhere) = (BTreeMap::new(), Vec::new());
    for entry in root.table("sources").map_or(&[][..], |table| &table.entries) {
        let Some(table) = entry.node.as_table() else { continue };
        let name = entry.key.text.clone();
        if reader.is_for_this_platform(table) {
            sources.insert(name, source(reader, table, entry, directories));
        } else {
            elsewhere.push(name);
        }
    }
    (sources, elsewhere)
}

/// A source that cannot be read stays, with an empty path, so that references to it are not reported as well.
fn source(reader: &mut Reader<'_>, table: &Table, entry: &Entry, directories: Directories<'_>) -> Source {
    let from = if let Some(node) = table.get("url") {
        SourceFrom::Url(url(reader, table, node))
    } else if let Some(node) = table.get("git") {
        SourceFrom::Git(git(reader, table, node))
    } else if let Some(node) = table.get("image") {
        SourceFrom::Image(image(reader, node, directories).unwrap_or_default())
    } else if let Some(fetch) = fetch::command(reader, table) {
        SourceFrom::Fetch(fetch)
    } else {
        let directory = directories.of(entry.key.span).to_owned();
        SourceFrom::Path(PathSource {
            path: path(reader, table, "path").unwrap_or_default(),
            directory,
            ignored: reader.flag(table, "ignored"),
        })
    };
    Source {
        span: entry.key.span,
        from,
        include: reader.globs(table, "include"),
        exclude: reader.globs(table, "exclude"),
    }
}

/// A path beside the template.
pub(super) fn path(reader: &mut Reader<'_>, table: &Table, key: &str) -> Option<String> {
    let node = table.get(key)?;
    let good = |text: &str| (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned());
    let path = reader.word(key, node, Form::LocalPath, good)?;
    if path.starts_with('/') {
        reader.report(node.span, Kind::AbsolutePath { path: path.clone() });
    }
    Some(path)
}

fn url(reader: &mut Reader<'_>, table: &Table, node: &Node) -> UrlSource {
    let mirrors = table.get("mirrors").map_or(&[][..], Node::one_or_several).iter();
    UrlSource {
        url: address(reader, "url", node, Form::Url, form::url).unwrap_or_default(),
        sha256: reader.word_at(table, "sha256", Form::Sha256, form::sha256),
        mirrors: mirrors.filter_map(|node| address(reader, "mirrors", node, Form::Url, form::url)).collect(),
    }
}

fn git(reader: &mut Reader<'_>, table: &Table, node: &Node) -> GitSource {
    let rev = |text: &str| (form::is_line(text) && !text.is_empty() && !text.starts_with('-')).then(|| text.to_owned());
    let url = address(reader, "git", node, Form::GitUrl, form::git_url).unwrap_or_default();
    let subdir = table.get("subdir").and_then(|node| {
        let text = reader.text("subdir", node)?;
        reader.path("subdir", node, Form::ImagePath, &text)
    });
    GitSource {
        url,
        rev: reader.word_at(table, "rev", Form::Rev, rev),
        subdir: subdir.filter(|path| !path.is_root()).map(|path| path.to_string().trim_start_matches('/').to_owned()),
        submodules: reader.flag(table, "submodules"),
    }
}

/// An address; one with a password in it would bring the password into the lock.
pub(super) fn address(
    reader: &mut Reader<'_>,
    key: &'static str,
    node: &Node,
    form: Form,
    parse: fn(&str) -> Option<String>,
) -> Option<String> {
    let address = reader.word(key, node, form, parse)?;
    if form::has_password(&address) {
        reader.report(node.span, Kind::PasswordInAddress { key });
        return None;
    }
    Some(address)
}

/// An image's name; a relative path in it is made one from the main template's directory.
fn image(reader: &mut Reader<'_>, node: &Node, directories: Directories<'_>) -> Option<String> {
    let text = reader.word("image", node, Form::ImageRef, form::image_ref)?;
    let file =
        ["oci:", "oci-archive:", "docker-archive:"].iter().find_map(|form| Some((*form, text.strip_prefix(form)?)));
    let Some((form, path)) = file else { return Some(text) };
    if path.starts_with('/') {
        reader.report(node.span, Kind::AbsolutePath { path: path.to_owned() });
    }
    let by = format!("{}/x", directories.of(node.span));
    Some(format!("{form}{}", tidy(&beside(by.trim_start_matches('/'), path))))
}

/// What the image or a stage starts from.
pub(super) fn base(
    reader: &mut Reader<'_>,
    table: &Table,
    directories: Directories<'_>,
    names: &SourceNames,
) -> Option<Base> {
    let node = table.get("base")?;
    let table = node.as_table()?;
    if let Some(node) = table.get("stage") {
        // Both at once were found to rule each other out.
        if table.get("image").is_some() {
            return None;
        }
        let name = stage(reader, "stage", node, names)?;
        return Some(Base { span: node.span, from: BaseFrom::Stage(name) });
    }
    let node = table.get("image")?;
    Some(Base { span: node.span, from: BaseFrom::Image(image(reader, node, directories)?) })
}

/// The name of a stage that there is.
pub(super) fn stage(reader: &mut Reader<'_>, key: &str, node: &Node, names: &SourceNames) -> Option<String> {
    let name = reader.text(key, node)?;
    if !names.stages.contains(&name) {
        let nearest = nearest(&name, names.stages.iter().map(String::as_str)).map(str::to_owned);
        reader.report(node.span, Kind::UnknownStage { name, nearest, known: names.stages.clone() });
        return None;
    }
    Some(name)
}

/// The names of the stages. None may be a source's too: a reference names either.
pub(super) fn stage_names(reader: &mut Reader<'_>, root: &Table, sources: &BTreeMap<String, Source>) -> Vec<String> {
    let mut names = Vec::new();
    for entry in root.table("stage").map_or(&[][..], |table| &table.entries) {
        if let Some(source) = sources.get(&entry.key.text) {
            let kind = Kind::Duplicate { what: "the name of a source or stage", name: entry.key.text.clone() };
            reader.report_with(entry.key.span, kind, (source.span, "the source"));
        }
        names.push(entry.key.text.clone());
    }
    names
}

/// All stages of this platform.
pub(super) fn stages(
    reader: &mut Reader<'_>,
    root: &Table,
    directories: Directories<'_>,
    names: &SourceNames,
) -> BTreeMap<String, Stage> {
    let mut stages = BTreeMap::new();
    for entry in root.table("stage").map_or(&[][..], |table| &table.entries) {
        let Some(table) = entry.node.as_table() else { continue };
        let stage = Stage {
            span: entry.key.span,
            base: base(reader, table, directories, names),
            runs_on: reader.word_at(table, "runs-on", Form::Platform, form::platform),
            layers: layers(reader, table, names),
            env: reader.map(table, "env"),
        };
        stages.insert(entry.key.text.clone(), stage);
    }
    stages
}
