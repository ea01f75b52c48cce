//! Reads a template with its includes and merges them.

use std::io;

use crate::base::Hasher;
use crate::base::TemplateDigest;

use super::finding::{Finding, Kind};
use super::grammar::{Key, Place, Shape};
use super::span::{FileId, Span};
use super::value::{Node, Table, Value};
use super::{check, toml11, value};

/// How many files a template may be made of: far more than anyone writes, and little enough to stop a runaway.
const FILES_MAX: usize = 256;

/// The files that a template is made of, by [`FileId`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(Vec<File>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// For people: as the template was named, and includes from there.
    pub name: String,
    /// From the main template's directory.
    pub path: String,
    /// With line feeds only, whatever the working tree has, and without a byte order mark.
    pub text: String,
}

impl Files {
    /// Adds a text, with line feeds only and without a byte order mark.
    pub fn add(&mut self, name: String, path: String, text: &str) -> FileId {
        let file = FileId(u16::try_from(self.0.len()).unwrap_or(u16::MAX));
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        self.0.push(File { name, path, text });
        file
    }

    /// All of them, the main template first.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.0.iter()
    }

    /// The file with that number.
    pub fn get(&self, file: FileId) -> Option<&File> {
        self.0.get(usize::from(file.0))
    }

    /// The text at `span`; nothing if it is not there.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).and_then(|file| file.text.get(span.start..span.end)).unwrap_or("")
    }

    /// Of all texts, and of the includes' paths. The main template's own name is not in it: moving a template changes
    /// nothing.
    pub(super) fn digest(&self) -> TemplateDigest {
        let mut hasher = Hasher::new();
        for (index, file) in self.0.iter().enumerate() {
            hasher.field(if index == 0 { b"" } else { file.path.as_bytes() });
            hasher.field(file.text.as_bytes());
        }
        hasher.finish()
    }
}

/// What reading gave: the merged tables if every file was there and was TOML.
pub(super) struct Loaded {
    pub(super) files: Files,
    pub(super) findings: Vec<Finding>,
    pub(super) root: Option<Table>,
}

/// Reads `name` and everything it includes; `read` gets paths from the directory of `name`.
pub(super) fn load(name: &str, read: &mut dyn FnMut(&str) -> io::Result<String>) -> Loaded {
    let (directory, file_name) =
        name.rsplit_once('/').map_or(("", name), |(_, file)| (&name[..name.len() - file.len()], file));
    let mut loading = Loading { directory, read, files: Files::default(), findings: Vec::new(), open: Vec::new() };
    let root = loading.file(file_name, None);
    let stopped = |finding: &Finding| {
        matches!(
            finding.kind,
            Kind::Syntax { .. } | Kind::Unreadable { .. } | Kind::IncludeCycle { .. } | Kind::TooManyIncludes { .. }
        )
    };
    let root = root.filter(|_| !loading.findings.iter().any(stopped));
    Loaded { files: loading.files, findings: loading.findings, root }
}

/// The state of the recursion over includes.
struct Loading<'a> {
    directory: &'a str,
    read: &'a mut dyn FnMut(&str) -> io::Result<String>,
    files: Files,
    findings: Vec<Finding>,
    /// Paths of the files that are being read, the main template first.
    open: Vec<String>,
}

