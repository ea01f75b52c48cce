//! The source as lines: which file and module they are in, and whether they are test code.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/`.
pub(crate) struct Source {
    /// From the project's root: `src/layer/read/mod.rs`.
    pub(crate) path: String,
    /// The folder of `src/` it is in; empty for `lib.rs` and `main.rs`.
    pub(crate) module: String,
    pub(crate) lines: Vec<Line>,
}

/// One line, without its comment.
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) code: String,
    pub(crate) role: Role,
}

/// Whether a line is part of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Product,
    Test,
}

impl Source {
    /// The lines that are part of the product.
    pub(crate) fn product(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.role == Role::Product)
    }

    /// Where a line is, as editors take it.
    pub(crate) fn at(&self, line: &Line) -> String {
        format!("{}:{}", self.path, line.number)
    }
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of `src/`, by path.
pub(crate) fn all() -> Vec<Source> {
    let root = root();
    rust_files(&root.join("src")).iter().map(|path| read(&root, path)).collect()
}

/// Every Rust file below a directory, sorted.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory of the project can be listed") {
        let path = entry.expect("a directory of the project can be listed").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a file of the project can be read");
    let relative = path.strip_prefix(root).expect("it was found below the root");
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let module = if parts.len() > 2 { parts[1].clone() } else { String::new() };
    let name = parts.last().cloned().unwrap_or_default();
    let whole = name.starts_with("test") || parts.iter().any(|part| part == "tests");
    let mut lines: Vec<Line> = text.lines().enumerate().map(|(index, text)| line(index + 1, text)).collect();
    if whole {
        lines.iter_mut().for_each(|line| line.role = Role::Test);
    } else {
        mark_tests(&mut lines);
    }
    Source { path: parts.join("/"), module, lines }
}

fn line(number: usize, text: &str) -> Line {
    let comment = if text.trim_start().starts_with("//") { Some(0) } else { text.find(" // ") };
    let code = comment.map_or(text, |at| &text[..at]).to_owned();
    Line { number, code, role: Role::Product }
}

/// The item after `#[cfg(test)]` ends at the first line of the same indentation that closes it.
fn mark_tests(lines: &mut [Line]) {
    let mut open: Option<usize> = None;
    for line in lines.iter_mut() {
        let indent = line.code.len() - line.code.trim_start().len();
        let text = line.code.trim();
        if open.is_none() && text == "#[cfg(test)]" {
            open = Some(indent);
            line.role = Role::Test;
            continue;
        }
        let Some(outer) = open else { continue };
        line.role = Role::Test;
        let closes = text.starts_with('}') || text.ends_with(';') || text.ends_with("{}");
        if indent == outer && closes {
            open = None;
        }
    }
}

/// Whether `word` occurs in `text` as a whole identifier and not as the end of a longer path.
pub(crate) fn mentions(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let open = word.ends_with(inside) && after.is_some_and(inside);
        !open && !before.is_some_and(|c| inside(c) || c == ':')
    })
}
