//! TOML as kiln reads it: owned values that know where they stand, tables in the order of the text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Kind};
use super::span::{FileId, Span};

/// How deep values may be nested. Templates need five; without a limit a hostile one could exhaust the stack.
const DEPTH_MAX: usize = 32;

/// A value and its place. The place of a table written as `[header]` is the header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// A value of TOML. Numbers and times are kept as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    String(String),
    Integer(Option<i64>),
    Float,
    Bool(bool),
    Time(String),
    Array(Vec<Node>),
    Table(Table),
}

/// Keys and values in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Word,
    pub(super) node: Node,
}

/// A piece of text and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }

    /// The table under `key`, if there is one.
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        self.get(key).and_then(Node::as_table)
    }

    /// The tables under `key`; none if it is something else.
    pub(super) fn tables(&self, key: &str) -> impl Iterator<Item = (&Node, &Table)> {
        let items = match self.get(key).map(|node| &node.value) {
            Some(Value::Array(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(|item| Some((item, item.as_table()?)))
    }
}

impl Node {
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The items of an array, or the value itself: for keys that take one or several.
    pub(super) fn one_or_several(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Calls `visit` for each string in here that is a value.
    pub(super) fn each_string<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Span)) {
        match &self.value {
            Value::String(text) => visit(text, self.span),
            Value::Array(items) => items.iter().for_each(|item| item.each_string(visit)),
            Value::Table(table) => table.entries.iter().for_each(|entry| entry.node.each_string(visit)),
            _ => {}
        }
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match &self.value {
            Value::String(_) => "a string",
            Value::Integer(_) => "a number",
            Value::Float => "a number with a fraction",
            Value::Bool(_) => "true or false",
            Value::Time(_) => "a time",
            Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.as_table().is_some()) => {
                "a list of tables"
            }
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Parses one file; `None` if it is not TOML.
pub(super) fn parse(file: FileId, text: &str, findings: &mut Vec<Finding>) -> Option<Table> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        findings.extend(errors.iter().map(|error| syntax_error(file, text, error)));
        return None;
    }
    Some(Conversion { file, findings }.table(root.get_ref(), 0))
}

fn syntax_error(file: FileId, text: &str, error: &toml::de::Error) -> Finding {
    let range = error.span().unwrap_or(text.len()..text.len());
    let span = Span { file, start: range.start, end: range.end };
    Finding::new(span, Kind::Syntax { message: error.message().to_owned() })
}

/// Carries what every step of the conversion needs.
struct Conversion<'f> {
    file: FileId,
    findings: &'f mut Vec<Finding>,
}

impl Conversion<'_> {
    fn span<T>(&self, spanned: &Spanned<T>) -> Span {
        let range = spanned.span();
        Span { file: self.file, start: range.start, end: range.end }
    }

    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Table {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key = Word { text: key.get_ref().to_string(), span: self.span(key) };
            entries.push(Entry { key, node: self.node(value, depth) });
        }
        entries.sort_by_key(|entry| entry.key.span);
        Table { entries }
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = self.span(value);
        if depth >= DEPTH_MAX {
            let message = format!("values are nested more than {DEPTH_MAX} deep");
            self.findings.push(Finding::new(span, Kind::Syntax { message }));
            return Node { span, value: Value::Table(Table::default()) };
        }
        let value = match value.get_ref() {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Float(_) => Value::Float,
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(time) => Value::Time(self.time(time, span)),
            DeValue::Array(items) => Value::Array(items.iter().map(|item| self.node(item, depth + 1)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table, depth + 1)),
        };
        Node { span, value }
    }

    fn time(&mut self, time: &toml::value::Datetime, span: Span) -> String {
        if time.time.as_ref().is_some_and(|time| time.second.is_none()) {
            self.findings.push(Finding::new(span, Kind::Toml11 { what: "a time without seconds" }));
        }
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_place() {
        let text = "b = 1\n[a]\nc = 'x'\n[[l]]\nx.y = 2\n[[l]]\n";
        let mut findings = Vec::new();
        let table = parse(FileId(0), text, &mut findings).expect("it is TOML");
        let names: Vec<&str> = table.entries.iter().map(|entry| entry.key.text.as_str()).collect();
        assert_eq!(names, ["b", "a", "l"]);
        let at = |span: Span| &text[span.start..span.end];
        assert_eq!(at(table.get("a").expect("a").span), "[a]");
        assert_eq!(at(table.table("a").and_then(|a| a.get("c")).expect("c").span), "'x'");
        let headers: Vec<&str> = table.tables("l").map(|(node, _)| at(node.span)).collect();
        assert_eq!(headers, ["[[l]]", "[[l]]"]);
        assert!(findings.is_empty());
    }

    #[test]
    fn deep_nesting_is_a_finding() {
        let text = format!("a = {}{}", "[".repeat(60), "]".repeat(60));
        let mut findings = Vec::new();
        parse(FileId(0), &text, &mut findings);
        assert!(matches!(findings[0].kind, Kind::Syntax { .. }));
        for text in [format!("a = {}", "[".repeat(100_000)), format!("{}x = 1", "a.".repeat(100_000))] {
            assert!(parse(FileId(0), &text, &mut findings).is_none());
        }
    }
}