impl Loading<'_> {
    fn report(&mut self, span: Option<Span>, kind: Kind) {
        self.findings.push(Finding { span, kind, related: None });
    }

    /// The tables of the file at `path`, merged over those of its includes.
    fn file(&mut self, path: &str, named_at: Option<Span>) -> Option<Table> {
        let text = match (self.read)(path) {
            Ok(text) => text,
            Err(error) => {
                let path = format!("{}{path}", self.directory);
                self.report(named_at, Kind::Unreadable { path, reason: reason(&error) });
                return None;
            }
        };
        let file = self.files.add(tidy(&format!("{}{path}", self.directory)), path.to_owned(), &text);
        let text = self.files.get(file).map_or(text, |file| file.text.clone());
        let own = value::parse(file, &text, &mut self.findings)?;
        self.findings.extend(toml11::scan(file, &text));
        check::structure(&text, &own, &mut self.findings);
        self.open.push(path.to_owned());
        let merged = self.includes(path, &own);
        self.open.pop();
        Some(merge(Place::Top, merged, own))
    }

    fn includes(&mut self, path: &str, own: &Table) -> Table {
        let mut merged = Table::default();
        let items = match own.get("include").map(|node| &node.value) {
            Some(Value::Array(items)) => items.as_slice(),
            _ => &[],
        };
        for item in items {
            let Some(include) = item.as_str() else { continue };
            if include.starts_with('/') {
                self.report(Some(item.span), Kind::AbsolutePath { path: include.to_owned() });
            }
            let include = tidy(&beside(path, include));
            if self.open.contains(&include) {
                self.report(Some(item.span), Kind::IncludeCycle { path: include });
            } else if self.files.0.len() >= FILES_MAX {
                self.report(Some(item.span), Kind::TooManyIncludes { limit: FILES_MAX - 1 });
            } else if self.files.iter().all(|file| file.path != include)
                && let Some(table) = self.file(&include, Some(item.span))
            {
                // A file that several others include counts once, where it is named first: read again, it would undo what
                // the first of them changed.
                merged = merge(Place::Top, merged, table);
            }
        }
        merged
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// `path` as named by the file `by`.
pub(super) fn beside(by: &str, path: &str) -> String {
    match by.rsplit_once('/') {
        Some((directory, _)) if !path.starts_with('/') => format!("{directory}/{path}"),
        _ => path.to_owned(),
    }
}

/// One spelling for one path: no `.`, no doubled slash, `..` only at the start.
pub(super) fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    format!("{}{}", if path.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

/// `over` on top of `under`: tables merge by key, layers by name, everything else is replaced.
fn merge(place: Place, under: Table, over: Table) -> Table {
    let mut merged = under;
    for entry in over.entries {
        let Some(old) = merged.entries.iter_mut().find(|old| old.key.text == entry.key.text) else {
            merged.entries.push(entry);
            continue;
        };
        let shape = place.key(&entry.key.text).map(|key: &Key| key.shape);
        old.key = entry.key;
        let below = std::mem::replace(&mut old.node.value, Value::Bool(false));
        old.node = Node { span: entry.node.span, value: merge_values(shape, below, entry.node.value) };
    }
    merged
}

fn merge_values(shape: Option<Shape>, under: Value, over: Value) -> Value {
    match (shape, under, over) {
        (Some(Shape::Table(place)), Value::Table(under), Value::Table(over)) => Value::Table(merge(place, under, over)),
        (Some(Shape::Map(_) | Shape::Named(_)), Value::Table(mut under), Value::Table(over)) => {
            under.entries.retain(|old| over.get(&old.key.text).is_none());
            under.entries.extend(over.entries);
            Value::Table(under)
        }
        (Some(Shape::Tables(place)), Value::Array(under), Value::Array(over)) if place.key("name").is_some() => {
            Value::Array(merge_named(under, over))
        }
        (_, _, over) => over,
    }
}

/// A table with the name of one below replaces it in its place.
fn merge_named(under: Vec<Node>, over: Vec<Node>) -> Vec<Node> {
    let name = |node: &Node| node.as_table()?.get("name")?.as_str().map(str::to_owned);
    let mut merged = under;
    let below = merged.len();
    for node in over {
        let same = |old: &&mut Node| name(old).is_some_and(|old| Some(old) == name(&node));
        match merged[..below].iter_mut().find(same) {
            Some(old) => *old = node,
            None => merged.push(node),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_from(files: &[(&str, &str)]) -> Loaded {
        let mut read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        load(&format!("dir/{}", files[0].0), &mut read)
    }

    #[test]
    fn a_layer_of_the_same_name_replaces_in_place() {
        let loaded = load_from(&[
            (
                "a.toml",
                "include = ['sub/b.toml', './c.toml']\n[[layer]]\nname = 'two'\nwhen = 'linux/a'\n[config]\nenv.A = '1'",
            ),
            (
                "sub/b.toml",
                "include = ['../c.toml']\n[[layer]]\nname = 'one'\n[[layer]]\nname = 'two'\n[config]\nuser = 'u'\nenv.B = '2'",
            ),
            ("c.toml", "[[layer]]\nname = 'zero'\n[config]\nuser = 'c'"),
        ]);
        let root = loaded.root.expect("all files are there");
        let names: Vec<_> = root.tables("layer").filter_map(|(_, layer)| layer.get("name")?.as_str()).collect();
        assert_eq!(names, ["zero", "one", "two"]);
        assert!(root.tables("layer").nth(2).is_some_and(|(_, layer)| layer.get("when").is_some()));
        let config = root.table("config").expect("config");
        assert_eq!(config.get("user").and_then(Node::as_str), Some("u"));
        assert_eq!(config.table("env").map(|env| env.entries.len()), Some(2));
        let paths: Vec<_> = loaded.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(paths, ["dir/a.toml", "dir/sub/b.toml", "dir/c.toml"]);
    }

    #[test]
    fn duplicates_within_a_file_stay() {
        let loaded = load_from(&[("a.toml", "[[layer]]\nname = 'x'\n[[layer]]\nname = 'x'")]);
        assert_eq!(loaded.root.map(|root| root.tables("layer").count()), Some(2));
    }

    #[test]
    fn includes_that_cannot_be_followed_are_findings() {
        let loaded =
            load_from(&[("a.toml", "include = ['b.toml', 'no.toml', '/b.toml']"), ("b.toml", "include = ['a.toml']")]);
        let has = |test: fn(&Kind) -> bool| loaded.findings.iter().any(|finding| test(&finding.kind));
        assert!(has(|kind| matches!(kind, Kind::IncludeCycle { path } if path == "a.toml")));
        assert!(has(|kind| matches!(kind, Kind::Unreadable { path, .. } if path == "dir/no.toml")));
        assert!(has(|kind| matches!(kind, Kind::AbsolutePath { .. })));
        assert!(loaded.root.is_none());
        let many = (0..300).map(|index| format!("'{index}'")).collect::<Vec<_>>().join(",");
        let many = format!("include = [{many}]");
        let mut read = |path: &str| Ok(if path == "a" { many.clone() } else { String::new() });
        let findings = load("a", &mut read).findings;
        assert!(findings.iter().any(|finding| matches!(finding.kind, Kind::TooManyIncludes { limit: 255 })));
    }

    #[test]
    fn line_ends_of_the_working_tree_change_nothing() {
        let unix = load("a", &mut |_: &str| Ok("[image]\nname = 'x'\n".to_owned()));
        let windows = load("b/a.toml", &mut |_: &str| Ok("\u{feff}[image]\r\nname = 'x'\r\n".to_owned()));
        assert_eq!(unix.files.digest(), windows.files.digest());
        assert_eq!(unix.root, windows.root);
    }
}
